#pragma once

// What the harnesses share. A harness is a file fuzz_NAME.cpp with libFuzzer's entry point; its seeds lie in
// corpus/NAME, and a dictionary, where it helps, in NAME.dict. scripts/fuzz.sh builds and runs them; the suite replays
// the seeds.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/network/network_files.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace kirchhoff::fuzz {

/// Ends the program where something does not hold, whatever NDEBUG says.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Runs a reader. It may refuse the input by an Error of one line; whatever else it throws ends the program.
template <class Read>
void accept_or_refuse(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    const bool plain = std::none_of(what.begin(), what.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    require(plain && !what.empty(), "an error is one line that a terminal can show");
    require(what.size() < 2000, "an error is short");
  }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Lines that are neither empty nor a comment.
inline std::size_t rows_of(std::string_view text, std::string_view comments) {
  std::size_t rows = 0;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const auto end = std::min(text.size(), text.find('\n'));
    const auto first = text.substr(0, end).find_first_not_of(" \t\r\v\f");
    if (first != std::string_view::npos && comments.find(text[first]) == std::string_view::npos) ++rows;
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return rows;
}

inline void check(const Netlist& netlist) {
  const auto n = static_cast<std::int64_t>(netlist.nodes.size());
  require(netlist.ground >= -1 && netlist.ground < n, "ground is a node");
  for (const auto* branches : {&netlist.resistors, &netlist.voltages, &netlist.currents}) {
    const auto m = branches->size();
    require(branches->head.size() == m && branches->value.size() == m && branches->line.size() == m &&
                (branches->names.empty() || branches->names.size() == m),
            "branches have an entry in every column");
    for (std::size_t k = 0; k < m; ++k) {
      const bool outside = branches == &netlist.currents && branches->tail[k] == -1;
      require((outside || branches->tail[k] >= 0) && branches->tail[k] < n, "a tail is a node");
      require(branches->head[k] >= 0 && branches->head[k] < n, "a head is a node");
      const double value = branches->value[k];
      if (branches == &netlist.resistors) {
        require(value >= 0 && !std::signbit(value) && (value == 0 || std::isfinite(1 / value)),
                "a conductance is not negative, and has an inverse");
      } else {
        require(std::isfinite(value), "a source is finite");
      }
    }
  }
}

}  // namespace kirchhoff::fuzz
