#pragma once

#include <mpi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kirchhoff/circuit/netlist.hpp"
#include "kirchhoff/io/network/network_files.hpp"
#include "kirchhoff/io/results/store.hpp"

namespace kirchhoff {

/// How a network's file is to be understood where it leaves that open.
struct NetworkReading {
  EdgeReading edges;
  SpiceTitle title = SpiceTitle::automatic;
  GroundNames ground_names = GroundNames::usual;  // of a SPICE file
};

/// A file format of networks. Everything that depends on the format follows from its row in `network_formats`.
struct NetworkFormat {
  std::string name;                     // for people
  std::vector<std::string> extensions;  // in lower case; .gz, .bz2, .xz or .zst may follow
  std::optional<EdgeValues> values;     // what numbers mean where neither the file nor an option says it

  /// Local. @throws Error naming file and line.
  Netlist (*read)(const std::string& file, const NetworkReading& reading);
  /// Writes a network, and returns the names of the files that hold it; null for a format that is only read.
  /// @note Collective. @throws Error naming what the format has no place for.
  std::vector<std::string> (*write)(MPI_Comm comm, const std::string& file, const Netlist& netlist,
                                    const Provenance& provenance);
};

/// All formats, in the order of the documentation.
const std::vector<NetworkFormat>& network_formats();

/// The format that a file's name tells, compressed or not; null when it tells none.
const NetworkFormat* network_format(const std::string& file);

/// Rank 0's network on every rank, so that its file is read once. @note Collective.
void share(MPI_Comm comm, Netlist& netlist);

/// ".spice .sp ... or .h5", for messages. @param written only those that can be written.
std::string network_extensions(bool written = false);

}  // namespace kirchhoff
