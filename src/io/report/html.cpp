#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string_view>

#include "io/report/parts.hpp"
#include "kirchhoff/io/report/report.hpp"
#include "kirchhoff/version.hpp"

namespace kirchhoff {

extern const std::string_view kReportTemplate;  // src/report/report.html, embedded by the build

namespace {

using nlohmann::ordered_json;

/// The states of a layer as a picture: with two coordinates they are its axes; with more, the first half runs down and
/// the second across, in bins of equal width.
class Picture {
 public:
  explicit Picture(const StateSpace& space) {
    constexpr std::int64_t kMost = 128;
    constexpr std::int64_t kMostOfLine = 1024;
    const int d = space.dimensions();
    full_columns_ = d == 1 ? 1 : space.stride(d / 2 - 1);
    full_rows_ = space.size() / full_columns_;
    const auto most = d == 1 ? kMostOfLine : kMost;
    row_width_ = (full_rows_ + most - 1) / most;
    column_width_ = (full_columns_ + most - 1) / most;
    rows_ = (full_rows_ + row_width_ - 1) / row_width_;
    columns_ = (full_columns_ + column_width_ - 1) / column_width_;
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  bool binned() const { return row_width_ * column_width_ > 1; }

  /// Sum, or mean, of the values of the states in each bin.
  ordered_json map(std::span<const double> values, bool mean) const {
    std::vector<double> bins(static_cast<std::size_t>(rows_ * columns_));
    std::vector<double> counts(bins.size());
    for (std::int64_t x = 0; x < full_rows_ * full_columns_; ++x) {
      const auto bin =
          static_cast<std::size_t>(x / full_columns_ / row_width_ * columns_ + x % full_columns_ / column_width_);
      bins[bin] += values[static_cast<std::size_t>(x)];
      counts[bin] += 1;
    }
    for (std::size_t i = 0; mean && i < bins.size(); ++i) bins[i] /= counts[i];
    return bins;
  }

 private:
  std::int64_t full_rows_ = 1;
  std::int64_t full_columns_ = 1;
  std::int64_t row_width_ = 1;
  std::int64_t column_width_ = 1;
  std::int64_t rows_ = 1;
  std::int64_t columns_ = 1;
};

/// Which layers are drawn: all, or evenly chosen ones, ends included, when the page would grow too large.
std::vector<int> drawn_layers(int layers, std::int64_t cells) {
  constexpr std::int64_t kMostCells = 100000;
  const int most = static_cast<int>(std::clamp<std::int64_t>(kMostCells / cells, 3, 24));
  std::vector<int> chosen;
  const int count = std::min(layers + 1, most);
  chosen.reserve(static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) {
    chosen.push_back(static_cast<int>(std::lround(static_cast<double>(k) * layers / (count - 1))));
  }
  return chosen;
}

ordered_json marginals(const StateSpace& space, std::span<const double> mass) {
  const auto s = static_cast<std::size_t>(space.categories());
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(space.dimensions()), std::vector<double>(s));
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

/// One value when all layers share it.
ordered_json schedule(const std::vector<double>& values) {
  const bool same = std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  return same && !values.empty() ? ordered_json(values.front()) : ordered_json(values);
}

ordered_json figures(const Report& report) {
  const auto& circuit = *report.circuit;
  const auto& space = circuit.space();
  const Picture picture(space);
  ordered_json f{{"rows", picture.rows()}, {"columns", picture.columns()}, {"binned", picture.binned()}};
  f["source"] = picture.map(circuit.source(), false);
  f["target"] = picture.map(circuit.target(), false);

  const auto layers = drawn_layers(circuit.layers(), picture.rows() * picture.columns());
  const auto n = static_cast<std::size_t>(circuit.states());
  f["layers"] = layers;
  const auto draw = [&](const char* key, std::span<const double> field) {
    if (field.empty()) return;
    for (const int l : layers) f[key].push_back(picture.map(field.subspan(static_cast<std::size_t>(l) * n, n), true));
  };
  draw("potential", report.potential);
  draw("neural_potential", report.learned_potential);
  if (report.layer_currents) {
    f["layer_current"] = {{"forward_same", report.layer_currents->forward_same},
                          {"forward_change", report.layer_currents->forward_change},
                          {"backward", report.layer_currents->backward}};
  }
  for (const auto& flow : report.flows) {
    f["exit_" + flow.name] = picture.map(flow.law.mass, false);
    if (flow.samples) f["samples_" + flow.name] = picture.map(flow.sample_histogram, false);
  }
  if (report.train) {
    for (const auto& r : report.train->history) {
      f["loss"]["step"].push_back(r.step);
      f["loss"]["train"].push_back(r.loss);
      f["loss"]["validation"].push_back(r.validation);
    }
  }
  if (report.currents) f["relative_l2_by_layer"] = report.currents->relative_l2_by_layer;
  if (space.dimensions() > 2) {
    f["marginals"]["target"] = marginals(space, circuit.target());
    for (const auto& flow : report.flows) f["marginals"][flow.name] = marginals(space, flow.law.mass);
  }
  const int side = static_cast<int>(std::lround(std::sqrt(space.dimensions())));
  if (space.dimensions() > 2 && side * side == space.dimensions()) {
    f["gallery"] = {{"side_rows", side},
                    {"side_columns", side},
                    {"categories", space.categories()},
                    {"target", tiles(space, report.target_gallery)}};
    for (const auto& flow : report.flows) {
      if (flow.samples) f["gallery"][flow.name] = tiles(space, flow.gallery);
    }
  }
  return f;
}

}  // namespace

std::string report_html(const Report& report) {
  const auto& circuit = *report.circuit;
  ordered_json data{{"title", report.title},
                    {"package_version", kVersion},
                    {"created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                    {"command", report.command},
                    {"report", report_object(report)},
                    {"case", report.options},
                    {"space",
                     {{"categories", circuit.space().categories()},
                      {"dimensions", circuit.space().dimensions()},
                      {"states", circuit.states()}}},
                    {"circuit",
                     {{"family", to_string(circuit.family())},
                      {"layers", circuit.layers()},
                      {"resistance_same", schedule(report.resistance_same)},
                      {"resistance_change", schedule(report.resistance_change)}}},
                    {"figures", figures(report)}};
  // "<" could end the script element that carries the data, or open a comment in it.
  std::string json;
  for (const char c : data.dump(-1, ' ', false, ordered_json::error_handler_t::replace)) {
    json += c == '<' ? std::string("\\u003c") : std::string(1, c);
  }
  constexpr std::string_view kMark = "@DATA@";
  const auto at = kReportTemplate.find(kMark);
  std::string page(kReportTemplate.substr(0, at));
  page += json;
  page += kReportTemplate.substr(at + kMark.size());
  return page;
}

}  // namespace kirchhoff
