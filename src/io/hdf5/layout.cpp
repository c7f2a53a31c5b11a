#include "io/hdf5/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>

#include "kirchhoff/base/error.hpp"

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

namespace kirchhoff {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

/// What HDF5 knows of a file of this driver.
struct OpenFile {
  H5FD_t common;  // first: HDF5 sees no more than this
  FileLayout::Memory* memory;
};

FileLayout::Memory& memory_of(const H5FD_t* file) { return *reinterpret_cast<const OpenFile*>(file)->memory; }

H5FD_t* open_memory(const char* /*name*/, unsigned /*flags*/, hid_t access, haddr_t /*most*/) {
  const auto* info = static_cast<FileLayout::Memory* const*>(H5Pget_driver_info(access));
  if (info == nullptr) return nullptr;
  auto* file = new (std::nothrow) OpenFile{};
  if (file == nullptr) return nullptr;
  file->memory = *info;
  return &file->common;
}

herr_t close_memory(H5FD_t* file) {
  delete reinterpret_cast<OpenFile*>(file);
  return 0;
}

herr_t query_memory(const H5FD_t* /*file*/, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t end_of_memory(const H5FD_t* file, H5FD_mem_t /*type*/) { return memory_of(file).end; }

herr_t set_end_of_memory(H5FD_t* file, H5FD_mem_t /*type*/, haddr_t end) {
  memory_of(file).end = end;
  return 0;
}

herr_t read_memory(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*transfer*/, haddr_t at, std::size_t count, void* bytes) {
  memory_of(file).read(at, static_cast<char*>(bytes), count);
  return 0;
}

herr_t write_memory(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*transfer*/, haddr_t at, std::size_t count,
                    const void* bytes) {
  auto& memory = memory_of(file);
  if (bytes == memory.chunk) {
    memory.chunk_place = at;
    return 0;
  }
  try {
    memory.write(at, static_cast<const char*>(bytes), count);
    return 0;
  } catch (const std::exception&) {  // must not travel through C code
    return -1;
  }
}

hid_t register_driver() {
  static H5FD_class_t driver = {};
#if H5_VERSION_GE(1, 13, 2)
  driver.version = H5FD_CLASS_VERSION;
  driver.value = static_cast<H5FD_class_value_t>(511);  // of those that are free for use
#endif
  driver.name = "kirchhoff_layout";
  driver.maxaddr = static_cast<haddr_t>(INT64_MAX);
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.fapl_size = sizeof(FileLayout::Memory*);
  driver.open = open_memory;
  driver.close = close_memory;
  driver.query = query_memory;
  driver.get_eoa = end_of_memory;
  driver.set_eoa = set_end_of_memory;
  driver.get_eof = end_of_memory;
  driver.read = read_memory;
  driver.write = write_memory;
  const H5FD_mem_t own_list[] = H5FD_FLMAP_SINGLE;  // one list of free places for all
  std::copy(std::begin(own_list), std::end(own_list), std::begin(driver.fl_map));
  return H5FDregister(&driver);
}

[[noreturn]] void fail() { throw Error(fmt::format("HDF5: {}", last_hdf5_error())); }

}  // namespace

void FileLayout::Memory::write(std::uint64_t at, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto page = at / kPageBytes * kPageBytes;
    auto& block = pages.try_emplace(page, kPageBytes, '\0').first->second;
    const auto part = std::min<std::size_t>(count, page + kPageBytes - at);
    std::memcpy(block.data() + (at - page), bytes, part);
    at += part;
    bytes += part;
    count -= part;
  }
}

void FileLayout::Memory::read(std::uint64_t at, char* bytes, std::size_t count) const {
  while (count > 0) {
    const auto page = at / kPageBytes * kPageBytes;
    const auto part = std::min<std::size_t>(count, page + kPageBytes - at);
    const auto found = pages.find(page);
    if (found == pages.end()) {
      std::memset(bytes, 0, part);
    } else {
      std::memcpy(bytes, found->second.data() + (at - page), part);
    }
    at += part;
    bytes += part;
    count -= part;
  }
}

FileLayout::FileLayout(std::uint64_t user_block) {
  static const hid_t driver = register_driver();
  const Identifier access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const Identifier creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  Memory* const memory = &memory_;
  // Large arrays begin where pages do, so that no two of them share one.
  constexpr hsize_t kLarge = hsize_t{1} << 20;
  if (driver < 0 || H5Pset_driver(access.get(), driver, static_cast<const void*>(&memory)) < 0 ||
      H5Pset_alignment(access.get(), kLarge, kPageBytes) < 0 || H5Pset_userblock(creation.get(), user_block) < 0) {
    fail();
  }
  file_ = Identifier(H5Fcreate("layout", H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  if (!file_.valid()) fail();
}

std::uint64_t FileLayout::place(hid_t dataset) const {
  const auto at = H5Dget_offset(dataset);
  if (at == HADDR_UNDEF) fail();
  return at;
}

std::uint64_t FileLayout::place_chunk(hid_t dataset, std::uint64_t row, std::uint64_t bytes) {
  const Identifier space(H5Dget_space(dataset), H5Sclose);
  std::vector<hsize_t> corner(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())), 0);
  corner[0] = row;
  const std::vector<char> any(bytes);  // HDF5 asks for the bytes, of which only the number matters here
  memory_.chunk = any.data();
  memory_.chunk_place = 0;
  const auto status = H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, corner.data(), any.size(), any.data());
  memory_.chunk = nullptr;
  if (status < 0 || memory_.chunk_place == 0) fail();
  return memory_.chunk_place;
}

void FileLayout::finish() {
  if (file_.close() < 0) fail();
}

}  // namespace kirchhoff
