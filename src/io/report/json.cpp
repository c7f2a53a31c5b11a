#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/report/parts.hpp"
#include "kirchhoff/io/report/report.hpp"

namespace kirchhoff {

using nlohmann::ordered_json;

namespace {

/// JSON has no infinity and no NaN: nlohmann writes both as null, and the cause is counted in a key beside.
ordered_json solve_json(const SolveReport& report) {
  ordered_json json;
  visit_fields(report, [&](const std::string& name, const auto& value) {
    constexpr std::string_view kSeconds = "seconds_";
    if (name.starts_with(kSeconds)) {
      json["seconds"][name.substr(kSeconds.size())] = value;
    } else {
      json[name] = value;
    }
  });
  return json;
}

ordered_json train_json(const TrainReport& t) {
  ordered_json json{{"supervision", t.supervision},
                    {"steps", t.steps},
                    {"seconds", t.seconds},
                    {"samples_per_second", t.samples_per_second},
                    {"final_loss", t.final_loss},
                    {"parameters", t.parameters},
                    {"parameters_per_unknown", t.parameters_per_unknown},
                    {"distinct_training_rows", nullptr}};
  if (t.distinct_training_rows) json["distinct_training_rows"] = *t.distinct_training_rows;
  return json;
}

ordered_json interval_json(const Interval& interval) { return {interval.low, interval.high}; }

ordered_json chi_square_json(const ChiSquare& test) {
  return {{"statistic", test.statistic}, {"cells", test.cells}, {"degrees", test.degrees}, {"p_value", test.p_value}};
}

ordered_json samples_json(const SampleComparison& s, double seconds) {
  ordered_json json{{"count", s.count},
                    {"seconds", seconds},
                    {"walks_per_second", static_cast<double>(s.count) / seconds},
                    {"mean_steps", s.mean_steps},
                    {"mean_steps_error", s.mean_steps_error},
                    {"stuck", s.stuck},
                    {"tv", s.tv},
                    {"tv_interval", interval_json(s.tv_interval)},
                    {"kl", s.kl},
                    {"samples_outside_support", s.outside_support},
                    {"js", s.js},
                    {"noise_floor_tv", s.noise_floor_tv},
                    {"noise_floor_tv_mean", s.noise_floor_tv_mean},
                    {"noise_floor_kl", s.noise_floor_kl},
                    {"noise_floor_js", s.noise_floor_js},
                    {"chi_square", chi_square_json(s.chi_square)},
                    {"chi_square_test_rows", nullptr},
                    {"mmd", nullptr},
                    {"mmd_against", s.reference_rows > 0 ? "test rows" : "target"},
                    {"mmd_null_deviation", nullptr},
                    {"mmd_p_value", nullptr}};
  if (s.chi_square_of_rows) json["chi_square_test_rows"] = chi_square_json(*s.chi_square_of_rows);
  if (s.mmd) {
    json["mmd"] = s.mmd->squared;
    json["mmd_null_deviation"] = s.mmd->null_deviation;
    json["mmd_p_value"] = s.mmd->p_value;
  }
  return json;
}

ordered_json flow_json(const FlowReport& flow, const Circuit& circuit) {
  ordered_json json;
  if (flow.samples) json = samples_json(*flow.samples, flow.seconds);
  const auto& q = circuit.target();
  const auto& g = flow.law.mass;
  json["tv_exit_law"] = total_variation(g, q) + flow.law.lost / 2;
  json["kl_exit_law"] = kl_divergence(q, g);
  json["js_exit_law"] = js_divergence(g, q);
  json["mmd_exit_law"] = mmd_squared(circuit.space(), g, q);
  json["exit_law_uncovered_states"] = uncovered_states(q, g);
  json["exit_law_lost_mass"] = flow.law.lost;
  json["tv64"] = nullptr;  // of two-dimensional densities coded in binary spaces
  json["off_support"] = nullptr;
  const bool tested = flow.test.rows > 0;
  const auto& test = flow.test;
  json["log_likelihood_test"] = or_null(test.mean);
  json["log_likelihood_test_interval"] = test.interval ? interval_json(*test.interval) : ordered_json(nullptr);
  json["log_likelihood_covered_rows"] = or_null(test.mean_of_others);
  json["rows_of_zero_probability"] = tested ? ordered_json(test.rows_of_zero_probability) : ordered_json(nullptr);
  json["test_rows"] = tested ? ordered_json(test.rows) : ordered_json(nullptr);
  json["smoothing_chosen"] = or_null(flow.smoothing);
  json["log_likelihood_test_smoothed"] = or_null(flow.smoothed_test.mean);
  return json;
}

ordered_json currents_json(const CurrentComparison& c) {
  ordered_json json{{"relative_l2", c.relative_l2},
                    {"relative_l2_by_layer", c.relative_l2_by_layer},
                    {"sign_agreement", c.sign_agreement},
                    {"sign_agreement_by_layer", c.sign_agreement_by_layer},
                    {"kcl_relative_imbalance", c.kcl_relative_imbalance},
                    {"kcl_imbalance_by_layer", c.kcl_imbalance_by_layer},
                    {"kcl_max_imbalance", c.kcl_max_imbalance},
                    {"by_decade", ordered_json::array()}};
  for (const auto& d : c.by_decade) {
    json["by_decade"].push_back({{"from", d.from},
                                 {"to", d.to},
                                 {"edges", d.edges},
                                 {"share", d.share},
                                 {"relative_l2", d.relative_l2},
                                 {"sign_agreement", d.sign_agreement}});
  }
  return json;
}

}  // namespace

ordered_json report_object(const Report& report) {
  ordered_json json;
  if (report.solve) json["solve"] = solve_json(*report.solve);
  if (report.train) json["train"] = train_json(*report.train);
  if (report.currents) json["currents"] = currents_json(*report.currents);
  for (const auto& flow : report.flows) json["sampling"][flow.name] = flow_json(flow, *report.circuit);
  return json;
}

std::string report_json(const Report& report) {
  auto json = report_object(report);
  if (!report.problem_hash.empty()) json["problem_hash"] = report.problem_hash;
  return json.dump(2) + "\n";
}

std::string training_csv(const std::vector<TrainRecord>& history) {
  std::string text = "step,seconds,loss,validation,learning_rate\n";
  for (const auto& r : history) {
    text += fmt::format("{},{:.3f},{:.9g},{:.9g},{:.9g}\n", r.step, r.seconds, r.loss, r.validation, r.learning_rate);
  }
  return text;
}

}  // namespace kirchhoff
