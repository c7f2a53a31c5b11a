#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>

#include "io/raster/ini.hpp"
#include "io/raster/point_list.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/raster/focal_points.hpp"
#include "kirchhoff/io/raster/graph_file.hpp"
#include "kirchhoff/io/raster/grid_file.hpp"
#include "kirchhoff/io/raster/job_file.hpp"

namespace kirchhoff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::string kHead = "NCOLS 3\nnrows\t2\nxllcorner 10\nyllcorner -5.5\ncellsize 2\n";

TEST(AsciiGrid, IsReadAsItStands) {
  const auto grid = parse_ascii_grid(kHead + "NODATA_value -1\r\n1 2.5 -1\t\r\n-9999 +4 5e-3", "a.asc");
  EXPECT_EQ(grid.shape.columns, 3);
  EXPECT_EQ(grid.shape.rows, 2);
  EXPECT_EQ(grid.shape.x_corner, 10);
  EXPECT_EQ(grid.shape.y_corner, -5.5);
  EXPECT_EQ(grid.shape.nodata, -1);
  EXPECT_EQ(grid.value[1], 2.5);
  EXPECT_TRUE(std::isnan(grid.value[2]));
  EXPECT_TRUE(std::isnan(grid.value[3]));
  EXPECT_EQ(grid.value[4], 4);
  EXPECT_EQ(grid.value[5], 0.005);
}

TEST(AsciiGrid, CentersAreHalfACellFromCorners) {
  const auto grid = parse_ascii_grid("ncols 1\nnrows 1\nxllcenter 10\nyllcenter 20\ncellsize 4\n7\n", "a.asc");
  EXPECT_EQ(grid.shape.x_corner, 8);
  EXPECT_EQ(grid.shape.y_corner, 18);
}

TEST(AsciiGrid, WhatIsWrittenIsReadAgain) {
  Grid grid{{2, 3, 616786.15983, -4.25, 30, -9999}, {1, 1.0 / 3, 1e-300, -2e10, 5, std::nan("")}};
  const auto again = parse_ascii_grid(ascii_grid_text(grid, 17), "a.asc");
  EXPECT_EQ(again.shape, grid.shape);
  for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(again.value[k], grid.value[k]);
  EXPECT_TRUE(std::isnan(again.value[5]));
}

TEST(AsciiGrid, ErrorsNameTheLine) {
  const auto read = [](const std::string& text) { return [text] { parse_ascii_grid(text, "a.asc"); }; };
  EXPECT_THAT(read(kHead + "1 2 3\n4 5\n"), ThrowsMessage<Error>(HasSubstr("a.asc:7: the row has 2 of 3 values")));
  EXPECT_THAT(read(kHead + "1 2 3\n4 5 6 7\n"), ThrowsMessage<Error>(HasSubstr("a.asc:7: the row has more than 3")));
  EXPECT_THAT(read(kHead + "1 2 3\n4 5,5 6\n"),
              ThrowsMessage<Error>(HasSubstr("a.asc:7: column 2: '5,5' is no number")));
  EXPECT_THAT(read(kHead + "1 2 3\n4 inf 6\n"),
              ThrowsMessage<Error>(HasSubstr("a.asc:7: column 2: 'inf' is not finite")));
  EXPECT_THAT(read(kHead + "1 2 3\n"), ThrowsMessage<Error>(HasSubstr("a.asc: the grid ends after 1 of its 2 rows")));
  EXPECT_THAT(read("ncols 3\nncols 3\n"), ThrowsMessage<Error>(HasSubstr("a.asc:2: ncols stands twice")));
  EXPECT_THAT(read("ncols 3.5\n"), ThrowsMessage<Error>(HasSubstr("a.asc:1: ncols needs a whole number")));
  EXPECT_THAT(read("ncols 1000000\nnrows 1000000\nxllcorner 0\nyllcorner 0\ncellsize 1\n1\n"),
              ThrowsMessage<Error>(HasSubstr("more than 2^31 - 1")));
  EXPECT_THAT(read(""), ThrowsMessage<Error>(HasSubstr("the header has no ncols")));
}

TEST(AsciiGrid, AHeaderIsBelievedAsFarAsTheTextIsLong) {
  const auto read = [](const std::string& text) { return [text] { parse_ascii_grid(text, "a.asc"); }; };
  EXPECT_THAT(read("ncols 46000\nnrows 46000\nxllcorner 0\nyllcorner 0\ncellsize 1\n"),  // 17 GB
              ThrowsMessage<Error>(HasSubstr("a.asc: the grid ends after 0 of its 46000 rows")));
  EXPECT_THAT(read("ncols 1\nnrows 1\nxllcenter -1.7e308\nyllcorner 0\ncellsize 1.7e308\n1\n"),
              ThrowsMessage<Error>(HasSubstr("a.asc: the corner of the map is not finite")));
}

class GeoTiff : public testing::Test {
 protected:
  void SetUp() override {
    try {
      parse_geotiff("", "a.tif");
    } catch (const Error& error) {
      if (std::string(error.what()).find("built without libtiff") != std::string::npos) GTEST_SKIP() << error.what();
    }
  }

  /// A seed of the fuzz harness, behind the byte that chooses the reader.
  static std::string seed(const std::string& name) {
    std::ifstream file(KIRCHHOFF_SOURCE_DIR "/tests/fuzz/corpus/raster/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {}).substr(1);
  }

  /// The seed with another type (of 2 bytes) or count (of 4 bytes) in a tag's entry, or another value of 16 bits.
  enum class Field : std::size_t { type = 2, count = 4, value = 8 };
  static std::string changed(const std::string& name, std::uint16_t tag, Field field, std::uint16_t value) {
    auto bytes = seed(name);
    const auto little = [](std::uint16_t number) {
      return std::string{static_cast<char>(number & 0xFF), static_cast<char>(number >> 8)};
    };
    const auto at = bytes.find(little(tag), 10);
    return bytes.replace(at + static_cast<std::size_t>(field), 2, little(value));
  }

  static auto reading(const std::string& bytes) {
    return [bytes] { parse_geotiff(bytes, "a.tif"); };
  }
};

TEST_F(GeoTiff, IsReadInAllItsLayouts) {
  const auto real = parse_geotiff(seed("tiff_float"), "a.tif");
  EXPECT_EQ(real.shape, (GridShape{2, 3, 1000, 1940, 30, -9999}));
  EXPECT_TRUE(std::isnan(real.value[2]));
  EXPECT_EQ(real.value[4], 5.5);
  EXPECT_THAT(parse_geotiff(seed("tiff_big_endian"), "a.tif").value, ElementsAre(1, -2, 3, 4, 5, 6));
  const auto packed = parse_geotiff(seed("tiff_deflate"), "a.tif");
  EXPECT_TRUE(std::isnan(packed.value[1]));  // which the file says is no data
  EXPECT_EQ(packed.value[5], 6);
  EXPECT_THAT(parse_geotiff(seed("tiff_bands"), "a.tif").value, ElementsAre(0, 3, 6, 9, 12, 15));  // the first of three
  const auto tiles = parse_geotiff(seed("tiff_tiles"), "a.tif");
  EXPECT_EQ(tiles.shape, (GridShape{10, 20, 5, -11, 2, -9999}));
  EXPECT_EQ(tiles.value[20 * 2 + 3], 2 * 16 + 3);
}

TEST_F(GeoTiff, WhatItSaysOfItselfIsNotBelievedBlindly) {
  EXPECT_THAT(reading(seed("tiff_float").substr(0, 100)), ThrowsMessage<Error>(HasSubstr("a.tif: ")));
  // Six numbers of two bytes where six of eight are expected.
  EXPECT_THAT(reading(changed("tiff_float", 33922, Field::type, 3)),
              ThrowsMessage<Error>(HasSubstr("a.tif: tag 33922 is not of the type that GeoTIFF says")));
  EXPECT_THAT(reading(changed("tiff_float", 42113, Field::type, 1)),
              ThrowsMessage<Error>(HasSubstr("a.tif: tag 42113 is not of the type that GeoTIFF says")));
  EXPECT_THAT(reading(changed("tiff_bands", 256, Field::value, 65535)),
              ThrowsMessage<Error>(HasSubstr("a.tif: row 1 cannot be read")));
  EXPECT_THAT(reading(changed("tiff_tiles", 322, Field::value, 65520)), ThrowsMessage<Error>(HasSubstr("a.tif: ")));
}

TEST(Graph, ConductancesAndTheirInversesAreFinite) {
  const auto read = [](const std::string& text) { return [text] { parse_graph(text, "g.txt", false); }; };
  EXPECT_THAT(read("0 1 1e308\n1 0 1e308\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: column 3 is 1e+308: ")));
  EXPECT_THAT(read("0 1 1e-310\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 3 is 1e-310: ")));
}

TEST(RasterJob, NamesThatAreNoFilesAreShownAsWordsOfOneLine) {
  const auto read = [](const std::string& name) {
    return [name] { parse_raster_job("scenario = pairwise\nhabitat_file = " + name + "\n", "a.ini"); };
  };
  EXPECT_THAT(read("a\tb"), ThrowsMessage<Error>(HasSubstr("a.ini:2: habitat_file: no file 'a?b', neither in")));
  EXPECT_THAT(read(std::string(5000, 'x')),
              ThrowsMessage<Error>(HasSubstr("no file '" + std::string(40, 'x') + "...'")));
}

TEST(PointList, PlacesAreInTheirCells) {
  const GridShape shape{4, 5, 100, 200, 10, -9999};
  const auto cell = [&](const std::string& place) {
    return detail::parse_point_list("1 " + place + "\n", "p.txt", shape)[0].cell;
  };
  EXPECT_EQ(cell("105 205"), 15);  // south-west
  EXPECT_EQ(cell("100 240"), 0);   // the very corner in the north-west
  EXPECT_EQ(cell("149.9 200.1"), 19);
  EXPECT_EQ(cell("110 235"), 0);  // between two cells: the western one
  EXPECT_EQ(cell("105 230"), 0);  // and the northern one
  EXPECT_THAT([&] { cell("99 205"); }, ThrowsMessage<Error>(HasSubstr("p.txt:1: the place 99, 205 is outside")));
  EXPECT_THAT([&] { cell("105 241"); }, ThrowsMessage<Error>(HasSubstr("outside")));
}

TEST(PointPairs, AreIncludedOrExcluded) {
  const auto included = parse_point_pairs("mode include\n1\t2\n3 2\n", "pairs.txt");
  EXPECT_THAT(included.number, ElementsAre(1, 2, 3));
  EXPECT_TRUE(included.solved(2, 1));
  EXPECT_TRUE(included.solved(2, 3));
  EXPECT_FALSE(included.solved(1, 3));
  const auto excluded = parse_point_pairs("mode\texclude\n1 2\n3 2\n", "pairs.txt");
  EXPECT_FALSE(excluded.solved(2, 1));
  EXPECT_TRUE(excluded.solved(1, 3));
  EXPECT_FALSE(excluded.solved(1, 4));
}

TEST(PointPairs, AMatrixIncludesWhatIsBetweenTwoValues) {
  const auto pairs = parse_point_pairs("min 2\nmax 5\n0 1 2 3\n1 0 2 9\n2 1 0 5.5\n3 0 3 0\n", "pairs.txt");
  EXPECT_TRUE(pairs.solved(1, 2));  // one way is enough for a pair
  EXPECT_TRUE(pairs.meets(1, 2));   // but a point's own solve goes by its row
  EXPECT_FALSE(pairs.meets(2, 1));
  EXPECT_FALSE(pairs.solved(1, 3));  // too large
  EXPECT_TRUE(pairs.solved(2, 3));
  EXPECT_THAT([] { parse_point_pairs("min 2\nmax 5\n0 1 2\n1 0\n", "pairs.txt"); },
              ThrowsMessage<Error>(HasSubstr("pairs.txt:4: the row has 2 columns, where 3 are needed")));
  EXPECT_THAT([] { parse_point_pairs("1 2\n", "pairs.txt"); },
              ThrowsMessage<Error>(HasSubstr("pairs.txt:1: needs 'mode' and a value")));
}

TEST(Strengths, AreOnePerPoint) {
  EXPECT_EQ(parse_strengths("1 2.5\n\n# more\n7 1\n", "s.txt").at(1), 2.5);
  EXPECT_THAT([] { parse_strengths("1 2\n1 3\n", "s.txt"); },
              ThrowsMessage<Error>(HasSubstr("s.txt:2: focal point 1 has a strength already")));
}

TEST(IniFile, TheLastOfTwoLinesCountsAndIsWarnedOf) {
  const detail::IniFile ini("[a]\nKey = 1\n; note\nkey=  x = y \nflag = TRUE\n", "a.ini");
  EXPECT_EQ(ini.text("key"), "x = y");
  EXPECT_TRUE(ini.flag("flag", false));
  EXPECT_TRUE(ini.flag("absent", true));
  EXPECT_THAT(ini.warnings(), ElementsAre(HasSubstr("a.ini:4: 'key' stands twice; this line counts, not line 2")));
  EXPECT_THAT([&] { ini.flag("key", true); },
              ThrowsMessage<Error>(HasSubstr("a.ini:4: key: 'x = y' is none of false, true")));
}

}  // namespace
}  // namespace kirchhoff
