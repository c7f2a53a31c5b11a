#include "io/hdf5/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "io/files/posix.hpp"
#include "io/hdf5/chunks.hpp"
#include "io/hdf5/schema.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

constexpr int kDeflateLevel = 4;

std::uint64_t product(const std::vector<hsize_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::uint64_t{1}, std::multiplies<>());
}

std::uint64_t bytes_of(const Slab& slab, std::size_t type_size) { return product(slab.shape) * type_size; }

/// What a rank holds of an array, as runs of bytes that lie together both in memory and in the file.
struct Run {
  std::uint64_t in_file;  // from the array's first byte on
  const char* bytes;
  std::size_t count;
};

template <class Use>
void for_each_run(const Slab& slab, std::size_t type_size, const char* data, Use&& use) {
  if (product(slab.count) == 0) return;
  const bool table = slab.shape.size() > 1;
  const auto file_row = (table ? slab.shape[1] : 1) * type_size;
  const auto own_row = (table ? slab.count[1] : 1) * type_size;
  const auto skip = table ? slab.offset[1] * type_size : 0;
  const auto memory_row = slab.whole ? file_row : own_row;
  const char* from = slab.whole ? data + slab.offset[0] * file_row + skip : data;
  const bool together = own_row == file_row;  // rows one behind the other
  const auto runs = together ? 1 : slab.count[0];
  const auto count = together ? slab.count[0] * own_row : own_row;
  for (hsize_t k = 0; k < runs; ++k) {
    use(Run{(slab.offset[0] + k) * file_row + skip, from + k * memory_row, count});
  }
}

std::string joined(const std::string& object, const std::string& name) { return object + "@" + name; }

}  // namespace

std::string hash_of_value(const std::string& text) { return Hash().add("text ").add(text).text(); }
std::string hash_of_value(double number) {
  return Hash().add(fmt::format("number {:016x}", std::bit_cast<std::uint64_t>(number))).text();
}
std::string hash_of_value(std::int64_t number) { return Hash().add(fmt::format("integer {}", number)).text(); }

Hdf5Writer::Hdf5Writer(MPI_Comm comm, std::string path)
    : comm_(comm), path_(std::move(path)), temporary_(path_ + ".tmp") {}

Hdf5Writer::~Hdf5Writer() {
  if (committed_ || !arrays_written_ || rank_of(comm_) != 0) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void Hdf5Writer::group(const std::string& path) { groups_.push_back(path); }

void Hdf5Writer::attribute(const std::string& name, const std::string& value, const std::string& object) {
  attributes_.push_back({object, name, value});
}
void Hdf5Writer::attribute(const std::string& name, double value, const std::string& object) {
  attributes_.push_back({object, name, value});
}
void Hdf5Writer::attribute(const std::string& name, std::int64_t value, const std::string& object) {
  attributes_.push_back({object, name, value});
}

void Hdf5Writer::add(const std::string& path, const Slab& slab, Identifier type, std::size_t type_size,
                     const void* data, const std::string& unit, bool compress) {
  auto& array = arrays_.emplace_back();
  array.path = path;
  array.slab = slab;
  array.type = std::move(type);
  array.type_size = type_size;
  array.data = static_cast<const char*>(data);
  if (!unit.empty()) attribute(schema::kUnit, unit, path);
  if (!compress || product(slab.shape) == 0) return;
  // Chunks of about 1 MiB of whole rows: a reader of one sample reads little else.
  constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;
  const auto row_bytes = bytes_of(slab, type_size) / slab.shape[0];
  array.chunk = slab.shape;
  array.chunk[0] = std::clamp<hsize_t>(kChunkBytes / row_bytes, 1, slab.shape[0]);
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
  Identifier type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), width);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  std::vector<char> bytes(static_cast<std::size_t>(mine.size()) * width, 0);
  for (auto k = mine.begin; k < mine.end; ++k) {
    const auto& text = texts[static_cast<std::size_t>(k)];
    std::copy(text.begin(), text.end(), bytes.begin() + (k - mine.begin) * static_cast<std::int64_t>(width));
  }
  add(path, rows_slab(total, mine.begin, mine.size()), std::move(type), width, nullptr, "", false);
  arrays_.back().own = std::move(bytes);
  arrays_.back().data = arrays_.back().own.data();
}

/// Makes an array's chunks, each on the rank that its first row is on.
void Hdf5Writer::pack(Array& array) const {
  const auto& slab = array.slab;
  const auto row_bytes = bytes_of(slab, array.type_size) / slab.shape[0];
  const auto chunk_bytes = array.chunk[0] * row_bytes;
  const auto chunks = (slab.shape[0] + array.chunk[0] - 1) / array.chunk[0];
  std::uint64_t first = 0;
  const auto bytes = gather_chunks(comm_, {slab.shape[0], array.chunk[0], row_bytes, slab.offset[0], slab.count[0]},
                                   array.data, first);
  agree(comm_, [&] {
    array.first_chunk = first;
    array.packed_bytes.assign(chunks, 0);
    for (std::uint64_t at = 0; at < bytes.size(); at += chunk_bytes) {
      array.packed.push_back(
          shuffle_and_deflate(std::span(bytes).subspan(at, chunk_bytes), array.type_size, kDeflateLevel));
      array.packed_bytes[first + array.packed.size() - 1] = array.packed.back().size();
    }
  });
  MPI_Allreduce(MPI_IN_PLACE, array.packed_bytes.data(), static_cast<int>(chunks), MPI_UINT64_T, MPI_SUM, comm_);
}

void Hdf5Writer::require_room(double bytes) const {
  constexpr double kStructure = 1 << 16;
  std::error_code unknown;
  const auto room = std::filesystem::space(std::filesystem::absolute(path_).parent_path(), unknown);
  if (!unknown && static_cast<double>(room.available) < bytes + kStructure) {
    throw Error(fmt::format("cannot write {}: {:.0f} kB more are needed, the disk has {} kB left", path_,
                            std::ceil((bytes + kStructure) / 1024), room.available / 1024));
  }
}

/// Gives an array its name, shape and place in the file. On rank 0.
void Hdf5Writer::lay_out(Array& array) {
  const auto must = [&](bool ok) {
    if (!ok) throw Error(fmt::format("cannot write {}: {}: {}", path_, array.path, last_hdf5_error()));
  };
  const auto& shape = array.slab.shape;
  const Identifier space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  const Identifier links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  const Identifier creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(creation.get(), false);  // the same problem, the same bytes
  if (array.chunk.empty()) {
    H5Pset_layout(creation.get(), H5D_CONTIGUOUS);
    H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
  } else {
    H5Pset_chunk(creation.get(), static_cast<int>(array.chunk.size()), array.chunk.data());
    H5Pset_shuffle(creation.get());
    H5Pset_deflate(creation.get(), kDeflateLevel);
  }
  const Identifier dataset(H5Dcreate2(layout_->id(), array.path.c_str(), array.type.get(), space.get(), links.get(),
                                      creation.get(), H5P_DEFAULT),
                           H5Dclose);
  must(dataset.valid());
  if (array.chunk.empty()) {
    if (product(shape) > 0) array.places.push_back(layout_->place(dataset.get()));
    return;
  }
  for (std::size_t k = 0; k < array.packed_bytes.size(); ++k) {
    array.places.push_back(layout_->place_chunk(dataset.get(), k * array.chunk[0], array.packed_bytes[k]));
  }
}

/// On rank 0.
void Hdf5Writer::lay_out(const Attribute& attribute) {
  const Identifier owner(H5Oopen(layout_->id(), attribute.object.c_str(), H5P_DEFAULT), H5Oclose);
  const Identifier space(H5Screate(H5S_SCALAR), H5Sclose);
  const auto write = [&](hid_t type, const void* value) {
    const Identifier made(H5Acreate2(owner.get(), attribute.name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                          H5Aclose);
    if (!made.valid() || H5Awrite(made.get(), type, value) < 0) {
      throw Error(fmt::format("cannot write {}: attribute {}: {}", path_, attribute.name, last_hdf5_error()));
    }
  };
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    const Identifier type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), H5T_VARIABLE);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    const char* characters = text->c_str();
    write(type.get(), static_cast<const void*>(&characters));
  } else if (const auto* number = std::get_if<double>(&attribute.value)) {
    write(H5T_NATIVE_DOUBLE, number);
  } else {
    write(H5T_NATIVE_INT64, &std::get<std::int64_t>(attribute.value));
  }
}

void Hdf5Writer::write_own(const Descriptor& file, const Array& array) const {
  if (array.chunk.empty()) {
    for_each_run(array.slab, array.type_size, array.data, [&](const Run& run) {
      file.write_at(array.places[0] + run.in_file, {run.bytes, run.count});
    });
    return;
  }
  for (std::size_t k = 0; k < array.packed.size(); ++k) {
    file.write_at(array.places[array.first_chunk + k], array.packed[k]);
  }
}

void Hdf5Writer::write_arrays() {
  if (arrays_written_) return;
  for (auto& array : arrays_) {
    if (!array.chunk.empty()) pack(array);
  }
  const bool first = rank_of(comm_) == 0;
  std::uint64_t length = 0;
  std::size_t parts = 0;
  arrays_written_ = true;  // from here on there may be a temporary file to remove
  agree(comm_, [&] {
    double bytes = 0;
    for (const auto& a : arrays_) {
      bytes += a.chunk.empty() ? static_cast<double>(bytes_of(a.slab, a.type_size))
                               : std::accumulate(a.packed_bytes.begin(), a.packed_bytes.end(), 0.0);
      parts += 2 + a.packed_bytes.size() * 5 / 4;
    }
    constexpr std::size_t kAttributesToCome = 64;
    block_ = seal_block(parts + 1, attributes_.size() + kAttributesToCome);
    if (!first) return;
    require_room(bytes);
    layout_ = std::make_unique<FileLayout>(block_);
    for (const auto& group : groups_) {
      const Identifier made(H5Gcreate2(layout_->id(), group.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      if (!made.valid()) throw Error(fmt::format("cannot write {}: {}: {}", path_, group, last_hdf5_error()));
    }
    for (auto& array : arrays_) lay_out(array);
    length = layout_->memory().end;
    unfinished_.emplace(temporary_);
    const auto file = create_to_write(temporary_, path_);
    file.reserve(length);
  });
  for (auto& a : arrays_) {
    auto count = a.chunk.empty() ? std::uint64_t{product(a.slab.shape) > 0} : a.packed_bytes.size();
    a.places.resize(count);
    MPI_Bcast(a.places.data(), static_cast<int>(count), MPI_UINT64_T, 0, comm_);
  }
  agree(comm_, [&] {
    const bool any = std::any_of(arrays_.begin(), arrays_.end(), [](const Array& a) {
      return a.chunk.empty() ? product(a.slab.count) > 0 : !a.packed.empty();
    });
    if (!any) return;
    auto file = open_to_write(temporary_, path_);
    for (const auto& array : arrays_) write_own(file, array);
    file.settle();
  });
}

/// The whole file behind the seal, cut into the bytes of arrays and what is between them.
std::vector<Segment> Hdf5Writer::segments(std::uint64_t length) const {
  std::vector<Segment> own;
  for (const auto& a : arrays_) {
    for (std::size_t k = 0; k < a.places.size(); ++k) {
      own.push_back({a.path, a.places[k], a.chunk.empty() ? bytes_of(a.slab, a.type_size) : a.packed_bytes[k], {}});
    }
  }
  std::sort(own.begin(), own.end(), [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
  std::vector<Segment> all;
  auto at = block_;
  const auto up_to = [&](std::uint64_t end) {
    if (end > at) all.push_back({Segment::kStructure, at, end - at, {}});
    at = end;
  };
  for (auto& s : own) {
    up_to(s.begin);
    at += s.bytes;
    if (!all.empty() && all.back().name == s.name && all.back().begin + all.back().bytes == s.begin) {
      all.back().bytes += s.bytes;
    } else {
      all.push_back(std::move(s));
    }
  }
  up_to(length);
  for (const auto& a : arrays_) {
    if (a.places.empty()) all.push_back({a.path, length, 0, {}});  // an array without bytes, but with a name
  }
  return all;
}

/// Writes all but the arrays and the seal. On rank 0.
void Hdf5Writer::write_structure(const std::vector<Segment>& segments, std::uint64_t length) const {
  auto file = open_to_write(temporary_, path_);
  file.truncate(length);
  std::vector<char> bytes;
  for (const auto& s : segments) {
    if (s.name != Segment::kStructure) continue;
    bytes.resize(s.bytes);
    layout_->memory().read(s.begin, bytes.data(), bytes.size());
    file.write_at(s.begin, bytes);
  }
  file.settle();
}

Seal Hdf5Writer::seal(std::vector<Segment> segments, std::uint64_t length) const {
  Seal seal{schema::kVersion, "unknown", block_, {}, length, std::move(segments), {}};
  for (const auto& a : attributes_) {
    seal.attributes.emplace_back(joined(a.object, a.name),
                                 std::visit([](const auto& value) { return hash_of_value(value); }, a.value));
    const auto* text = std::get_if<std::string>(&a.value);
    if (a.object == "/" && text != nullptr) {
      if (a.name == schema::kKind) seal.kind = *text;
      if (a.name == schema::kProblemHash) seal.problem_hash = *text;
    }
  }
  return seal;
}

/// Reads back what this rank has written. Arrays are read through HDF5, as readers will.
void Hdf5Writer::verify(const std::vector<Segment>& segments) const {
  const Hdf5Reader written(temporary_);
  bool same = std::all_of(arrays_.begin(), arrays_.end(), [&](const Array& a) {
    return same_on_disk(written, a.path, a.slab, a.type.get(), a.type_size, a.data);
  });
  if (layout_) {
    const auto file = open_to_read(temporary_);
    std::vector<char> found;
    std::vector<char> wanted;
    for (const auto& s : segments) {
      if (s.name != Segment::kStructure) continue;
      found.resize(s.bytes);
      wanted.resize(s.bytes);
      file.read_at(s.begin, found);
      layout_->memory().read(s.begin, wanted.data(), wanted.size());
      same = same && found == wanted;
    }
  }
  if (!same) throw Error(fmt::format("cannot write {}: what was read back differs", path_));
}

void Hdf5Writer::commit() {
  write_arrays();
  const bool first = rank_of(comm_) == 0;
  agree(comm_, [&] {
    if (!first) return;
    for (const auto& a : attributes_) lay_out(a);
    layout_->finish();
  });
  std::uint64_t length = first ? layout_->memory().end : 0;
  MPI_Bcast(&length, 1, MPI_UINT64_T, 0, comm_);
  auto parts = agree(comm_, [&] {
    auto found = segments(length);
    if (first) write_structure(found, length);
    return found;
  });
  agree(comm_, [&] { verify(parts); });
  const auto hashes = hash_segments(comm_, temporary_, parts);
  agree(comm_, [&] {
    if (!first) return;
    for (std::size_t k = 0; k < parts.size(); ++k) parts[k].hash = hashes[k];
    const auto text = seal(std::move(parts), length).text();
    auto file = open_to_write(temporary_, path_);
    file.write_at(0, text);
    file.settle();
    std::vector<char> found(text.size());
    open_to_read(temporary_).read_at(0, found);
    if (!std::equal(found.begin(), found.end(), text.begin())) {
      throw Error(fmt::format("cannot write {}: what was read back differs", path_));
    }
    replace_file(temporary_, path_);
    unfinished_.reset();
    settle_folder(path_);
  });
  committed_ = true;
}

}  // namespace kirchhoff
