// GraphML: http://graphml.graphdrawing.org/specification.html
#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "io/network/reader.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff {
namespace {

class GraphmlReader {
 public:
  GraphmlReader(const std::string& origin, const EdgeReading& reading) : origin_(origin), reading_(reading) {
    if (!parser_) throw std::bad_alloc();
    netlist_.origin = origin;
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), &GraphmlReader::on_begin, &GraphmlReader::on_end);
    XML_SetCharacterDataHandler(parser_.get(), &GraphmlReader::on_text);
  }

  Netlist read(std::string_view text) {
    constexpr std::size_t kPiece = std::size_t{1} << 24;  // expat counts in int
    bool parsed = true;
    do {
      const auto piece = text.substr(0, kPiece);
      text.remove_prefix(piece.size());
      parsed = XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), text.empty() ? 1 : 0) !=
               XML_STATUS_ERROR;
    } while (parsed && !text.empty());
    if (failed_) std::rethrow_exception(failed_);
    if (!parsed)
      detail::fail(origin_, line(), fmt::format("no XML: {}", XML_ErrorString(XML_GetErrorCode(parser_.get()))));
    if (netlist_.resistors.size() == 0) throw Error(fmt::format("{} holds no edges", origin_));
    netlist_.note = note();
    detail::settle_duplicates(netlist_, reading_.duplicates);
    return std::move(netlist_);
  }

 private:
  struct Key {
    std::string name;
    std::optional<EdgeValues> values;
    std::optional<double> otherwise;  // where an edge has no such data
  };
  struct Free {
    void operator()(XML_ParserStruct* parser) const { XML_ParserFree(parser); }
  };

  // What throws must not pass through expat, which is C.
  template <class Do>
  static void guarded(void* self, Do&& act) {
    auto& reader = *static_cast<GraphmlReader*>(self);
    if (reader.failed_) return;
    try {
      act(reader);
    } catch (...) {
      reader.failed_ = std::current_exception();
      XML_StopParser(reader.parser_.get(), XML_FALSE);
    }
  }
  static void on_begin(void* self, const char* name, const char** attributes) {
    guarded(self, [&](GraphmlReader& reader) { reader.begin(local(name), attributes); });
  }
  static void on_end(void* self, const char* name) {
    guarded(self, [&](GraphmlReader& reader) { reader.end(local(name)); });
  }
  static void on_text(void* self, const char* text, int size) {
    guarded(self, [&](GraphmlReader& reader) {
      if (reader.collects_) reader.text_.append(text, static_cast<std::size_t>(size));
    });
  }
  /// A name without its prefix.
  static std::string_view local(std::string_view name) { return name.substr(name.rfind(':') + 1); }

  std::int64_t line() const { return static_cast<std::int64_t>(XML_GetCurrentLineNumber(parser_.get())); }
  [[noreturn]] void refuse(const std::string& what) const { detail::fail(origin_, line(), what); }

  static std::string_view attribute(const char** attributes, std::string_view name) {
    for (; *attributes != nullptr; attributes += 2) {
      if (*attributes == name) return attributes[1];
    }
    return {};
  }

  void begin(std::string_view element, const char** attributes) {
    collects_ = false;
    if (element == "key") {
      begin_key(attributes);
    } else if (element == "graph") {
      if (graphs_++ > 0) refuse("several graphs: one is read");
      directed_ = attribute(attributes, "edgedefault") == "directed";
    } else if (element == "node") {
      node(attribute(attributes, "id"));
    } else if (element == "edge") {
      in_edge_ = true;
      value_.reset();
      tail_ = node(attribute(attributes, "source"));
      head_ = node(attribute(attributes, "target"));
    } else if (element == "hyperedge") {
      refuse("an edge between more than two nodes is no resistor");
    } else if (element == "data") {
      const auto key = keys_.find(attribute(attributes, "key"));
      collects_ = in_edge_ && key != keys_.end() && key->second.name == used_;
      text_.clear();
    } else if (element == "default") {
      collects_ = key_ != nullptr;
      text_.clear();
    }
  }

  void begin_key(const char** attributes) {
    key_ = nullptr;
    const auto name = attribute(attributes, "attr.name");
    const auto meaning = detail::edge_value_name(name);
    const auto of = attribute(attributes, "for");
    if (!meaning || (of != "edge" && of != "all") || reading_.values == EdgeValues::unit) return;
    if (!used_.empty()) refuse(fmt::format("{} and {} could both be the values", in_quotes(used_), in_quotes(name)));
    if (*meaning && reading_.values && **meaning != *reading_.values) {
      refuse(fmt::format("the values are called {}, but -network_values says otherwise", in_quotes(name)));
    }
    used_ = name;
    key_ = &keys_[std::string(attribute(attributes, "id"))];
    *key_ = {used_, *meaning, {}};
    values_ = meaning->value_or(values_);
  }

  void end(std::string_view element) {
    if (element == "key") key_ = nullptr;
    if (element == "default" && key_ != nullptr) key_->otherwise = number();
    if (element == "data" && collects_) value_ = number();
    collects_ = false;
    if (element == "edge") add();
  }

  double number() const {
    const auto value = to_number(detail::trimmed(text_));
    if (!value || !std::isfinite(*value))
      refuse(fmt::format("{} of an edge is {}: a finite number is needed", in_quotes(used_), in_quotes(text_)));
    return *value;
  }

  std::int64_t node(std::string_view id) {
    if (id.empty()) refuse("a node has no id");
    const auto plain = [](unsigned char c) { return c >= 0x20 && c != 0x7f; };
    if (!std::all_of(id.begin(), id.end(), plain)) refuse("the id of a node holds control characters");
    return table_.index(id, netlist_.nodes);
  }

  void add() {
    in_edge_ = false;
    if (!value_ && !keys_.empty()) value_ = keys_.begin()->second.otherwise;
    if (!value_ && values_ != EdgeValues::unit) {
      refuse(fmt::format(
          "the edge from {} to {} has no resistance, conductance or weight (-network_values unit: 1 ohm each)",
          in_quotes(netlist_.nodes[static_cast<std::size_t>(tail_)]),
          in_quotes(netlist_.nodes[static_cast<std::size_t>(head_)])));
    }
    netlist_.resistors.add(tail_, head_, detail::conductance(origin_, line(), value_.value_or(1), values_), line());
  }

  std::string note() const {
    auto text = values_ == EdgeValues::unit ? std::string("edges are of 1 ohm")
                                            : fmt::format("values are {}, {}", in_quotes(used_),
                                                          values_ == EdgeValues::resistance ? "ohm" : "siemens");
    return directed_ ? text + "; the graph is directed, which resistors are not" : text;
  }

  const std::string& origin_;
  const EdgeReading& reading_;
  std::unique_ptr<XML_ParserStruct, Free> parser_{XML_ParserCreate(nullptr)};
  Netlist netlist_;
  detail::NameTable table_{true};
  EdgeValues values_ = reading_.values.value_or(EdgeValues::resistance);
  std::map<std::string, Key, std::less<>> keys_;  // by id: the one that holds the values, if there is one
  std::string used_;                              // its name
  Key* key_ = nullptr;                            // being read
  std::int64_t graphs_ = 0;
  bool directed_ = false;
  bool in_edge_ = false;
  bool collects_ = false;  // text that counts
  std::string text_;
  std::optional<double> value_;  // of the edge
  std::int64_t tail_ = 0;
  std::int64_t head_ = 0;
  std::exception_ptr failed_;
};

}  // namespace

Netlist parse_graphml(std::string_view text, const std::string& origin, const EdgeReading& reading) {
  return GraphmlReader(origin, reading).read(text);
}

}  // namespace kirchhoff
