#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/learn/train.hpp"
#include "kirchhoff/solve/solve.hpp"
#include "kirchhoff/validate/compare_rows.hpp"
#include "kirchhoff/validate/table.hpp"
#include "kirchhoff/validate/validate.hpp"

namespace kirchhoff {

/// All that is known of one flow's samples and exit law.
struct FlowReport {
  std::string name;  // exact | neural
  std::optional<SampleComparison> samples;
  std::vector<double> sample_histogram;  // (N)
  std::vector<std::int64_t> gallery;     // a few end states
  double seconds = 0;
  ExitLaw law;
  LogLikelihood test;
  std::optional<double> smoothing;  // share of the uniform law that suits the validation rows best
  LogLikelihood smoothed_test;      // with that share
};

/// All that is known of a training.
struct TrainReport {
  std::string supervision;
  std::int64_t steps = 0;
  double seconds = 0;
  double samples_per_second = 0;
  double final_loss = 0;
  std::int64_t parameters = 0;
  std::optional<double> parameters_per_unknown;        // of a circuit that is solved
  std::optional<double> entropy_floor;                 // of the loss on the training rows [nat], where it is known
  std::optional<std::int64_t> distinct_training_rows;  // of supervision by samples
  std::vector<TrainRecord> history;
};

/// A circuit that is known by its classes only (Quotient).
struct ClassesReport {
  double kcl_leftover = 0;  // [A]
  double seconds = 0;
};

/// All that is known of a network's walks where states cannot be counted. What is absent was not, or cannot be, known.
struct WalksReport {
  std::int64_t count = 0;
  double seconds = 0;
  double mean_steps = 0;
  double expected_steps = 0;  // of the exact flow
  double mean_calls = 0;      // of the network, a walk
  std::int64_t stuck = 0;
  double mmd = 0;
  std::optional<PlanarComparison> planar;
  std::optional<PlanarComparison> planar_floor;  // as many draws of the target itself
  std::optional<Nearness> nearness;
  std::optional<double> tv_exit_law;
  std::optional<double> kl_exit_law;
  std::optional<double> exit_law_lost_mass;
  std::optional<double> log_likelihood_test;          // none where a row has no probability, or no path
  std::optional<double> log_likelihood_covered_rows;  // over the rows that have one
  std::optional<double> log_likelihood_bias;          // what such an estimate is off on average, estimated
  std::optional<double> log_likelihood_error;         // standard error of an estimate over paths; none when exact
  std::int64_t test_rows = 0;
  std::int64_t rows_of_zero_probability = 0;    // over paths: rows that none led to
  std::optional<std::int64_t> rows_half_found;  // over paths: rows that one half of them alone led to

  std::vector<double> picture;                        // kPlanarCells^2 shares of the samples
  std::vector<double> target_picture;                 // the same of the target
  std::vector<std::vector<double>> marginals;         // (D x S) shares among some samples
  std::vector<std::vector<double>> target_marginals;  // the same among as many draws of the target
  std::vector<std::uint16_t> gallery;                 // some samples, by coordinates
  std::vector<std::uint16_t> target_gallery;          // some draws of the target
};

/// What a column's codes stand for.
struct ColumnWords {
  std::string name;
  std::vector<std::string> words;  // (S_d)
  bool ordinal = false;
};

/// A table of samples against rows of the target's table.
struct TableReport {
  TableComparison found;
  std::string against;                      // what the reference rows are: test rows | held-out rows
  std::vector<ColumnWords> columns;         // (D)
  std::vector<std::vector<double>> shares;  // (D)(S_d) of each value among the samples
  std::vector<std::vector<double>> reference_shares;
};

/// What report.json and report.html are made from. What is absent was not done.
struct Report {
  std::string title;
  std::string command;
  std::string options;  // resolved, as a case
  std::string problem_hash;
  int categories = 0;
  int dimensions = 0;
  std::string family;
  int layers = 0;
  std::vector<double> resistance_same;    // (L) [ohm]
  std::vector<double> resistance_change;  // (L) [ohm]
  const Circuit* circuit = nullptr;       // where states can be counted
  std::optional<ClassesReport> classes;   // where they cannot
  std::optional<SolveReport> solve;
  std::span<const double> potential;          // (L+1) x N [V], empty when there is none
  std::span<const double> learned_potential;  // the same of the network
  std::optional<LayerCurrents> layer_currents;
  std::optional<TrainReport> train;
  std::optional<CurrentComparison> currents;
  std::vector<FlowReport> flows;
  std::optional<WalksReport> walks;
  std::optional<TableReport> table;         // where rows of a file are the target
  std::optional<std::array<int, 2>> image;  // rows and columns of pixels, where coordinates are an image
  std::vector<std::int64_t> target_gallery;
};

/// The text of report.json: keys as in docs/files.md. Infinite and undefined values are null. Local.
std::string report_json(const Report& report);

/// The text of report.html: one self-contained page. Local.
std::string report_html(const Report& report);

/// One or two sentences: what is good about the report's table of samples, and what is off. Local.
std::string table_verdict(const Report& report);

/// training.csv. Local.
std::string training_csv(const std::vector<TrainRecord>& history);

}  // namespace kirchhoff
