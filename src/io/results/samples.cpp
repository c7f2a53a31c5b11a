#include <fmt/format.h>

#include <algorithm>

#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/agree.hpp"

namespace kirchhoff {
namespace {

std::vector<std::uint16_t> coordinates_of(const StateSpace& space, const std::vector<std::int64_t>& states) {
  const auto d = static_cast<std::size_t>(space.dimensions());
  std::vector<std::uint16_t> rows(states.size() * d);
  for (std::size_t i = 0; i < states.size(); ++i) space.coordinates(states[i], std::span(rows).subspan(i * d, d));
  return rows;
}

/// @throws Error for a coordinate that is no category: the file is damaged.
void check_categories(const StateSpace& space, std::span<const std::uint16_t> rows, const std::string& where) {
  const auto at = space.first_outside(rows);
  if (at == rows.size()) return;
  throw Error(fmt::format("{}: holds a coordinate outside 0..{}", where, space.sizes()[at % space.sizes().size()] - 1));
}

/// @throws Error as check_categories does.
std::vector<std::int64_t> states_of(const StateSpace& space, const std::vector<std::uint16_t>& rows,
                                    const std::string& where) {
  check_categories(space, rows, where);
  const auto d = static_cast<std::size_t>(space.dimensions());
  std::vector<std::int64_t> states(rows.size() / d);
  for (std::size_t i = 0; i < states.size(); ++i) {
    states[i] = space.index(std::span<const std::uint16_t>(rows).subspan(i * d, d));
  }
  return states;
}

/// The number of walks that a group announces, and holds.
std::int64_t count_of(const Hdf5Reader& file, const std::string& group, std::int64_t dimensions) {
  const auto count = file.integer(schema::kCount, group);
  const std::vector<hsize_t> wanted = {static_cast<hsize_t>(count), static_cast<hsize_t>(dimensions)};
  if (count < 0 || file.shape(group + "/" + schema::kSamples) != wanted) {
    throw Error(fmt::format("{}: {} has the attribute count {}, which is not the rows of {}", file.path(), group, count,
                            schema::kSamples));
  }
  return count;
}

}  // namespace

void write_samples(MPI_Comm comm, const std::string& path, const Circuit& circuit,
                   const std::vector<StoredWalks>& flows, const Provenance& provenance) {
  const auto d = circuit.space().dimensions();
  std::vector<std::vector<std::uint16_t>> kept;  // alive until the file has been read back
  kept.reserve(2 * flows.size());
  Hdf5Writer file(comm, path);
  for (const auto& flow : flows) {
    const auto group = "/" + flow.flow;
    const auto& walks = flow.walks;
    const auto rows = static_cast<std::int64_t>(walks.end.size());
    const auto table = rows_slab(flow.count, walks.first, rows, d);
    const auto column = rows_slab(flow.count, walks.first, rows);
    file.group(group);
    file.write(group + "/" + schema::kSamples, table,
               kept.emplace_back(coordinates_of(circuit.space(), walks.end)).data(), "", true);
    file.write(group + "/" + schema::kStart, table,
               kept.emplace_back(coordinates_of(circuit.space(), walks.start)).data(), "", true);
    file.write(group + "/" + schema::kSteps, column, walks.moves.data(), "", true);
    file.write(group + "/" + schema::kStuck, column, walks.stuck.data(), "", true);
    file.attribute(schema::kCount, flow.count, group);
    file.attribute(schema::kSeconds, flow.seconds, group);
    file.attribute(schema::kOrigin, flow.origin, group);
  }
  write_root(file, schema::kSamplesKind, provenance);
  file.commit();
}

std::vector<StoredWalks> read_samples(MPI_Comm comm, const std::string& path, const Circuit& circuit) {
  expect(file_status(comm, path, Check::all), path, schema::kSamplesKind);
  return agree(comm, [&] {
    const Hdf5Reader file(path);
    const auto d = circuit.space().dimensions();
    std::vector<StoredWalks> flows;
    for (const std::string name : {"exact", "neural"}) {
      const auto group = "/" + name;
      if (!file.has(name)) continue;
      StoredWalks flow{
          name, file.text(schema::kOrigin, group), file.number(schema::kSeconds, group), count_of(file, group, d), {}};
      const auto mine = partition(flow.count, size_of(comm), rank_of(comm));
      const auto table = rows_slab(flow.count, mine.begin, mine.size(), d);
      const auto column = rows_slab(flow.count, mine.begin, mine.size());
      const auto rows = static_cast<std::size_t>(mine.size());
      std::vector<std::uint16_t> coordinates(rows * static_cast<std::size_t>(d));
      const auto states = [&](const char* dataset) {
        file.read(group + "/" + dataset, table, coordinates.data());
        return states_of(circuit.space(), coordinates, path + group + "/" + dataset);
      };
      flow.walks.first = mine.begin;
      flow.walks.end = states(schema::kSamples);
      flow.walks.start = states(schema::kStart);
      flow.walks.moves.resize(rows);
      flow.walks.stuck.resize(rows);
      file.read(group + "/" + schema::kSteps, column, flow.walks.moves.data());
      file.read(group + "/" + schema::kStuck, column, flow.walks.stuck.data());
      const auto negative = [](std::int32_t moves) { return moves < 0; };
      if (std::any_of(flow.walks.moves.begin(), flow.walks.moves.end(), negative)) {
        throw Error(fmt::format("{}{}/{}: holds a negative number of moves", path, group, schema::kSteps));
      }
      flows.push_back(std::move(flow));
    }
    return flows;
  });
}

void write_move_samples(MPI_Comm comm, const std::string& path, const StateSpace& space, const StoredMoveWalks& stored,
                        const Provenance& provenance) {
  const std::string group = "/neural";
  const auto& walks = stored.walks;
  const auto rows = static_cast<std::int64_t>(walks.moves.size());
  const auto table = rows_slab(stored.count, walks.first, rows, space.dimensions());
  const auto column = rows_slab(stored.count, walks.first, rows);
  Hdf5Writer file(comm, path);
  file.group(group);
  file.write(group + "/" + schema::kSamples, table, walks.end.data(), "", true);
  file.write(group + "/" + schema::kStart, table, walks.start.data(), "", true);
  file.write(group + "/" + schema::kSteps, column, walks.moves.data(), "", true);
  file.write(group + "/" + schema::kCalls, column, walks.calls.data(), "", true);
  file.write(group + "/" + schema::kStuck, column, walks.stuck.data(), "", true);
  file.attribute(schema::kCount, stored.count, group);
  file.attribute(schema::kSeconds, stored.seconds, group);
  file.attribute(schema::kOrigin, stored.origin, group);
  write_root(file, schema::kSamplesKind, provenance);
  file.commit();
}

StoredMoveWalks read_move_samples(MPI_Comm comm, const std::string& path, const StateSpace& space) {
  expect(file_status(comm, path, Check::all), path, schema::kSamplesKind);
  return agree(comm, [&] {
    const std::string group = "/neural";
    const Hdf5Reader file(path);
    StoredMoveWalks stored{file.text(schema::kOrigin, group),
                           file.number(schema::kSeconds, group),
                           count_of(file, group, space.dimensions()),
                           {}};
    const auto mine = partition(stored.count, size_of(comm), rank_of(comm));
    const auto table = rows_slab(stored.count, mine.begin, mine.size(), space.dimensions());
    const auto column = rows_slab(stored.count, mine.begin, mine.size());
    const auto rows = static_cast<std::size_t>(mine.size());
    auto& walks = stored.walks;
    walks.first = mine.begin;
    walks.end.resize(rows * static_cast<std::size_t>(space.dimensions()));
    walks.start.resize(walks.end.size());
    walks.moves.resize(rows);
    walks.calls.resize(rows);
    walks.stuck.resize(rows);
    file.read(group + "/" + schema::kSamples, table, walks.end.data());
    file.read(group + "/" + schema::kStart, table, walks.start.data());
    file.read(group + "/" + schema::kSteps, column, walks.moves.data());
    file.read(group + "/" + schema::kCalls, column, walks.calls.data());
    file.read(group + "/" + schema::kStuck, column, walks.stuck.data());
    for (const auto* states : {&walks.end, &walks.start}) check_categories(space, *states, path + group);
    return stored;
  });
}

}  // namespace kirchhoff
