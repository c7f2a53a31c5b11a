#include "kirchhoff/io/report/walk_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "io/report/parts.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

ordered_json object(const WalkReport& r) {
  ordered_json json;
  json["solve"] = {{"method", "quotient"},
                   {"reason", "walk supervision needs conditional currents only"},
                   {"unknowns", nullptr},
                   {"kcl_leftover", r.kcl_leftover},
                   {"seconds", {{"total", r.seconds_quotient}}}};
  const auto& t = r.train;
  json["train"] = {{"supervision", t.supervision},
                   {"steps", t.steps},
                   {"seconds", t.seconds},
                   {"samples_per_second", t.samples_per_second},
                   {"final_loss", t.final_loss},
                   {"entropy_floor", or_null(r.entropy_floor)},
                   {"parameters", t.parameters},
                   {"parameters_per_unknown", nullptr},
                   {"distinct_training_rows", or_null(t.distinct_training_rows)}};
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
  return json;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '<' ? std::string("&lt;") : c == '&' ? std::string("&amp;") : std::string(1, c);
  }
  return out;
}

/// A picture of numbers as an SVG of squares: darker where there is more.
std::string heat(const std::vector<double>& values, std::size_t columns, double most, int size) {
  const auto rows = values.size() / columns;
  std::string svg = fmt::format("<svg viewBox='0 0 {} {}' width='{}' height='{}'>", columns, rows, size, size);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double share = most > 0 ? std::min(1.0, values[k] / most) : 0;
    if (share <= 0) continue;
    svg += fmt::format("<rect x='{}' y='{}' width='1' height='1' fill-opacity='{:.2f}'/>", k % columns, k / columns,
                       std::sqrt(share));
  }
  return svg + "</svg>";
}

std::string gallery(const std::vector<std::uint16_t>& rows, int dimensions, int categories) {
  const auto d = static_cast<std::size_t>(dimensions);
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(d))));
  const auto columns = side * side == d ? side : d;
  std::string html;
  for (std::size_t i = 0; i + d <= rows.size(); i += d) {
    const std::vector<double> tile(rows.begin() + static_cast<std::ptrdiff_t>(i),
                                   rows.begin() + static_cast<std::ptrdiff_t>(i + d));
    html += heat(tile, columns, categories - 1, columns == side ? 48 : 160);
  }
  return html;
}

std::string curve(const std::vector<TrainRecord>& history) {
  if (history.size() < 2) return "";
  double low = history.front().validation;
  double high = low;
  for (const auto& r : history) {
    low = std::min({low, r.validation, r.loss});
    high = std::max({high, r.validation, r.loss});
  }
  const auto line = [&](const char* colour, auto value) {
    std::string points;
    for (const auto& r : history) {
      points +=
          fmt::format("{:.1f},{:.1f} ", 600.0 * static_cast<double>(r.step) / static_cast<double>(history.back().step),
                      195 - 190 * (value(r) - low) / std::max(1e-12, high - low));
    }
    return fmt::format("<polyline fill='none' stroke='{}' stroke-width='1.5' points='{}'/>", colour, points);
  };
  return fmt::format(
      "<svg viewBox='0 0 600 200' width='600' height='200'>{}{}</svg><p>{:.4f} to {:.4f} nat; grey: "
      "training, black: held out</p>",
      line("#999", [](const TrainRecord& r) { return r.loss; }),
      line("#000", [](const TrainRecord& r) { return r.validation; }), low, high);
}

}  // namespace

std::string walk_report_json(const WalkReport& report) {
  auto json = object(report);
  if (!report.problem_hash.empty()) json["problem_hash"] = report.problem_hash;
  return json.dump(2) + "\n";
}

std::string walk_report_html(const WalkReport& r) {
  std::string html = fmt::format(
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{0}</title><style>body{{font:15px/1.5 "
      "sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}svg{{margin:2px;border:1px solid "
      "#ddd}}td{{padding:0 1em 0 "
      "0}}pre{{background:#f4f4f4;padding:1em;overflow:auto}}</style></head><body><h1>{0}</h1>",
      escaped(r.title));
  html += fmt::format("<p>{} coordinates of {} categories, {} layer pairs; walk supervision.</p><table>", r.dimensions,
                      r.categories, r.layers);
  const auto json = object(r);
  for (const auto* section : {"train", "sampling"}) {
    const auto& part = std::string(section) == "train" ? json["train"] : json["sampling"]["neural"];
    for (const auto& [key, value] : part.items()) {
      if (!value.is_null()) html += fmt::format("<tr><td>{}</td><td>{}</td></tr>", key, escaped(value.dump()));
    }
  }
  html += "</table><h2>Loss</h2>" + curve(r.train.history);
  if (!r.picture.empty()) {
    const double most = *std::max_element(r.target_picture.begin(), r.target_picture.end());
    html += "<h2>Target and samples</h2>" + heat(r.target_picture, kPlanarCells, most, 320) +
            heat(r.picture, kPlanarCells, most, 320);
  }
  html += "<h2>Some samples</h2>" + gallery(r.gallery, r.dimensions, r.categories);
  html += "<h2>Some draws of the target</h2>" + gallery(r.target_gallery, r.dimensions, r.categories);
  return html +
         fmt::format("<h2>Case</h2><p>{}</p><pre>{}</pre></body></html>\n", escaped(r.command), escaped(r.options));
}

}  // namespace kirchhoff
