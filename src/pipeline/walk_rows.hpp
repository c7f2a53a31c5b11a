#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kirchhoff/learn/walk/neural_walk.hpp"
#include "kirchhoff/states/distribution.hpp"
#include "kirchhoff/states/draws.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

// Rows of coordinates (count x D), by which problems of uncounted states know their terminals.

/// The target's rows; empty where it is named.
struct TargetRows {
  std::vector<std::uint16_t> training;
  std::vector<std::uint16_t> held_out;  // that choices are made by
  std::vector<std::uint16_t> test;      // only reported
};
/// The rows of a terminal's file; of a table their codes. Empty where there is no file. Local.
std::vector<std::uint16_t> terminal_rows(MPI_Comm comm, const Job& job, const Terminal& terminal,
                                         const std::string& file);
/// Reads them; without a file of held-out rows every tenth is held out. Local. @throws Error naming the file.
TargetRows read_target(MPI_Comm comm, const Job& job);

/// What is drawn from: the rows where there are any, else the named distribution. Local. @throws Error for a name that
/// nobody knows, saying where it stands.
Draws draws_of(const Job& job, const Terminal& terminal, const std::vector<std::uint16_t>& rows);
/// So many draws. Local.
std::vector<std::uint16_t> drawn(const Draws& draws, std::int64_t count, std::uint64_t seed);
/// The probabilities of what is drawn from, on a space that can be enumerated. Local.
Mass mass_of(const Job& job, const Terminal& terminal, const std::vector<std::uint16_t>& rows);
/// How many of the rows are different ones. Local.
std::int64_t distinct_rows(const std::vector<std::uint16_t>& rows, std::size_t d);
/// The share of rows (count x D) with each category, of each coordinate (D x S). Local.
std::vector<std::vector<double>> marginals_of(const StateSpace& space, const std::vector<std::uint16_t>& rows);
/// The first rows of all ranks' walks, on every rank: up to `most` rows. @note Collective.
std::vector<std::uint16_t> first_rows(MPI_Comm comm, const MoveWalks& walks, std::int64_t count, std::size_t most,
                                      std::size_t d);

}  // namespace kirchhoff
