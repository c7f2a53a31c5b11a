// Sources over time, at their beginning. The formulas are those of ngspice's manual, section 4.1.
#include "io/network/spice_waveform.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace kirchhoff::detail {
namespace {

constexpr std::array<std::string_view, 8> kWaveforms = {"pulse", "sin", "exp",     "pwl",
                                                        "sffm",  "am",  "trnoise", "trrandom"};

/// The argument, or 0 where there are fewer.
double at_or_zero(std::span<const double> arguments, std::size_t k) { return k < arguments.size() ? arguments[k] : 0; }

/// Pairs of time and value, a straight line between two.
double piecewise(std::span<const double> points, std::string& why) {
  if (points.size() < 2 || points.size() % 2 != 0) why = "pairs of time and value are needed";
  for (std::size_t k = 2; why.empty() && k < points.size(); k += 2) {
    if (points[k] < points[k - 2]) why = "its times must rise";
  }
  if (!why.empty()) return 0;
  if (points[0] >= 0) return points[1];
  for (std::size_t k = 2; k < points.size(); k += 2) {
    if (points[k] < 0) continue;
    const double share = -points[k - 2] / (points[k] - points[k - 2]);
    return points[k - 1] + share * (points[k + 1] - points[k - 1]);
  }
  return points.back();
}

}  // namespace

bool is_waveform(const std::string& name) {
  return std::find(kWaveforms.begin(), kWaveforms.end(), name) != kWaveforms.end();
}

double value_at_start(const std::string& name, std::span<const double> arguments, std::string& why) {
  const auto x = [&](std::size_t k) { return at_or_zero(arguments, k); };
  if (name == "pwl") return piecewise(arguments, why);
  if (name == "trnoise" || name == "trrandom") {
    why = "it is random, and has no dc value";
    return 0;
  }
  if (arguments.empty()) why = "it has no values";
  if (name == "pulse" || name == "exp") {
    if (x(2) < 0 || (name == "pulse" && x(7) != 0)) why = "it begins before time 0: give its dc value";
    return x(0);
  }
  if (name == "sin") {
    if (x(3) < 0) why = "it begins before time 0: give its dc value";
    return x(0) + x(1) * std::sin(x(5) * std::numbers::pi / 180);
  }
  if (name == "sffm")
    return x(0) + x(1) * std::sin(x(5) * std::numbers::pi / 180 + x(3) * std::sin(x(6) * std::numbers::pi / 180));
  if (x(4) < 0) why = "it begins before time 0: give its dc value";  // am
  return 0;
}

}  // namespace kirchhoff::detail
