#include "kirchhoff/parallel/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "kirchhoff/parallel/parallel.hpp"

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

/// Columns of the terminal on stderr, now: a window may have been drawn wider. COLUMNS where it does not say.
int terminal_width() {
  constexpr int kUsual = 80;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const int named = columns == nullptr ? 0 : std::atoi(columns);
  return named > 0 ? named : kUsual;
}

}  // namespace

std::string progress_line(const std::string& label, double share, const std::string& figures, const std::string& note,
                          int width) {
  constexpr int kWidestBar = 30;
  constexpr int kNarrowestBar = 5;
  constexpr int kAroundBar = 3;
  const auto text = " " + figures + (note.empty() ? "" : "  " + note);
  const int room = width - static_cast<int>(label.size() + text.size()) - kAroundBar;
  const int bar = std::min(kWidestBar, room);
  auto line = label;
  if (share >= 0 && bar >= kNarrowestBar) {
    const int filled = std::clamp(static_cast<int>(share * bar), 0, bar);
    line += fmt::format(" [{:=<{}}{: <{}}]", "", filled, "", bar - filled);
  }
  line += text;
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(width, 0))));
  return line;
}

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

bool Progress::due() const { return speaks_ && wall_time() >= next_; }

void Progress::update(std::int64_t done, const std::string& note) {
  if (!due()) return;
  const double now = wall_time();
  next_ = now + (terminal_ ? kTerminalInterval : kPlainInterval);
  show(done, note, now);
}

void Progress::show(std::int64_t done, const std::string& note, double now) {
  shown_ = true;
  const double rate = static_cast<double>(done - start_done_) / std::max(now - started_, 1e-9);
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : -1;
  auto figures = total_ > 0 ? fmt::format("{:3.0f} %  {}/{} {}", 100 * share, done, total_, unit_)
                            : fmt::format("{} {}", done, unit_);
  figures += fmt::format("  {:.4g}/s", rate);
  if (total_ > 0 && rate > 0) figures += "  " + duration(static_cast<double>(total_ - done) / rate) + " left";
  if (terminal_) {
    // The last column stays empty: some terminals go on to the next line when it is filled.
    std::fputs(("\r\033[K" + progress_line(label_, share, figures, note, terminal_width() - 1)).c_str(), stderr);
  } else {
    std::fputs((label_ + " " + figures + (note.empty() ? "" : "  " + note) + "\n").c_str(), stderr);
  }
  std::fflush(stderr);
}

}  // namespace kirchhoff
