#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "io/files/posix.hpp"
#include "io/hdf5/hdf5.hpp"
#include "io/hdf5/layout.hpp"
#include "io/hdf5/seal.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/stop.hpp"

namespace kirchhoff {

/// A file being written by all ranks together. It grows as `path`.tmp and is renamed when it has been read back and
/// compared. Without commit nothing is left behind.
///
/// No collective call meets the disk, so no rank can fail inside one while the others wait for it: rank 0 lets HDF5 lay
/// the file out in memory (FileLayout), each rank writes its own bytes where they belong with plain writes, and what
/// one rank alone meets there is agreed on afterwards.
class Hdf5Writer {
 public:
  /// @note Collective, like all members.
  Hdf5Writer(MPI_Comm comm, std::string path);
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  void group(const std::string& path);
  /// Rank 0's value is written.
  void attribute(const std::string& name, const std::string& value, const std::string& object = "/");
  void attribute(const std::string& name, double value, const std::string& object = "/");
  void attribute(const std::string& name, std::int64_t value, const std::string& object = "/");

  /// `data` must stay alive until commit. Slabs have one or two dimensions.
  /// @param compress worth it for small integers, not for potentials, whose digits are noise to zlib. Ranks then hold
  /// whole rows, in the order of ranks.
  template <class T>
  void write(const std::string& path, const Slab& slab, const T* data, const std::string& unit = "",
             bool compress = false) {
    add(path, slab, {H5Tcopy(native_type<T>()), H5Tclose}, sizeof(T), data, unit, compress);
  }
  /// The same array on every rank; rank 0's is written.
  void write_replicated(const std::string& path, std::span<const double> values, const std::string& unit = "");

  /// The same, copied, so that `values` need not stay alive.
  template <class T>
  void write_copied(const std::string& path, const std::vector<T>& values) {
    const auto n = static_cast<std::int64_t>(values.size());
    add(path, rows_slab(n, 0, rank_of(comm_) == 0 ? n : 0), {H5Tcopy(native_type<T>()), H5Tclose}, sizeof(T), nullptr,
        "", false);
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    arrays_.back().own.assign(bytes, bytes + values.size() * sizeof(T));
    arrays_.back().data = arrays_.back().own.data();
  }

  /// The same texts on every rank, as texts of one length; each rank writes a part of them.
  void write_texts(const std::string& path, const std::vector<std::string>& texts);

  /// Writes the arrays given so far; after it only attributes of groups may follow.
  void write_arrays();

  /// @throws AgreedError naming the file and the reason; the temporary file is gone and what was there before is as it
  /// was.
  void commit();

 private:
  using Value = std::variant<std::string, double, std::int64_t>;
  struct Attribute {
    std::string object;
    std::string name;
    Value value;
  };
  struct Array {
    std::string path;
    Slab slab;
    Identifier type;
    std::size_t type_size = 0;
    const char* data = nullptr;
    std::vector<char> own;                    // where `data` is not the caller's
    std::vector<hsize_t> chunk;               // rows, columns; empty: the array is not compressed
    std::vector<std::vector<char>> packed;    // compressed: chunks of this rank
    std::vector<std::uint64_t> packed_bytes;  // of every chunk, on every rank
    std::size_t first_chunk = 0;              // of this rank
    std::vector<std::uint64_t> places;        // in the file: of the array, or of every chunk
  };

  void add(const std::string& path, const Slab& slab, Identifier type, std::size_t type_size, const void* data,
           const std::string& unit, bool compress);
  void pack(Array& array) const;
  void require_room(double bytes) const;
  void lay_out(Array& array);
  void lay_out(const Attribute& attribute);
  void write_own(const Descriptor& file, const Array& array) const;
  std::vector<Segment> segments(std::uint64_t length) const;
  void write_structure(const std::vector<Segment>& segments, std::uint64_t length) const;
  Seal seal(std::vector<Segment> segments, std::uint64_t length) const;
  void verify(const std::vector<Segment>& segments) const;

  MPI_Comm comm_;
  std::string path_;
  std::string temporary_;
  QuietHdf5 quiet_;
  std::vector<std::string> groups_;
  std::vector<Array> arrays_;
  std::vector<Attribute> attributes_;
  std::uint64_t block_ = 0;
  std::unique_ptr<FileLayout> layout_;  // on rank 0
  bool arrays_written_ = false;
  std::optional<forced_leave::Unfinished> unfinished_;  // on rank 0
  bool committed_ = false;
};

/// The hash of an attribute's value, as it stands in the seal.
std::string hash_of_value(const std::string& text);
std::string hash_of_value(double number);
std::string hash_of_value(std::int64_t number);

}  // namespace kirchhoff
