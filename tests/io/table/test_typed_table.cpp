#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/table/typed_table.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::ThrowsMessage;

/// Tables in a folder of this process alone.
class TypedTables : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& bytes) const {
    const auto path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  TypedTable read(const std::string& text, const TableRequest& request = {}) const {
    return read_typed_table(std::vector{write("t.csv", text)}, request);
  }
  void refused(const std::string& text, const std::vector<std::string>& words, const TableRequest& request = {}) const {
    for (const auto& word : words) {
      EXPECT_THAT([&] { read(text, request); }, ThrowsMessage<Error>(HasSubstr(word)));
    }
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("kirchhoff_typed_" + std::to_string(getpid()));
};

/// `count` lines of what `line` makes of their numbers.
template <class Line>
std::string lines(int count, Line&& line) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line(i) + "\n";
  return text;
}

Column::Kind kind_of(const TypedTable& table, int d) {
  return table.schema.columns.at(static_cast<std::size_t>(d)).kind;
}
std::vector<std::string> words_of(const TypedTable& table, int d) {
  return table.schema.columns.at(static_cast<std::size_t>(d)).words;
}

TEST_F(TypedTables, FindsHeaderTypesAndMissingEntries) {
  const auto table = read("who,age,car\nsouth,3,yes\nnorth,1,no\nsouth,NA,\neast,2,yes\n");

  EXPECT_TRUE(table.schema.header);
  EXPECT_THAT(table.schema.names(), ElementsAre("who", "age", "car"));
  EXPECT_THAT(words_of(table, 0), ElementsAre("east", "north", "south"));
  EXPECT_EQ(kind_of(table, 0), Column::nominal);
  EXPECT_THAT(words_of(table, 1), ElementsAre("1", "2", "3", "missing"));
  EXPECT_EQ(kind_of(table, 1), Column::ordinal);
  EXPECT_THAT(words_of(table, 2), ElementsAre("no", "yes", "missing"));
  EXPECT_THAT(table.missing, ElementsAre(0, 1, 1));
  EXPECT_THAT(table.schema.categories(), ElementsAre(3, 4, 3));
  EXPECT_THAT(table.rows[0], ElementsAre(2, 2, 1, 1, 0, 0, 2, 3, 2, 0, 1, 1));
  EXPECT_EQ(table.schema.missing_words.front(), "NA");
}

TEST_F(TypedTables, TakesAFirstRowThatFitsTheColumnsForData) {
  EXPECT_FALSE(read("1,2\n0,2\n1,0\n").schema.header);
  EXPECT_FALSE(read("yes,a\nno,b\nyes,b\n").schema.header);
  EXPECT_TRUE(read("x,y\nno,b\nyes,b\n").schema.header);
  EXPECT_TRUE(read("0,1,2,3,4\n0,1,0,1,1\n1,1,0,0,0\n").schema.header);
  EXPECT_THAT(read("1,2\n0,2\n1,0\n").account, HasSubstr("line 1 is data"));

  TableRequest told;
  told.header = true;
  EXPECT_THAT(read("1,2\n0,2\n1,0\n", told).schema.names(), ElementsAre("1", "2"));
  told.header = false;
  EXPECT_EQ(read("x,y\nno,b\nyes,b\n", told).rows[0].size(), 6U);
}

TEST_F(TypedTables, FindsTheSeparator) {
  EXPECT_EQ(read("a;b\nx,1;2\ny,2;3\n").schema.separator, ';');
  EXPECT_EQ(read("a\tb\nvery low\tx\nlow\ty\n").schema.separator, '\t');
  EXPECT_EQ(read("a|b\nx, y|2\nz|3\n").schema.separator, '|');
  EXPECT_EQ(read("1 0 2\n0 1 2\n1  1 3\n").schema.separator, ' ');
  EXPECT_THAT(read("a\nvery low\nlow\nlow\n").schema.columns, SizeIs(1));
  TableRequest told;
  told.separator = '|';
  EXPECT_THAT(read("a,b|c\nx,1|1\ny,2|2\n", told).schema.names(), ElementsAre("a,b", "c"));
}

TEST_F(TypedTables, ReadsQuotesLineEndsAndAByteOrderMark) {
  const auto table = read("\xEF\xBB\xBF\"a, b\",c\r\n\"x \"\"y\"\"\",1\r\n\"two\nlines\",2\r\n  plain , 3\r\n\r\n");

  EXPECT_THAT(table.schema.names(), ElementsAre("a, b", "c"));
  EXPECT_THAT(words_of(table, 0), ElementsAre("plain", "two\nlines", "x \"y\""));
  EXPECT_THAT(table.rows[0], ElementsAre(2, 0, 1, 1, 0, 2));
}

TEST_F(TypedTables, NumbersThatAreEqualAreOneCategory) {
  const auto table = read("a,b\n1,x\n1.0,y\n01,x\n2,x\n3,z\n");
  EXPECT_THAT(words_of(table, 0), ElementsAre("1", "2", "3"));

  TableRequest words;
  words.schema["a"].type = "nominal";
  EXPECT_THAT(read("a,b\n1,x\n1.0,y\n01,x\n2,x\n3,z\n", words).schema.columns[0].words, SizeIs(5));
}

TEST_F(TypedTables, PutsRangesInOrder) {
  const auto table =
      read("age\n" + lines(30, [](int i) {
             return std::vector<std::string>{"75+", "<18", "18-24", "25 - 74"}[static_cast<std::size_t>(i % 4)];
           }));
  EXPECT_EQ(kind_of(table, 0), Column::ordinal);
  EXPECT_THAT(words_of(table, 0), ElementsAre("<18", "18-24", "25 - 74", "75+"));
}

TEST_F(TypedTables, TheCaseOverrules) {
  TableRequest request;
  request.schema["income"].order = {"low", "mid", "high", "NA"};
  request.schema["id"].type = "skip";
  request.schema["x"].bins = 3;
  request.missing = std::vector<std::string>{"-"};
  const auto text =
      "id,income,x\n" + lines(60, [](int i) {
        const std::vector<std::string> words = {"low", "NA", "high", "-"};
        return std::to_string(1000 + i) + "," + words[static_cast<std::size_t>(i % 4)] + "," + std::to_string(i);
      });
  const auto table = read(text, request);

  EXPECT_THAT(table.schema.names(), ElementsAre("income", "x"));
  EXPECT_EQ(kind_of(table, 0), Column::ordinal);
  EXPECT_THAT(words_of(table, 0), ElementsAre("low", "mid", "high", "NA", "missing"));
  EXPECT_THAT(table.schema.columns[1].edges, ElementsAre(0, 20, 40, 60));
  EXPECT_THAT(table.schema.columns[0].places, ElementsAre(1));

  request.schema["income"].order = {"low", "high"};
  refused(text, {":3: column 2, 'income': 'NA' is not in its order [low, high]"}, request);
  request.schema = {{"incom", {"nominal", {}, 0}}};
  refused(text, {"has no column 'incom', did you mean 'income'?"}, request);
}

TEST_F(TypedTables, ChoosesColumnsByNameAndNumber) {
  TableRequest request;
  request.columns = "c,0-1";
  EXPECT_THAT(read("a,b,c,d\n1,x,2,z\n2,y,3,z\n", request).schema.names(), ElementsAre("c", "a", "b"));
  request.columns = "a,0";
  refused("a,b\n1,x\n2,y\n", {"column 0 is named twice"}, request);
  request.columns = "e";
  refused("a,b\n1,x\n2,y\n", {"there is no column 'e'"}, request);
}

TEST_F(TypedTables, BinsRealNumbersByQuantiles) {
  const auto table = read("t,gain\n" + lines(1600, [](int i) {
                            return std::to_string(i * 7 % 1600) + ".5," + std::to_string(i % 5 == 0 ? i : 0);
                          }));
  const auto& t = table.schema.columns[0];
  ASSERT_EQ(t.categories(), 16);
  EXPECT_EQ(t.decimals, 1);
  std::vector<int> counts(16);
  for (std::size_t i = 0; i < table.rows[0].size(); i += 2) ++counts[table.rows[0][i]];
  EXPECT_THAT(counts, testing::Each(100));
  // What most rows have is a bin of its own.
  const auto& gain = table.schema.columns[1];
  EXPECT_EQ(gain.words[0], "0");
  EXPECT_EQ(gain.edges[0], 0);
  EXPECT_EQ(gain.edges[1], 1);
  EXPECT_EQ(gain.edges.back(), 1596);  // above the largest, 1595
}

TEST_F(TypedTables, ReadsDecimalCommas) {
  const auto table =
      read("x;y\n" + lines(100, [](int i) { return std::to_string(i) + ",25;a" + std::to_string(i % 3); }));
  EXPECT_EQ(table.schema.point, ',');
  EXPECT_TRUE(table.schema.columns[0].binned());
  EXPECT_EQ(table.schema.columns[0].decimals, 2);
  EXPECT_DOUBLE_EQ(table.schema.columns[0].edges[0], 0.25);
}

TEST_F(TypedTables, RecodesOneHotBits) {
  const auto bit = [](bool b) { return std::string(b ? "1" : "0"); };
  const auto text = "x_a,y,x_b,x_c,p,q,r\n" + lines(60, [&](int i) {
                      return bit(i % 3 == 0) + "," + std::to_string(i % 4) + "," + bit(i % 3 == 1) + "," +
                             bit(i % 3 == 2) + "," + bit(i % 5 < 2) + "," + bit(i % 5 == 2) + "," + bit(i % 5 > 2);
                    });
  const auto table = read(text);
  EXPECT_THAT(table.schema.names(), ElementsAre("x", "y", "p..r"));
  EXPECT_THAT(words_of(table, 0), ElementsAre("a", "b", "c"));
  EXPECT_THAT(table.schema.columns[0].places, ElementsAre(0, 2, 3));
  EXPECT_THAT(table.schema.columns[2].places, ElementsAre(4, 5, 6));
  EXPECT_EQ(table.rows[0][3 * 5 + 0], 5 % 3);
  EXPECT_EQ(table.rows[0][3 * 7 + 2], 1);
  EXPECT_THAT(table.notes, SizeIs(2));

  TableRequest keep;
  keep.keep_one_hot = true;
  EXPECT_THAT(read(text, keep).schema.columns, SizeIs(7));
  EXPECT_THAT(read("x_a,x_b,x_c\n" + lines(60, [&](int i) { return bit(i % 3 == 0) + "," + bit(i % 3 == 1) + ",0"; }))
                  .schema.columns,
              SizeIs(3));  // a row without a 1
}

TEST_F(TypedTables, GathersWordsOverAllFiles) {
  const std::vector files = {write("train.csv", "a,b\nx,1\ny,2\nx,3\n"), write("test.csv", "b,a\n2,z\n9,x\n")};
  const auto table = read_typed_table(files, {});

  EXPECT_THAT(words_of(table, 0), ElementsAre("x", "y", "z"));
  EXPECT_THAT(words_of(table, 1), ElementsAre("1", "2", "3", "9"));
  EXPECT_THAT(table.rows[1], ElementsAre(2, 1, 0, 3));
}

TEST_F(TypedTables, KeepsConstantColumns) {
  const auto table = read("a,b,c\nk,,1\nk,,2\nk,,1\n");
  EXPECT_THAT(table.schema.categories(), ElementsAre(1, 1, 2));
}

TEST_F(TypedTables, TakesCodesWhereTheirNumbersAreGiven) {
  TableRequest request;
  request.categories = {2, 5, 12};
  const auto table = read("1,1,3\n0,4,11\n1,0,0\n", request);
  EXPECT_THAT(table.schema.categories(), ElementsAre(2, 5, 12));
  EXPECT_THAT(table.rows[0], ElementsAre(1, 1, 3, 0, 4, 11, 1, 0, 0));
  refused("1,1,3\n0,5,11\n", {"t.csv:2: column 2, 'c2': '5' is not one of its categories 0..4"}, request);
  refused("1,1\n0,5\n", {"2 columns are used, but space_categories has 3"}, request);
}

TEST_F(TypedTables, NameTheLineAndTheColumnOfWhatIsWrong) {
  refused("a,b,c\n1,x,2\n1,y\n", {"t.csv:3: 2 fields, but line 1 has 3: column 3, 'c', is missing"});
  refused("a,b\n1,x\n1,y,z\n", {"t.csv:3: 3 fields, but line 1 has 2: column 3, 'z', is one too many"});
  refused("a,b\n1,\"x\n2,y\n", {"t.csv:2: column 2: a quote that does not end"});
  refused("a,b\n1,\"x\"z\n2,y\n", {"t.csv:2: column 2: 'z' stands behind a quoted field"});
  refused(std::string("a,b\n1,x\n2,\0\n", 13), {"t.csv:3: a NUL byte"});
  refused("\xFF\xFE", {"in UTF-16"});
  refused("a,b\n1,\xE9\n", {"t.csv:2: byte 0xe9 is not UTF-8"});
  refused("a,b\r1,2\r", {"a carriage return inside a line"});
  refused("", {"the file is empty"});
  refused("\n\n", {"the file is empty"});
  refused("a,b,c\n", {"no row of data follows"});
  refused("a,b,a\n1,2,x\n3,4,y\n", {"t.csv:1: columns 1 and 3 have the same name, 'a'"});
}

TEST_F(TypedTables, RefusesColumnsThatNameTheRows) {
  const auto ids = "id,b\n" + lines(50, [](int i) { return std::to_string(i) + (i % 2 == 0 ? ",x" : ",y"); });
  refused(ids, {"t.csv:2: column 1, 'id'", "target: {schema: {id: {type: skip}}}"});
  refused("who,b\n" + lines(50, [](int i) { return "p" + std::to_string(i) + (i % 2 == 0 ? "q,x" : "q,y"); }),
          {"column 1, 'who': 'p0q' and 49 other words in 50 rows"});
  TableRequest keep;
  keep.schema["id"].type = "nominal";
  EXPECT_EQ(read(ids, keep).schema.categories()[0], 50);
}

TEST_F(TypedTables, RefusesTooManyWordsAndStrayOnes) {
  refused("w\n" + lines(150000, [](int i) { return "w" + std::to_string(i % 70000); }),
          {"column 1, 'w': 70000 different entries: at most 65536 categories"});
  refused("a,b\n" + lines(500, [](int i) { return std::to_string(i * 7 % 1000) + "," + std::to_string(i % 3); }) +
              "abc,1\n",
          {"t.csv:502: column 1, 'a': 'abc' is not a number"});
}

TEST_F(TypedTables, SaysWhatItUnderstoodInAnAlignedTable) {
  const auto shown = read("who,n\nsouth,3\nn\xC3\xB6rd,1\nsouth,NA\n").lines();
  EXPECT_THAT(shown, ElementsAre("column  type    S  categories   missing",  //
                                 "who     binary  2  n\xC3\xB6rd, south", "n       binary  3  1, 3               1"));

  std::string many;
  for (int row = 0; row < 30; ++row) {
    for (int c = 0; c < 50; ++c) many += (c == 0 ? "" : ",") + std::to_string((row + c * row / 7) % 2);
    many += "\n";
  }
  const auto summed = read(many).lines();
  EXPECT_THAT(summed.size(), testing::Lt(5U));
  EXPECT_THAT(summed[1], AllOf(HasSubstr("columns: c1 .. c"), HasSubstr("binary")));
}

TEST(FieldCodes, GiveBackWhatFieldTextWrote) {
  Schema schema;
  schema.missing_words = {"?", ""};
  schema.columns.resize(2);
  auto& words = schema.columns[0];
  words.words = {"1", "2", "missing"};
  words.missing = 2;
  words.numeric = true;
  auto& bins = schema.columns[1];
  bins.words = {"0", "1..9", "10..29"};
  bins.edges = {0, 1, 10, 30};
  bins.decimals = 0;

  const FieldCodes of_words(schema, words);
  const FieldCodes of_bins(schema, bins);

  for (std::uint16_t code = 0; code < 3; ++code) {
    EXPECT_EQ(of_words.code(field_text(schema, words, code, 0.3)), code);
    for (const double share : {0.0, 0.5, 0.999}) {
      EXPECT_EQ(of_bins.code(field_text(schema, bins, code, share)), code) << share;
    }
  }
  EXPECT_EQ(field_text(schema, bins, 1, 0.999), "9");
  EXPECT_EQ(of_words.code("2.0"), 1);
  EXPECT_EQ(of_words.code(""), 2);
  EXPECT_EQ(of_words.code("x"), std::nullopt);
  EXPECT_EQ(of_bins.code("?"), std::nullopt);
  EXPECT_EQ(of_bins.code("-5"), 0);
  EXPECT_EQ(of_bins.code("99"), 2);
  EXPECT_THROW(field_text(schema, bins, 3, 0), Error);
}

}  // namespace
}  // namespace kirchhoff
