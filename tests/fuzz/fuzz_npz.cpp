// Networks of scipy.sparse: zip archives of NumPy's arrays. The first byte chooses what the rest is:
//   archive  its bytes; a wrong checksum hides nearly all changes of them
//   members  the arrays of an archive that is made here, as bytes
//   numbers  types, lengths and numbers of whole arrays: what the reader of matrices itself believes
#include <zlib.h>

#include <array>

#include "fuzz.hpp"

using namespace kirchhoff;

namespace {

/// Bytes of the input, one after the other; 0 when there are no more.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint8_t next() { return at_ < size_ ? data_[at_++] : 0; }
  std::string text(std::size_t length) {
    const auto count = std::min(length, size_ - at_);
    const auto* begin = reinterpret_cast<const char*>(data_) + at_;
    at_ += count;
    return {begin, begin + count};
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

void put(std::string& text, std::uint32_t value, int bytes) {
  for (int k = 0; k < bytes; ++k) text += static_cast<char>(value >> (8 * k));
}

/// An archive whose members are stored as they are (APPNOTE.TXT 4.3: local headers, central directory, its end).
class Archive {
 public:
  void add(const std::string& name, const std::string& bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const auto at = static_cast<std::uint32_t>(members_.size());
    std::string common;
    for (const std::uint32_t field : {20U, 0U, 0U, 0U, 0x21U}) put(common, field, 2);  // version, flags, stored, time
    put(common, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), size)), 4);
    for (int k = 0; k < 2; ++k) put(common, size, 4);
    put(common, static_cast<std::uint32_t>(name.size()), 2);
    put(common, 0, 2);
    members_ += "PK\3\4" + common + name + bytes;
    directory_ += std::string("PK\1\2\24\0", 6) + common + std::string(10, '\0');
    put(directory_, at, 4);
    directory_ += name;
    ++count_;
  }

  std::string bytes() const {
    std::string end("PK\5\6\0\0\0\0", 8);
    for (int k = 0; k < 2; ++k) put(end, count_, 2);
    put(end, static_cast<std::uint32_t>(directory_.size()), 4);
    put(end, static_cast<std::uint32_t>(members_.size()), 4);
    put(end, 0, 2);
    return members_ + directory_ + end;
  }

 private:
  std::string members_;
  std::string directory_;
  std::uint32_t count_ = 0;
};

std::string npy(const std::string& type, const std::string& shape, const std::string& numbers) {
  const auto header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  std::string bytes("\x93NUMPY\1\0", 8);
  put(bytes, static_cast<std::uint32_t>(header.size()), 2);
  return bytes + header + numbers;
}

/// An array of up to 31 numbers, each made of a byte: small ones, and those that are hard to believe.
std::string array_of(Bytes& in) {
  const auto as = []<class T>(T value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  static constexpr std::array<const char*, 4> kTypes = {"<i8", "<i4", "<f8", "|u1"};
  constexpr std::array kHard = {-1.0, -0.5, 1e300, -1e300, 9e15, 2147483647.0};
  const auto type = in.next() % kTypes.size();
  const std::size_t count = in.next() % 32;
  std::string numbers;
  for (std::size_t k = 0; k < count; ++k) {
    const auto byte = in.next();
    const bool hard = byte >= 0x80 && type != 3;
    double value = hard ? kHard[byte % kHard.size()] : static_cast<double>(byte % 0x80);
    if (byte >= 0xC0) value = -static_cast<double>(byte - 0xC0);
    if (type == 0) numbers += as(static_cast<std::int64_t>(std::clamp(value, -9e18, 9e18)));
    if (type == 1) numbers += as(static_cast<std::int32_t>(std::clamp(value, -2147483648.0, 2147483647.0)));
    if (type == 2) numbers += as(value / 4);
    if (type == 3) numbers += static_cast<char>(byte);
  }
  return npy(kTypes[type], "(" + std::to_string(count) + ",)", numbers);
}

std::string archive_of_members(Bytes& in) {
  Archive archive;
  for (const std::string name : {"format", "shape", "data", "row", "col", "indices", "indptr"}) {
    const std::size_t length = in.next();
    if (length > 0) archive.add(name + ".npy", in.text(length));
  }
  return archive.bytes();
}

std::string archive_of_numbers(Bytes& in) {
  static const std::array<std::string, 4> kFormats = {"coo", "csr", "csc", "bsr"};
  Archive archive;
  archive.add("format.npy", npy("|S3", "()", kFormats[in.next() % kFormats.size()]));
  for (const std::string name : {"shape", "data", "row", "col", "indices", "indptr"}) {
    if (in.next() > 0) archive.add(name + ".npy", array_of(in));
  }
  return archive.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes in(data, size);
  const auto choice = in.next();
  const auto kind = choice % 3;
  const auto bytes = kind == 0 ? in.text(size) : kind == 1 ? archive_of_members(in) : archive_of_numbers(in);
  fuzz::accept_or_refuse([&] {
    EdgeReading reading;
    reading.values = choice < 0x80 ? EdgeValues::conductance : EdgeValues::resistance;
    const auto netlist = parse_scipy_sparse(bytes, "a.npz", reading);
    fuzz::check(netlist);
    // An archive of the first kind may be compressed.
    fuzz::require(kind == 0 || netlist.nodes.size() <= bytes.size(), "a header is believed as far as the file is long");
    fuzz::require(!netlist.resistors.tail.empty(), "a network joins two nodes");
  });
  return 0;
}
