// Walks and exit laws where states can be counted.
#include "io/report/picture.hpp"
#include "io/report/section.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

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

ordered_json marginals(const StateSpace& space, std::span<const double> mass) {
  std::vector<std::vector<double>> rows;
  rows.reserve(space.sizes().size());
  for (int d = 0; d < space.dimensions(); ++d) rows.emplace_back(static_cast<std::size_t>(space.categories(d)));
  for (std::int64_t x = 0; x < space.size(); ++x) {
    for (int d = 0; d < space.dimensions(); ++d) {
      rows[static_cast<std::size_t>(d)][static_cast<std::size_t>(space.coordinate(x, d))] +=
          mass[static_cast<std::size_t>(x)];
    }
  }
  return rows;
}

ordered_json tiles(const StateSpace& space, const std::vector<std::int64_t>& states) {
  ordered_json rows = ordered_json::array();
  std::vector<std::uint16_t> row(static_cast<std::size_t>(space.dimensions()));
  for (const auto x : states) {
    space.coordinates(x, row);
    rows.push_back(row);
  }
  return rows;
}

void flow_facts(const Report& report, ordered_json& json) {
  for (const auto& flow : report.flows) json["sampling"][flow.name] = flow_json(flow, *report.circuit);
}

void flow_figures(const Report& report, ordered_json& f) {
  if (report.circuit == nullptr) return;
  const auto& circuit = *report.circuit;
  const auto& space = circuit.space();
  const Picture picture(space);
  for (const auto& flow : report.flows) {
    f["exit_" + flow.name] = picture.map(flow.law.mass, false);
    if (flow.samples) f["samples_" + flow.name] = picture.map(flow.sample_histogram, false);
  }
  if (space.dimensions() <= 2) return;
  f["marginals"]["target"] = marginals(space, circuit.target());
  for (const auto& flow : report.flows) f["marginals"][flow.name] = marginals(space, flow.law.mass);
  if (!report.image) return;
  auto gallery = image_of(report);
  gallery["target"] = tiles(space, report.target_gallery);
  for (const auto& flow : report.flows) {
    if (flow.samples) gallery[flow.name] = tiles(space, flow.gallery);
  }
  f["gallery"] = std::move(gallery);
}

}  // namespace

const Section kFlowsSection{flow_facts, flow_figures};

}  // namespace kirchhoff
