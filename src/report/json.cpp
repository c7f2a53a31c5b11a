#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kirchhoff/report.hpp"
#include "report/parts.hpp"

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

ordered_json flow_json(const FlowReport& flow, const Circuit& circuit) {
  ordered_json json;
  if (flow.samples) {
    const auto& s = *flow.samples;
    json["count"] = s.count;
    json["seconds"] = flow.seconds;
    json["walks_per_second"] = static_cast<double>(s.count) / flow.seconds;
    json["mean_steps"] = s.mean_steps;
    json["stuck"] = s.stuck;
    json["tv"] = s.tv;
    json["kl"] = s.kl;
    json["samples_outside_support"] = s.outside_support;
    json["js"] = s.js;
    json["noise_floor_tv"] = s.noise_floor_tv;
    json["mmd"] = s.mmd;
  }
  const auto& q = circuit.target();
  json["tv_exit_law"] = total_variation(flow.law.mass, q) + flow.law.lost / 2;
  json["kl_exit_law"] = kl_divergence(q, flow.law.mass);
  json["exit_law_uncovered_states"] = uncovered_states(q, flow.law.mass);
  json["exit_law_lost_mass"] = flow.law.lost;
  json["tv64"] = nullptr;  // of two-dimensional densities coded in binary spaces
  json["off_support"] = nullptr;
  json["log_likelihood_test"] = nullptr;
  json["rows_of_zero_probability"] = nullptr;
  if (flow.test.rows > 0) {
    if (flow.test.mean) json["log_likelihood_test"] = *flow.test.mean;
    json["rows_of_zero_probability"] = flow.test.rows_of_zero_probability;
    json["test_rows"] = flow.test.rows;
  }
  return json;
}

}  // namespace

ordered_json report_object(const Report& report) {
  ordered_json json;
  if (report.solve) json["solve"] = solve_json(*report.solve);
  if (report.train) json["train"] = train_json(*report.train);
  if (report.currents) {
    const auto& c = *report.currents;
    json["currents"] = {{"relative_l2", c.relative_l2},
                        {"relative_l2_by_layer", c.relative_l2_by_layer},
                        {"sign_agreement", c.sign_agreement},
                        {"kcl_relative_imbalance", c.kcl_relative_imbalance}};
  }
  for (const auto& flow : report.flows) json["sampling"][flow.name] = flow_json(flow, *report.circuit);
  return json;
}

std::string report_json(const Report& report) { return report_object(report).dump(2) + "\n"; }

std::string training_csv(const std::vector<TrainRecord>& history) {
  std::string text = "step,seconds,loss,validation,learning_rate\n";
  for (const auto& r : history) {
    text += fmt::format("{},{:.3f},{:.9g},{:.9g},{:.9g}\n", r.step, r.seconds, r.loss, r.validation, r.learning_rate);
  }
  return text;
}

}  // namespace kirchhoff
