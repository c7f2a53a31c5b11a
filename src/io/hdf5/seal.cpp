#include "io/hdf5/seal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "io/files/posix.hpp"
#include "io/hdf5/schema.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

constexpr std::string_view kMagic = "kirchhoff";
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kLeastBlock = 4096;

[[noreturn]] void damaged() { throw Error("its first bytes, which hold its checksums, were edited or damaged"); }

/// Takes the text up to a separator off its front.
std::string_view take(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  if (end == std::string_view::npos) damaged();
  const auto part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

template <class T>
T number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) damaged();
  return value;
}

/// @throws Error unless the segments follow one another from the block to the end.
void check_order(const Seal& seal) {
  auto at = seal.block;
  for (const auto& s : seal.segments) {
    if (s.begin != at || s.bytes > seal.length - at) damaged();
    at += s.bytes;
  }
  if (at != seal.length) damaged();
}

}  // namespace

std::uint64_t seal_block(std::size_t segments, std::size_t attributes) {
  constexpr std::size_t kLine = 112;
  return std::bit_ceil(std::max<std::uint64_t>(kLeastBlock, 1024 + kLine * (segments + attributes)));
}

std::string Seal::text() const {
  auto text = fmt::format("{} {} {} {}\nproblem {}\nbytes {}\n", kMagic, schema, kind, block, problem_hash, length);
  for (const auto& s : segments) text += fmt::format("segment {} {} {} {}\n", s.hash, s.begin, s.bytes, s.name);
  for (const auto& [name, hash] : attributes) text += fmt::format("attribute {} {}\n", hash, name);
  text += fmt::format("end {}\n", Hash().add(text).text());
  if (text.size() > block) throw Error("too many attributes for the block of checksums");
  text.resize(block, '\0');
  return text;
}

std::optional<Seal> read_seal(std::string_view begin) {
  if (!begin.starts_with(fmt::format("{} ", kMagic))) return std::nullopt;
  Seal seal;
  auto rest = begin;
  take(rest, ' ');
  seal.schema = number<int>(take(rest, ' '));
  seal.kind = take(rest, ' ');
  if (seal.schema > schema::kVersion) return seal;
  seal.block = number<std::uint64_t>(take(rest, '\n'));
  if (!std::has_single_bit(seal.block)) damaged();
  if (seal.block > begin.size()) throw Error("it is not a whole HDF5 file: it ends within its checksums");
  rest = begin.substr(0, seal.block);
  const auto end = rest.find("\nend ");
  if (end == std::string_view::npos) damaged();
  auto tail = rest.substr(end + 5);
  if (take(tail, '\n') != Hash().add(rest.substr(0, end + 1)).text() ||
      tail.find_first_not_of('\0') != std::string_view::npos) {
    damaged();
  }
  rest = rest.substr(0, end + 1);
  take(rest, '\n');
  while (!rest.empty()) {
    auto line = take(rest, '\n');
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    if (word == "problem") {
      seal.problem_hash = line;
    } else if (word == "bytes") {
      seal.length = number<std::uint64_t>(line);
    } else if (word == "segment") {
      Segment s;
      s.hash = take(line, ' ');
      s.begin = number<std::uint64_t>(take(line, ' '));
      s.bytes = number<std::uint64_t>(take(line, ' '));
      s.name = line;
      seal.segments.push_back(std::move(s));
    } else if (word == "attribute") {
      const auto hash = take(line, ' ');
      seal.attributes.emplace_back(line, hash);
    }
  }
  check_order(seal);
  return seal;
}

std::vector<std::string> hash_segments(MPI_Comm comm, const std::string& path, std::span<const Segment> segments) {
  struct Piece {
    std::uint64_t begin;
    std::uint64_t bytes;
  };
  std::vector<Piece> pieces;
  std::vector<std::size_t> first;  // piece of each segment
  for (const auto& s : segments) {
    first.push_back(pieces.size());
    for (std::uint64_t at = 0; at < s.bytes; at += kPieceBytes) {
      pieces.push_back({s.begin + at, std::min(kPieceBytes, s.bytes - at)});
    }
  }
  first.push_back(pieces.size());
  std::vector<std::uint64_t> digests(2 * pieces.size(), 0);
  agree(comm, [&] {
    const auto mine = partition(static_cast<std::int64_t>(pieces.size()), size_of(comm), rank_of(comm));
    if (mine.size() == 0) return;
    const Descriptor file = open_to_read(path);
    std::vector<char> buffer;
    for (auto k = static_cast<std::size_t>(mine.begin); k < static_cast<std::size_t>(mine.end); ++k) {
      buffer.resize(pieces[k].bytes);
      file.read_at(pieces[k].begin, buffer);
      const auto digest = Hash().add(std::span<const char>(buffer)).digest();
      digests[2 * k] = digest.high;
      digests[2 * k + 1] = digest.low;
    }
  });
  // Each is of one rank, and 0 on the others.
  MPI_Allreduce(MPI_IN_PLACE, digests.data(), static_cast<int>(digests.size()), MPI_UINT64_T, MPI_SUM, comm);
  std::vector<std::string> hashes;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    Hash whole;
    for (auto k = first[s]; k < first[s + 1]; ++k) whole.add(Hash::text({digests[2 * k], digests[2 * k + 1]}));
    hashes.push_back(whole.text());
  }
  return hashes;
}

}  // namespace kirchhoff
