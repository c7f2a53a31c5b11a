#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kirchhoff {

/// FNV-1a, 64 bits: tells whether two problems are the same and whether a file's bytes survived; not for security.
class Hash {
 public:
  Hash& add(std::string_view bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return *this;
  }
  template <class T>
  Hash& add(std::span<const T> values) {
    return add(std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes()));
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string digits(16, '0');
    for (std::size_t i = 0; i < 16; ++i) digits[i] = kDigits[(value_ >> (60 - 4 * i)) & 15];
    return digits;
  }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace kirchhoff
