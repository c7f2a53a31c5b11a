#include "io/hdf5/hdf5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr hsize_t kMostBytes = hsize_t{1} << 30;  // a call

Identifier memory_space(const Slab& slab) {
  const auto& extent = slab.whole ? slab.shape : slab.count;
  return {H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose};
}

/// Selects rows [from, from + rows) of the slab in both spaces; nothing when the slab is empty.
void select(const Slab& slab, hsize_t from, hsize_t rows, hid_t file_space, hid_t memory) {
  auto offset = slab.offset;
  auto count = slab.count;
  offset[0] += from;
  count[0] = rows;
  const bool empty = std::find(count.begin(), count.end(), hsize_t{0}) != count.end();
  if (empty) {
    H5Sselect_none(file_space);
    H5Sselect_none(memory);
    return;
  }
  H5Sselect_hyperslab(file_space, H5S_SELECT_SET, offset.data(), nullptr, count.data(), nullptr);
  std::vector<hsize_t> inside(offset.size(), 0);
  inside[0] = from;
  H5Sselect_hyperslab(memory, H5S_SELECT_SET, slab.whole ? offset.data() : inside.data(), nullptr, count.data(),
                      nullptr);
}

hsize_t bytes_of_row(const Slab& slab, std::size_t type_size) {
  return std::accumulate(slab.count.begin() + 1, slab.count.end(), static_cast<hsize_t>(type_size),
                         std::multiplies<>());
}

hsize_t rows_per_piece(const Slab& slab, std::size_t type_size) {
  return std::max<hsize_t>(1, kMostBytes / std::max<hsize_t>(1, bytes_of_row(slab, type_size)));
}

bool read_pieces(hid_t dataset, const Slab& slab, hid_t type, std::size_t type_size, void* data) {
  const Identifier space(H5Dget_space(dataset), H5Sclose);
  const Identifier memory = memory_space(slab);
  const auto piece = rows_per_piece(slab, type_size);
  for (hsize_t at = 0; at < slab.count[0]; at += piece) {
    select(slab, at, std::min(piece, slab.count[0] - at), space.get(), memory.get());
    if (H5Dread(dataset, type, memory.get(), space.get(), H5P_DEFAULT, data) < 0) return false;
  }
  return true;
}

/// a * b, or the largest number where that is more.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a ? std::numeric_limits<std::uint64_t>::max()
                                                                     : a * b;
}

/// What a file may announce for each byte that it holds of an array: deflate packs no denser than 1032 : 1.
constexpr std::uint64_t kDensest = 1032;

/// How many bytes of an array the file holds at most, once unpacked. @throws std::string the reason why it is none.
std::uint64_t most_bytes(hid_t dataset, hid_t creation, std::uint64_t file_bytes) {
  const auto stored = std::min<std::uint64_t>(H5Dget_storage_size(dataset), file_bytes);
  switch (H5Pget_layout(creation)) {
    case H5D_COMPACT:
      return stored;
    case H5D_CONTIGUOUS: {
      if (H5Pget_external_count(creation) != 0) throw std::string("lies in another file");
      const auto begin = H5Dget_offset(dataset);
      return begin == HADDR_UNDEF || begin > file_bytes ? 0 : std::min<std::uint64_t>(stored, file_bytes - begin);
    }
    case H5D_CHUNKED: {
      const auto most = H5Pget_nfilters(creation) > 0 ? times(stored, kDensest) : stored;
      std::array<hsize_t, H5S_MAX_RANK> extent{};
      const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, extent.data());
      const Identifier type(H5Dget_type(dataset), H5Tclose);
      std::uint64_t chunk = H5Tget_size(type.get());
      for (int k = 0; k < rank; ++k) chunk = times(chunk, extent[static_cast<std::size_t>(k)]);
      return chunk > most ? 0 : most;  // HDF5 unpacks a chunk whole
    }
    default:
      throw std::string("is put together from other files");
  }
}

}  // namespace

std::vector<hsize_t> stored_shape(const std::string& file, const std::string& name, hid_t dataset,
                                  std::uint64_t file_bytes) {
  const auto refuse = [&](const std::string& why) { throw Error(fmt::format("{}: dataset {} {}", file, name, why)); };
  const Identifier space(H5Dget_space(dataset), H5Sclose);
  const Identifier type(H5Dget_type(dataset), H5Tclose);
  const Identifier creation(H5Dget_create_plist(dataset), H5Pclose);
  if (!space.valid() || !type.valid() || !creation.valid()) refuse("is damaged: " + last_hdf5_error());
  if (H5Sget_simple_extent_type(space.get()) != H5S_SIMPLE) refuse("is not an array");
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 1 || rank > H5S_MAX_RANK) refuse("is not an array");
  std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  std::uint64_t bytes = H5Tget_size(type.get());
  for (const auto extent : shape) bytes = times(bytes, extent);
  if (std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end()) return shape;
  std::uint64_t held = 0;
  try {
    held = most_bytes(dataset, creation.get(), file_bytes);
  } catch (const std::string& why) {
    refuse(why);
  }
  if (bytes > held) {
    refuse(fmt::format("is announced as {} values, more than the file can hold", fmt::join(shape, " x ")));
  }
  return shape;
}

bool same_on_disk(const Hdf5Reader& file, const std::string& path, const Slab& slab, hid_t type, std::size_t type_size,
                  const void* data) {
  const auto row_bytes = static_cast<std::size_t>(bytes_of_row(slab, type_size));
  if (row_bytes == 0 || slab.count[0] == 0) return true;
  const Identifier dataset = file.dataset(path);
  const auto piece = std::max<std::size_t>(1, (std::size_t{64} << 20) / row_bytes);
  std::vector<char> buffer;
  std::size_t row_stride = row_bytes;
  std::size_t skip = 0;
  if (slab.whole) {
    row_stride = std::accumulate(slab.shape.begin() + 1, slab.shape.end(), type_size, std::multiplies<>());
    skip = slab.offset[0] * row_stride + (slab.offset.size() > 1 ? slab.offset[1] * type_size : 0);
  }
  for (std::size_t at = 0; at < slab.count[0]; at += piece) {
    Slab part = slab;
    part.whole = false;
    part.offset[0] += at;
    part.count[0] = std::min<hsize_t>(piece, slab.count[0] - at);
    buffer.resize(static_cast<std::size_t>(part.count[0]) * row_bytes);
    if (!read_pieces(dataset.get(), part, type, type_size, buffer.data())) return false;
    for (std::size_t row = 0; row < part.count[0]; ++row) {
      const char* wanted = static_cast<const char*>(data) + skip + (at + row) * row_stride;
      if (std::memcmp(buffer.data() + row * row_bytes, wanted, row_bytes) != 0) return false;
    }
  }
  return true;
}

std::string last_hdf5_error() {
  std::string text = "unknown HDF5 error";
  const auto take_innermost = [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
    if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &text);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Slab rows_slab(std::int64_t total, std::int64_t first, std::int64_t rows, std::int64_t columns) {
  Slab slab{{static_cast<hsize_t>(total)}, {static_cast<hsize_t>(first)}, {static_cast<hsize_t>(rows)}, false};
  if (columns > 0) {
    slab.shape.push_back(static_cast<hsize_t>(columns));
    slab.offset.push_back(0);
    slab.count.push_back(static_cast<hsize_t>(columns));
  }
  return slab;
}

Hdf5Reader::Hdf5Reader(const std::string& path)
    : path_(path), file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose) {
  std::error_code failed;
  if (file_.valid()) bytes_ = std::filesystem::file_size(path, failed);
  if (file_.valid() && !failed) return;
  if (std::filesystem::is_directory(path, failed))
    throw Error(fmt::format("cannot read {}: it is a folder, not an HDF5 file", path));
  errno = 0;
  if (!std::ifstream(path)) throw Error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  throw Error(fmt::format("cannot read {}: it is not a whole HDF5 file", path));
}

bool Hdf5Reader::has(const std::string& object) const {
  return H5Lexists(file_.get(), object.c_str(), H5P_DEFAULT) > 0;
}

Identifier Hdf5Reader::open(const std::string& object) const {
  // Step by step: no link may lead elsewhere.
  for (std::size_t end = object.find('/', 1); object.size() > 1; end = object.find('/', end + 1)) {
    const auto part = object.substr(0, end);
    H5L_info_t info;
    if (H5Lexists(file_.get(), part.c_str(), H5P_DEFAULT) <= 0 ||
        H5Lget_info(file_.get(), part.c_str(), &info, H5P_DEFAULT) < 0) {
      throw Error(fmt::format("{}: {} is missing", path_, object));
    }
    if (info.type != H5L_TYPE_HARD) throw Error(fmt::format("{}: {} is a link to elsewhere", path_, part));
    if (end == std::string::npos) break;
  }
  Identifier opened(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), H5Oclose);
  if (!opened.valid()) throw Error(fmt::format("{}: cannot open {}: {}", path_, object, last_hdf5_error()));
  return opened;
}

Identifier Hdf5Reader::dataset(const std::string& path) const {
  auto opened = open(path);
  if (H5Iget_type(opened.get()) != H5I_DATASET) throw Error(fmt::format("{}: {} is not a dataset", path_, path));
  return opened;
}

/// An attribute that holds one value.
Identifier Hdf5Reader::attribute(const std::string& name, const std::string& object) const {
  const auto where = object == "/" ? "" : " of " + object;
  const auto owner = open(object);
  if (H5Aexists(owner.get(), name.c_str()) <= 0) {
    throw Error(fmt::format("{}: attribute {}{} is missing", path_, name, where));
  }
  Identifier attribute(H5Aopen(owner.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  const Identifier space(attribute.valid() ? H5Aget_space(attribute.get()) : H5I_INVALID_HID, H5Sclose);
  if (!space.valid()) throw Error(fmt::format("{}: attribute {}{} is damaged", path_, name, where));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw Error(fmt::format("{}: attribute {}{} is not one value", path_, name, where));
  }
  return attribute;
}

std::string Hdf5Reader::text(const std::string& name, const std::string& object) const {
  const auto owner = attribute(name, object);
  const Identifier stored(H5Aget_type(owner.get()), H5Tclose);
  const auto refuse = [&] { throw Error(fmt::format("{}: attribute {} is not a text", path_, name)); };
  if (H5Tget_class(stored.get()) != H5T_STRING) refuse();
  const Identifier type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_cset(type.get(), H5Tget_cset(stored.get()));
  if (H5Tis_variable_str(stored.get()) > 0) {
    H5Tset_size(type.get(), H5T_VARIABLE);
    char* value = nullptr;
    if (H5Aread(owner.get(), type.get(), static_cast<void*>(&value)) < 0) refuse();
    std::string result = value == nullptr ? "" : value;
    H5free_memory(value);
    return result;
  }
  const auto width = H5Tget_size(stored.get());
  if (width > bytes_) refuse();
  std::string result(width + 1, '\0');
  H5Tset_size(type.get(), result.size());
  if (H5Aread(owner.get(), type.get(), result.data()) < 0) refuse();
  result.resize(result.find('\0'));
  return result;
}

H5T_class_t Hdf5Reader::class_of(const std::string& name, const std::string& object) const {
  const Identifier stored(H5Aget_type(attribute(name, object).get()), H5Tclose);
  return H5Tget_class(stored.get());
}

double Hdf5Reader::number(const std::string& name, const std::string& object) const {
  const auto kind = class_of(name, object);
  double value = 0;
  if ((kind != H5T_FLOAT && kind != H5T_INTEGER) ||
      H5Aread(attribute(name, object).get(), H5T_NATIVE_DOUBLE, &value) < 0) {
    throw Error(fmt::format("{}: attribute {} is not a number", path_, name));
  }
  return value;
}

std::int64_t Hdf5Reader::integer(const std::string& name, const std::string& object) const {
  std::int64_t value = 0;
  if (class_of(name, object) != H5T_INTEGER || H5Aread(attribute(name, object).get(), H5T_NATIVE_INT64, &value) < 0) {
    throw Error(fmt::format("{}: attribute {} is not a whole number", path_, name));
  }
  return value;
}

std::vector<hsize_t> Hdf5Reader::shape(const std::string& path) const {
  return stored_shape(path_, path, dataset(path).get(), bytes_);
}

/// Reads a dataset whole into a vector of its size.
template <class T>
std::vector<T> Hdf5Reader::whole(const std::string& path) const {
  const auto extent = shape(path);
  const auto count = std::accumulate(extent.begin(), extent.end(), std::size_t{1}, std::multiplies<>());
  std::vector<T> result;
  try {
    result.resize(count);
  } catch (const std::exception&) {
    throw Error(fmt::format("{}: dataset {} of {} values does not fit into memory", path_, path, count));
  }
  if (count > 0) read(path, Slab{extent, std::vector<hsize_t>(extent.size(), 0), extent, false}, result.data());
  return result;
}

std::vector<double> Hdf5Reader::values(const std::string& path) const { return whole<double>(path); }
std::vector<std::int64_t> Hdf5Reader::integers(const std::string& path) const { return whole<std::int64_t>(path); }

std::vector<std::string> Hdf5Reader::texts(const std::string& path) const {
  const auto extent = shape(path);
  const Identifier data = dataset(path);
  const Identifier type(H5Dget_type(data.get()), H5Tclose);
  if (extent.size() != 1 || H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) {
    throw Error(fmt::format("{}: dataset {} does not hold texts of one length", path_, path));
  }
  const auto width = H5Tget_size(type.get());
  std::vector<std::string> result(extent[0]);
  if (result.empty()) return result;
  std::vector<char> bytes(result.size() * width);
  if (H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
    throw Error(fmt::format("{}: cannot read dataset {}: {}", path_, path, last_hdf5_error()));
  }
  for (std::size_t k = 0; k < result.size(); ++k) {
    const std::string_view text(bytes.data() + k * width, width);
    result[k] = text.substr(0, std::min(text.find('\0'), text.size()));
  }
  return result;
}

void Hdf5Reader::read_bytes(const std::string& path, const Slab& slab, hid_t type, std::size_t type_size,
                            void* data) const {
  const auto found = shape(path);
  if (found != slab.shape) {
    throw Error(fmt::format("{}: dataset {} has the shape {}, not {}", path_, path, fmt::join(found, " x "),
                            fmt::join(slab.shape, " x ")));
  }
  const Identifier data_set = dataset(path);
  const Identifier stored(H5Dget_type(data_set.get()), H5Tclose);
  const auto kind = H5Tget_class(stored.get());
  const auto wanted = H5Tget_class(type);
  if (kind != wanted && !(wanted == H5T_FLOAT && kind == H5T_INTEGER)) {
    throw Error(
        fmt::format("{}: dataset {} does not hold {}", path_, path, wanted == H5T_FLOAT ? "numbers" : "whole numbers"));
  }
  if (!read_pieces(data_set.get(), slab, type, type_size, data)) {
    throw Error(fmt::format("{}: cannot read dataset {}: {}", path_, path, last_hdf5_error()));
  }
}

}  // namespace kirchhoff
