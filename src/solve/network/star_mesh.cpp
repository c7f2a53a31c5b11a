#include "solve/network/star_mesh.hpp"

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

template <unsigned Digits>
using Decimal =
    boost::multiprecision::number<boost::multiprecision::cpp_bin_float<Digits>, boost::multiprecision::et_off>;

template <class Real>
Double2 rounded(const Real& value) {
  const auto high = static_cast<double>(value);
  return {high, static_cast<double>(value - Real(high))};
}

/// The elimination of all rows, to be repeated on any right-hand side.
template <class Real>
class Elimination {
 public:
  Elimination(const Netlist& netlist, const Reduction& reduction)
      : joined_(at(reduction.rows)), ground_(at(reduction.rows), Real(0)) {
    const auto& r = netlist.resistors;
    for (std::size_t k = 0; k < r.size(); ++k) {
      if (!conducts(r, k)) continue;
      const auto a = reduction.row[at(r.tail[k])];
      const auto b = reduction.row[at(r.head[k])];
      if (a == b) continue;
      const Real g(r.value[k]);
      for (const auto& [here, there] : {std::pair{a, b}, std::pair{b, a}}) {
        if (here < 0) continue;
        if (there < 0) {
          ground_[at(here)] += g;
        } else {
          joined_[at(here)].push_back({there, g});
        }
      }
    }
    for (auto& star : joined_) merge_parallel(star);
    eliminate();
  }

  /// In place: from currents into rows to their potentials.
  void solve(std::vector<Real>& values) const {
    for (const auto& step : steps_) {
      const Real& injected = values[at(step.row)];
      if (injected == 0) continue;
      for (const auto& [other, share] : step.star) values[at(other)] += share * injected;
    }
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
      Real sum = values[at(step->row)] / step->diagonal;
      for (const auto& [other, share] : step->star) sum += share * values[at(other)];
      values[at(step->row)] = std::move(sum);
    }
  }

 private:
  struct Ray {
    std::int64_t other;
    Real value;  // conductance; of a step: its share of the row's
  };
  using Star = std::vector<Ray>;
  struct Step {
    std::int64_t row;
    Real diagonal;
    Star star;
  };

  static void merge_parallel(Star& star) {
    std::sort(star.begin(), star.end(), [](const Ray& a, const Ray& b) { return a.other < b.other; });
    std::size_t kept = 0;
    for (std::size_t k = 0; k < star.size(); ++k) {
      if (kept > 0 && star[kept - 1].other == star[k].other) {
        star[kept - 1].value += star[k].value;
      } else {
        if (kept != k) star[kept] = std::move(star[k]);
        ++kept;
      }
    }
    star.erase(star.begin() + static_cast<std::ptrdiff_t>(kept), star.end());
  }

  /// Takes the row of the fewest neighbours each time.
  void eliminate() {
    using Entry = std::pair<std::size_t, std::int64_t>;  // neighbours, row; out of date where the row has others by now
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    for (std::size_t row = 0; row < joined_.size(); ++row) queue.emplace(joined_[row].size(), row);
    std::vector<char> done(joined_.size(), 0);
    double operations = 0;
    while (!queue.empty()) {
      const auto [degree, row] = queue.top();
      queue.pop();
      if (done[at(row)] != 0 || degree != joined_[at(row)].size()) continue;
      done[at(row)] = 1;
      operations += static_cast<double>(degree) * static_cast<double>(degree);
      if (operations > StarMesh::kMostOperations) {
        throw Error(fmt::format("an elimination in more digits would take too many operations for {} unknowns",
                                joined_.size()));
      }
      Step step{row, ground_[at(row)], std::move(joined_[at(row)])};
      joined_[at(row)].clear();
      for (const auto& ray : step.star) step.diagonal += ray.value;
      auto shares = step.star;
      for (auto& ray : shares) ray.value /= step.diagonal;
      for (std::size_t k = 0; k < shares.size(); ++k) {
        const auto other = shares[k].other;
        ground_[at(other)] += shares[k].value * ground_[at(row)];
        spread(joined_[at(other)], row, step.star[k].value, shares, other);
        queue.emplace(joined_[at(other)].size(), other);
      }
      step.star = std::move(shares);
      steps_.push_back(std::move(step));
    }
  }

  /// Replaces the ray to `row` by its share of the mesh among row's other neighbours.
  static void spread(Star& star, std::int64_t row, const Real& conductance, const Star& shares, std::int64_t self) {
    Star sum;
    sum.reserve(star.size() + shares.size());
    auto old = star.begin();
    for (const auto& ray : shares) {
      if (ray.other == self) continue;
      for (; old != star.end() && old->other < ray.other; ++old) {
        if (old->other != row) sum.push_back(std::move(*old));
      }
      sum.push_back({ray.other, conductance * ray.value});
      if (old != star.end() && old->other == ray.other) {
        sum.back().value += old->value;
        ++old;
      }
    }
    for (; old != star.end(); ++old) {
      if (old->other != row) sum.push_back(std::move(*old));
    }
    star = std::move(sum);
  }

  std::vector<Star> joined_;
  std::vector<Real> ground_;  // conductance to pinned nodes
  std::vector<Step> steps_;
};

constexpr double kRight = 1e-14;      // of a current, relative to the largest at one of its two nodes
constexpr double kPotential = 1e-17;  // relative to the largest of a part
constexpr double kNothing = 1e-60;    // relative to the largest current of a part

/// The network in one number of digits.
template <class Real>
class Level {
 public:
  Level(const Netlist& netlist, const Reduction& reduction)
      : netlist_(netlist),
        reduction_(reduction),
        elimination_(netlist, reduction),
        offset_(tie_offsets<Real>(netlist)) {
    for (const double volt : netlist.voltages.value) volts_ += Real(std::abs(volt));
  }

  /// @param last no more digits will be tried: what is less than its own error, and next to nothing, is zero.
  /// @return nothing when it cannot be shown to be right.
  std::optional<ExactAnswer> solve(const Drive& drive, const std::vector<char>& carrying, bool last) const {
    const auto rows = at(reduction_.rows);
    std::vector<Real> u(rows, Real(0));
    std::vector<Real> in_part(reduction_.floating.size(), Real(0));  // largest current
    std::vector<Real> magnitude(rows,
                                Real(0));  // what u would be were all that drives of one sign: bounds its rounding
    const auto inject = [&](std::int64_t node, const Real& ampere, const Real& size) {
      auto& most = in_part[at(reduction_.component[at(node)])];
      most = std::max<Real>(most, abs(ampere));
      const auto row = reduction_.row[at(node)];
      if (row < 0) return;
      u[at(row)] += ampere;
      magnitude[at(row)] += size;
    };
    each_injection(netlist_, drive,
                   [&](std::int64_t node, double ampere) { inject(node, Real(ampere), Real(std::abs(ampere))); });
    const auto& r = netlist_.resistors;
    for (std::size_t k = 0; drive.own() && k < r.size(); ++k) {
      if (!conducts(r, k)) continue;
      const Real driven = Real(r.value[k]) * (offset_[at(r.tail[k])] - offset_[at(r.head[k])]);
      if (driven == 0) continue;
      const Real size = Real(r.value[k]) * volts_ * 2;
      inject(r.tail[k], -driven, size);
      inject(r.head[k], driven, size);
    }
    elimination_.solve(u);
    elimination_.solve(magnitude);
    const Real unit = std::numeric_limits<Real>::epsilon() * static_cast<double>(16 * (rows + 16));
    return judged(drive, carrying, u, magnitude, std::move(in_part), unit, last);
  }

 private:
  std::optional<ExactAnswer> judged(const Drive& drive, const std::vector<char>& carrying, const std::vector<Real>& u,
                                    const std::vector<Real>& magnitude, std::vector<Real> in_part, const Real& unit,
                                    bool last) const {
    const auto& r = netlist_.resistors;
    const auto of_row = [](const std::vector<Real>& values, std::int64_t row) {
      return row < 0 ? Real(0) : values[at(row)];
    };
    std::vector<Real> current(r.size(), Real(0));
    std::vector<Real> at_node(netlist_.nodes.size(), Real(0));  // the largest of each
    for (std::size_t k = 0; k < r.size(); ++k) {
      if (carrying[k] == 0) continue;
      Real drop = of_row(u, reduction_.row[at(r.tail[k])]) - of_row(u, reduction_.row[at(r.head[k])]);
      if (drive.own()) drop += offset_[at(r.tail[k])] - offset_[at(r.head[k])];
      current[k] = Real(r.value[k]) * drop;
      const Real size = abs(current[k]);
      for (const auto node : {r.tail[k], r.head[k]}) at_node[at(node)] = std::max(at_node[at(node)], size);
      auto& most = in_part[at(reduction_.component[at(r.tail[k])])];
      most = std::max(most, size);
    }
    ExactAnswer answer;
    answer.current.resize(r.size());
    for (std::size_t k = 0; k < r.size(); ++k) {
      const auto [a, b] = std::pair(reduction_.row[at(r.tail[k])], reduction_.row[at(r.head[k])]);
      if (carrying[k] == 0 || a == b) {  // a dead end, or between tied nodes
        answer.current[k] = rounded(current[k]);
        continue;
      }
      Real size = of_row(magnitude, a) + of_row(magnitude, b);
      if (drive.own()) size += 2 * volts_;
      const Real error = unit * Real(r.value[k]) * size;
      const Real scale = std::max(at_node[at(r.tail[k])], at_node[at(r.head[k])]);
      if (error <= Real(kRight) * scale) {
        answer.current[k] = rounded(current[k]);
        continue;
      }
      const auto& most = in_part[at(reduction_.component[at(r.tail[k])])];
      if (!last || error > Real(kNothing) * most || abs(current[k]) > error) return std::nullopt;
    }
    answer.u.reserve(u.size());
    std::vector<Real> highest(in_part.size(), Real(0));
    std::vector<Real> error(in_part.size(), Real(0));
    for (std::size_t row = 0; row < u.size(); ++row) {
      const auto c = at(reduction_.part[row]);
      highest[c] = std::max<Real>(highest[c], abs(u[row]));
      error[c] = std::max<Real>(error[c], unit * magnitude[row]);
      answer.u.push_back(rounded(u[row]));
    }
    for (std::size_t c = 0; c < highest.size(); ++c) {
      if (highest[c] == 0) continue;
      const auto relative = static_cast<double>(error[c] / highest[c]);
      if (relative > kPotential && !last) return std::nullopt;
      answer.error = std::max(answer.error, relative);
    }
    return answer;
  }

  const Netlist& netlist_;
  const Reduction& reduction_;
  Elimination<Real> elimination_;
  std::vector<Real> offset_;
  Real volts_ = 0;  // of all sources together: no offset is larger
};

}  // namespace

struct StarMesh::Levels {
  const Netlist& netlist;
  const Reduction& reduction;
  DeadEnds dead_ends;
  std::optional<Level<Decimal<50>>> coarse;
  std::optional<Level<Decimal<120>>> middle;
  std::optional<Level<Decimal<300>>> fine;
  int digits = 0;

  template <int Digits, class LevelOf>
  std::optional<ExactAnswer> tried(std::optional<LevelOf>& level, const Drive& drive, const std::vector<char>& carrying,
                                   bool last) {
    if (!level) level.emplace(netlist, reduction);
    digits = Digits;
    return level->solve(drive, carrying, last);
  }
};

StarMesh::StarMesh(const Netlist& netlist, const Reduction& reduction)
    : levels_(new Levels{netlist, reduction, DeadEnds(netlist, reduction), {}, {}, {}, 0}) {
  levels_->coarse.emplace(netlist, reduction);
}
StarMesh::StarMesh(StarMesh&&) noexcept = default;
StarMesh::~StarMesh() = default;

int StarMesh::digits() const { return levels_->digits; }

ExactAnswer StarMesh::solve(const Drive& drive) {
  auto& levels = *levels_;
  const auto carrying = levels.dead_ends.carrying(drive);
  auto answer = levels.tried<50>(levels.coarse, drive, carrying, false);
  if (!answer) answer = levels.tried<120>(levels.middle, drive, carrying, false);
  if (!answer) answer = levels.tried<300>(levels.fine, drive, carrying, true);
  if (!answer) throw Error("the resistances differ too much: not even 300 digits tell its smallest currents from none");
  return std::move(*answer);
}

}  // namespace kirchhoff
