// The circuit: how it was solved, its terminals, potentials and the currents between its layers.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "io/report/picture.hpp"
#include "io/report/section.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

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

void circuit_facts(const Report& report, ordered_json& json) {
  if (report.solve) json["solve"] = solve_json(*report.solve);
  if (!report.classes) return;
  json["solve"] = {{"method", "quotient"},
                   {"reason", "walk supervision needs conditional currents only"},
                   {"unknowns", nullptr},
                   {"kcl_leftover", report.classes->kcl_leftover},
                   {"seconds", {{"total", report.classes->seconds}}}};
}

void circuit_figures(const Report& report, ordered_json& f) {
  if (report.circuit == nullptr) return;
  const auto& circuit = *report.circuit;
  const Picture picture(circuit.space());
  f["rows"] = picture.rows();
  f["columns"] = picture.columns();
  f["binned"] = picture.binned();
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
}

}  // namespace

const Section kCircuitSection{circuit_facts, circuit_figures};

}  // namespace kirchhoff
