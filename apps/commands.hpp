#pragma once

#include <string>

#include "kirchhoff/parallel/session.hpp"

namespace kirchhoff {

// The subcommands, a file each. `input` is what stands behind the command, `command` the whole line for the record.
void run_command(Session& session, const std::string& input, const std::string& command);
void solve_command(Session& session, const std::string& input, const std::string& command);
void train_command(Session& session, const std::string& input, const std::string& command);
void sample_command(Session& session, const std::string& input, const std::string& command);
void validate_command(Session& session, const std::string& input, const std::string& command);
void bench_command(Session& session, const std::string& input, const std::string& command);
void info_command(Session& session, const std::string& input, const std::string& command);

}  // namespace kirchhoff
