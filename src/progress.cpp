#include "kirchhoff/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kirchhoff/parallel.hpp"

namespace kirchhoff {
namespace {

constexpr double kTerminalInterval = 0.2;  // s
constexpr double kPlainInterval = 10.0;    // s

std::string duration(double seconds) {
  const auto s = std::llround(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02} min", s / 60, s % 60);
  return fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

}  // namespace

Progress::Progress(MPI_Comm comm, std::string label, std::string unit, std::int64_t total, std::int64_t done)
    : speaks_(rank_of(comm) == 0),
      terminal_(isatty(STDERR_FILENO) != 0),
      label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      start_done_(done),
      started_(wall_time()),
      next_(started_ + (terminal_ ? kTerminalInterval : kPlainInterval)) {}

Progress::~Progress() {
  if (shown_ && terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::update(std::int64_t done, const std::string& note) {
  if (!speaks_) return;
  const double now = wall_time();
  if (now < next_) return;
  next_ = now + (terminal_ ? kTerminalInterval : kPlainInterval);
  show(done, note, now);
}

void Progress::show(std::int64_t done, const std::string& note, double now) {
  shown_ = true;
  const double rate = static_cast<double>(done - start_done_) / std::max(now - started_, 1e-9);
  std::string line = label_;
  if (total_ > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total_);
    if (terminal_) {
      const int filled = static_cast<int>(share * 30);
      line += fmt::format(" [{:=<{}}{: <{}}]", "", filled, "", 30 - filled);
    }
    line += fmt::format(" {:3.0f} %  {}/{} {}", 100 * share, done, total_, unit_);
  } else {
    line += fmt::format(" {} {}", done, unit_);
  }
  line += fmt::format("  {:.4g}/s", rate);
  if (total_ > 0 && rate > 0) line += "  " + duration(static_cast<double>(total_ - done) / rate) + " left";
  if (!note.empty()) line += "  " + note;
  std::fputs((terminal_ ? "\r\033[K" + line : line + "\n").c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace kirchhoff
