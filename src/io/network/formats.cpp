#include "kirchhoff/io/network/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/text_rows.hpp"
#include "io/files/file_kind.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/memory_limit.hpp"

namespace kirchhoff {
namespace {

/// Rank 0 writes the texts that a format makes of a network.
template <std::vector<NetlistFile> (*files_of)(const Netlist&)>
std::vector<std::string> write_texts(MPI_Comm comm, const std::string& file, const Netlist& netlist,
                                     const Provenance& /*provenance*/) {
  return agree(comm, [&] {
    std::vector<std::string> names;
    if (rank_of(comm) != 0) return names;
    for (const auto& part : files_of(netlist)) {
      names.push_back(part.suffix.empty() ? file
                                          : std::filesystem::path(file).replace_extension().string() + part.suffix);
      write_text_file(names.back(), part.text);
    }
    return names;
  });
}

std::vector<std::string> write_hdf5(MPI_Comm comm, const std::string& file, const Netlist& netlist,
                                    const Provenance& provenance) {
  write_network(comm, file, netlist, {}, nullptr, provenance);
  return {file};
}

/// Pajek's files have an ending of SPICE's.
bool is_pajek(std::string_view text) {
  constexpr std::string_view kFirst = "*vertices";
  const auto at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && detail::alike(text.substr(at, kFirst.size()), kFirst);
}

Netlist read_spice(const std::string& file, const NetworkReading& reading) {
  constexpr double kElement = 300;  // bytes of an element with its names
  const auto text = read_text_file(file);
  if (is_pajek(text)) {
    throw Error(
        fmt::format("{}: a network of Pajek, which is not read here: write it as GraphML or as an edge list", file));
  }
  return parse_spice(text, file,
                     {.title = reading.title,
                      .ground_names = reading.ground_names,
                      .read_file = read_text_file,
                      .most_elements = least_memory_left().left / 2 / kElement});
}
/// A reader of one text, or of the bytes of an archive.
template <auto parse>
Netlist read_edges(const std::string& file, const NetworkReading& reading) {
  return parse(read_text_file(file), file, reading.edges);
}
Netlist read_hdf5(const std::string& file, const NetworkReading& /*reading*/) { return read_network(file); }

}  // namespace

const std::vector<NetworkFormat>& network_formats() {
  static const std::vector<NetworkFormat> table = {
      {"SPICE", {".spice", ".sp", ".cir", ".net", ".ckt", ".cdl"}, std::nullopt, read_spice, write_texts<spice_files>},
      {"edge list",
       {".txt", ".csv", ".tsv", ".edgelist", ".edges", ".el"},
       std::nullopt,
       read_edges<parse_edge_list>,
       write_texts<edge_list_files>},
      {"Matrix Market",
       {".mtx"},
       EdgeValues::conductance,
       read_edges<parse_matrix_market>,
       write_texts<matrix_market_files>},
      {"SciPy sparse matrix", {".npz"}, EdgeValues::conductance, read_edges<parse_scipy_sparse>, nullptr},
      {"GraphML", {".graphml"}, std::nullopt, read_edges<parse_graphml>, nullptr},
      {"HDF5", {".h5", ".hdf5"}, std::nullopt, read_hdf5, write_hdf5},
  };
  return table;
}

const NetworkFormat* network_format(const std::string& file) {
  const auto extension = detail::kind_of(file).extension;
  for (const auto& format : network_formats()) {
    if (std::ranges::find(format.extensions, extension) != format.extensions.end()) return &format;
  }
  return nullptr;
}

std::string network_extensions(bool written) {
  std::vector<std::string> all;
  for (const auto& format : network_formats()) {
    if (!written || format.write != nullptr) all.insert(all.end(), format.extensions.begin(), format.extensions.end());
  }
  const auto last = all.back();
  all.pop_back();
  return fmt::format("{} or {}", fmt::join(all, " "), last);
}

}  // namespace kirchhoff
