// What holds of every network, whatever its resistances: checked on random ones, without a second solver.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/solve/network/nodal.hpp"

namespace kirchhoff::network_properties {
namespace {

constexpr double kRounding = 1e-11;  // both sides are right to 1e-12 each

struct Resistor {
  int tail;
  int head;
  double ohm;
};

/// A connected network of resistors over eight decades between nodes 0 to nodes - 1, without ground.
struct RandomNetwork {
  int nodes = 0;
  std::vector<Resistor> resistors;

  explicit RandomNetwork(std::uint64_t seed) : random(seed, Stream::walk, 1) {
    nodes = 3 + pick(20);
    for (int k = 1; k < nodes; ++k) resistors.push_back({k, pick(k), ohm()});
    for (int k = pick(2 * nodes); k > 0; --k) resistors.push_back({pick(nodes), pick(nodes), ohm()});
  }

  int pick(int below) { return static_cast<int>(random.uniform() * below); }
  double ohm() { return std::pow(10.0, 8 * random.uniform() - 4); }

  Netlist netlist() const {
    Netlist result;
    result.origin = "random";
    for (int k = 0; k < nodes; ++k) result.nodes.push_back(std::to_string(k));
    for (const auto& r : resistors) {
      result.resistors.tail.push_back(r.tail);
      result.resistors.head.push_back(r.head);
      result.resistors.value.push_back(1 / r.ohm);
    }
    return result;
  }

  Random random;
};

void inject(Netlist& netlist, std::int64_t from, std::int64_t into, double ampere) {
  netlist.currents.tail.push_back(from);
  netlist.currents.head.push_back(into);
  netlist.currents.value.push_back(ampere);
}

NodalSolution solved(const Netlist& netlist, NodePairs pairs = {}) {
  return solve_network(MPI_COMM_WORLD, netlist, {{}, std::move(pairs)});
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double v : values) most = std::max(most, std::abs(v));
  return most;
}

template <class Test>
void for_random_networks(Test&& test) {
  const auto networks = 200U / static_cast<unsigned>(size_of(MPI_COMM_WORLD) * size_of(MPI_COMM_WORLD));
  for (std::uint64_t seed = 0; seed < networks; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    test(RandomNetwork(seed));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(NetworkProperties, KirchhoffsLawAndEnergyHold) {
  for_random_networks([](RandomNetwork network) {
    auto netlist = network.netlist();
    inject(netlist, network.pick(network.nodes), network.pick(network.nodes), 1.5);

    const auto solution = solved(netlist);

    std::vector<double> left(netlist.nodes.size(), 0);
    double heat = 0;
    for (std::size_t k = 0; k < network.resistors.size(); ++k) {
      const auto& r = network.resistors[k];
      left[static_cast<std::size_t>(r.tail)] -= solution.current[k];
      left[static_cast<std::size_t>(r.head)] += solution.current[k];
      heat += solution.current[k] * solution.current[k] * r.ohm;
    }
    const auto from = static_cast<std::size_t>(netlist.currents.tail[0]);
    const auto into = static_cast<std::size_t>(netlist.currents.head[0]);
    left[from] -= 1.5;
    left[into] += 1.5;
    EXPECT_LE(largest(left), 1.5 * kRounding);
    const double power = 1.5 * (solution.potential[into] - solution.potential[from]);
    EXPECT_NEAR(heat, power, kRounding * (power + 1e-300));
  });
}

TEST(NetworkProperties, AnswersAddUp) {
  for_random_networks([](RandomNetwork network) {
    const auto bare = network.netlist();
    auto first = bare;
    auto second = bare;
    auto both = bare;
    for (auto* one : {&first, &second}) {
      const int from = network.pick(network.nodes);
      const int into = network.pick(network.nodes);
      const double ampere = network.random.uniform();
      inject(*one, from, into, ampere);
      inject(both, from, into, ampere);
    }

    const auto a = solved(first);
    const auto b = solved(second);
    const auto sum = solved(both);

    const double scale = largest(a.potential) + largest(b.potential);
    for (std::size_t k = 0; k < sum.potential.size(); ++k) {
      EXPECT_NEAR(sum.potential[k], a.potential[k] + b.potential[k], kRounding * scale);
    }
  });
}

TEST(NetworkProperties, TransferIsReciprocal) {
  for_random_networks([](RandomNetwork network) {
    const auto bare = network.netlist();
    std::array<std::int64_t, 4> at{};
    for (auto& node : at) node = network.pick(network.nodes);
    auto there = bare;
    auto back = bare;
    inject(there, at[0], at[1], 1);
    inject(back, at[2], at[3], 1);

    const auto a = solved(there).potential;
    const auto b = solved(back).potential;

    const auto volt = [](const std::vector<double>& v, std::int64_t high, std::int64_t low) {
      return v[static_cast<std::size_t>(high)] - v[static_cast<std::size_t>(low)];
    };
    EXPECT_NEAR(volt(a, at[3], at[2]), volt(b, at[1], at[0]), kRounding * (largest(a) + largest(b)));
  });
}

TEST(NetworkProperties, PotentialsScaleWithResistances) {
  for_random_networks([](RandomNetwork network) {
    auto netlist = network.netlist();
    inject(netlist, network.pick(network.nodes), network.pick(network.nodes), 1);
    auto scaled = netlist;
    for (auto& g : scaled.resistors.value) g /= 1024;  // a power of two: the same bits otherwise

    const auto a = solved(netlist);
    const auto b = solved(scaled);

    for (std::size_t k = 0; k < a.potential.size(); ++k) {
      EXPECT_NEAR(b.potential[k], 1024 * a.potential[k], 1024 * kRounding * largest(a.potential));
    }
    for (std::size_t k = 0; k < a.current.size(); ++k) EXPECT_NEAR(b.current[k], a.current[k], kRounding);
  });
}

TEST(NetworkProperties, NamesDoNotMatter) {
  for_random_networks([](RandomNetwork network) {
    std::vector<int> renamed(static_cast<std::size_t>(network.nodes));
    for (int k = 0; k < network.nodes; ++k) renamed[static_cast<std::size_t>(k)] = k;
    for (int k = network.nodes - 1; k > 0; --k) {
      std::swap(renamed[static_cast<std::size_t>(k)], renamed[static_cast<std::size_t>(network.pick(k + 1))]);
    }
    auto other = network;
    for (auto& r : other.resistors) {
      r.tail = renamed[static_cast<std::size_t>(r.tail)];
      r.head = renamed[static_cast<std::size_t>(r.head)];
    }
    std::rotate(other.resistors.begin(), other.resistors.begin() + 1, other.resistors.end());
    auto first = network.netlist();
    auto second = other.netlist();
    inject(first, 0, 1, 1);
    inject(second, renamed[0], renamed[1], 1);

    const auto a = solved(first).potential;
    const auto b = solved(second).potential;

    for (std::size_t k = 0; k < a.size(); ++k) {
      EXPECT_NEAR(b[static_cast<std::size_t>(renamed[k])], a[k], kRounding * largest(a));
    }
  });
}

TEST(NetworkProperties, SeriesAndParallelPartsMayBeMadeOne) {
  for_random_networks([](RandomNetwork network) {
    auto split = network;
    const auto k = static_cast<std::size_t>(network.pick(static_cast<int>(network.resistors.size())));
    const auto whole = network.resistors[k];
    if (network.pick(2) == 0) {  // two halves in series, over a new node
      split.resistors[k] = {whole.tail, network.nodes, 0.5 * whole.ohm};
      split.resistors.push_back({split.nodes++, whole.head, 0.5 * whole.ohm});
    } else {
      split.resistors[k].ohm = 2 * whole.ohm;
      split.resistors.push_back(split.resistors[k]);
    }

    const auto a = solved(network.netlist(), {{1, 0}});
    const auto b = solved(split.netlist(), {{1, 0}});

    EXPECT_NEAR(b.pair_resistance[0], a.pair_resistance[0], kRounding * a.pair_resistance[0]);
  });
}

TEST(NetworkProperties, MoreConductanceNeverRaisesResistance) {
  for_random_networks([](RandomNetwork network) {
    auto more = network;
    more.resistors.push_back({network.pick(network.nodes), network.pick(network.nodes), network.ohm()});

    const double before = solved(network.netlist(), {{1, 0}}).pair_resistance[0];
    const double after = solved(more.netlist(), {{1, 0}}).pair_resistance[0];

    EXPECT_LE(after, before * (1 + kRounding));
  });
}

TEST(NetworkProperties, RanksDoNotMatter) {
  if (size_of(MPI_COMM_WORLD) == 1) return;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto netlist = RandomNetwork(seed).netlist();
    inject(netlist, 0, 1, 1);

    const auto together = solved(netlist);
    const auto alone = solve_network(MPI_COMM_SELF, netlist, {});

    for (std::size_t k = 0; k < alone.potential.size(); ++k) {
      EXPECT_NEAR(together.potential[k], alone.potential[k], kRounding * largest(alone.potential)) << seed;
    }
  }
}

}  // namespace
}  // namespace kirchhoff::network_properties
