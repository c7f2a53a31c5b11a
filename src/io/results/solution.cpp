#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/parallel/agree.hpp"

namespace kirchhoff {
namespace {

/// The states of this rank on all layers, in a field that lies in memory whole.
Slab states_slab(MPI_Comm comm, const Circuit& circuit) {
  const auto layers = static_cast<hsize_t>(circuit.layers()) + 1;
  const auto mine = partition(circuit.states(), size_of(comm), rank_of(comm));
  return {{layers, static_cast<hsize_t>(circuit.states())},
          {0, static_cast<hsize_t>(mine.begin)},
          {layers, static_cast<hsize_t>(mine.size())},
          true};
}

}  // namespace

void write_solution(MPI_Comm comm, const std::string& path, const Circuit& circuit, Solution& solution,
                    const Provenance& provenance) {
  const double begin = wall_time();
  Hdf5Writer file(comm, path);
  file.write(schema::kPotential, states_slab(comm, circuit), solution.potential.data().data(), "volt");
  file.write_replicated(schema::kSource, circuit.source(), "ampere");
  file.write_replicated(schema::kTarget, circuit.target(), "ampere");
  write_root(file, schema::kSolution, provenance);
  file.write_arrays();
  solution.report.seconds_write = all_max(comm, wall_time() - begin);
  write_figures(file, solution.report);
  file.commit();
}

Solution read_solution(MPI_Comm comm, const std::string& path, const Circuit& circuit) {
  expect(file_status(comm, path, Check::all), path, schema::kSolution);
  Solution solution{SharedArray(comm, circuit.vertices()), {}};
  agree(comm, [&] {
    const Hdf5Reader file(path);
    file.read(schema::kPotential, states_slab(comm, circuit), solution.potential.data().data());
    read_figures(file, solution.report);
  });
  solution.potential.complete();
  return solution;
}

void write_currents(MPI_Comm comm, const std::string& path, const Circuit& circuit, std::span<const double> potential,
                    const Provenance& provenance) {
  std::vector<std::int64_t> layer;
  std::vector<std::int64_t> from;
  std::vector<std::int64_t> to;
  std::vector<double> current;
  const auto n = circuit.states();
  const auto mine = partition(n, size_of(comm), rank_of(comm));
  agree(comm, [&] {
    for (int l = 0; l < circuit.layers(); ++l) {
      for (auto x = mine.begin; x < mine.end; ++x) {
        const double f = potential[static_cast<std::size_t>(l * n + x)];
        circuit.coupling(l).forward(x, [&](std::int64_t y, double g) {
          layer.push_back(l);
          from.push_back(x);
          to.push_back(y);
          current.push_back(g * (f - potential[static_cast<std::size_t>((l + 1) * n + y)]));
        });
      }
    }
  });
  const auto count = static_cast<std::int64_t>(current.size());
  std::int64_t before = 0;
  MPI_Exscan(&count, &before, 1, MPI_INT64_T, MPI_SUM, comm);
  const auto slab = rows_slab(all_sum(comm, count), before, count);
  Hdf5Writer file(comm, path);
  file.write(schema::kEdgeLayer, slab, layer.data(), "", true);
  file.write(schema::kEdgeFrom, slab, from.data(), "", true);
  file.write(schema::kEdgeTo, slab, to.data(), "", true);
  file.write(schema::kEdgeCurrent, slab, current.data(), "ampere");
  write_root(file, schema::kCurrents, provenance);
  file.commit();
}

}  // namespace kirchhoff
