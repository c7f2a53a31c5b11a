#pragma once

#include <span>

#include "solve/linear/laplacian.hpp"

namespace kirchhoff {

/// A rank's states, layer by layer, into a field in natural order that all ranks see; as often as one likes.
/// @note Collective.
void share_field(const Layout& layout, std::span<const double> mine, SharedArray& field);

}  // namespace kirchhoff
