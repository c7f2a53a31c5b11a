#pragma once

#include <hdf5.h>
#include <mpi.h>

#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kirchhoff {

/// Owns one HDF5 identifier.
class Identifier {
 public:
  Identifier() = default;
  Identifier(hid_t id, herr_t (*closer)(hid_t)) : id_(id), close_(closer) {}
  Identifier(Identifier&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Identifier& operator=(Identifier&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Identifier() {
    if (id_ >= 0) close_(id_);
  }

  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

  /// Lets go of it without closing.
  void release() { id_ = H5I_INVALID_HID; }

  /// Closes now. @return HDF5's status, which a destructor could not report.
  herr_t close() { return id_ < 0 ? 0 : close_(std::exchange(id_, H5I_INVALID_HID)); }

 private:
  hid_t id_ = H5I_INVALID_HID;
  herr_t (*close_)(hid_t) = nullptr;
};

/// While it lives, HDF5 prints no errors of its own.
class QuietHdf5 {
 public:
  QuietHdf5() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  QuietHdf5(const QuietHdf5&) = delete;
  QuietHdf5& operator=(const QuietHdf5&) = delete;
  ~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// HDF5's innermost description of the last failed call. To be asked before any other call, which would clear it.
std::string last_hdf5_error();

template <class T>
hid_t native_type();
template <>
inline hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t native_type<std::uint16_t>() {
  return H5T_NATIVE_UINT16;
}
template <>
inline hid_t native_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}

/// Which part of a dataset a rank holds, and how it lies in memory.
struct Slab {
  std::vector<hsize_t> shape;   // of the dataset
  std::vector<hsize_t> offset;  // of this rank's part
  std::vector<hsize_t> count;
  bool whole = false;  // memory holds the whole dataset, not the part alone
};

/// A slab of rows [first, first + rows) of a (total x columns) dataset, its memory holding the part alone.
Slab rows_slab(std::int64_t total, std::int64_t first, std::int64_t rows, std::int64_t columns = 0);

/// A file being written by all ranks together. It grows as `path`.tmp; `commit` reads it back, compares, and renames
/// it. Without commit nothing is left behind. Data given to `write` must stay alive until then.
class Hdf5Writer {
 public:
  /// @note Collective, like all members.
  Hdf5Writer(MPI_Comm comm, std::string path);
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  void group(const std::string& path);
  /// Rank 0's value is written; texts and integers must be the same on every rank.
  void attribute(const std::string& name, const std::string& value, const std::string& object = "/");
  void attribute(const std::string& name, double value, const std::string& object = "/");
  void attribute(const std::string& name, std::int64_t value, const std::string& object = "/");

  /// @param compress worth it for small integers, not for potentials, whose digits are noise to zlib.
  template <class T>
  void write(const std::string& path, const Slab& slab, const T* data, const std::string& unit = "",
             bool compress = false) {
    write_bytes(path, slab, native_type<T>(), sizeof(T), data, unit, compress);
  }
  /// The same array on every rank; rank 0's is written.
  void write_replicated(const std::string& path, std::span<const double> values, const std::string& unit = "");

  /// The same texts on every rank, as texts of one length; each rank writes a part of them.
  void write_texts(const std::string& path, const std::vector<std::string>& texts);

  void commit();

  /// Whether a write has failed half-way: HDF5 cannot close such a file together, on some ranks it would wait for ever.
  static bool abandoned;

 private:
  void write_bytes(const std::string& path, const Slab& slab, hid_t type, std::size_t type_size, const void* data,
                   const std::string& unit, bool compress);
  template <class T>
  void scalar(const std::string& name, hid_t type, const T* value, const std::string& object);
  void must(bool ok, const std::string& what) const;
  void must_have_written(bool ok, const std::string& what) const;
  void must_have_room(const Slab& slab, std::size_t type_size) const;

  MPI_Comm comm_;
  std::string path_;
  std::string temporary_;
  QuietHdf5 quiet_;
  Identifier file_;
  bool committed_ = false;
  std::vector<std::function<bool(hid_t)>> verifications_;
  std::list<std::pair<Identifier, std::vector<char>>> texts_;  // of write_texts, alive until commit
};

/// A file being read by this rank alone; several ranks may each have one.
class Hdf5Reader {
 public:
  /// @throws Error naming the file when it is missing or no HDF5 file.
  explicit Hdf5Reader(const std::string& path);

  bool has(const std::string& object) const;
  std::string text(const std::string& attribute, const std::string& object = "/") const;
  double number(const std::string& attribute, const std::string& object = "/") const;
  std::int64_t integer(const std::string& attribute, const std::string& object = "/") const;
  std::vector<hsize_t> shape(const std::string& path) const;

  template <class T>
  void read(const std::string& path, const Slab& slab, T* data) const {
    read_bytes(path, slab, native_type<T>(), sizeof(T), data);
  }
  /// A whole dataset as doubles.
  std::vector<double> values(const std::string& path) const;
  std::vector<std::int64_t> integers(const std::string& path) const;
  /// A whole dataset of texts of one length.
  std::vector<std::string> texts(const std::string& path) const;

  hid_t id() const { return file_.get(); }
  const std::string& path() const { return path_; }

 private:
  void read_bytes(const std::string& path, const Slab& slab, hid_t type, std::size_t type_size, void* data) const;
  Identifier attribute(const std::string& name, const std::string& object) const;

  QuietHdf5 quiet_;
  std::string path_;
  Identifier file_;
};

}  // namespace kirchhoff
