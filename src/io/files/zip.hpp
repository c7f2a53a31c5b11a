#pragma once

#include <memory>
#include <string>
#include <vector>

namespace kirchhoff::detail {

/// A zip archive in memory.
class ZipArchive {
 public:
  /// @param bytes must outlive the archive. @param origin names the file. @throws Error when it is no zip archive.
  ZipArchive(const std::string& bytes, std::string origin);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  /// Names of all members, in the archive's order.
  std::vector<std::string> names() const;
  /// The bytes of a member, checked by their CRC.
  /// @throws Error when there is none of this name, when it is damaged, or larger than its archive can be believed to
  /// hold.
  std::string member(const std::string& name) const;

 private:
  struct Opened;
  std::unique_ptr<Opened> opened_;
  std::string origin_;
  std::size_t bytes_;
};

}  // namespace kirchhoff::detail
