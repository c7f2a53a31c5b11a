// A network that rank 0 has read, on every rank.
#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "kirchhoff/io/network/formats.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "parallel/pieces.hpp"

namespace kirchhoff {
namespace {

/// Sends what rank 0 has to the others, and takes it there. Room is made first, which can fail on one rank.
class Sharing {
 public:
  explicit Sharing(MPI_Comm comm) : comm_(comm), gives_(rank_of(comm) == 0) {}

  template <class Number>
  void numbers(std::vector<Number>& values) {
    static_assert(std::is_arithmetic_v<Number>);
    const auto count = size(values.size());
    agree(comm_, [&] { values.resize(count); });
    bytes(reinterpret_cast<char*>(values.data()), count * sizeof(Number));
  }

  void text(std::string& value) {
    const auto count = size(value.size());
    agree(comm_, [&] { value.resize(count); });
    bytes(value.data(), count);
  }

  void number(std::int64_t& value) { MPI_Bcast(&value, 1, MPI_INT64_T, 0, comm_); }

  /// Names in pieces, so that they are never held twice.
  void names(std::vector<std::string>& values) {
    constexpr std::size_t kPiece = std::size_t{1} << 16;
    const auto count = size(values.size());
    agree(comm_, [&] { values.reserve(count); });
    std::vector<std::uint32_t> sizes;
    std::string all;
    for (std::size_t begin = 0; begin < count; begin += kPiece) {
      const auto end = std::min(count, begin + kPiece);
      sizes.assign(gives_ ? end - begin : 0, 0);
      all.clear();
      for (auto k = begin; gives_ && k < end; ++k) {
        sizes[k - begin] = static_cast<std::uint32_t>(values[k].size());
        all += values[k];
      }
      numbers(sizes);
      text(all);
      agree(comm_, [&] {
        std::size_t at = 0;
        for (std::size_t k = 0; !gives_ && k < sizes.size(); ++k) {
          values.emplace_back(all, at, sizes[k]);
          at += sizes[k];
        }
      });
    }
  }

 private:
  std::size_t size(std::size_t mine) {
    auto count = static_cast<std::int64_t>(mine);
    number(count);
    return static_cast<std::size_t>(count);
  }
  void bytes(char* data, std::size_t count) {
    in_pieces(count, [&](std::size_t at, int length) { MPI_Bcast(data + at, length, MPI_CHAR, 0, comm_); });
  }

  MPI_Comm comm_;
  bool gives_;
};

void share_branches(Sharing& sharing, Branches& branches) {
  sharing.numbers(branches.tail);
  sharing.numbers(branches.head);
  sharing.numbers(branches.value);
  sharing.numbers(branches.line);
  sharing.names(branches.names);
  sharing.numbers(branches.file);
}

}  // namespace

void share(MPI_Comm comm, Netlist& netlist) {
  if (size_of(comm) == 1) return;
  Sharing sharing(comm);
  for (auto* text : {&netlist.origin, &netlist.title, &netlist.note}) sharing.text(*text);
  for (auto* texts : {&netlist.remarks, &netlist.warnings, &netlist.files, &netlist.nodes}) sharing.names(*texts);
  sharing.number(netlist.ground);
  for (auto* branches : {&netlist.resistors, &netlist.voltages, &netlist.currents}) share_branches(sharing, *branches);
}

}  // namespace kirchhoff
