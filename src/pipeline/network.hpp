#pragma once

#include <string>

#include "kirchhoff/parallel/session.hpp"

namespace kirchhoff {

/// Whether a file's name says that it holds a network, and not a case; compressed or not.
bool is_network(const std::string& file);

/// Solves a network and writes solution.h5. @note Collective.
void solve_network_file(Session& session, const std::string& input, const std::string& command);

/// Writes a network, or the circuit of a case, in the format that the extension of `output` names. @note Collective.
void convert_command(Session& session, const std::string& input, const std::string& output);

}  // namespace kirchhoff
