#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>

namespace kirchhoff {

/// A line of progress in at most `width` columns: "label [===   ] figures  note". The bar gives way first, then what is
/// at the end. @param share done of the whole; below 0: there is no bar. Local.
std::string progress_line(const std::string& label, double share, const std::string& figures, const std::string& note,
                          int width);

/// Tells a person how far a long phase has come: a bar with rate and time left on a terminal, in one line of it
/// however narrow it is, one plain line every 10 s elsewhere. Rank 0 speaks, on stderr; the other ranks' calls do
/// nothing.
class Progress {
 public:
  /// @param unit what `total` counts ("steps"); total 0 when it is not known in advance.
  Progress(MPI_Comm comm, std::string label, std::string unit, std::int64_t total, std::int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Whether `update` would show something now: to ask before a note is made, where that would take time.
  bool due() const;
  /// `note` is shown behind the figures ("loss 1.2e-4").
  void update(std::int64_t done, const std::string& note = "");

 private:
  void show(std::int64_t done, const std::string& note, double now);

  bool speaks_;
  bool terminal_;
  bool shown_ = false;
  std::string label_;
  std::string unit_;
  std::int64_t total_;
  std::int64_t start_done_;
  double started_;
  double next_;
};

}  // namespace kirchhoff
