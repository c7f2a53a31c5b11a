#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"

namespace kirchhoff {

void write_gzip_file(const std::string& path, const std::string& text) {
  constexpr int kGzipWindow = 15 + 16;  // a header of gzip's, without a name or a time
  constexpr int kMemory = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(fmt::format("cannot write {}: zlib does not start", path));
  }
  std::string packed;
  std::array<char, 1 << 16> piece;
  std::size_t at = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      const auto count = std::min<std::size_t>(std::numeric_limits<uInt>::max(), text.size() - at);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data() + at));  // zlib does not write there
      stream.avail_in = static_cast<uInt>(count);
      at += count;
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    state = deflate(&stream, at == text.size() ? Z_FINISH : Z_NO_FLUSH);
    packed.append(piece.data(), piece.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  write_text_file(path, packed);
}

}  // namespace kirchhoff
