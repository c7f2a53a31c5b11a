#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace kirchhoff {

/// A file opened by this process alone. What the system refuses is an Error that names the file and the reason, so that
/// ranks can agree on it. Local.
class Descriptor {
 public:
  Descriptor(int number, std::string path) : number_(number), path_(std::move(path)) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)), path_(std::move(other.path_)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  /// Exactly these bytes, however many calls it takes.
  void write_at(std::uint64_t at, std::span<const char> bytes) const;
  void read_at(std::uint64_t at, std::span<char> bytes) const;

  /// Makes the file so long, with room on the disk for all of it where the file system can promise that.
  void reserve(std::uint64_t bytes) const;
  void truncate(std::uint64_t bytes) const;
  /// Waits until all that was written is on the disk, and closes: on network file systems others see it only then.
  void settle();

 private:
  int number_;
  std::string path_;  // for messages
};

/// `path` as opened: messages say that it, or what stands in `name`, cannot be written.
Descriptor create_to_write(const std::string& path, const std::string& name);
Descriptor open_to_write(const std::string& path, const std::string& name);
Descriptor open_to_read(const std::string& path);

/// Puts the names in the folder of `path` on the disk: after a rename. @throws Error naming `path`.
void settle_folder(const std::string& path);

}  // namespace kirchhoff
