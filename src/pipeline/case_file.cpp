#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <yaml.h>

#include <set>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "pipeline/options.hpp"

namespace kirchhoff {
namespace {

using NestedJson = nlohmann::ordered_json;

/// libyaml's stream of events, flattened into section_key = value with its line.
class CaseReader {
 public:
  CaseReader(const std::string& text, std::string origin) : origin_(std::move(origin)) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  CaseReader(const CaseReader&) = delete;
  CaseReader& operator=(const CaseReader&) = delete;
  ~CaseReader() { yaml_parser_delete(&parser_); }

  std::vector<CaseEntry> read() {
    if (next().type != YAML_STREAM_START_EVENT) fail("is not YAML");
    if (next().type == YAML_STREAM_END_EVENT) fail("the case is empty");
    if (next().type != YAML_MAPPING_START_EVENT) fail("a case is a map of sections (space:, circuit:, ...)");
    map("", 1);
    next();  // end of the document
    if (next().type == YAML_DOCUMENT_START_EVENT) fail("a case is one document");
    return std::move(entries_);
  }

  /// A text that is a map and nothing else.
  NestedJson read_nested() {
    next();  // start of the stream
    if (next().type != YAML_DOCUMENT_START_EVENT || next().type != YAML_MAPPING_START_EVENT) {
      fail("a map is needed: {key: value}");
    }
    return nested_map(1);
  }

 private:
  struct Event {
    yaml_event_type_t type = YAML_NO_EVENT;
    std::string value;
    bool null = false;
  };

  Event next() {
    yaml_event_t raw;
    if (yaml_parser_parse(&parser_, &raw) == 0) {
      line_ = static_cast<int>(parser_.problem_mark.line) + 1;
      fail(parser_.problem == nullptr ? "is not YAML" : parser_.problem);
    }
    Event event;
    event.type = raw.type;
    if (raw.type != YAML_STREAM_END_EVENT) line_ = static_cast<int>(raw.start_mark.line) + 1;
    if (raw.type == YAML_SCALAR_EVENT) {
      event.value.assign(reinterpret_cast<const char*>(raw.data.scalar.value), raw.data.scalar.length);
      event.null = raw.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                   (event.value.empty() || event.value == "~" || event.value == "null");
    }
    yaml_event_delete(&raw);
    return event;
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}:{}: {}", origin_, line_, what)); }

  /// @param depth of nesting; `map` goes into itself, so that it needs a bound.
  void map(const std::string& prefix, int depth) {
    if (depth > kDeepest) {
      fail(fmt::format("maps are nested more than {} deep: a case is a map of sections (space:, circuit:, ...)",
                       kDeepest));
    }
    while (true) {
      const auto key = next();
      if (key.type == YAML_MAPPING_END_EVENT) return;
      if (key.type != YAML_SCALAR_EVENT) fail("a key must be a word");
      const auto name = prefix.empty() ? key.value : prefix + "_" + key.value;
      const int line = line_;
      const auto value = next();
      switch (value.type) {
        case YAML_MAPPING_START_EVENT:
          if (const auto* option = find_option(name); option != nullptr && option->values.type == Values::Type::map) {
            add(name, nested_map(depth + 1).dump(), line);
          } else {
            map(name, depth + 1);
          }
          break;
        case YAML_SCALAR_EVENT:
          add(name, value.value, line, value.null);
          break;
        case YAML_SEQUENCE_START_EVENT:
          add(name, list(name), line);
          break;
        default:
          fail(fmt::format("{} has a value that a case cannot hold (an alias?)", in_quotes(name)));
      }
    }
  }

  /// Behind its start.
  NestedJson nested_map(int depth) {
    if (depth > kDeepest) fail(fmt::format("maps are nested more than {} deep", kDeepest));
    auto json = NestedJson::object();
    while (true) {
      const auto key = next();
      if (key.type == YAML_MAPPING_END_EVENT) return json;
      if (key.type != YAML_SCALAR_EVENT) fail("a key must be a word");
      if (json.contains(key.value)) fail(fmt::format("key {} stands twice", in_quotes(key.value)));
      json[key.value] = nested_value(key.value, next(), depth);
    }
  }

  NestedJson nested_value(const std::string& name, const Event& value, int depth) {
    if (value.type == YAML_MAPPING_START_EVENT) return nested_map(depth + 1);
    if (value.type == YAML_SCALAR_EVENT) return value.null ? NestedJson() : NestedJson(value.value);
    if (value.type != YAML_SEQUENCE_START_EVENT) {
      fail(fmt::format("{} has a value that a case cannot hold (an alias?)", in_quotes(name)));
    }
    auto json = NestedJson::array();
    while (true) {
      const auto item = next();
      if (item.type == YAML_SEQUENCE_END_EVENT) return json;
      if (item.type != YAML_SCALAR_EVENT) fail(fmt::format("{} must be a list of plain values", in_quotes(name)));
      json.push_back(item.value);
    }
  }

  std::string list(const std::string& name) {
    std::string joined;
    for (bool first = true;; first = false) {
      const auto item = next();
      if (item.type == YAML_SEQUENCE_END_EVENT) return joined;
      if (item.type != YAML_SCALAR_EVENT) fail(fmt::format("{} must be a list of plain values", in_quotes(name)));
      joined += (first ? "" : ",") + item.value;
    }
  }

  void add(const std::string& name, const std::string& value, int line, bool null = false) {
    if (!seen_.insert(name).second) {
      line_ = line;
      fail(fmt::format("key {} stands twice", in_quotes(name)));
    }
    entries_.push_back({name, null ? "" : value, line, null});
  }

  static constexpr int kDeepest = 16;

  std::string origin_;
  yaml_parser_t parser_{};
  int line_ = 1;
  std::set<std::string> seen_;
  std::vector<CaseEntry> entries_;
};

}  // namespace

std::vector<CaseEntry> parse_case(const std::string& text, const std::string& origin) {
  return CaseReader(text, origin).read();
}

std::string nested_json(const std::string& text, const std::string& origin) {
  return CaseReader(text, origin).read_nested().dump();
}

}  // namespace kirchhoff
