// A table of samples against the rows of a table: figures, and a verdict in words.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "io/report/section.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::size_t place_of_greatest(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// The pair of columns at place k of the pairs.
std::array<std::size_t, 2> columns_of_pair(const TableComparison& found, std::size_t k) {
  const auto m = found.pair_columns.size();
  std::size_t a = 0;
  while (k >= m - 1 - a) k -= m - 1 - a++;
  return {found.pair_columns[a], found.pair_columns[a + 1 + k]};
}

/// What is good and what is off, part by part.
class Verdict {
 public:
  explicit Verdict(const TableReport& table) : table_(table), found_(table.found) {}

  void rows_that_cannot_be() {
    const auto& stray = found_.stray;
    const auto all = static_cast<double>(found_.samples + stray.impossible);
    if (stray.impossible > 0) {
      bad(fmt::format("{:.3g} % of the samples are rows that cannot exist",
                      100 * static_cast<double>(stray.impossible) / all));
    }
    if (stray.unseen > 0) {
      bad(fmt::format("{:.3g} % of the samples have a value that their column never had in training",
                      100 * static_cast<double>(stray.unseen) / all));
    }
  }

  /// Distances that are hardly greater than those of training rows are what chance does.
  void distances() {
    constexpr double kLikeTraining = 1.1;
    constexpr double kFar = 1.5;
    const double columns = times_the_floor(found_.marginals);
    const double pairs = found_.pairs.samples.empty() ? columns : times_the_floor(found_.pairs);
    const double worse = std::max(columns, pairs);
    const auto figures = fmt::format("{:.3g} and {:.3g} times as far as training rows", columns, pairs);
    if (worse <= kLikeTraining) {
      good(
          fmt::format("columns and pairs of columns are distributed as those of the {} ({})", table_.against, figures));
      return;
    }
    const auto* which = columns <= kLikeTraining ? "pairs of columns" : "columns and pairs of columns";
    bad(fmt::format("{} are {} farther from the {} than by chance ({}{})", which, worse > kFar ? "clearly" : "a little",
                    table_.against, figures, worst_pair()));
  }

  void discriminator() {
    constexpr double kHardly = 0.55;
    constexpr double kClearly = 0.7;
    constexpr double kUnsure = 0.05;  // about 70 rows of each kind: not to be told apart, but by too few
    const auto& d = found_.discriminator;
    const auto figures = fmt::format("(AUC {:.3f} +- {:.3f})", d.auc, d.auc_error);
    if (d.auc - 2 * d.auc_error <= 0.5 && d.auc_error > kUnsure) return;
    if (d.auc - 2 * d.auc_error <= 0.5) {
      good("a classifier cannot tell samples from real rows " + figures);
    } else if (d.auc < kHardly) {
      good("a classifier can hardly tell samples from real rows " + figures);
    } else {
      bad(fmt::format("a classifier tells samples from real rows {} {}",
                      d.auc < kClearly ? "better than by chance" : "well", figures));
    }
  }

  void nearness() {
    constexpr double kNear = 0.9;
    constexpr double kFar = 1.1;
    const auto& n = found_.nearest;
    const auto figures =
        fmt::format("(nearest one: {:.3g} columns differ, of held-out rows {:.3g})", n.mean, n.mean_held_out);
    if (n.mean < kNear * n.mean_held_out) {
      bad("samples are nearer to training rows than held-out rows are, so some may be learned by heart " + figures);
    } else if (n.mean > kFar * n.mean_held_out) {
      bad("samples are farther from training rows than held-out rows are " + figures);
    } else {
      good("samples are as far from training rows as held-out rows are " + figures);
    }
  }

  void likelihood(std::optional<double> walk) {
    if (!walk || !found_.tree_log_likelihood) return;
    const double tree = *found_.tree_log_likelihood;
    (*walk >= tree ? good_ : bad_)
        .push_back(fmt::format("the {} are {} likely than under the tree of Chow and Liu ({:.3f} and {:.3f} nat)",
                               table_.against, *walk >= tree ? "more" : "less", *walk, tree));
  }

  std::string text() const {
    std::vector<std::string> parts;
    if (!good_.empty()) parts.push_back(fmt::format("Good: {}.", fmt::join(good_, "; ")));
    parts.push_back(bad_.empty() ? "Nothing that was measured is off."
                                 : fmt::format("Off: {}.", fmt::join(bad_, "; ")));
    return fmt::format("{}", fmt::join(parts, " "));
  }

 private:
  /// Mean distance of the samples over that of the training rows.
  static double times_the_floor(const DistanceBesideFloor& d) { return mean_of(d.samples) / mean_of(d.training); }

  /// ", worst a with b" where a pair is much farther off than chance brings it.
  std::string worst_pair() const {
    constexpr double kFactor = 2;  // of a single pair, whose distance varies by chance
    constexpr double kSlack = 0.01;
    const auto& d = found_.pairs;
    if (d.samples.empty()) return "";
    std::vector<double> excess;
    for (std::size_t k = 0; k < d.samples.size(); ++k) {
      excess.push_back(d.samples[k] - kFactor * d.training[k] - kSlack);
    }
    const auto k = place_of_greatest(excess);
    if (excess[k] <= 0) return "";
    const auto [a, b] = columns_of_pair(found_, k);
    return fmt::format(", worst {} with {}", table_.columns[a].name, table_.columns[b].name);
  }

  void good(std::string part) { good_.push_back(std::move(part)); }
  void bad(std::string part) { bad_.push_back(std::move(part)); }

  const TableReport& table_;
  const TableComparison& found_;
  std::vector<std::string> good_;
  std::vector<std::string> bad_;
};

std::optional<double> likelihood_of_reference(const Report& report) {
  return report.walks && report.table->against == "test rows" ? report.walks->log_likelihood_test : std::nullopt;
}

void distance_facts(const std::string& name, const DistanceBesideFloor& d, ordered_json& json) {
  const auto greatest = [](const std::vector<double>& v) { return v.empty() ? 0 : v[place_of_greatest(v)]; };
  json[name + "_tv_mean"] = mean_of(d.samples);
  json[name + "_tv_max"] = greatest(d.samples);
  json[name + "_tv_floor_mean"] = mean_of(d.training);
  json[name + "_tv_floor_max"] = greatest(d.training);
}

void comparison_facts(const TableComparison& found, ordered_json& t) {
  t["marginal_tv"] = found.marginals.samples;
  t["marginal_tv_floor"] = found.marginals.training;
  distance_facts("marginal", found.marginals, t);
  t["pair_columns"] = found.pair_columns.size();
  distance_facts("pair", found.pairs, t);
  t["pair_tv_worst"] = nullptr;
  t["association_difference_mean"] = t["association_difference_max"] = nullptr;
  if (!found.pairs.samples.empty()) {
    t["pair_tv_worst"] = columns_of_pair(found, place_of_greatest(found.pairs.samples));
    std::vector<double> differences;
    for (std::size_t k = 0; k < found.association.size(); ++k) {
      differences.push_back(std::abs(found.association[k] - found.association_reference[k]));
    }
    t["association_difference_mean"] = mean_of(differences);
    t["association_difference_max"] = differences[place_of_greatest(differences)];
  }
  const auto& n = found.nearest;
  t["nearest_training"] = n.mean;
  t["nearest_held_out"] = n.mean_held_out;
  t["nearest_ratio"] = n.mean / n.mean_held_out;  // no number where every held-out row is a training row: null
  t["copies"] = n.copies;
  t["copies_held_out"] = n.copies_held_out;
  t["closer_to_training"] = n.closer_to_training;
  t["discriminator_auc"] = found.discriminator.auc;
  t["discriminator_error"] = found.discriminator.auc_error;
  t["discriminator_rows"] = found.discriminator.rows;
  t["tree_log_likelihood"] = or_null(found.tree_log_likelihood);
  t["tree_pseudo_count"] = found.tree_log_likelihood ? ordered_json(found.tree_pseudo_count) : ordered_json(nullptr);
}

void table_facts(const Report& report, ordered_json& json) {
  if (!report.table) return;
  const auto& table = *report.table;
  auto& t = json["table"];
  t["columns"] = table.columns.size();
  t["column_names"] = ordered_json::array();
  t["column_categories"] = ordered_json::array();
  for (const auto& column : table.columns) {
    t["column_names"].push_back(column.name);
    t["column_categories"].push_back(column.words.size());
  }
  t["against"] = table.against;
  t["reference_rows"] = table.found.reference_rows;
  t["compared_rows"] = table.found.floor_rows;
  t["impossible_rows"] = table.found.stray.impossible;
  t["unseen_value_rows"] = table.found.stray.unseen;
  if (table.found.samples > 0) comparison_facts(table.found, t);
  t["verdict"] = table_verdict(report);
}

/// The columns of the heat map: all, or of many those whose pairs are farthest off, in the table's order.
std::vector<std::size_t> drawn_columns(const TableComparison& found) {
  constexpr std::size_t kMost = 48;
  const auto m = found.pair_columns.size();
  std::vector<double> excess(m, 0.0);
  std::size_t k = 0;
  for (std::size_t a = 0; a < m; ++a) {
    for (std::size_t b = a + 1; b < m; ++b, ++k) {
      for (const auto c : {a, b}) excess[c] += found.pairs.samples[k] - found.pairs.training[k];
    }
  }
  std::vector<std::size_t> order(m);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return excess[a] > excess[b]; });
  order.resize(std::min(m, kMost));
  std::sort(order.begin(), order.end());
  return order;
}

void table_figures(const Report& report, ordered_json& f) {
  if (!report.table || report.table->found.samples == 0) return;
  const auto& table = *report.table;
  const auto& found = table.found;
  auto& t = f["table"];
  for (const auto& column : table.columns) {
    t["columns"].push_back({{"name", column.name}, {"words", column.words}, {"ordinal", column.ordinal}});
  }
  t["samples"] = table.shares;
  t["reference"] = table.reference_shares;
  const auto drawn = drawn_columns(found);
  const auto m = found.pair_columns.size();
  for (const auto c : drawn) t["pair_columns"].push_back(found.pair_columns[c]);
  for (const char* key : {"distance", "distance_floor", "association", "association_reference"}) {
    t[key] = ordered_json::array();
  }
  for (std::size_t a = 0; a < drawn.size(); ++a) {
    for (std::size_t b = a + 1; b < drawn.size(); ++b) {
      const auto k = pair_index(drawn[a], drawn[b], m);
      t["distance"].push_back(found.pairs.samples[k]);
      t["distance_floor"].push_back(found.pairs.training[k]);
      t["association"].push_back(found.association[k]);
      t["association_reference"].push_back(found.association_reference[k]);
    }
  }
}

}  // namespace

std::string table_verdict(const Report& report) {
  const auto& table = *report.table;
  Verdict verdict(table);
  verdict.rows_that_cannot_be();
  if (table.found.samples > 0) {
    verdict.distances();
    verdict.discriminator();
    verdict.nearness();
    verdict.likelihood(likelihood_of_reference(report));
  }
  return verdict.text();
}

const Section kTableSection{table_facts, table_figures};

}  // namespace kirchhoff
