// The two forms of a report, made of its sections: report.json and the page.
#include "kirchhoff/io/report/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string_view>

#include "io/report/section.hpp"
#include "kirchhoff/version.hpp"

namespace kirchhoff {

extern const std::string_view kReportTemplate;  // src/io/report/report.html, embedded by the build

std::vector<Section> sections() {
  return {kCircuitSection, kNetworkSection, kFlowsSection, kWalksSection, kTableSection};
}

namespace {

using nlohmann::ordered_json;

/// One value when all layers share it.
ordered_json schedule(const std::vector<double>& values) {
  const bool same = std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  return same && !values.empty() ? ordered_json(values.front()) : ordered_json(values);
}

ordered_json report_object(const Report& report) {
  ordered_json json;
  for (const auto& section : sections()) section.facts(report, json);
  return json;
}

ordered_json page_data(const Report& report) {
  ordered_json figures = ordered_json::object();
  for (const auto& section : sections()) section.figures(report, figures);
  ordered_json data{{"title", report.title},
                    {"package_version", kVersion},
                    {"created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                    {"command", report.command},
                    {"report", report_object(report)},
                    {"case", report.options},
                    {"space", {{"categories", report.categories}, {"dimensions", report.dimensions}}},
                    {"circuit",
                     {{"family", report.family},
                      {"layers", report.layers},
                      {"resistance_same", schedule(report.resistance_same)},
                      {"resistance_change", schedule(report.resistance_change)}}},
                    {"figures", std::move(figures)}};
  if (report.circuit != nullptr) data["space"]["states"] = report.circuit->states();
  return data;
}

}  // namespace

ordered_json image_of(const Report& report) {
  if (!report.image) return nullptr;
  return {{"side_rows", (*report.image)[0]}, {"side_columns", (*report.image)[1]}, {"categories", report.categories}};
}

std::string report_json(const Report& report) {
  auto json = report_object(report);
  if (!report.problem_hash.empty()) json["problem_hash"] = report.problem_hash;
  return json.dump(2) + "\n";
}

std::string report_html(const Report& report) {
  // "<" could end the script element that carries the data, or open a comment in it.
  std::string json;
  for (const char c : page_data(report).dump(-1, ' ', false, ordered_json::error_handler_t::replace)) {
    json += c == '<' ? std::string("\\u003c") : std::string(1, c);
  }
  constexpr std::string_view kMark = "@DATA@";
  const auto at = kReportTemplate.find(kMark);
  std::string page(kReportTemplate.substr(0, at));
  page += json;
  page += kReportTemplate.substr(at + kMark.size());
  return page;
}

std::string training_csv(const std::vector<TrainRecord>& history) {
  std::string text = "step,seconds,loss,validation,learning_rate\n";
  for (const auto& r : history) {
    text += fmt::format("{},{:.3f},{:.9g},{:.9g},{:.9g}\n", r.step, r.seconds, r.loss, r.validation, r.learning_rate);
  }
  return text;
}

}  // namespace kirchhoff
