// How much memory a solve takes, counted from its arrays. Held against measured peaks: docs/cluster.md, "Memory".
#include "solve/solve_memory.hpp"

namespace kirchhoff {

MemoryNeed solve_memory(const Circuit& circuit, const Plan& plan, int ranks) {
  const MemoryNeed field{.once = sizeof(double) * static_cast<double>(circuit.vertices())};
  return field + plan.engine->memory(circuit, plan, ranks);
}

}  // namespace kirchhoff
