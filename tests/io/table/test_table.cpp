#include <bzlib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/table/table.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using testing::StrEq;
using testing::ThrowsMessage;

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<unsigned>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<unsigned>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string bzip2(std::string text) {
  auto size = static_cast<unsigned>(text.size() + text.size() / 50 + 700);
  std::string packed(size, '\0');
  BZ2_bzBuffToBuffCompress(packed.data(), &size, text.data(), static_cast<unsigned>(text.size()), 9, 0, 0);
  packed.resize(size);
  return packed;
}

std::string xz(const std::string& text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                          reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  packed.resize(size);
  return packed;
}

std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string npy(int version, std::string header, const std::string& data) {
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  const auto length = static_cast<std::uint32_t>(header.size());
  bytes += bytes_of(std::vector<std::uint32_t>{length}).substr(0, version == 1 ? 2 : 4);
  return bytes + header + data;
}

template <class T>
std::string npy_of(const std::string& type, const std::vector<T>& values) {
  return npy(1,
             "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + std::to_string(values.size()) + ",), }",
             bytes_of(values));
}

void write_dataset(hid_t place, const char* name, hid_t type, const std::vector<hsize_t>& shape, const void* data) {
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t dataset = H5Dcreate2(place, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(dataset);
  H5Sclose(space);
}

/// Files in a folder of this process alone, as all ranks run the same test at once.
class InFolder : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  /// An HDF5 file with datasets mass (2 x 3 doubles), exact/samples (2 x 2 x 2 u16) and name (text).
  std::string write_hdf5(const std::string& name) const {
    const hid_t file = H5Fcreate(path(name).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const std::vector<double> mass = {0.5, 0.25, 0.25, 0, 0, 0};
    write_dataset(file, "mass", H5T_NATIVE_DOUBLE, {2, 3}, mass.data());
    const hid_t group = H5Gcreate2(file, "exact", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::vector<std::uint16_t> samples = {0, 1, 2, 3, 4, 5, 6, 7};
    write_dataset(group, "samples", H5T_NATIVE_UINT16, {2, 2, 2}, samples.data());
    const hid_t text = H5Tcopy(H5T_C_S1);
    write_dataset(file, "name", text, {3}, "abc");
    H5Tclose(text);
    H5Gclose(group);
    H5Fclose(file);
    return path(name);
  }

  /// An HDF5 file with one dataset.
  std::string write_hdf5(const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
                         const void* data) const {
    const hid_t file = H5Fcreate(path(name).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    write_dataset(file, "values", type, shape, data);
    H5Fclose(file);
    return path(name);
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("kirchhoff_test_table_" + std::to_string(getpid()));
};

class TextTable : public InFolder {
 protected:
  /// Why a table is refused, behind the file's name.
  std::string message_for(const std::string& text) const {
    try {
      read_table(write("t.csv", text));
    } catch (const Error& error) {
      return std::string(error.what()).substr(path("t.csv").size());
    }
    return "no error";
  }
};

class CompressedFile : public InFolder {};
class NpyTable : public InFolder {};
class Hdf5Table : public InFolder {};

TEST_F(TextTable, ReadsNumbersUnderEverySeparator) {
  const std::vector<std::string> texts = {"1,2.5,-3\n4,5e1,+6\n",      "1;2.5;-3\n4;5e1;+6\n",
                                          "1 2.5 -3\n4 5e1 +6\n",      "1\t2.5\t-3\n4\t5e1\t+6\n",
                                          " 1 , 2.5,\t-3\r\n4,5e1,+6", "1   2.5  -3 \n  4 5e1 +6"};

  for (const auto& text : texts) {
    const Table table = read_table(write("t.csv", text));

    EXPECT_EQ(table.rows, 2) << text;
    EXPECT_EQ(table.columns, 3) << text;
    EXPECT_THAT(table.values, ElementsAre(1, 2.5, -3, 4, 50, 6)) << text;
    EXPECT_FALSE(table.integral) << text;
  }
}

TEST_F(TextTable, SkipsBlankLinesCommentsAndAHeader) {
  const auto file = write("t.txt", "\xEF\xBB\xBF# made by hand\n\nfirst, second\n1, 2\n  \n  # more\n3, 4\n\n");

  const Table table = read_table(file);

  EXPECT_EQ(table.rows, 2);
  EXPECT_THAT(table.values, ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(table.integral);
}

TEST_F(TextTable, ReadsTheSameUnderEveryExtension) {
  for (const std::string extension : {"csv", "txt", "data", "tsv", "CSV"}) {
    EXPECT_THAT(read_table(write("t." + extension, "1 2\n")).values, ElementsAre(1, 2)) << extension;
  }
}

TEST_F(TextTable, RoundsAsCloselyAsADoubleCan) {
  const auto file = write("t.csv", "8.393756785027631e-04,4.9406564584124654e-324,1e-400,.5\n");

  EXPECT_THAT(read_table(file).values, ElementsAre(8.393756785027631e-04, 4.9406564584124654e-324, 0.0, 0.5));
}

TEST_F(TextTable, NamesTheLineOfARowOfAnotherLength) {
  const auto file = write("t.csv", "# x\n1,2\n3,4\n5\n");

  EXPECT_THAT([&] { read_table(file); }, ThrowsMessage<Error>(StrEq(file + " line 4: 1 field, but line 2 has 2")));
}

TEST_F(TextTable, NamesTheLineOfAFieldThatIsNoFiniteNumber) {
  EXPECT_EQ(message_for("1,2\n3,4x\n"), " line 2: field 2, '4x', is not a number");
  EXPECT_EQ(message_for("1,2\n3,\n"), " line 2: field 2, '', is not a number");
  EXPECT_EQ(message_for("x,2\n3,4\n"), " line 1: field 1, 'x', is not a number");
  EXPECT_EQ(message_for("a,b\nc,d\n"), " line 2: field 1, 'c', is not a number");
  EXPECT_EQ(message_for("1;2\n0,5;3\n"), " line 2: field 1, '0,5', is not a number");
  EXPECT_EQ(message_for("1,nan\n"), " line 1: field 2, 'nan', is not a finite number");
  EXPECT_EQ(message_for("1,2\n-inf,2\n"), " line 2: field 1, '-inf', is not a finite number");
  EXPECT_EQ(message_for("1e999\n"), " line 1: field 1, '1e999', is not a finite number");
  EXPECT_EQ(message_for("1\n\x1b[2J\n"), " line 2: field 1, '?[2J', is not a number");
}

TEST_F(TextTable, SaysWhatItTakesForAHeader) {
  const auto table = read_table(write("t.csv", "# x\nage band,\"trust\",_3\n0,1,2\n"));
  const auto index = read_table(write("i.csv", ",a,b\n0,1,2\n"));

  EXPECT_THAT(table.header, ElementsAre("age band", "trust", "_3"));
  EXPECT_EQ(table.header_line, 2);
  EXPECT_THAT(table.note, StrEq("line 2 is the header: 'age band', 'trust', '_3'"));
  EXPECT_THAT(index.header, ElementsAre("", "a", "b"));
  EXPECT_THAT(read_table(write("n.csv", "1,2\n")).note, IsEmpty());
}

TEST_F(TextTable, DropsNoRowThatWasMisspelt) {
  for (const std::string row :
       {"1O", "O", "O,l", "NA,NA", "x,x", "?,?", "-,-", "1.,a", "none,n/a", "a,,b", "true,false"}) {
    const auto columns = std::count(row.begin(), row.end(), ',');
    const auto file = write("t.csv", row + "\n" + (columns == 0 ? "1" : columns == 1 ? "1,2" : "1,2,3") + "\n");

    EXPECT_THAT([&] { read_table(file); }, ThrowsMessage<Error>(HasSubstr(" line 1: field "))) << row;
  }
}

TEST_F(TextTable, HasOneSeparator) {
  EXPECT_EQ(message_for("1,2\n3 4\n"), " line 2: field 1, '3 4', is not a number");
  EXPECT_EQ(message_for("1 2\n3,4\n"), " line 2: field 1, '3,4', is not a number");
  EXPECT_EQ(message_for("1\t2\n\t4\n"), " line 2: field 1, '', is not a number");
  EXPECT_THAT(message_for("1\r2\r3\n"), StartsWith(":1: a carriage return inside a line"));
  EXPECT_THAT(message_for(std::string("1\n\0\n", 4)), StartsWith(":2: a NUL byte"));
  EXPECT_THAT(message_for("1\n\"2\n"), StartsWith(":2: a quote that does not end"));
}

TEST_F(TextTable, RefusesAFileWithoutNumbers) {
  for (const std::string text : {"", "\n", "# nothing\n", "x,y\n"}) {
    const auto file = write("t.csv", text);
    EXPECT_THAT([&] { read_table(file); }, ThrowsMessage<Error>(StrEq(file + " holds no numbers"))) << text;
  }
}

TEST_F(TextTable, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT([] { read_table("no/such.csv"); },
              ThrowsMessage<Error>(StrEq("cannot read no/such.csv: No such file or directory")));
  EXPECT_THAT([] { read_table("no/such.h5"); },
              ThrowsMessage<Error>(StrEq("cannot read no/such.h5: No such file or directory")));
  std::filesystem::create_directory(path("d.csv"));
  EXPECT_THAT([&] { read_table(path("d.csv")); }, ThrowsMessage<Error>(EndsWith(": Is a directory")));
  EXPECT_THAT([] { read_table("t.xlsx"); },
              ThrowsMessage<Error>(StartsWith("cannot read t.xlsx: unknown kind of table")));
}

TEST_F(CompressedFile, IsReadAsItWasBeforeCompression) {
  std::string text;
  for (std::int64_t k = 0; k < 200'000; ++k) text += std::to_string(k * k % 1001) + "\n";

  const auto gz = read_text_file(write("t.txt.gz", gzip(text)));
  const auto bz2 = read_text_file(write("t.txt.bz2", bzip2(text)));

  EXPECT_TRUE(gz == text);
  EXPECT_TRUE(bz2 == text);
}

TEST_F(CompressedFile, MayBeSeveralStreams) {
  const auto gz = read_table(write("t.csv.gz", gzip("1,2\n") + gzip("3,4\n")));
  const auto bz2 = read_table(write("t.csv.bz2", bzip2("1,2\n") + bzip2("3,4\n")));

  EXPECT_THAT(gz.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(bz2.values, ElementsAre(1, 2, 3, 4));
}

TEST_F(CompressedFile, MayComeFromXzOrZstd) {
  std::string text;
  for (std::int64_t k = 0; k < 200'000; ++k) text += std::to_string(k * k % 1001) + "\n";

  const auto long_zst = read_text_file(write("t.txt.zst", zstd(text)));
  const auto zst = read_table(write("t.csv.zst", zstd("1,2\n") + zstd("3,4\n")));
  const auto long_xz = read_text_file(write("t.txt.xz", xz(text)));
  const auto several =
      read_table(write("t.csv.xz", xz("1,2\n") + std::string(8, '\0') + xz("3,4\n") + std::string(4, '\0')));

  EXPECT_TRUE(long_zst == text);
  EXPECT_TRUE(long_xz == text);
  EXPECT_THAT(zst.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(several.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT([&] { read_text_file(write("a.xz", xz(text).substr(0, 1000))); },
              ThrowsMessage<Error>(EndsWith("the xz data end too early")));
  EXPECT_THAT([&] { read_text_file(write("a.zst", zstd(text).substr(0, 1000))); },
              ThrowsMessage<Error>(EndsWith("the zstd data end too early")));
  EXPECT_THAT([&] { read_text_file(write("b.xz", text)); }, ThrowsMessage<Error>(EndsWith("not xz data, or damaged")));
  EXPECT_THAT([&] { read_text_file(write("b.zst", text)); },
              ThrowsMessage<Error>(EndsWith("not zstd data, or damaged")));
}

TEST_F(CompressedFile, MayHoldAnyFormat) {
  const auto array = read_table(write("t.npy.gz", gzip(npy_of<double>("<f8", {1, 2}))));
  std::ifstream file(write_hdf5("t.h5"), std::ios::binary);
  const std::string image(std::istreambuf_iterator<char>(file), {});
  const auto dataset = read_table(write("t.h5.bz2", bzip2(image)), "mass");

  EXPECT_THAT(array.values, ElementsAre(1, 2));
  EXPECT_THAT(dataset.values, ElementsAre(0.5, 0.25, 0.25, 0, 0, 0));
}

TEST_F(CompressedFile, IsRefusedWhenDamaged) {
  const std::string text(5000, '7');
  const auto gz = gzip(text);
  const auto bz2 = bzip2(text);

  EXPECT_THAT([&] { read_text_file(write("a.gz", gz.substr(0, gz.size() - 4))); },
              ThrowsMessage<Error>(StrEq("cannot read " + path("a.gz") + ": the gzip data end too early")));
  EXPECT_THAT([&] { read_text_file(write("a.bz2", bz2.substr(0, bz2.size() - 4))); },
              ThrowsMessage<Error>(StrEq("cannot read " + path("a.bz2") + ": the bzip2 data end too early")));
  EXPECT_THAT([&] { read_text_file(write("b.gz", text)); },
              ThrowsMessage<Error>(EndsWith("not gzip data, or damaged")));
  EXPECT_THAT([&] { read_text_file(write("b.bz2", text)); },
              ThrowsMessage<Error>(EndsWith("not bzip2 data, or damaged")));
  EXPECT_THAT([&] { read_text_file(write("c.gz", "")); },
              ThrowsMessage<Error>(EndsWith("the gzip data end too early")));
}

TEST_F(CompressedFile, IsRefusedWhenItGrowsWithoutBound) {
  // 257 MiB of one character, in streams of 4 MiB. Every codec is unpacked by the same loop, which holds the bound;
  // bzip2 would take ten times as long.
  std::string gz;
  const auto packed = gzip(std::string(std::size_t{1} << 22, '7'));
  for (int k = 0; k < 65; ++k) gz += packed;

  EXPECT_THAT(
      [&] { read_text_file(write("a.txt.gz", gz)); },
      ThrowsMessage<Error>(AllOf(StartsWith("cannot read " + path("a.txt.gz")), HasSubstr(" grow to more than "))));
}

TEST_F(NpyTable, ReadsEveryType) {
  const auto values_of = [&](const std::string& bytes) { return read_table(write("t.npy", bytes)).values; };

  EXPECT_THAT(values_of(npy_of<float>("<f4", {0.5f, -2})), ElementsAre(0.5, -2));
  EXPECT_THAT(values_of(npy_of<double>("<f8", {0.1, -2})), ElementsAre(0.1, -2));
  EXPECT_THAT(values_of(npy_of<std::int8_t>("|i1", {-128, 127})), ElementsAre(-128, 127));
  EXPECT_THAT(values_of(npy_of<std::int16_t>("<i2", {-32768, 1})), ElementsAre(-32768, 1));
  EXPECT_THAT(values_of(npy_of<std::int32_t>("<i4", {-2147483647, 1})), ElementsAre(-2147483647, 1));
  EXPECT_THAT(values_of(npy_of<std::int64_t>("<i8", {-4503599627370497, 1})), ElementsAre(-4503599627370497, 1));
  EXPECT_THAT(values_of(npy_of<std::uint8_t>("|u1", {0, 255})), ElementsAre(0, 255));
  EXPECT_THAT(values_of(npy_of<std::uint16_t>("<u2", {0, 65535})), ElementsAre(0, 65535));
  EXPECT_THAT(values_of(npy_of<std::uint32_t>("<u4", {0, 4294967295})), ElementsAre(0, 4294967295));
  EXPECT_THAT(values_of(npy_of<std::uint64_t>("<u8", {0, 4503599627370497})), ElementsAre(0, 4503599627370497));
  EXPECT_THAT(values_of(npy_of<std::uint8_t>("|b1", {0, 1})), ElementsAre(0, 1));
}

TEST_F(NpyTable, ReadsEveryVersionAndOrder) {
  const std::vector<double> data = {1, 2, 3, 4, 5, 6};
  const std::string c_order = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";
  const std::string fortran_order = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }";

  for (const int version : {1, 2, 3}) {
    const auto c = read_table(write("c.npy", npy(version, c_order, bytes_of(data))));
    const auto fortran = read_table(write("f.npy", npy(version, fortran_order, bytes_of(data))));

    EXPECT_EQ(c.rows, 2);
    EXPECT_EQ(c.columns, 3);
    EXPECT_THAT(c.values, ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_EQ(fortran.rows, 2);
    EXPECT_EQ(fortran.columns, 3);
    EXPECT_THAT(fortran.values, ElementsAre(1, 3, 5, 2, 4, 6));
  }
}

TEST_F(NpyTable, MakesOneColumnOfOneDimension) {
  const auto table = read_table(write("t.npy", npy_of<double>("<f8", {1, 2, 3})));

  EXPECT_EQ(table.rows, 3);
  EXPECT_EQ(table.columns, 1);
  EXPECT_TRUE(table.integral);
}

TEST_F(NpyTable, SaysWhatItCannotRead) {
  const auto header = [](const std::string& type, const std::string& shape) {
    return "{'descr': " + type + ", 'fortran_order': False, 'shape': " + shape + ", }";
  };
  const std::string eight(8, '\0');
  const auto expect = [&](const std::string& bytes, const std::string& why) {
    EXPECT_THAT([&] { read_table(write("t.npy", bytes)); },
                ThrowsMessage<Error>(AllOf(StartsWith("cannot read "), HasSubstr(why))));
  };

  expect("1,2,3,4,5,6,7,8\n", "not an npy file");
  expect("", "not an npy file");
  expect(npy(4, header("'<f8'", "(1,)"), eight), "npy version 4 is not among 1, 2, 3");
  expect(npy(1, header("'>f8'", "(1,)"), eight), "npy type '>f8' is not among");
  expect(npy(1, header("'<c8'", "(1,)"), eight), "npy type '<c8' is not among");
  expect(npy(1, header("[('x', '<f8')]", "(1,)"), eight), "npy records are not numbers");
  expect(npy(1, header("'<f8'", "()"), eight), "0 dimensions, not 1 or 2");
  expect(npy(1, header("'<f8'", "(1, 1, 1)"), eight), "3 dimensions, not 1 or 2");
  expect(npy(1, header("'<f8'", "(2,)"), eight), "8 bytes of numbers where its shape 2 x 1 needs 16");
  expect(npy(1, header("'<f8'", "(1000000000000000,)"), eight), "8 bytes of numbers where its shape");
  expect(npy(1, header("'<f8'", "(4294967296, 4294967297)"), eight), "8 bytes of numbers where its shape");
  expect(npy(1, header("'<f8'", "(2305843009213693953,)"), eight), "8 bytes of numbers where its shape");
  expect(npy(1, header("'<f8'", "(99999999999999999999,)"), eight), "header has no shape");
  expect(npy(1, "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,), }", eight), "header has no fortran_order");
  expect(npy(1, header("'<f8'", "(2,)"), eight).substr(0, 40), "ends within its header");
  expect(npy(1, "{}", eight), "header has no descr");
}

TEST_F(NpyTable, NamesRowAndColumnOfWhatIsNoFiniteNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto file = write("t.npy", npy(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }",
                                       bytes_of(std::vector<double>{0, nan, 0, 0})));

  EXPECT_THAT([&] { read_table(file); },
              ThrowsMessage<Error>(StrEq(file + " row 2, column 1: nan is not a finite number")));
}

TEST_F(NpyTable, RefusesIntegersThatADoubleCannotHold) {
  const auto file = write("t.npy", npy_of<std::int64_t>("<i8", {1, 9007199254740993}));

  EXPECT_THAT([&] { read_table(file); }, ThrowsMessage<Error>(HasSubstr(" row 2, column 1: the integer ")));
}

TEST_F(Hdf5Table, ReadsTheDatasetThatIsNamed) {
  const auto file = write_hdf5("t.h5");

  for (const std::string name : {"mass", "/mass"}) {
    const auto table = read_table(file, name);

    EXPECT_EQ(table.rows, 2);
    EXPECT_EQ(table.columns, 3);
    EXPECT_THAT(table.values, ElementsAre(0.5, 0.25, 0.25, 0, 0, 0));
    EXPECT_FALSE(table.integral);
    EXPECT_EQ(table.dataset, "mass");
  }
}

TEST_F(Hdf5Table, FlattensDimensionsAfterTheSecond) {
  const auto table = read_table(write_hdf5("t.hdf5"), "exact/samples");

  EXPECT_EQ(table.rows, 2);
  EXPECT_EQ(table.columns, 4);
  EXPECT_THAT(table.values, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_TRUE(table.integral);
}

TEST_F(Hdf5Table, FindsTheOnlyDataset) {
  const std::vector<std::int32_t> values = {3, -4};

  const auto table = read_table(write_hdf5("t.h5", H5T_NATIVE_INT32, {2}, values.data()));

  EXPECT_EQ(table.rows, 2);
  EXPECT_EQ(table.columns, 1);
  EXPECT_THAT(table.values, ElementsAre(3, -4));
  EXPECT_EQ(table.dataset, "values");
}

TEST_F(Hdf5Table, ReadsTruthValues) {
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  const std::vector<std::int8_t> values = {0, 1, 1};
  H5Tenum_insert(type, "FALSE", &values[0]);
  H5Tenum_insert(type, "TRUE", &values[1]);

  const auto table = read_table(write_hdf5("t.h5", type, {3}, values.data()));

  EXPECT_THAT(table.values, ElementsAre(0, 1, 1));
  H5Tclose(type);
}

TEST_F(Hdf5Table, ListsTheDatasetsWhenItCannotTellWhich) {
  const auto file = write_hdf5("t.h5");

  EXPECT_THAT([&] { read_table(file); },
              ThrowsMessage<Error>(StrEq(file + " has 2 datasets, say which: exact/samples, mass")));
  EXPECT_THAT([&] { read_table(file, "mas"); },
              ThrowsMessage<Error>(
                  StrEq(file + " has no dataset 'mas', did you mean 'mass'? (datasets: exact/samples, mass)")));
  EXPECT_THAT([&] { read_table(file, "exact"); }, ThrowsMessage<Error>(StartsWith(file + " has no dataset 'exact'")));
  EXPECT_THAT([&] { read_table(file, "name"); },
              ThrowsMessage<Error>(StrEq(file + ": dataset 'name' does not hold numbers")));
}

TEST_F(Hdf5Table, RefusesIntegersThatADoubleCannotHold) {
  const std::vector<std::int64_t> values = {1, 9007199254740993};
  const auto file = write_hdf5("t.h5", H5T_NATIVE_INT64, {2}, values.data());

  EXPECT_THAT([&] { read_table(file); }, ThrowsMessage<Error>(HasSubstr(" row 2, column 1: the integer ")));
}

TEST_F(Hdf5Table, KeepsTheErrorsOfTheLibraryOffTheTerminal) {
  const auto file = write("t.h5", std::string(2000, 'x'));

  testing::internal::CaptureStderr();
  EXPECT_THAT([&] { read_table(file); }, ThrowsMessage<Error>(StartsWith("cannot read " + file + ": HDF5: ")));
  const auto printed = testing::internal::GetCapturedStderr();

  EXPECT_THAT(printed, IsEmpty());
}

TEST(ParseColumns, ReadsListsAndRanges) {
  EXPECT_THAT(parse_columns("0-63", 65), SizeIs(64));
  EXPECT_THAT(parse_columns("0,2,5-7", 8), ElementsAre(0, 2, 5, 6, 7));
  EXPECT_THAT(parse_columns(" 3 - 4 , 0", 5), ElementsAre(3, 4, 0));
  EXPECT_THAT(parse_columns("", 3), ElementsAre(0, 1, 2));
}

TEST(ParseColumns, SaysWhatIsWrong) {
  const auto message_for = [](const std::string& text) {
    try {
      parse_columns(text, 8);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };

  EXPECT_EQ(message_for("0-8"), "columns '0-8': there is no column 8, the last of 8 is 7");
  EXPECT_EQ(message_for("5-2"), "columns '5-2': 5-2 runs backwards");
  EXPECT_EQ(message_for("1,0-2"), "columns '1,0-2': column 1 is named twice");
  for (const std::string text : {"a", "1,", ",1", "-1", "1-", "1-2-3", "1.5", "1 2"}) {
    EXPECT_THAT(message_for(text), HasSubstr("is not a column (expected a list like 0-63 or 0,2,5-7)")) << text;
  }
}

}  // namespace
}  // namespace kirchhoff
