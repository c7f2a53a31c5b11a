#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace kirchhoff {

/// XXH3, 128 bits, of bytes that come in pieces: tells whether two problems are the same and whether a file's bytes
/// survived. It is fast enough for gigabytes, and not for security.
class Hash {
 public:
  Hash();

  /// The same bytes give the same hash, however they are cut into pieces.
  Hash& add(std::string_view bytes);
  template <class T>
  Hash& add(std::span<const T> values) {
    return add(std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes()));
  }
  struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };
  Digest digest() const;
  /// 32 hexadecimal digits, the most significant first, as `xxh128sum` prints them.
  std::string text() const;
  static std::string text(const Digest& digest);

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

}  // namespace kirchhoff
