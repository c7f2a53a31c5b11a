#pragma once

#include <nlohmann/json.hpp>

#include <optional>

#include "kirchhoff/io/report/report.hpp"

namespace kirchhoff {

/// report.json as an object; the page carries the same.
nlohmann::ordered_json report_object(const Report& report);

/// null is what a report says of what was not measured.
template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace kirchhoff
