#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kirchhoff {

/// The candidate nearest to `word` by edit distance, or "" when none is near enough to be what was meant.
std::string nearest_name(const std::string& word, std::span<const std::string> candidates);

/// Text for a one-line message, in quotes: short, and without what would upset a terminal.
std::string in_quotes(std::string_view text);

/// The number that is all of `text`, "1e3" and "+2" included; infinity and nan count as numbers.
std::optional<double> to_number(std::string_view text);

/// ", did you mean 'x'?" or "".
std::string did_you_mean(const std::string& word, std::span<const std::string> candidates);

}  // namespace kirchhoff
