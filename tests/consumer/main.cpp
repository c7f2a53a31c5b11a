#include <iostream>

#include "kirchhoff/circuit/circuit.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/version.hpp"

int main(int argc, char** argv) {
  const kirchhoff::Session session(argc, argv);
  const kirchhoff::StateSpace space(4, 2);
  const auto coupling = kirchhoff::Coupling::hamming(space, 1.0, 50.0);
  const auto p = kirchhoff::named_mass(space, "uniform");
  const auto q = kirchhoff::named_mass(space, "normal");
  const kirchhoff::Circuit circuit(space, {coupling, coupling}, p, q);
  if (kirchhoff::rank_of(session.comm()) == 0) {
    std::cout << "kirchhoff " << kirchhoff::kVersion << ": " << circuit.vertices() << " vertices\n";
  }
}
