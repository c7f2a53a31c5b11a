// Walks of a network where states cannot be counted: by rows of coordinates.
#include "io/report/section.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

void walk_facts(const Report& report, ordered_json& json) {
  if (!report.walks) return;
  const auto& r = *report.walks;
  auto& s = json["sampling"]["neural"];
  s["count"] = r.count;
  s["seconds"] = r.seconds;
  s["walks_per_second"] = static_cast<double>(r.count) / r.seconds;
  s["mean_steps"] = r.mean_steps;
  s["expected_steps"] = r.expected_steps;
  s["mean_calls"] = r.mean_calls;
  s["stuck"] = r.stuck;
  for (const char* key : {"tv", "kl", "js", "noise_floor_tv"}) s[key] = nullptr;  // need all masses of the target
  s["mmd"] = r.mmd;
  s["tv_exit_law"] = or_null(r.tv_exit_law);
  s["kl_exit_law"] = or_null(r.kl_exit_law);
  s["exit_law_lost_mass"] = or_null(r.exit_law_lost_mass);
  const auto planar = [&](const char* tv64, const char* off_support, const std::optional<PlanarComparison>& p) {
    s[tv64] = p ? ordered_json(p->tv64) : ordered_json(nullptr);
    s[off_support] = p ? ordered_json(p->off_support) : ordered_json(nullptr);
  };
  planar("tv64", "off_support", r.planar);
  planar("noise_floor_tv64", "noise_floor_off_support", r.planar_floor);
  s["nearest_training_distance"] = r.nearness ? ordered_json(r.nearness->mean_distance) : ordered_json(nullptr);
  s["training_copies"] = r.nearness ? ordered_json(r.nearness->copies) : ordered_json(nullptr);
  s["log_likelihood_test"] = or_null(r.log_likelihood_test);
  s["log_likelihood_covered_rows"] = or_null(r.log_likelihood_covered_rows);
  s["log_likelihood_error"] = or_null(r.log_likelihood_error);
  s["log_likelihood_bias"] = or_null(r.log_likelihood_bias);
  s["rows_of_zero_probability"] = r.test_rows > 0 ? ordered_json(r.rows_of_zero_probability) : ordered_json(nullptr);
  s["rows_half_found"] = r.rows_half_found ? ordered_json(*r.rows_half_found) : ordered_json(nullptr);
  s["test_rows"] = r.test_rows;
}

ordered_json in_rows(const std::vector<std::uint16_t>& values, int dimensions) {
  ordered_json rows = ordered_json::array();
  const auto d = static_cast<std::ptrdiff_t>(dimensions);
  for (auto at = values.begin(); values.end() - at >= d; at += d) rows.push_back(std::vector(at, at + d));
  return rows;
}

void walk_figures(const Report& report, ordered_json& f) {
  if (!report.walks) return;
  const auto& r = *report.walks;
  if (!r.picture.empty()) {
    f["plane"] = true;  // cells of the plane, not states
    f["rows"] = f["columns"] = kPlanarCells;
    f["binned"] = true;
    f["target"] = r.target_picture;
    f["samples_neural"] = r.picture;
  }
  f["marginals"] = {{"target", r.target_marginals}, {"neural", r.marginals}};
  if (!report.image) return;
  f["gallery"] = image_of(report);
  f["gallery"]["target"] = in_rows(r.target_gallery, report.dimensions);
  f["gallery"]["neural"] = in_rows(r.gallery, report.dimensions);
}

}  // namespace

const Section kWalksSection{walk_facts, walk_figures};

}  // namespace kirchhoff
