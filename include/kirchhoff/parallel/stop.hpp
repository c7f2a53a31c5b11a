#pragma once

#include <mpi.h>

#include <functional>
#include <string>

namespace kirchhoff {

/// From here on SIGTERM, SIGUSR1 and the first SIGINT or SIGHUP do not end the process but are seen by
/// `stop_requested`; a second SIGINT or SIGHUP, a second or more after the first signal, ends it at once. SIGINT and
/// SIGHUP that were ignored stay ignored (nohup, jobs in the background). SIGPIPE and SIGXFSZ are ignored: what they
/// speak of is an error of the write. Local; may be called at any time, also before MPI is started.
void catch_stop_signals();

/// Opens /dev/null in the place of closed standard streams: else the next file that is opened becomes stdout, and is
/// written over by what the program says. Local.
void keep_standard_streams();

/// Whether a signal asked any rank to stop. @note Collective.
bool stop_requested(MPI_Comm comm);
/// The same for this rank alone, with what it has learned of others by the one above; costs a load. Local.
bool stop_requested();
/// Throws Interrupted on all ranks when stop_requested. @note Collective.
void heed_stop(MPI_Comm comm);

/// What is done by a thread of its own when the program was asked to stop and some seconds later is still there,
/// because a call of a library takes long: temporary files are removed, the folder's state is written, the line that
/// says how to go on is printed, and the process ends with status 0. Nothing that was finished is lost by it.
namespace forced_leave {

constexpr double kSeconds = 6;         // from the signal on
constexpr double kSecondsOfHold = 60;  // the same where a checkpoint is being written
constexpr double kLaterElsewhere = 3;  // ranks other than 0, which are there for it only if rank 0 heard nothing

/// Starts the thread. @param line what it prints, "interrupted: resume with ...". Local.
void arm(const std::string& line);
/// MPI runs now: other ranks are ended too. @param line as above, now that the number of ranks is known. Local.
void arm(MPI_Comm comm, const std::string& line);
/// The line. Local.
std::string line();
/// The work is over, one way or the other: what is left to do is done in order. Local.
void disarm();
/// The last thing to do, with what it holds; none for nullptr. Local.
void set_last_act(std::function<void()> act);
/// Does `work` while no leave can begin, unless it takes seconds: the thread then goes its way. Local.
void exclusively(const std::function<void()>& work);

/// A file that is not whole yet: removed if the program is forced to leave in its lifetime. Local.
class Unfinished {
 public:
  explicit Unfinished(std::string path);
  ~Unfinished();
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

 private:
  std::string path_;
};

/// For as long as it lives more time is given: what is at work saves hours. Local.
class Hold {
 public:
  Hold();
  ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
};

}  // namespace forced_leave

}  // namespace kirchhoff
