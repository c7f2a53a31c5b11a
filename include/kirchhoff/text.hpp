#pragma once

#include <span>
#include <string>

namespace kirchhoff {

/// The candidate nearest to `word` by edit distance, or "" when none is near enough to be what was meant.
std::string nearest_name(const std::string& word, std::span<const std::string> candidates);

/// ", did you mean 'x'?" or "".
std::string did_you_mean(const std::string& word, std::span<const std::string> candidates);

}  // namespace kirchhoff
