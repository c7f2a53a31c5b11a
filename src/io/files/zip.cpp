#include "io/files/zip.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <utility>

#include "io/files/file_kind.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {

struct ZipArchive::Opened {
  zip_t* archive = nullptr;

  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (archive != nullptr) zip_discard(archive);
  }
};

ZipArchive::ZipArchive(const std::string& bytes, std::string origin)
    : opened_(std::make_unique<Opened>()), origin_(std::move(origin)), bytes_(bytes.size()) {
  zip_error_t error;
  zip_error_init(&error);
  auto* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source != nullptr) {
    opened_->archive = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (opened_->archive == nullptr) zip_source_free(source);
  }
  const std::string reason = opened_->archive == nullptr ? zip_error_strerror(&error) : "";
  zip_error_fini(&error);
  if (opened_->archive == nullptr) throw Error(fmt::format("cannot read {}: no zip archive ({})", origin_, reason));
}

ZipArchive::~ZipArchive() = default;

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> all;
  const auto count = zip_get_num_entries(opened_->archive, 0);
  for (zip_int64_t k = 0; k < count; ++k) {
    const auto* name = zip_get_name(opened_->archive, static_cast<zip_uint64_t>(k), 0);
    if (name != nullptr) all.emplace_back(name);
  }
  return all;
}

std::string ZipArchive::member(const std::string& name) const {
  auto* archive = opened_->archive;
  zip_stat_t found;
  zip_stat_init(&found);
  if (zip_stat(archive, name.c_str(), 0, &found) != 0 || (found.valid & ZIP_STAT_SIZE) == 0) {
    throw Error(fmt::format("cannot read {}: the archive holds no {}", origin_, in_quotes(name)));
  }
  check_growth(origin_, found.size, bytes_);
  const auto damaged = [&] {
    return Error(fmt::format("cannot read {}: {} in it is damaged", origin_, in_quotes(name)));
  };
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive, name.c_str(), 0), zip_fclose);
  if (!file) throw damaged();
  std::string bytes(found.size, '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const auto read = zip_fread(file.get(), bytes.data() + at, bytes.size() - at);
    if (read <= 0) throw damaged();
    at += static_cast<std::size_t>(read);
  }
  char beyond = 0;  // reading on to the end has the CRC checked
  if (zip_fread(file.get(), &beyond, 1) != 0) throw damaged();
  return bytes;
}

}  // namespace kirchhoff::detail
