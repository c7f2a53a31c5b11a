#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kirchhoff::detail {

/// Whether a source may be given by a function of time of that name: "pulse".
bool is_waveform(const std::string& name);

/// The value at time 0, which is what an operating point takes of a source that has no dc value.
/// @param why set where the value is not known: the caller refuses the source.
double value_at_start(const std::string& name, std::span<const double> arguments, std::string& why);

}  // namespace kirchhoff::detail
