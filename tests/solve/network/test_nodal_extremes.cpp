// Networks whose resistances differ by up to thirty decades, against modified nodal analysis in 200 digits.
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/random.hpp"
#include "kirchhoff/io/network/network_files.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "solve/network/star_mesh.hpp"

namespace kirchhoff::extremes {
namespace {

using Real = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<200>>;

struct Element {
  char kind;  // r, v, i
  int tail;
  int head;
  double value;  // ohm, volt, ampere
};

/// A network as a list of elements between nodes 0 (ground) to nodes - 1.
struct Network {
  int nodes;
  std::vector<Element> elements;

  std::string spice() const {
    std::string text = "title\n";
    for (std::size_t k = 0; k < elements.size(); ++k) {
      const auto& e = elements[k];
      text += fmt::format("{}{} {} {} {:.17g}\n", e.kind, k, name(e.tail), name(e.head), e.value);
    }
    return text;
  }
  static std::string name(int node) { return node == 0 ? "0" : fmt::format("n{}", node); }
};

struct Truth {
  std::vector<Real> potential;  // (nodes)
  std::vector<Real> current;    // (elements) from tail to head; of sources too
};

/// Modified nodal analysis by Gaussian elimination with pivoting, as in a textbook. Empty when there is no one
/// solution.
Truth oracle(const Network& network) {
  std::vector<std::size_t> ideal;  // elements whose current is an unknown
  for (std::size_t k = 0; k < network.elements.size(); ++k) {
    const auto& e = network.elements[k];
    if (e.kind == 'v' || (e.kind == 'r' && e.value == 0)) ideal.push_back(k);
  }
  const auto n = static_cast<std::size_t>(network.nodes);
  const auto size = n + ideal.size();
  std::vector<std::vector<Real>> a(size, std::vector<Real>(size + 1, Real(0)));
  for (const auto& e : network.elements) {
    const auto [i, j] = std::pair(static_cast<std::size_t>(e.tail), static_cast<std::size_t>(e.head));
    if (e.kind == 'i') {
      a[i][size] -= Real(e.value);
      a[j][size] += Real(e.value);
    } else if (e.kind == 'r' && e.value != 0) {
      const Real g = 1 / Real(e.value);
      a[i][i] += g;
      a[j][j] += g;
      a[i][j] -= g;
      a[j][i] -= g;
    }
  }
  for (std::size_t k = 0; k < ideal.size(); ++k) {
    const auto& e = network.elements[ideal[k]];
    a[static_cast<std::size_t>(e.tail)][n + k] += 1;
    a[static_cast<std::size_t>(e.head)][n + k] -= 1;
    a[n + k][static_cast<std::size_t>(e.tail)] += 1;
    a[n + k][static_cast<std::size_t>(e.head)] -= 1;
    a[n + k][size] = e.kind == 'v' ? Real(e.value) : Real(0);
  }
  for (auto& entry : a[0]) entry = 0;
  a[0][0] = 1;
  for (std::size_t k = 0; k < size; ++k) {
    auto pivot = k;
    for (std::size_t row = k; row < size; ++row) {
      if (abs(a[row][k]) > abs(a[pivot][k])) pivot = row;
    }
    if (abs(a[pivot][k]) < Real("1e-150")) return {};
    std::swap(a[k], a[pivot]);
    for (std::size_t row = 0; row < size; ++row) {
      if (row == k || a[row][k] == 0) continue;
      const Real factor = a[row][k] / a[k][k];
      for (std::size_t column = k; column <= size; ++column) a[row][column] -= factor * a[k][column];
    }
  }
  Truth truth;
  std::vector<Real> x(size);
  for (std::size_t k = 0; k < size; ++k) x[k] = a[k][size] / a[k][k];
  truth.potential.assign(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n));
  std::size_t next = n;
  for (const auto& e : network.elements) {
    const bool unknown = e.kind == 'v' || (e.kind == 'r' && e.value == 0);
    truth.current.push_back(
        unknown         ? x[next++]
        : e.kind == 'i' ? Real(e.value)
                        : (x[static_cast<std::size_t>(e.tail)] - x[static_cast<std::size_t>(e.head)]) / Real(e.value));
  }
  return truth;
}

/// Resistors of 10^-15 to 10^15 ohm on a random tree with more edges, some sources; now and then 0 ohm.
Network extreme_network(std::uint64_t seed) {
  Random random(seed, Stream::walk, 0);
  const auto pick = [&](int below) { return static_cast<int>(random.uniform() * below); };
  const auto decades = random.uniform() < 0.5 ? 15.0 : 8.0;
  const auto ohm = [&] { return std::pow(10.0, decades * (2 * random.uniform() - 1)); };
  Network network{3 + pick(10), {}};
  for (int k = 1; k < network.nodes; ++k) network.elements.push_back({'r', k, pick(k), ohm()});
  const int more = pick(network.nodes);
  for (int k = 0; k < more; ++k) {
    const int tail = pick(network.nodes);
    const int head = pick(network.nodes);
    if (tail != head) network.elements.push_back({'r', tail, head, random.uniform() < 0.05 ? 0 : ohm()});
  }
  const int sources = 1 + pick(3);
  for (int k = 0; k < sources; ++k) {
    const int tail = 1 + pick(network.nodes - 1);
    const int head = pick(tail);
    const double size = std::pow(10.0, 6 * (random.uniform() - 0.5));
    network.elements.push_back({k == 0 || random.uniform() < 0.5 ? 'v' : 'i', tail, head, size});
  }
  return network;
}

struct Verdict {
  bool refused = false;
  std::string why;       // refused
  double current = 0;    // error, relative to the largest current at one of the edge's two nodes
  double potential = 0;  // relative to the largest
};

Verdict judged(const Network& network, const Truth& truth) {
  const auto netlist = parse_spice(network.spice(), "extreme.sp");
  NodalSolution solution;
  try {
    solution = solve_network(MPI_COMM_WORLD, netlist, {});
  } catch (const Error& e) {
    return {true, e.what(), 0, 0};
  }
  Verdict verdict;
  Real highest = 0;
  for (const auto& v : truth.potential) highest = std::max<Real>(highest, abs(v));
  for (std::size_t k = 0; k < netlist.nodes.size(); ++k) {
    const auto& name = netlist.nodes[k];
    const auto node = name == "0" ? 0 : std::stoul(name.substr(1));
    const Real error = abs(Real(solution.potential[k]) - truth.potential[node]);
    verdict.potential = std::max(verdict.potential, static_cast<double>(error / highest));
  }
  std::vector<Real> at_node(truth.potential.size(), Real(0));
  for (std::size_t k = 0; k < network.elements.size(); ++k) {
    const auto& e = network.elements[k];
    if (e.kind != 'r') continue;
    for (const auto node : {e.tail, e.head}) {
      auto& most = at_node[static_cast<std::size_t>(node)];
      most = std::max<Real>(most, abs(truth.current[k]));
    }
  }
  std::size_t resistor = 0;
  for (std::size_t k = 0; k < network.elements.size(); ++k) {
    const auto& e = network.elements[k];
    if (e.kind != 'r') continue;
    const double found = solution.current[resistor++];
    if (std::isnan(found)) continue;  // on a loop of ties
    const Real scale = std::max(at_node[static_cast<std::size_t>(e.tail)], at_node[static_cast<std::size_t>(e.head)]);
    const Real error = abs(Real(found) - truth.current[k]);
    // The oracle has no exact zeros: a current of 1e-100 ampere is one.
    if (scale < Real("1e-100")) {
      verdict.current = std::max(verdict.current, found == 0 ? 0.0 : 1.0);
    } else {
      verdict.current = std::max(verdict.current, static_cast<double>(error / scale));
    }
  }
  return verdict;
}

TEST(NodalExtremes, RightOrRefusedOverThirtyDecades) {
  const char* wanted = std::getenv("KIRCHHOFF_EXTREME_NETWORKS");
  const int networks = wanted == nullptr ? 300 / size_of(MPI_COMM_WORLD) : std::atoi(wanted);
  int wrong = 0;
  int refused = 0;
  int solved = 0;
  double worst_current = 0;
  double worst_potential = 0;
  for (std::uint64_t seed = 0; solved + refused + wrong < networks; ++seed) {
    const auto network = extreme_network(seed);
    const auto truth = oracle(network);
    if (truth.potential.empty()) continue;  // sources in a loop
    const auto verdict = judged(network, truth);
    const bool bad = verdict.current > 1e-11 || verdict.potential > 1e-11;
    (verdict.refused ? refused : bad ? wrong : solved) += 1;
    worst_current = std::max(worst_current, verdict.current);
    worst_potential = std::max(worst_potential, verdict.potential);
    EXPECT_FALSE(bad) << "seed " << seed << ": current " << verdict.current << ", potential " << verdict.potential
                      << "\n"
                      << network.spice();
    if (verdict.refused) fmt::print("refused, seed {}: {}\n", seed, verdict.why);
  }
  fmt::print("{} networks: {} right, {} wrong, {} refused; worst current {:.1e}, worst potential {:.1e}\n", networks,
             solved, wrong, refused, worst_current, worst_potential);
  EXPECT_LE(refused, networks / 100);
}

TEST(NodalExtremes, FindsEffectiveResistancesOverThirtyDecades) {
  int compared = 0;
  for (std::uint64_t seed = 0; compared < 60; ++seed) {
    auto network = extreme_network(seed);
    std::erase_if(network.elements, [](const Element& e) { return e.kind != 'r' || e.value == 0; });
    const auto netlist = parse_spice(network.spice(), "extreme.sp");
    const auto node = [&](int k) {
      return std::find(netlist.nodes.begin(), netlist.nodes.end(), Network::name(k)) - netlist.nodes.begin();
    };
    const NodePairs pairs = {{node(1), node(0)}, {node(2), node(1)}, {node(2), node(0)}, {node(0), node(2)}};

    const auto solution = solve_network(MPI_COMM_WORLD, netlist, {{}, pairs});

    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const auto number = [&](std::int64_t k) {
        const auto& name = netlist.nodes[static_cast<std::size_t>(k)];
        return name == "0" ? 0 : std::stoi(name.substr(1));
      };
      auto driven = network;
      driven.elements.push_back({'i', number(pairs[p].second), number(pairs[p].first), 1});
      const auto truth = oracle(driven);
      const Real ohm = truth.potential[static_cast<std::size_t>(number(pairs[p].first))] -
                       truth.potential[static_cast<std::size_t>(number(pairs[p].second))];
      EXPECT_NEAR(static_cast<double>(Real(solution.pair_resistance[p]) / ohm), 1, 1e-12) << seed << " " << p;
      ++compared;
    }
  }
}

TEST(NodalExtremes, LeavesNoCurrentInDeadEnds) {
  // Behind c hang a chain and a loop; d to e is between tied nodes; f is held by a source that nothing loads.
  const auto netlist = parse_spice(
      "t\nV1 a 0 10\nR1 a c 1e-12\nR2 c 0 3.3\nR3 c d 1e-14\nR4 d e 1e-15\nR5 e g 7\nR6 g d 1e3\nVf c f 1.7\nR7 f h "
      "1e-9\n",
      "dead.sp");

  const auto solution = solve_network(MPI_COMM_WORLD, netlist, {});

  const double expected = 10 / (3.3 + 1e-12);
  EXPECT_NEAR(solution.current[0], expected, 1e-15 * expected);
  EXPECT_NEAR(solution.current[1], expected, 1e-15 * expected);
  for (std::size_t k = 2; k < solution.current.size(); ++k) EXPECT_EQ(solution.current[k], 0) << k;
}

TEST(NodalExtremes, ResolvesCurrentsThatBalanceElsewhere) {
  // A chain between points of equal potential: no current, though it is no dead end.
  const auto netlist = parse_spice(
      "t\nV1 a 0 1\nR1 a b 1e-9\nR2 b 0 3e6\nR3 a c 1e-9\nR4 c 0 3e6\nR5 b m 1e-15\nR6 m n 1e-15\nR7 n c 1e-15\n",
      "bridge.sp");

  const auto solution = solve_network(MPI_COMM_WORLD, netlist, {});

  const double expected = 1 / (3e6 + 1e-9);
  EXPECT_NEAR(solution.current[4], 0, 1e-11 * expected);
  EXPECT_EQ(solution.current[5], 0);
  EXPECT_DOUBLE_EQ(solution.current[0], expected);
}

TEST(NodalExtremes, AcceptsThatNothingFlows) {
  // Equal sources on both sides, a current that leaves where it enters, and one between tied nodes.
  for (const std::string text :
       {"V1 a 0 1\nV2 b 0 1\nR1 a c 1e-9\nR2 c b 7\nR3 c d 1\n", "R1 a b 1\nR2 b 0 3\nI1 a a 2\nI2 a b 1\nI3 b a 1\n",
        "R1 a c 1e-15\nR2 c b 1e3\nRt a b 0\nR3 a 0 1\nI1 a b 1\n"}) {
    const auto solution = solve_network(MPI_COMM_WORLD, parse_spice("t\n" + text, "still.sp"), {});

    const bool tied = text.find("Rt") != std::string::npos;
    for (std::size_t k = 0; k < solution.current.size(); ++k) {
      EXPECT_EQ(solution.current[k], tied && k == 2 ? -1 : 0) << text << k;
    }
  }
}

}  // namespace
}  // namespace kirchhoff::extremes
