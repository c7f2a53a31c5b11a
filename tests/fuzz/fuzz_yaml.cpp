// Cases.
#include <set>

#include "fuzz.hpp"
#include "pipeline/options.hpp"

using namespace kirchhoff;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_or_refuse([&] {
    std::set<std::string> names;
    for (const auto& entry : parse_case(std::string(fuzz::text_of(data, size)), "case.yaml")) {
      fuzz::require(names.insert(entry.name).second, "a key stands once");
      fuzz::require(entry.line >= 1, "an entry has a line");
    }
  });
  return 0;
}
