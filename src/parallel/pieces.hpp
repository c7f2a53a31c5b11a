#pragma once

#include <algorithm>
#include <cstddef>

namespace kirchhoff {

/// Counts of MPI are int, and messages above 2 GiB are fragile.
inline constexpr std::size_t kLongestMessage = std::size_t{1} << 27;  // numbers of 8 bytes: 1 GiB

/// Calls send(first, count) for pieces of 0 .. size - 1, in order, none longer than `longest`; not at all for none.
template <class Send>
void in_pieces(std::size_t size, Send&& send, std::size_t longest = kLongestMessage) {
  for (std::size_t at = 0; at < size; at += longest) send(at, static_cast<int>(std::min(longest, size - at)));
}

}  // namespace kirchhoff
