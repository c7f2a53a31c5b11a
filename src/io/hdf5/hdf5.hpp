#pragma once

#include <hdf5.h>

#include <cstdint>
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

/// A file being read by this rank alone; several ranks may each have one. It is not asked whether the file is whole
/// (file_status does): what it says is held against the file's length, but HDF5 itself trusts a damaged file too far.
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

  /// @throws Error naming the file and the object when it is missing, no dataset, or behind a link that is no plain
  /// name (a soft or external link).
  Identifier dataset(const std::string& path) const;
  H5T_class_t class_of(const std::string& attribute, const std::string& object = "/") const;

  hid_t id() const { return file_.get(); }
  const std::string& path() const { return path_; }

 private:
  void read_bytes(const std::string& path, const Slab& slab, hid_t type, std::size_t type_size, void* data) const;
  Identifier open(const std::string& object) const;
  Identifier attribute(const std::string& name, const std::string& object) const;
  template <class T>
  std::vector<T> whole(const std::string& path) const;

  QuietHdf5 quiet_;
  std::string path_;
  Identifier file_;
  std::uint64_t bytes_ = 0;  // the file's length
};

/// The shape of a dataset, believed only as far as the file is long.
/// @throws Error naming file and dataset when it is no array, lies elsewhere, or is announced larger than what a file
/// of so many bytes can hold.
std::vector<hsize_t> stored_shape(const std::string& file, const std::string& name, hid_t dataset,
                                  std::uint64_t file_bytes);

/// Whether a slab of a dataset has these bytes.
bool same_on_disk(const Hdf5Reader& file, const std::string& path, const Slab& slab, hid_t type, std::size_t type_size,
                  const void* data);

}  // namespace kirchhoff
