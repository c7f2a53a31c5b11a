#pragma once

#include <nlohmann/json.hpp>

#include "kirchhoff/report.hpp"

namespace kirchhoff {

/// report.json as an object; the page carries the same.
nlohmann::ordered_json report_object(const Report& report);

}  // namespace kirchhoff
