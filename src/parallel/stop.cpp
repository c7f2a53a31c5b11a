#include "kirchhoff/parallel/stop.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>  // sigaction is POSIX, not <csignal>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff {
namespace {

constexpr double kOneAndTheSame = 1;  // s: a terminal and a launcher both may pass a signal on
constexpr double kShareOfGrace = 0.7;
constexpr double kShareOfGraceElsewhere = 0.85;
constexpr useconds_t kTimeToForward = 300000;  // us: mpirun drops what it has not yet read when ranks end
constexpr int kAnotherRank = -1;               // instead of a signal's number

static_assert(std::atomic<int>::is_always_lock_free && std::atomic<double>::is_always_lock_free);
std::atomic<int> stop_signal = 0;
std::atomic<double> stop_time = 0;
std::atomic<bool> killed_soon = false;  // the launcher has sent SIGTERM, and sends SIGKILL after its grace
sem_t stop_wakes;

double now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);  // unlike wall_time, it may be used in a signal handler
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void remember_stop(int signal) {
  stop_time = now();
  stop_signal = signal;
  sem_post(&stop_wakes);
}

extern "C" void on_stop_signal(int signal, siginfo_t* info, void* /*context*/) {
  const int before = errno;
  if (signal == SIGTERM && info->si_pid == getppid()) killed_soon = true;
  if (stop_signal == 0) {
    remember_stop(signal);
  } else if ((signal == SIGINT || signal == SIGHUP) && now() - stop_time > kOneAndTheSame) {
    ::signal(signal, SIG_DFL);
    raise(signal);  // comes when this returns
  }
  errno = before;
}

/// What the thread needs. Never destroyed: the thread lives until the process ends.
struct LastThings {
  std::recursive_timed_mutex mutex;
  std::string line;
  std::function<void()> act;
  std::set<std::string> unfinished;
  MPI_Comm comm = MPI_COMM_NULL;
  std::atomic<int> rank = 0;
  int ranks = 1;
  std::atomic<double> grace = 0;  // s, of the launcher; 0 without one
  std::atomic<int> holds = 0;
  std::atomic<bool> over = false;
  bool started = false;
};
LastThings& last_things() {
  static auto& things = *new LastThings;
  return things;
}

/// How long Open MPI's mpirun waits between SIGTERM and SIGKILL when it is itself asked to end [s]; 0 without it.
double grace_of_launcher() {
  if (std::getenv("OMPI_UNIVERSE_SIZE") == nullptr) return 0;
  const char* set = std::getenv("OMPI_MCA_odls_base_sigkill_timeout");
  const double seconds = set == nullptr ? 0 : std::atof(set);
  return seconds > 0 ? seconds : 1;
}

/// Past the buffers of stdout, which the main thread may hold, and not for ever where nobody reads.
void print(const std::string& line) {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, line.data(), line.size());
}

[[noreturn]] void leave() {
  auto& things = last_things();
  // Never unlocked: what else would happen in order does not happen any more.
  if (things.mutex.try_lock_for(std::chrono::seconds(1))) {
    for (const auto& path : things.unfinished) unlink(path.c_str());
    try {
      if (things.act) things.act();
    } catch (const std::exception&) {  // there is nobody left to tell
    }
  }
  if (things.rank == 0) print(things.line + "\n");
  if (things.ranks > 1 && !killed_soon) {
    usleep(kTimeToForward);
    MPI_Abort(things.comm, 0);  // or the launcher calls it a failure
  }
  _exit(0);
}

[[noreturn]] void watch() {
  auto& things = last_things();
  while (sem_wait(&stop_wakes) != 0) {
  }
  while (true) {
    const double grace = killed_soon ? things.grace.load() : 0;
    const double usual = forced_leave::kSeconds + (things.rank == 0 ? 0 : forced_leave::kLaterElsewhere);
    const double in_grace = grace * (things.rank == 0 ? kShareOfGrace : kShareOfGraceElsewhere);
    double most = grace > 0 ? std::min(usual, in_grace) : usual;
    if (things.holds > 0) most = forced_leave::kSecondsOfHold;
    if (!things.over && now() - stop_time > most) leave();
    usleep(20000);
  }
}

}  // namespace

void catch_stop_signals() {
  static bool done = false;
  if (std::exchange(done, true)) return;
  sem_init(&stop_wakes, 0, 0);
  struct sigaction action {};
  action.sa_sigaction = on_stop_signal;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) sigaddset(&action.sa_mask, signal);
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  for (const int signal : {SIGINT, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
}

void keep_standard_streams() {
  int file = STDIN_FILENO;
  while (file >= STDIN_FILENO && file <= STDERR_FILENO) file = open("/dev/null", O_RDWR);  // the lowest that is free
  if (file > STDERR_FILENO) close(file);
}

bool stop_requested() { return stop_signal.load(std::memory_order_relaxed) != 0; }

bool stop_requested(MPI_Comm comm) {
  const bool any = all_max(comm, stop_requested() ? 1.0 : 0.0) > 0;
  if (any && !stop_requested()) remember_stop(kAnotherRank);
  return any;
}

void heed_stop(MPI_Comm comm) {
  if (stop_requested(comm)) throw Interrupted();
}

namespace forced_leave {

void arm(const std::string& line) {
  auto& things = last_things();
  const std::lock_guard lock(things.mutex);
  things.line = line;
  if (std::exchange(things.started, true)) return;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the main thread
  std::thread(watch).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void arm(MPI_Comm comm, const std::string& line) {
  auto& things = last_things();
  const std::lock_guard lock(things.mutex);
  things.line = line;
  things.comm = comm;
  things.rank = rank_of(comm);
  things.ranks = size_of(comm);
  things.grace = grace_of_launcher();
}

std::string line() {
  auto& things = last_things();
  const std::lock_guard lock(things.mutex);
  return things.line;
}

void disarm() { last_things().over = true; }

void set_last_act(std::function<void()> act) {
  auto& things = last_things();
  const std::lock_guard lock(things.mutex);
  things.act = std::move(act);
}

void exclusively(const std::function<void()>& work) {
  const std::lock_guard lock(last_things().mutex);
  work();
}

Unfinished::Unfinished(std::string path) : path_(std::move(path)) {
  auto& things = last_things();
  const std::lock_guard lock(things.mutex);
  things.unfinished.insert(path_);
}

Unfinished::~Unfinished() {
  auto& things = last_things();
  const std::lock_guard lock(things.mutex);
  things.unfinished.erase(path_);
}

Hold::Hold() { ++last_things().holds; }
Hold::~Hold() { --last_things().holds; }

}  // namespace forced_leave

}  // namespace kirchhoff
