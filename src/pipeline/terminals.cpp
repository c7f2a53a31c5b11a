#include "pipeline/terminals.hpp"

#include <fmt/format.h>

#include <cmath>
#include <span>

#include "base/text_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "pipeline/folder.hpp"

namespace kirchhoff {

Table table_of(MPI_Comm comm, const std::string& file, const std::string& dataset) {
  auto table = read_table(file, dataset);
  if (!table.note.empty()) say(comm, "table", fmt::format("{}: {}", file, table.note));
  return table;
}

void refuse_index_column(const Table& table, const std::string& file, const std::string& way_out) {
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    if (detail::meaning_of(table.header[c], {}) != detail::kIndexColumn) continue;
    throw Error(fmt::format("{} line {}: column {}, named {}, numbers the rows: {}", file, table.header_line, c + 1,
                            in_quotes(table.header[c]), way_out));
  }
}

namespace {

std::vector<std::uint16_t> rows_of(const Table& table, const StateSpace& space, const Terminal& terminal,
                                   const std::string& file) {
  if (terminal.columns.empty() && table.columns > 1) {
    refuse_index_column(table, file,
                        fmt::format("say which columns are coordinates ({}_columns, counted from 0)", terminal.role));
  }
  const auto columns = parse_columns(terminal.columns, static_cast<std::size_t>(table.columns));
  const auto d = static_cast<std::size_t>(space.dimensions());
  if (columns.size() != d) {
    const bool like_mass = space.enumerable() && table.rows * table.columns == space.size();
    throw Error(fmt::format(
        "{}: {} columns are used, but space_dimensions is {}{}", file, columns.size(), d,
        like_mass ? fmt::format(" (if it holds a mass function, say {}_dataset: mass)", terminal.role) : ""));
  }
  std::vector<std::uint16_t> rows;
  rows.reserve(static_cast<std::size_t>(table.rows) * d);
  for (std::int64_t row = 0; row < table.rows; ++row) {
    for (const auto column : columns) {
      const double value = table.values[static_cast<std::size_t>(row * table.columns) + column];
      if (value != std::floor(value) || value < 0 || value >= space.categories()) {
        throw Error(fmt::format("{}: row {}, column {}: {} is not one of the categories 0..{}", file, row + 1,
                                column + 1, value, space.categories() - 1));
      }
      rows.push_back(static_cast<std::uint16_t>(value));
    }
  }
  return rows;
}

}  // namespace

bool has_datasets(const std::string& file) { return is_hdf5(file) || file.ends_with(".npz"); }

bool is_hdf5(const std::string& file) { return file.ends_with(".h5") || file.ends_with(".hdf5"); }

bool holds_mass(const Terminal& t) {
  const auto last = t.dataset.substr(t.dataset.rfind('/') + 1);
  const bool mass = last == "mass" || last == "source" || last == "target";
  if (!mass && !has_datasets(t.file) && !t.dataset.empty() && t.dataset != "samples") {
    throw Error(fmt::format("{}_dataset is '{}': samples or mass is needed", t.role, t.dataset));
  }
  return mass;
}

Mass terminal_mass(MPI_Comm comm, const StateSpace& space, const Terminal& t) {
  if (!t.name.empty()) {
    try {
      return smoothed(named_mass(space, t.name), t.smoothing);
    } catch (const Error& e) {
      throw Error(fmt::format("{}: {}", t.origin, e.what()));
    }
  }
  const auto table = table_of(comm, t.file, t.dataset);
  if (holds_mass(t)) refuse_index_column(table, t.file, "write the file without it");
  if (holds_mass(t)) return smoothed(checked_mass(space, table.values, t.role + " file " + t.file), t.smoothing);
  return smoothed(empirical_mass(space, rows_of(table, space, t, t.file)), t.smoothing);
}

std::vector<std::uint16_t> read_rows(MPI_Comm comm, const StateSpace& space, const Terminal& terminal,
                                     const std::string& file) {
  if (file.empty()) return {};
  return rows_of(table_of(comm, file, has_datasets(file) ? terminal.dataset : ""), space, terminal, file);
}

std::vector<std::int64_t> read_states(MPI_Comm comm, const StateSpace& space, const Terminal& terminal,
                                      const std::string& file) {
  if (file.empty()) return {};
  const auto rows = rows_of(table_of(comm, file, has_datasets(file) ? terminal.dataset : ""), space, terminal, file);
  const auto d = static_cast<std::size_t>(space.dimensions());
  std::vector<std::int64_t> states(rows.size() / d);
  for (std::size_t i = 0; i < states.size(); ++i) {
    states[i] = space.index(std::span<const std::uint16_t>(rows).subspan(i * d, d));
  }
  return states;
}

}  // namespace kirchhoff
