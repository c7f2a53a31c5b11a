#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/currents/currents.hpp"
#include "kirchhoff/flow/flow.hpp"
#include "kirchhoff/learn/train.hpp"
#include "kirchhoff/solve/solve.hpp"
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
  double parameters_per_unknown = 0;
  std::optional<std::int64_t> distinct_training_rows;  // of supervision by samples
  std::vector<TrainRecord> history;
};

/// What report.json and report.html are made from. What is absent was not done.
struct Report {
  std::string title;
  std::string command;
  std::string options;  // resolved, as a case
  std::string problem_hash;
  const Circuit* circuit = nullptr;
  std::vector<double> resistance_same;    // (L) [ohm]
  std::vector<double> resistance_change;  // (L) [ohm]
  std::optional<SolveReport> solve;
  std::span<const double> potential;          // (L+1) x N [V], empty when there is none
  std::span<const double> learned_potential;  // the same of the network
  std::optional<LayerCurrents> layer_currents;
  std::optional<TrainReport> train;
  std::optional<CurrentComparison> currents;
  std::vector<FlowReport> flows;
  std::vector<std::int64_t> target_gallery;
};

/// The text of report.json: keys as in docs/files.md. Infinite and undefined values are null. Local.
std::string report_json(const Report& report);

/// The text of report.html: one self-contained page. Local.
std::string report_html(const Report& report);

/// training.csv. Local.
std::string training_csv(const std::vector<TrainRecord>& history);

}  // namespace kirchhoff
