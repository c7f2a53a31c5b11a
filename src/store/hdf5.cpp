#include "store/hdf5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "kirchhoff/error.hpp"
#include "kirchhoff/parallel.hpp"
#include "kirchhoff/store.hpp"
#include "kirchhoff/table.hpp"

namespace kirchhoff {
namespace {

constexpr hsize_t kPieceBytes = hsize_t{1} << 30;  // MPI-IO fails above 2 GiB a call
constexpr int kDeflateLevel = 4;

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
  return std::max<hsize_t>(1, kPieceBytes / std::max<hsize_t>(1, bytes_of_row(slab, type_size)));
}

bool read_pieces(hid_t file, const std::string& path, const Slab& slab, hid_t type, std::size_t type_size, void* data) {
  const Identifier dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) return false;
  const Identifier space(H5Dget_space(dataset.get()), H5Sclose);
  const Identifier memory = memory_space(slab);
  const auto piece = rows_per_piece(slab, type_size);
  for (hsize_t at = 0; at < slab.count[0]; at += piece) {
    select(slab, at, std::min(piece, slab.count[0] - at), space.get(), memory.get());
    if (H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, data) < 0) return false;
  }
  return true;
}

/// Reads this rank's slab back and compares it with what was to be written.
bool same_on_disk(hid_t file, const std::string& path, const Slab& slab, hid_t type, std::size_t type_size,
                  const void* data) {
  const auto row_bytes = static_cast<std::size_t>(bytes_of_row(slab, type_size));
  if (row_bytes == 0) return true;
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
    if (!read_pieces(file, path, part, type, type_size, buffer.data())) return false;
    for (std::size_t row = 0; row < part.count[0]; ++row) {
      const char* wanted = static_cast<const char*>(data) + skip + (at + row) * row_stride;
      if (std::memcmp(buffer.data() + row * row_bytes, wanted, row_bytes) != 0) return false;
    }
  }
  return true;
}

}  // namespace

bool Hdf5Writer::abandoned = false;

bool store_is_broken() { return Hdf5Writer::abandoned; }

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

Hdf5Writer::Hdf5Writer(MPI_Comm comm, std::string path)
    : comm_(comm), path_(std::move(path)), temporary_(path_ + ".tmp") {
  must_have_room({{0}, {0}, {0}, false}, 1);
  const Identifier access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_mpio(access.get(), comm, MPI_INFO_NULL);
  file_ = Identifier(H5Fcreate(temporary_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose);
  must(file_.valid(), "create");
}

Hdf5Writer::~Hdf5Writer() {
  if (committed_) return;
  if (abandoned) {
    file_.release();
  } else {
    file_.close();
  }
  std::error_code ignored;
  if (rank_of(comm_) == 0) std::filesystem::remove(temporary_, ignored);
}

void Hdf5Writer::must(bool ok, const std::string& what) const {
  agree(comm_, [&] {
    if (!ok) throw Error(fmt::format("cannot write {}: {}: {}", path_, what, last_hdf5_error()));
  });
}

void Hdf5Writer::must_have_written(bool ok, const std::string& what) const {
  try {
    must(ok, what);
  } catch (const AgreedError&) {
    abandoned = true;
    throw;
  }
}

void Hdf5Writer::must_have_room(const Slab& slab, std::size_t type_size) const {
  agree(comm_, [&] {
    if (rank_of(comm_) != 0) return;
    constexpr double kMetadata = 1 << 16;
    const double bytes =
        std::accumulate(slab.shape.begin(), slab.shape.end(), static_cast<double>(type_size) + 0.0,
                        [](double product, hsize_t extent) { return product * static_cast<double>(extent); });
    std::error_code unknown;
    const auto room = std::filesystem::space(std::filesystem::absolute(path_).parent_path(), unknown);
    if (!unknown && static_cast<double>(room.available) < bytes + kMetadata) {
      throw Error(fmt::format("cannot write {}: {:.0f} kB more are needed, the disk has {} kB left", path_,
                              std::ceil((bytes + kMetadata) / 1024), room.available / 1024));
    }
  });
}

void Hdf5Writer::group(const std::string& path) {
  const Identifier made(H5Gcreate2(file_.get(), path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  must(made.valid(), path);
}

template <class T>
void Hdf5Writer::scalar(const std::string& name, hid_t type, const T* value, const std::string& object) {
  const Identifier owner(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), H5Oclose);
  const Identifier space(H5Screate(H5S_SCALAR), H5Sclose);
  const Identifier made(H5Acreate2(owner.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  must(made.valid() && H5Awrite(made.get(), type, value) >= 0, "attribute " + name);
}

void Hdf5Writer::attribute(const std::string& name, const std::string& value, const std::string& object) {
  const Identifier type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const char* text = value.c_str();
  scalar(name, type.get(), &text, object);
}

void Hdf5Writer::attribute(const std::string& name, double value, const std::string& object) {
  broadcast(comm_, std::span<double>(&value, 1));  // timings differ, and HDF5 wants the same from all ranks
  scalar(name, H5T_NATIVE_DOUBLE, &value, object);
}

void Hdf5Writer::attribute(const std::string& name, std::int64_t value, const std::string& object) {
  scalar(name, H5T_NATIVE_INT64, &value, object);
}

void Hdf5Writer::write_bytes(const std::string& path, const Slab& slab, hid_t type, std::size_t type_size,
                             const void* data, const std::string& unit, bool compress) {
  if (!compress) must_have_room(slab, type_size);
  const Identifier space(H5Screate_simple(static_cast<int>(slab.shape.size()), slab.shape.data(), nullptr), H5Sclose);
  const Identifier links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Identifier creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  const bool any = std::find(slab.shape.begin(), slab.shape.end(), hsize_t{0}) == slab.shape.end();
  if (any) {
    // Chunks of about 1 MiB that are whole rows where rows are short: a reader of one layer or sample reads little
    // else.
    auto chunk = slab.shape;
    constexpr hsize_t kChunkBytes = hsize_t{1} << 20;
    hsize_t rest = std::max<hsize_t>(1, kChunkBytes / type_size);
    for (std::size_t k = chunk.size(); k-- > 0;) {
      chunk[k] = std::min(chunk[k], std::max<hsize_t>(1, rest));
      rest /= chunk[k];
    }
    H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
    H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
    if (compress) {
      H5Pset_shuffle(creation.get());
      H5Pset_deflate(creation.get(), kDeflateLevel);
    }
  }
  const Identifier dataset(
      H5Dcreate2(file_.get(), path.c_str(), type, space.get(), links.get(), creation.get(), H5P_DEFAULT), H5Dclose);
  must(dataset.valid(), path);
  const Identifier transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  H5Pset_dxpl_mpio(transfer.get(), H5FD_MPIO_COLLECTIVE);
  const Identifier memory = memory_space(slab);
  // All ranks make the same number of calls, those that have nothing left with an empty selection.
  const auto piece = rows_per_piece(slab, type_size);
  const hsize_t mine = (slab.count[0] + piece - 1) / piece;
  const auto calls = static_cast<int>(all_max(comm_, static_cast<double>(mine)));
  for (int k = 0; any && k < calls; ++k) {
    const auto from = std::min<hsize_t>(slab.count[0], static_cast<hsize_t>(k) * piece);
    select(slab, from, std::min(piece, slab.count[0] - from), space.get(), memory.get());
    must_have_written(H5Dwrite(dataset.get(), type, memory.get(), space.get(), transfer.get(), data) >= 0, path);
  }
  if (!unit.empty()) attribute("unit", unit, path);
  verifications_.emplace_back([=](hid_t file) { return same_on_disk(file, path, slab, type, type_size, data); });
}

void Hdf5Writer::write_replicated(const std::string& path, std::span<const double> values, const std::string& unit) {
  const auto n = static_cast<std::int64_t>(values.size());
  write(path, rows_slab(n, 0, rank_of(comm_) == 0 ? n : 0), values.data(), unit);
}

void Hdf5Writer::write_texts(const std::string& path, const std::vector<std::string>& texts) {
  const auto total = static_cast<std::int64_t>(texts.size());
  const auto mine = partition(total, size_of(comm_), rank_of(comm_));
  std::size_t width = 1;
  for (const auto& text : texts) width = std::max(width, text.size());
  auto& [type, bytes] = texts_.emplace_back(Identifier(H5Tcopy(H5T_C_S1), H5Tclose),
                                            std::vector<char>(static_cast<std::size_t>(mine.size()) * width, 0));
  H5Tset_size(type.get(), width);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  for (auto k = mine.begin; k < mine.end; ++k) {
    const auto& text = texts[static_cast<std::size_t>(k)];
    std::copy(text.begin(), text.end(), bytes.begin() + (k - mine.begin) * static_cast<std::int64_t>(width));
  }
  write_bytes(path, rows_slab(total, mine.begin, mine.size()), type.get(), width, bytes.data(), "", false);
}

void Hdf5Writer::commit() {
  must_have_written(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) >= 0, "flush");
  must_have_written(file_.close() >= 0, "close");
  agree(comm_, [&] {
    const Hdf5Reader written(temporary_);
    for (const auto& same : verifications_) {
      if (!same(written.id())) throw Error(fmt::format("cannot write {}: what was read back differs", path_));
    }
  });
  agree(comm_, [&] {
    if (rank_of(comm_) == 0) replace_file(temporary_, path_);
  });
  committed_ = true;
}

Hdf5Reader::Hdf5Reader(const std::string& path)
    : path_(path), file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose) {
  if (file_.valid()) return;
  if (std::filesystem::is_directory(path))
    throw Error(fmt::format("cannot read {}: it is a folder, not an HDF5 file", path));
  errno = 0;
  if (!std::ifstream(path)) throw Error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  throw Error(fmt::format("cannot read {}: it is not a whole HDF5 file", path));
}

bool Hdf5Reader::has(const std::string& object) const {
  return H5Lexists(file_.get(), object.c_str(), H5P_DEFAULT) > 0;
}

Identifier Hdf5Reader::attribute(const std::string& name, const std::string& object) const {
  Identifier attribute(H5Aopen_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) throw Error(fmt::format("{}: attribute {} is missing at {}", path_, name, object));
  return attribute;
}

std::string Hdf5Reader::text(const std::string& name, const std::string& object) const {
  const auto owner = attribute(name, object);
  const Identifier stored(H5Aget_type(owner.get()), H5Tclose);
  const Identifier type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  char* value = nullptr;
  if (H5Tis_variable_str(stored.get()) <= 0 || H5Aread(owner.get(), type.get(), static_cast<void*>(&value)) < 0) {
    throw Error(fmt::format("{}: attribute {} is not a text", path_, name));
  }
  std::string result = value == nullptr ? "" : value;
  H5free_memory(value);
  return result;
}

double Hdf5Reader::number(const std::string& name, const std::string& object) const {
  double value = 0;
  if (H5Aread(attribute(name, object).get(), H5T_NATIVE_DOUBLE, &value) < 0) {
    throw Error(fmt::format("{}: attribute {} is not a number", path_, name));
  }
  return value;
}

std::int64_t Hdf5Reader::integer(const std::string& name, const std::string& object) const {
  std::int64_t value = 0;
  if (H5Aread(attribute(name, object).get(), H5T_NATIVE_INT64, &value) < 0) {
    throw Error(fmt::format("{}: attribute {} is not a number", path_, name));
  }
  return value;
}

std::vector<hsize_t> Hdf5Reader::shape(const std::string& path) const {
  const Identifier dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) throw Error(fmt::format("{}: dataset {} is missing", path_, path));
  const Identifier space(H5Dget_space(dataset.get()), H5Sclose);
  std::vector<hsize_t> extent(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
  return extent;
}

std::vector<double> Hdf5Reader::values(const std::string& path) const {
  const auto extent = shape(path);
  std::vector<double> result(std::accumulate(extent.begin(), extent.end(), std::size_t{1}, std::multiplies<>()));
  if (!result.empty()) read(path, Slab{extent, std::vector<hsize_t>(extent.size(), 0), extent, false}, result.data());
  return result;
}

std::vector<std::int64_t> Hdf5Reader::integers(const std::string& path) const {
  const auto extent = shape(path);
  std::vector<std::int64_t> result(std::accumulate(extent.begin(), extent.end(), std::size_t{1}, std::multiplies<>()));
  if (!result.empty()) read(path, Slab{extent, std::vector<hsize_t>(extent.size(), 0), extent, false}, result.data());
  return result;
}

std::vector<std::string> Hdf5Reader::texts(const std::string& path) const {
  const auto extent = shape(path);
  const Identifier dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), H5Dclose);
  const Identifier type(H5Dget_type(dataset.get()), H5Tclose);
  if (extent.size() != 1 || H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) {
    throw Error(fmt::format("{}: dataset {} does not hold texts of one length", path_, path));
  }
  const auto width = H5Tget_size(type.get());
  std::vector<std::string> result(extent[0]);
  if (result.empty()) return result;
  std::vector<char> bytes(result.size() * width);
  if (H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
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
  if (shape(path) != slab.shape)
    throw Error(fmt::format("{}: dataset {} has another shape than expected", path_, path));
  if (!read_pieces(file_.get(), path, slab, type, type_size, data)) {
    throw Error(fmt::format("{}: cannot read dataset {}: {}", path_, path, last_hdf5_error()));
  }
}

}  // namespace kirchhoff
