#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "io/files/file_kind.hpp"
#include "io/hdf5/guard.hpp"
#include "io/hdf5/hdf5.hpp"
#include "io/table/table_formats.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/files/text_file.hpp"

namespace kirchhoff {

namespace {

[[noreturn]] void fail(const std::string& path) {
  throw Error(fmt::format("cannot read {}: HDF5: {}", path, last_hdf5_error()));
}

Identifier open_file(const std::string& path) {
  detail::require_readable(path);
  std::string name = path;
  const Identifier access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (!detail::kind_of(path).compression.empty()) {
    std::string image = read_text_file(path);
    constexpr std::size_t kIncrement = 1 << 16;
    H5Pset_fapl_core(access.get(), kIncrement, false);
    if (H5Pset_file_image(access.get(), image.data(), image.size()) < 0) fail(path);
    name += "/image";  // an image must not carry the name of a file that exists, and below a file nothing can
  }
  Identifier file(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!file.valid()) fail(path);
  return file;
}

/// The dataset of that name, or an invalid identifier when there is none.
Identifier open_dataset(const Identifier& file, const std::string& name) {
  Identifier object(H5Oopen(file.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
  if (object.valid() && H5Iget_type(object.get()) != H5I_DATASET) return {H5I_INVALID_HID, H5Oclose};
  return object;
}

bool holds_numbers(const Identifier& dataset) {
  const Identifier type(H5Dget_type(dataset.get()), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  return kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM;  // an enumeration is how truth values are stored
}

/// Names of all datasets of numbers, in alphabetical order.
std::vector<std::string> datasets_of_numbers(const std::string& path, const Identifier& file) {
  std::vector<std::string> links;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    try {
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
      return 0;
    } catch (const std::exception&) {  // out of memory must not travel through C code
      return -1;
    }
  };
  if (H5Lvisit(file.get(), H5_INDEX_NAME, H5_ITER_INC, collect, &links) < 0) fail(path);
  std::erase_if(links, [&](const std::string& link) {
    const Identifier dataset = open_dataset(file, link);
    return !dataset.valid() || !holds_numbers(dataset);
  });
  return links;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

std::string choose_dataset(const std::string& path, const Identifier& file) {
  const auto names = datasets_of_numbers(path, file);
  if (names.size() == 1) return names.front();
  if (names.empty()) throw Error(fmt::format("{} holds no numbers", path));
  throw Error(fmt::format("{} has {} datasets, say which: {}", path, names.size(), joined(names)));
}

Table read_trusting(const std::string& path, const std::string& dataset) {
  const QuietHdf5 quiet;
  const Identifier file = open_file(path);
  Table table;
  table.dataset = dataset.empty() ? choose_dataset(path, file) : dataset;
  table.dataset.erase(0, std::min(table.dataset.find_first_not_of('/'), table.dataset.size()));

  const Identifier data = open_dataset(file, "/" + table.dataset);
  if (!data.valid()) {
    const auto names = datasets_of_numbers(path, file);
    throw Error(fmt::format("{} has no dataset '{}'{} (datasets: {})", path, table.dataset,
                            did_you_mean(table.dataset, names), joined(names)));
  }
  if (!holds_numbers(data)) throw Error(fmt::format("{}: dataset '{}' does not hold numbers", path, table.dataset));
  hsize_t file_bytes = 0;  // of a compressed file, once unpacked
  H5Fget_filesize(file.get(), &file_bytes);
  const auto shape = stored_shape(path, "'" + table.dataset + "'", data.get(), file_bytes);

  std::size_t count = 1;
  for (const hsize_t extent : shape) count *= extent;
  table.rows = static_cast<std::int64_t>(shape[0]);
  table.columns = shape[0] == 0 ? 0 : static_cast<std::int64_t>(count / shape[0]);
  try {
    table.values.resize(count);
  } catch (const std::exception&) {
    throw Error(fmt::format("{}: dataset '{}' of {} values does not fit into memory", path, table.dataset, count));
  }
  if (count > 0 && H5Dread(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.values.data()) < 0) {
    fail(path);
  }
  const Identifier type(H5Dget_type(data.get()), H5Tclose);
  if (H5Tget_class(type.get()) == H5T_INTEGER && H5Tget_size(type.get()) >= 8) {
    detail::require_exact_integers(path, table);
  }
  return table;
}

}  // namespace

Table detail::read_hdf5_table(const std::string& path, const std::string& dataset) {
  // Others have written the file, and HDF5 may crash on one that is damaged: there first, where it does no harm.
  guarded(path, [&] { return read_trusting(path, dataset).dataset; });
  return read_trusting(path, dataset);
}

}  // namespace kirchhoff
