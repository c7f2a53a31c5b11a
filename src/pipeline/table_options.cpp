#include "pipeline/table_options.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/text.hpp"
#include "pipeline/terminals.hpp"

namespace kirchhoff {
namespace {

using ColumnJson = nlohmann::ordered_json;

/// Reads what target_schema says of one column.
class WishReader {
 public:
  WishReader(const Options& options, const std::string& column)
      : where_(fmt::format("{}: column {}", options.origin("target_schema"), in_quotes(column))) {}

  ColumnRequest read(const ColumnJson& json) {
    if (!json.is_object()) fail("has no keys: {type: nominal} or the like is needed");
    for (const auto& [key, value] : json.items()) {
      if (key == "type") {
        wish_.type = word(key, value);
      } else if (key == "order") {
        take_order(value);
      } else if (key == "bins") {
        take_bins(word(key, value));
      } else if (key == "use") {
        take_use(word(key, value));
      } else {
        static const std::vector<std::string> keys = {"type", "order", "bins", "use"};
        fail(fmt::format("has an unknown key {}{}", in_quotes(key), did_you_mean(key, keys)));
      }
    }
    if (!wish_.order.empty() && wish_.type == "nominal") fail("has an order, but is said to be nominal");
    return std::move(wish_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{} {}", where_, what)); }

  std::string word(const std::string& key, const ColumnJson& value) const {
    if (!value.is_string()) fail(fmt::format("has no word as its {}", key));
    return value.get<std::string>();
  }

  void take_order(const ColumnJson& value) {
    if (!value.is_array() || value.empty()) fail("has an order that is no list: order: [low, mid, high]");
    for (const auto& item : value) wish_.order.push_back(word("order", item));
  }

  void take_bins(const std::string& text) {
    const auto* end = text.data() + text.size();
    const auto [last, failed] = std::from_chars(text.data(), end, wish_.bins);
    if (failed != std::errc() || last != end || wish_.bins < 1) {
      fail(fmt::format("has {} bins: a whole number from 1 on is needed", in_quotes(text)));
    }
  }

  void take_use(const std::string& text) {
    if (text != "true" && text != "false" && text != "yes" && text != "no") {
      fail(fmt::format("has use: {}: true or false is needed", text));
    }
    if (text == "false" || text == "no") wish_.type = "skip";
  }

  std::string where_;
  ColumnRequest wish_;
};

char separator_of(const std::string& word) {
  static constexpr std::array<std::pair<std::string_view, char>, 6> kSeparators = {
      {{"auto", 0}, {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}, {"blank", ' '}}};
  return std::find_if(kSeparators.begin(), kSeparators.end(), [&](const auto& s) { return s.first == word; })->second;
}

}  // namespace

TableRequest table_request(const Options& options, const Job& job) {
  TableRequest request;
  request.dataset = has_datasets(job.target.file) ? job.target.dataset : "";
  request.columns = job.target.columns;
  if (const auto text = options.text("target_schema"); !text.empty()) {
    const auto json = ColumnJson::parse(nested_json(text, options.origin("target_schema")));
    for (const auto& [name, wish] : json.items()) request.schema[name] = WishReader(options, name).read(wish);
  }
  if (options.given("target_missing")) request.missing = options.words("target_missing");
  request.separator = separator_of(options.text("target_separator"));
  if (options.text("target_header") != "auto") request.header = options.text("target_header") == "yes";
  if (options.text("target_bins") != "auto") request.bins = static_cast<int>(options.integer("target_bins"));
  request.keep_one_hot = options.text("target_one_hot") == "keep";
  if (options.given("space_categories")) request.categories = options.integers("space_categories");
  return request;
}

void read_job_table(const Options& options, Job& job) {
  job.table_files = {job.target.file};
  for (const auto& file : {job.target.valid, job.target.test, job.source.file}) {
    const auto& known = job.table_files;
    if (!file.empty() && std::find(known.begin(), known.end(), file) == known.end()) job.table_files.push_back(file);
  }
  job.table = std::make_shared<TypedTable>(read_typed_table(job.table_files, table_request(options, job)));
  const auto given = options.text("space_dimensions");
  const auto columns = job.table->schema.columns.size();
  if (!given.empty() && given != std::to_string(columns)) {
    throw Error(fmt::format("{} is {}, but {} has {} columns that are used", options.origin("space_dimensions"), given,
                            job.target.file, columns));
  }
}

}  // namespace kirchhoff
