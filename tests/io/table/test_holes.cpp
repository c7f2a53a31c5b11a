#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/table/holes.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A table of words, some of them missing, of a binned column and of a block of three bits.
class TablesWithHoles : public testing::Test {
 protected:
  TablesWithHoles() {
    Column region{.name = "region", .words = {"east", "north, far", ""}, .missing = 2, .edges = {}, .places = {0}};
    Column income{.name = "income",
                  .kind = Column::ordinal,
                  .words = {"0..10", "10..20"},
                  .edges = {0, 10, 20},
                  .decimals = 1,
                  .numeric = true,
                  .places = {1}};
    Column colour{.name = "c", .words = {"red", "green", "blue"}, .edges = {}, .places = {2, 3, 4}};
    schema_.columns = {region, income, colour};
    schema_.missing_words = {"", "NA"};
    schema_.file_names = {"region", "income", "c_red", "c_green", "c_blue"};
    std::filesystem::create_directories(folder_);
  }
  ~TablesWithHoles() override { std::filesystem::remove_all(folder_); }

  HoleTable read(const std::string& text) const {
    const auto path = (folder_ / "holes.csv").string();
    std::ofstream(path, std::ios::binary) << text;
    return read_holes(path, schema_);
  }
  void refused(const std::string& text, const std::string& words) const {
    EXPECT_THAT([&] { read(text); }, ThrowsMessage<Error>(HasSubstr(words)));
  }

  Schema schema_;

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("kirchhoff_holes_" + std::to_string(getpid()));
};

TEST_F(TablesWithHoles, AreReadByNamesInAnyOrder) {
  const auto table = read(
      "note,income,region,c_red,c_green,c_blue\n"
      "x,12.50,\"north, far\",0,1,0\n"
      "y,NA,,0,,0\n"
      "z,3,NA,0,0,1\n");

  EXPECT_EQ(table.count, 3);
  EXPECT_THAT(table.rows, ElementsAre(1, 1, 1, kHole, kHole, kHole, kHole, 0, 2));
  ASSERT_EQ(table.fields.size(), 5U);
  EXPECT_EQ(table.fields[0].name, "income");
  EXPECT_EQ(table.fields[1].name, "region");
}

TEST_F(TablesWithHoles, AreWrittenAsTheyStoodButForTheHoles) {
  const auto table = read(
      "income,region,c_red,c_green,c_blue\n"
      "12.50,\"north, far\",0,1,0\n"
      "NA,,0,,\n");
  const std::vector<std::uint16_t> rows = {1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 2};
  const auto text = completed_text(schema_, table, rows, 2, 3);

  const std::string begin =
      "row,draw,income,region,c_red,c_green,c_blue\n"
      "1,1,12.50,\"north, far\",0,1,0\n"
      "1,2,12.50,\"north, far\",0,1,0\n"
      "2,1,";
  ASSERT_EQ(text.substr(0, begin.size()), begin);
  double value = 0;
  std::vector<char> rest(40);
  ASSERT_EQ(std::sscanf(text.c_str() + begin.size(), "%lf,%39s", &value, rest.data()), 2);
  EXPECT_GE(value, 0);
  EXPECT_LT(value, 10);
  EXPECT_STREQ(rest.data(), "east,1,0,0");
  EXPECT_THAT(text, testing::EndsWith(",\"north, far\",0,0,1\n"));
}

TEST_F(TablesWithHoles, AreRefusedWithFileLineAndColumn) {
  const std::string header = "region,income,c_red,c_green,c_blue\n";
  refused(header + "east,1,1,0,0\neats,1,1,0,0\n", "holes.csv:3: column 1, 'region' is 'eats'");
  refused(header + "east,much,1,0,0\n", "holes.csv:2: column 2, 'income' is 'much': a number is needed");
  refused(header + "east,1,1,0,2\n", "holes.csv:2: column 5, 'c_blue' is '2': a bit is needed");
  refused(header + "east,1,1,0,1\n", "row 1: the one-hot bits 'c' have more than one 1");
  refused(header + "east,1,0,0,0\n", "row 1: the one-hot bits 'c' have no 1");
  refused("region,c_red,c_green,c_blue\neast,1,0,0\n", "there is no column 'income'");
}

}  // namespace
}  // namespace kirchhoff
