// What a file is, and what has been changed in it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "io/files/posix.hpp"
#include "io/hdf5/contents.hpp"
#include "io/hdf5/guard.hpp"
#include "io/hdf5/schema.hpp"
#include "io/hdf5/seal.hpp"
#include "io/results/provenance.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

std::string first_bytes(const std::string& path, std::uint64_t count) {
  std::string bytes(count, '\0');
  open_to_read(path).read_at(0, bytes);
  return bytes;
}

/// Whether HDF5 would find the beginning of a file of its own, which may come behind a user block.
bool looks_like_hdf5(const std::string& path, std::uint64_t length) {
  static constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
  std::array<char, kSignature.size()> found{};
  for (std::uint64_t at = 0; at + found.size() <= length; at = at == 0 ? 512 : 2 * at) {
    open_to_read(path).read_at(at, found);
    if (std::string_view(found.data(), found.size()) == kSignature) return true;
  }
  return false;
}

/// How many bytes each dataset takes in the file.
std::map<std::string, std::uint64_t> sealed_bytes(const Seal& seal) {
  std::map<std::string, std::uint64_t> bytes;
  for (const auto& s : seal.segments) {
    if (s.name != Segment::kStructure) bytes[s.name] += s.bytes;
  }
  return bytes;
}

std::string in_words(const AttributeName& a) {
  return fmt::format("attribute {}{}", a.name, a.object == "/" ? "" : " of " + a.object);
}

/// The first difference between what a file holds and what its seal says that it held; empty when none is found.
std::string difference(const Hdf5Reader& file, const Seal& seal) {
  const auto contents = list_contents(file);
  auto arrays = sealed_bytes(seal);
  for (const auto& name : contents.datasets) {
    const auto found = arrays.find(name);
    if (found == arrays.end()) return fmt::format("dataset {} was added", name);
    if (stored_bytes(file, name) != found->second) return fmt::format("dataset {} was changed", name);
    arrays.erase(found);
  }
  if (!arrays.empty()) return fmt::format("dataset {} was removed", arrays.begin()->first);
  std::map<std::string, std::string> sealed(seal.attributes.begin(), seal.attributes.end());
  for (const auto& name : contents.attributes) {
    const auto found = sealed.find(name.object + "@" + name.name);
    if (found == sealed.end()) return in_words(name) + " was added";
    if (hash_of_attribute(file, name) != found->second) return in_words(name) + " was changed";
    sealed.erase(found);
  }
  if (sealed.empty()) return "";
  const auto& gone = sealed.begin()->first;
  const auto at = gone.find('@');
  return in_words({gone.substr(0, at), gone.substr(at + 1)}) + " was removed";
}

/// The first array whose bytes are not what was written; empty when all are.
std::string changed_array(const std::string& path, const Seal& seal) {
  const auto hashes = hash_segments(MPI_COMM_SELF, path, seal.segments);
  for (std::size_t k = 0; k < hashes.size(); ++k) {
    const auto& s = seal.segments[k];
    if (s.name != Segment::kStructure && hashes[k] != s.hash) return s.name;
  }
  return "";
}

struct Verdict {
  FileStatus status;
  std::optional<Seal> seal;  // of a file whose structure is whole
};

FileStatus status_of(FileState state, const std::string& path, const std::string& why, const std::string& kind = "",
                     const std::string& problem = "") {
  return {state, kind, problem, fmt::format("{}: {}", path, why)};
}

FileStatus newer(const std::string& path, std::int64_t schema) {
  return status_of(FileState::newer, path,
                   fmt::format("schema version {} is newer than this program's ({})", schema, schema::kVersion));
}

/// Asks HDF5, in a process of its own, about a file that it cannot be trusted with.
std::string ask(const std::string& path, const std::function<std::string(const Hdf5Reader&)>& question) {
  return guarded(path, [&] { return question(Hdf5Reader(path)); });
}

/// The schema that a file itself claims, or 0.
std::int64_t claimed_schema(const Hdf5Reader& file) {
  try {
    return file.integer(schema::kSchemaVersion);
  } catch (const Error&) {
    return 0;
  }
}

/// A sealed file whose structure is not what was written: what was changed.
FileStatus diagnose(const std::string& path, const Seal& seal) {
  std::string why;
  try {
    why = ask(path, [&](const Hdf5Reader& file) {
      const auto schema = claimed_schema(file);
      return schema > schema::kVersion ? fmt::format("#{}", schema) : difference(file, seal);
    });
  } catch (const Error& e) {
    why = e.what();
    if (why.starts_with(path + ": ")) why.erase(0, path.size() + 2);
    why = "it was edited or damaged: " + why;
  }
  if (why.starts_with('#')) return newer(path, std::stoll(why.substr(1)));
  if (why.empty()) {
    const auto array = changed_array(path, seal);
    why = (array.empty() ? "its structure" : "dataset " + array) + " was edited or damaged";
  }
  return status_of(FileState::damaged, path, why, seal.kind, seal.problem_hash);
}

/// A file without a seal: of an older schema, or not ours.
FileStatus unsealed(const std::string& path, std::uint64_t length) {
  if (!looks_like_hdf5(path, length)) {
    return status_of(FileState::foreign, path, "it is not a whole HDF5 file");
  }
  try {
    const auto answer = ask(path, [&](const Hdf5Reader& file) {
      std::string problem;
      std::string kind;
      try {
        kind = file.text(schema::kKind);
        problem = file.text(schema::kProblemHash);
      } catch (const Error&) {  // of what has none
      }
      for (auto* text : {&kind, &problem}) {
        std::replace_if(
            text->begin(), text->end(), [](unsigned char c) { return c < 0x20; }, '?');
      }
      return fmt::format("{}\n{}\n{}", claimed_schema(file), kind, problem);
    });
    const auto end = answer.find('\n');
    const auto second = answer.find('\n', end + 1);
    const auto schema = std::stoll(answer.substr(0, end));
    const auto kind = answer.substr(end + 1, second - end - 1);
    if (kind.empty()) return status_of(FileState::foreign, path, "not a file of this package");
    if (schema > schema::kVersion) return newer(path, schema);
    if (schema < schema::kVersion) {
      return status_of(FileState::older, path, fmt::format("schema version {}, which had no checksums", schema), kind,
                       answer.substr(second + 1));
    }
    return status_of(FileState::damaged, path, "its checksums are gone: another program has written it", kind);
  } catch (const Error& e) {
    return {FileState::foreign, {}, {}, e.what()};
  }
}

/// Looks at all but the arrays.
Verdict look(const std::string& path) {
  std::error_code failed;
  if (!fs::exists(path, failed)) {
    return {status_of(FileState::absent, "cannot read " + path, "No such file or directory"), {}};
  }
  if (fs::is_directory(path, failed)) {
    return {status_of(FileState::foreign, "cannot read " + path, "it is a folder, not an HDF5 file"), {}};
  }
  const auto length = fs::file_size(path, failed);
  constexpr std::uint64_t kEnough = 64 << 10;
  std::optional<Seal> seal;
  try {
    seal = read_seal(first_bytes(path, std::min(length, kEnough)));
    if (!seal) return {unsealed(path, length), {}};
  } catch (const Error&) {
    try {  // a long one
      seal = read_seal(first_bytes(path, std::min<std::uint64_t>(length, kLongestSeal)));
    } catch (const Error& e) {
      return {status_of(FileState::damaged, path, e.what()), {}};
    }
  }
  if (seal->schema > schema::kVersion) return {newer(path, seal->schema), {}};
  if (length < seal->length) {
    return {status_of(FileState::damaged, path,
                      fmt::format("it is not whole: {} of its {} bytes are there", length, seal->length), seal->kind,
                      seal->problem_hash),
            {}};
  }
  std::vector<Segment> structure;
  for (const auto& s : seal->segments) {
    if (s.name == Segment::kStructure) structure.push_back(s);
  }
  const auto hashes = hash_segments(MPI_COMM_SELF, path, structure);
  bool same = true;
  for (std::size_t k = 0; k < structure.size(); ++k) same = same && hashes[k] == structure[k].hash;
  if (!same) return {diagnose(path, *seal), {}};
  if (length > seal->length) {
    return {status_of(FileState::damaged, path, fmt::format("{} bytes were added at its end", length - seal->length),
                      seal->kind, seal->problem_hash),
            {}};
  }
  FileStatus whole{FileState::whole, seal->kind, seal->problem_hash, {}};
  return {std::move(whole), std::move(seal)};
}

Verdict look_or_say(const std::string& path) {
  try {
    return look(path);
  } catch (const std::bad_alloc&) {
    return {status_of(FileState::damaged, path, "it does not fit into memory"), {}};
  } catch (const std::exception& e) {
    return {{FileState::foreign, {}, {}, e.what()}, {}};
  }
}

}  // namespace

FileStatus file_status(const std::string& path, Check check) { return file_status(MPI_COMM_SELF, path, check); }

FileStatus file_status(MPI_Comm comm, const std::string& path, Check check) {
  // One rank looks, for all: they must not differ.
  Verdict verdict;
  std::string said;
  if (rank_of(comm) == 0) {
    verdict = look_or_say(path);
    said = fmt::format("{}\n{}\n{}\n{}", static_cast<int>(verdict.status.state), verdict.status.kind,
                       verdict.status.problem_hash, verdict.status.reason);
  }
  said = broadcast(comm, std::move(said));
  std::array<std::string, 3> lines;
  for (auto& line : lines) {
    const auto end = said.find('\n');
    line = said.substr(0, end);
    said.erase(0, end + 1);
  }
  FileStatus status{static_cast<FileState>(std::stoi(lines[0])), lines[1], lines[2], said};
  if (status.state != FileState::whole || check == Check::structure) return status;
  const auto text = broadcast(comm, verdict.seal ? verdict.seal->text() : std::string());
  try {
    const auto segments = read_seal(text).value().segments;
    const auto hashes = hash_segments(comm, path, segments);
    for (std::size_t k = 0; k < segments.size(); ++k) {
      if (hashes[k] == segments[k].hash) continue;
      return status_of(FileState::damaged, path, fmt::format("dataset {} was edited or damaged", segments[k].name),
                       status.kind, status.problem_hash);
    }
  } catch (const Error& e) {
    return {FileState::damaged, status.kind, status.problem_hash, e.what()};
  }
  return status;
}

}  // namespace kirchhoff
