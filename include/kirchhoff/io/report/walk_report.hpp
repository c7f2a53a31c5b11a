#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/validate/compare_rows.hpp"

namespace kirchhoff {

/// What report.json and report.html of a walk-supervised job are made from. What is absent was not, or cannot be,
/// known.
struct WalkReport {
  std::string title;
  std::string command;
  std::string options;  // resolved, as a case
  std::string problem_hash;
  int categories = 0;
  int dimensions = 0;
  int layers = 0;
  double kcl_leftover = 0;  // of the quotient circuit [A]
  double seconds_quotient = 0;
  TrainReport train;
  std::optional<double> entropy_floor;  // of the loss on the training rows [nat]

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

  std::vector<double> picture;                // kPlanarCells^2 shares of the samples
  std::vector<double> target_picture;         // the same of the target
  std::vector<std::uint16_t> gallery;         // some samples, by coordinates
  std::vector<std::uint16_t> target_gallery;  // some draws of the target
};

std::string walk_report_json(const WalkReport& report);
std::string walk_report_html(const WalkReport& report);

}  // namespace kirchhoff
