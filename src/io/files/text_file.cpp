// Whole files as bytes, decompressed on the way.
#include "kirchhoff/io/files/text_file.hpp"

#include <bzlib.h>
#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <system_error>

#include "io/files/file_kind.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/stop.hpp"
#include "parallel/memory_limit.hpp"

namespace kirchhoff {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;

[[noreturn]] void fail_reading(const std::string& path) {
  throw Error(fmt::format("cannot read {}: {}", path, std::generic_category().message(errno)));
}

/// What may be read into memory: half of what this process may still take.
struct Readable {
  std::size_t bytes;
  std::string who;
};
Readable readable() {
  constexpr double kAny = 1e18;
  const auto limit = least_memory_left();
  return {static_cast<std::size_t>(std::min(kAny, limit.left / 2)), limit.who};
}

[[noreturn]] void fail_of_size(const std::string& path, const char* has, const Readable& most) {
  throw Error(fmt::format("cannot read {}: {} more than {:.3g} GB, half of the memory that {} allows", path, has,
                          static_cast<double>(most.bytes) / 1e9, most.who));
}

/// The first `limit` bytes of the file, as it is on disk.
std::string read_bytes(const std::string& path, std::size_t limit = std::string::npos) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) fail_reading(path);
  const auto most = readable();  // a device, or a pipe, may have no end
  std::string bytes;
  std::error_code unknown;  // of a pipe, or of a file that is going to be missed below
  const auto announced = std::filesystem::file_size(path, unknown);
  if (!unknown && announced <= most.bytes) bytes.reserve(std::min<std::size_t>(limit, announced));
  std::array<char, kPiece> piece;
  while (bytes.size() < limit) {
    const std::size_t read = std::fread(piece.data(), 1, std::min(piece.size(), limit - bytes.size()), file.get());
    bytes.append(piece.data(), read);
    if (read == 0) break;
    if (bytes.size() > most.bytes) fail_of_size(path, "it has", most);
  }
  if (std::ferror(file.get()) != 0) fail_reading(path);  // a directory opens, but cannot be read
  return bytes;
}

enum class Step { more, end_of_stream, damaged };

struct Gzip {
  static constexpr const char* kName = "gzip";
  z_stream stream{};

  Gzip() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() { inflateEnd(&stream); }

  Step step() {
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_STREAM_END) return Step::end_of_stream;
    return status == Z_OK || status == Z_BUF_ERROR ? Step::more : Step::damaged;
  }
  void restart() { inflateReset(&stream); }
};

struct Bzip2 {
  static constexpr const char* kName = "bzip2";
  bz_stream stream{};

  Bzip2() { start(); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  ~Bzip2() { BZ2_bzDecompressEnd(&stream); }

  Step step() {
    const int status = BZ2_bzDecompress(&stream);
    if (status == BZ_STREAM_END) return Step::end_of_stream;
    return status == BZ_OK ? Step::more : Step::damaged;
  }
  void restart() {
    const bz_stream before = stream;
    BZ2_bzDecompressEnd(&stream);
    stream = {};
    stream.next_in = before.next_in;
    stream.avail_in = before.avail_in;
    start();
  }

 private:
  void start() {
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw std::bad_alloc();
  }
};

struct Xz {
  static constexpr const char* kName = "xz";
  lzma_stream stream = LZMA_STREAM_INIT;

  Xz() { start(); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  ~Xz() { lzma_end(&stream); }

  Step step() {
    if (padded_) return Step::end_of_stream;
    const auto status = lzma_code(&stream, LZMA_RUN);
    if (status == LZMA_STREAM_END) return Step::end_of_stream;
    if (status == LZMA_MEM_ERROR || status == LZMA_MEMLIMIT_ERROR) throw std::bad_alloc();
    return status == LZMA_OK || status == LZMA_BUF_ERROR ? Step::more : Step::damaged;
  }
  void restart() {
    while (stream.avail_in > 0 && *stream.next_in == 0) {  // zeroes may stand between streams and behind them
      ++stream.next_in;
      --stream.avail_in;
    }
    padded_ = stream.avail_in == 0;
    if (!padded_) start();
  }

 private:
  void start() {
    constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 30;  // xz -9 needs 65 MiB
    if (lzma_stream_decoder(&stream, kMostMemory, 0) != LZMA_OK) throw std::bad_alloc();
  }
  bool padded_ = false;  // nothing but zeroes came since the last stream
};

/// Zstandard's stream with the members that the others have.
struct Zstd {
  static constexpr const char* kName = "zstd";
  struct Stream {
    const unsigned char* next_in = nullptr;
    std::size_t avail_in = 0;
    unsigned char* next_out = nullptr;
    std::size_t avail_out = 0;
  };
  Stream stream;

  Zstd() : context_(ZSTD_createDStream()) {
    if (!context_) throw std::bad_alloc();
  }
  Step step() {
    ZSTD_inBuffer in{stream.next_in, stream.avail_in, 0};
    ZSTD_outBuffer out{stream.next_out, stream.avail_out, 0};
    const auto status = ZSTD_decompressStream(context_.get(), &out, &in);
    stream.next_in += in.pos;
    stream.avail_in -= in.pos;
    stream.next_out += out.pos;
    stream.avail_out -= out.pos;
    if (ZSTD_isError(status) != 0) return Step::damaged;
    return status == 0 ? Step::end_of_stream : Step::more;
  }
  void restart() {}  // the next frame begins by itself

 private:
  struct Free {
    void operator()(ZSTD_DStream* each) const { ZSTD_freeDStream(each); }
  };
  std::unique_ptr<ZSTD_DStream, Free> context_;
};

/// How long a text may become when `packed` bytes are decompressed. Tables and netlists shrink to a third or a
/// twentieth; what grows beyond 200 times its size and 256 MiB was made to fill the memory.
constexpr std::size_t kMostGrowth = 200;
constexpr std::size_t kAnyGrowth = std::size_t{1} << 28;

void check_readable_growth(const std::string& path, std::size_t size, std::size_t packed, const Readable& most) {
  if (size > std::max(kAnyGrowth, kMostGrowth * packed)) {
    throw Error(
        fmt::format("cannot read {}: its {} bytes grow to more than {} when they are decompressed, {} times as "
                    "many: decompress it yourself if that is right",
                    path, packed, size, size / std::max<std::size_t>(packed, 1)));
  }
  if (size > most.bytes) fail_of_size(path, "decompressed it has", most);
}

/// All of `packed`, which may be several compressed streams one after the other, as parallel compressors write them.
template <class Codec>
std::string decompress(const std::string& path, std::string packed) {
  Codec codec;
  auto& stream = codec.stream;
  const auto most = readable();
  std::string text;
  std::array<char, kPiece> piece;
  Step state = Step::more;
  std::size_t at = 0;
  while (true) {
    if (stream.avail_in == 0) {
      const std::size_t count = std::min(kPiece, packed.size() - at);
      stream.next_in = reinterpret_cast<decltype(stream.next_in)>(packed.data() + at);
      stream.avail_in = static_cast<decltype(stream.avail_in)>(count);
      at += count;
    }
    if (stream.avail_in == 0) break;
    if (state == Step::end_of_stream) codec.restart();
    do {
      stream.next_out = reinterpret_cast<decltype(stream.next_out)>(piece.data());
      stream.avail_out = static_cast<decltype(stream.avail_out)>(piece.size());
      state = codec.step();
      if (state == Step::damaged)
        throw Error(fmt::format("cannot read {}: not {} data, or damaged", path, Codec::kName));
      text.append(piece.data(), piece.size() - stream.avail_out);
      check_readable_growth(path, text.size(), packed.size(), most);
    } while (state == Step::more && stream.avail_out == 0);
  }
  if (state != Step::end_of_stream)
    throw Error(fmt::format("cannot read {}: the {} data end too early", path, Codec::kName));
  return text;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

detail::FileKind detail::kind_of(const std::string& path) {
  std::filesystem::path name(path);
  FileKind kind;
  kind.extension = lower_case(name.extension().string());
  static constexpr std::array<std::string_view, 4> kCompressions = {".gz", ".bz2", ".xz", ".zst"};
  if (std::find(kCompressions.begin(), kCompressions.end(), kind.extension) != kCompressions.end()) {
    kind.compression = kind.extension;
    kind.extension = lower_case(name.stem().extension().string());
  }
  return kind;
}

void detail::check_growth(const std::string& path, std::size_t size, std::size_t packed) {
  check_readable_growth(path, size, packed, readable());
}

void detail::require_readable(const std::string& path) { read_bytes(path, 1); }

std::string read_text_file(const std::string& path) {
  const std::string compression = detail::kind_of(path).compression;
  try {
    std::string bytes = read_bytes(path);
    if (compression == ".gz") return decompress<Gzip>(path, std::move(bytes));
    if (compression == ".bz2") return decompress<Bzip2>(path, std::move(bytes));
    if (compression == ".xz") return decompress<Xz>(path, std::move(bytes));
    if (compression == ".zst") return decompress<Zstd>(path, std::move(bytes));
    return bytes;
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("cannot read {}: out of memory", path));
  }
}

void replace_file(const std::string& temporary, const std::string& path) {
  std::error_code failed;
  std::filesystem::rename(temporary, path, failed);
  if (!failed) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw Error(fmt::format("cannot write {}: {}", path, failed.message()));
}

void write_text_file(const std::string& path, const std::string& text) {
  const auto temporary = path + ".tmp";
  const forced_leave::Unfinished unfinished(temporary);
  errno = 0;
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  if (!file) {
    const auto reason = std::generic_category().message(errno);
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw Error(fmt::format("cannot write {}: {}", path, reason));
  }
  replace_file(temporary, path);
}

}  // namespace kirchhoff
