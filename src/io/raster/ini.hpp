#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kirchhoff::detail {

/// The keys of an .ini file: lines "key = value"; sections say nothing, since keys are unique.
class IniFile {
 public:
  struct Entry {
    std::string value;
    std::int64_t line = 0;
  };

  IniFile(std::string_view text, std::string origin);

  const std::map<std::string, Entry>& entries() const { return entries_; }
  bool has(const std::string& key) const { return entries_.contains(key); }
  /// "" where the key does not stand there.
  std::string text(const std::string& key) const;
  /// @throws Error naming line and key for a value that is not True or False in any spelling.
  bool flag(const std::string& key, bool fallback) const;
  /// The index of the value among `names`, each of which may hold several spellings parted by blanks. @return
  /// `fallback` where the key does not stand there.
  std::size_t choice(const std::string& key, const std::vector<std::string>& names, std::size_t fallback) const;
  [[noreturn]] void fail(const std::string& key, const std::string& what) const;
  /// What is unusual but no error.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::string origin_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> warnings_;
};

}  // namespace kirchhoff::detail
