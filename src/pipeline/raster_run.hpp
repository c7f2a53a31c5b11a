#pragma once

#include <mpi.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kirchhoff/io/results/raster_store.hpp"
#include "kirchhoff/parallel/progress.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/raster_input.hpp"
#include "pipeline/raster_maps.hpp"

namespace kirchhoff {

/// One solve's answer, on every rank.
struct RasterAnswer {
  std::size_t solve = 0;  // index in RasterResult::points
  double resistance = -1;
  const RasterNetwork* network = nullptr;  // null where no current can flow: maps of zeros
  std::vector<double> potential;           // (n) [V]; empty where no map of it is asked for
  std::vector<double> through;             // (n) [A] current through nodes; likewise
};

/// A raster's job at work: what is solved is kept, in solution.h5 and in maps, and is not solved again by the program
/// that goes on after an interruption. All members are collective.
class RasterRun {
 public:
  RasterRun(MPI_Comm comm, const RasterInput& input, const SolveOptions& solve, const ResultFolder& folder,
            const std::string& stem, Provenance provenance);

  MPI_Comm comm() const { return comm_; }
  const RasterInput& input() const { return input_; }
  const SolveOptions& solve_options() const { return solve_; }
  RasterResult& result() { return result_; }
  const RasterMaps& maps() const { return maps_; }

  /// What is to be solved, and what of it the folder has already.
  void plan(std::vector<std::pair<std::int64_t, std::int64_t>> points);
  bool done(std::size_t solve) const;

  /// A solve is done: its maps are written, and added to the others. @param name "_1_2": of its maps; none are written
  /// for "-", which is no name.
  void finish(const RasterAnswer& answer, const std::string& name);
  /// The report of the solver's, of one solve or some.
  void add_figures(const NodalSolution& solution);
  /// Writes solution.h5: now, or when some seconds of work have come together.
  void save(bool now);

 private:
  std::vector<double> on_cells(const RasterAnswer& answer, const std::vector<double>& of_nodes) const;
  void clear_focal_points(const RasterAnswer& answer, std::vector<double>& ampere) const;

  MPI_Comm comm_;
  const RasterInput& input_;
  SolveOptions solve_;
  const ResultFolder& folder_;
  RasterMaps maps_;
  Provenance provenance_;
  RasterResult result_;
  std::optional<Progress> progress_;
  double saved_ = 0;          // when
  double write_seconds_ = 0;  // how long that took
};

/// Solves what the job asks for; docs/rasters.md. @note Collective.
void solve_pairs(RasterRun& run);
void solve_points(RasterRun& run);  // one-to-all and all-to-one
void solve_advanced(RasterRun& run);

}  // namespace kirchhoff
