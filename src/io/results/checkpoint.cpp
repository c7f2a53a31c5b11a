#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "io/files/posix.hpp"
#include "io/hdf5/schema.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecordColumns = 5;

std::vector<double> history_table(const std::vector<TrainRecord>& history) {
  std::vector<double> table;
  for (const auto& r : history) {
    table.insert(table.end(), {static_cast<double>(r.step), r.seconds, r.loss, r.validation, r.learning_rate});
  }
  return table;
}

std::vector<TrainRecord> read_history(const Hdf5Reader& file) {
  const auto shape = file.shape(schema::kHistory);
  const auto table = file.values(schema::kHistory);
  if (shape.size() != 2 || shape[1] != kRecordColumns) {
    throw Error(fmt::format("{}: dataset {} does not have {} columns", file.path(), schema::kHistory, kRecordColumns));
  }
  std::vector<TrainRecord> history;
  for (std::size_t k = 0; k < table.size(); k += kRecordColumns) {
    constexpr double kMostSteps = 1e15;
    if (!(table[k] >= 0 && table[k] <= kMostSteps)) {
      throw Error(fmt::format("{}: dataset {} has a step {}", file.path(), schema::kHistory, table[k]));
    }
    history.push_back({static_cast<std::int64_t>(table[k]), table[k + 1], table[k + 2], table[k + 3], table[k + 4]});
  }
  return history;
}

/// Over all that decides how training goes on: two trainings of one checksum end alike. (That the file is whole, its
/// seal says.)
std::string checksum(const Checkpoint& c) {
  Hash hash;
  const auto& s = c.state;
  for (const auto* values : {&s.parameters, &s.average, &s.first_moment, &s.second_moment, &c.mean, &c.scale}) {
    hash.add(std::span<const double>(*values));
  }
  hash.add(std::span<const double>(s.best));
  return hash.add(c.training_hash).add(fmt::format("{} {}", s.step, c.seed)).text();
}

/// Of a file that is whole.
Checkpoint read(const std::string& path) {
  const Hdf5Reader file(path);
  Checkpoint c;
  c.training_hash = file.text(schema::kTrainingHash);
  c.supervision = file.text(schema::kSupervision);
  c.seed = std::bit_cast<std::uint64_t>(file.integer(schema::kSeed));
  if (file.has(schema::kMean)) c.mean = file.values(schema::kMean);
  if (file.has(schema::kScale)) c.scale = file.values(schema::kScale);
  c.state.step = file.integer(schema::kStep);
  c.state.parameters = file.values(schema::kParameters);
  c.state.average = file.values(schema::kAverage);
  c.state.first_moment = file.values(schema::kFirstMoment);
  c.state.second_moment = file.values(schema::kSecondMoment);
  if (file.has(schema::kBest)) c.state.best = file.values(schema::kBest);
  c.state.history = read_history(file);
  c.state.loss_sum = file.number(schema::kLossSum);
  c.state.best_validation = file.number(schema::kBestValidation);
  c.state.seconds = file.number(schema::kSeconds);
  return c;
}

/// Puts a fresh file in the place of checkpoint.h5, which becomes checkpoint.previous.h5.
void take_place(const std::string& directory, const std::string& fresh) {
  const auto path = fs::path(directory) / "checkpoint.h5";
  const auto previous = fs::path(directory) / "checkpoint.previous.h5";
  const auto link = previous.string() + ".new";
  const forced_leave::Unfinished unfinished_link(link);
  const forced_leave::Unfinished unfinished_file(fresh);
  try {
    // A second name for the old file before the new one takes its place: at no moment is there none.
    if (fs::exists(path)) {
      fs::remove(link);
      std::error_code no_links;
      fs::create_hard_link(path, link, no_links);
      if (no_links) fs::copy_file(path, link);
      replace_file(link, previous.string());
      fs::remove(link);  // a rename does nothing where both are the same file, as after a kill in the middle of this
    }
    replace_file(fresh, path.string());
    settle_folder(path.string());
  } catch (const fs::filesystem_error& e) {
    std::error_code ignored;
    fs::remove(link, ignored);
    fs::remove(fresh, ignored);
    throw Error(fmt::format("cannot write {}: {}", path.string(), e.code().message()));
  }
}

}  // namespace

void write_checkpoint(MPI_Comm comm, const std::string& directory, const Model& model, const Checkpoint& checkpoint,
                      const Provenance& provenance) {
  write_checkpoint(comm, directory, static_cast<std::int64_t>(model.parameters().size()), checkpoint, provenance);
}

void write_checkpoint(MPI_Comm comm, const std::string& directory, std::int64_t parameters, const Checkpoint& c,
                      const Provenance& provenance) {
  const auto fresh = (fs::path(directory) / "checkpoint.h5.new").string();
  const auto history = history_table(c.state.history);
  const std::vector<std::int64_t> random = {std::bit_cast<std::int64_t>(c.seed), c.state.step};
  const bool first = rank_of(comm) == 0;
  {
    Hdf5Writer file(comm, fresh);
    file.write_replicated(schema::kParameters, c.state.parameters);
    file.write_replicated(schema::kAverage, c.state.average);
    if (!c.state.best.empty()) file.write_replicated(schema::kBest, c.state.best);
    if (!c.mean.empty()) file.write_replicated(schema::kMean, c.mean, c.unit);
    if (!c.scale.empty()) file.write_replicated(schema::kScale, c.scale, c.unit);
    file.write_replicated(schema::kFirstMoment, c.state.first_moment);
    file.write_replicated(schema::kSecondMoment, c.state.second_moment);
    const auto records = static_cast<std::int64_t>(c.state.history.size());
    file.write(schema::kHistory, rows_slab(records, 0, first ? records : 0, kRecordColumns), history.data());
    file.write(schema::kRandom, rows_slab(2, 0, first ? 2 : 0), random.data());
    write_root(file, schema::kCheckpoint, provenance);
    file.attribute(schema::kStep, c.state.step);
    file.attribute(schema::kSeed, random[0]);
    file.attribute(schema::kBestValidation, c.state.best_validation);
    file.attribute(schema::kChecksum, checksum(c));
    file.attribute(schema::kTrainingHash, c.training_hash);
    file.attribute(schema::kSupervision, c.supervision);
    file.attribute(schema::kLossSum, c.state.loss_sum);
    file.attribute(schema::kSeconds, c.state.seconds);
    file.attribute("parameters", parameters, "/model");
    file.commit();
  }
  agree(comm, [&] {
    if (first) take_place(directory, fresh);
  });
}

Checkpoint read_checkpoint(MPI_Comm comm, const std::string& directory, const Model& model) {
  return read_checkpoint(comm, directory, static_cast<std::int64_t>(model.parameters().size()));
}

Checkpoint read_checkpoint(MPI_Comm comm, const std::string& directory, std::int64_t parameters) {
  auto path = (fs::path(directory) / "checkpoint.h5").string();
  const auto previous = (fs::path(directory) / "checkpoint.previous.h5").string();
  auto status = file_status(comm, path, Check::all);
  if (status.state != FileState::whole && status.state != FileState::newer) {
    const auto before = file_status(comm, previous, Check::all);
    if (before.state == FileState::whole) {
      if (rank_of(comm) == 0) fmt::print(stderr, "warning: {}; going on from {}\n", status.reason, previous);
      path = previous;
      status = before;
    } else if (before.state != FileState::absent) {
      status.reason += "; " + before.reason;
    }
  }
  expect(status, path, schema::kCheckpoint);
  return agree(comm, [&] {
    auto c = read(path);
    if (static_cast<std::int64_t>(c.state.parameters.size()) != parameters) {
      throw Error(fmt::format("{}: holds a network of {} parameters, the case describes one of {}", path,
                              c.state.parameters.size(), parameters));
    }
    return c;
  });
}

CheckpointSummary summarise_checkpoint(const std::string& path) {
  expect(file_status(path, Check::structure), path, schema::kCheckpoint);
  const Hdf5Reader file(path);
  return {read_root(file), file.text(schema::kTrainingHash), file.text(schema::kChecksum), file.integer(schema::kStep)};
}

}  // namespace kirchhoff
