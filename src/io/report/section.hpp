#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <vector>

#include "kirchhoff/io/report/report.hpp"

namespace kirchhoff {

/// A section of a report: what it adds to report.json, and the figures that the page draws of it (report.html knows
/// them by their keys). A section is a file and a row in sections().
struct Section {
  void (*facts)(const Report&, nlohmann::ordered_json& json);
  void (*figures)(const Report&, nlohmann::ordered_json& figures);
};

extern const Section kCircuitSection;  // the circuit, its solve, terminals, potentials
extern const Section kNetworkSection;  // training, currents of the network
extern const Section kFlowsSection;    // walks and exit laws where states can be counted
extern const Section kWalksSection;    // walks where they cannot
extern const Section kTableSection;    // tables of samples against tables of rows

/// In the order of the page and of report.json.
std::vector<Section> sections();

/// null is what a report says of what was not measured.
template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

/// How rows of coordinates are drawn as an image; null where the case does not say that they are one.
nlohmann::ordered_json image_of(const Report& report);

}  // namespace kirchhoff
