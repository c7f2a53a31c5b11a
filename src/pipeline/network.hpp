#pragma once

#include <mpi.h>

#include <string>

#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/circuit/netlist.hpp"

namespace kirchhoff {

/// Whether a file's name says that it holds a network, and not a case; compressed or not.
bool is_network(const std::string& file);

/// Adds all elements of a network to a hash, but for their names. Local.
void add_elements(Hash& hash, const Netlist& netlist);

/// Writes a network, or the circuit of a case, in the format that the extension of `output` names. @note Collective.
void convert(MPI_Comm comm, const std::string& input, const std::string& output);

}  // namespace kirchhoff
