#include "io/raster/ini.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text_rows.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"

namespace kirchhoff::detail {
namespace {

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

IniFile::IniFile(std::string_view text, std::string origin) : origin_(std::move(origin)) {
  Lines lines(text, origin_);
  std::string_view line;
  while (lines.next(line)) {
    line = trimmed(line);
    if (line.empty() || line.front() == '[' || line.front() == '#' || line.front() == ';') continue;
    const auto equal = line.find('=');
    const auto key = lowered(trimmed(line.substr(0, equal)));
    if (equal == std::string_view::npos || key.empty()) {
      throw Error(fmt::format("{}:{}: {} is no 'key = value'", origin_, lines.number(), in_quotes(line)));
    }
    const Entry entry{std::string(trimmed(line.substr(equal + 1))), lines.number()};
    const auto [it, fresh] = entries_.try_emplace(key, entry);
    if (fresh) continue;
    warnings_.push_back(fmt::format("{}:{}: {} stands twice; this line counts, not line {}", origin_, entry.line,
                                    in_quotes(key), it->second.line));
    it->second = entry;
  }
}

std::string IniFile::text(const std::string& key) const {
  const auto it = entries_.find(key);
  return it == entries_.end() ? "" : it->second.value;
}

bool IniFile::flag(const std::string& key, bool fallback) const {
  return choice(key, {"false 0 no off none", "true 1 yes on"}, fallback ? 1 : 0) == 1;
}

std::size_t IniFile::choice(const std::string& key, const std::vector<std::string>& names, std::size_t fallback) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return fallback;
  const auto value = lowered(it->second.value);
  std::string first;
  for (std::size_t k = 0; k < names.size(); ++k) {
    for (std::string_view rest = names[k]; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      if (value == rest.substr(0, end)) return k;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    first += fmt::format("{}{}", k == 0 ? "" : ", ", names[k].substr(0, names[k].find(' ')));
  }
  fail(key, fmt::format("{} is none of {}", in_quotes(it->second.value), first));
}

void IniFile::fail(const std::string& key, const std::string& what) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) throw Error(fmt::format("{}: {}: {}", origin_, key, what));
  throw Error(fmt::format("{}:{}: {}: {}", origin_, it->second.line, key, what));
}

}  // namespace kirchhoff::detail
