#include "io/hdf5/guard.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>  // POSIX
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

constexpr unsigned kSeconds = 60;
enum class Outcome : char { text = 't', error = 'e' };

void tell(int pipe, Outcome outcome, const std::string& text) {
  const auto message = static_cast<char>(outcome) + text;
  for (std::size_t at = 0; at < message.size();) {
    const auto done = ::write(pipe, message.data() + at, message.size() - at);
    if (done < 0 && errno != EINTR) return;
    if (done > 0) at += static_cast<std::size_t>(done);
  }
}

[[noreturn]] void child(int pipe, const std::function<std::string()>& work) {
  // A crash here is no crash of the program: no trace, no core, no word on stderr, and none of the parent's habits.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) ::signal(signal, SIG_DFL);
  // A terminal's Ctrl-C comes to parent and child. The parent answers it; a child that it ended would look like a
  // crash.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::signal(signal, SIG_IGN);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would hear it
#endif
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  alarm(kSeconds);
  try {
    tell(pipe, Outcome::text, work());
  } catch (const std::bad_alloc&) {
    tell(pipe, Outcome::error, "out of memory");
  } catch (const std::exception& e) {
    tell(pipe, Outcome::error, e.what());
  }
  _exit(0);
}

std::string hear(int pipe) {
  std::string all;
  char buffer[4096];
  while (true) {
    const auto count = ::read(pipe, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string guarded(const std::string& path, const std::function<std::string()>& work) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return work();
  const auto process = fork();
  if (process < 0) {
    close(ends[0]);
    close(ends[1]);
    return work();
  }
  if (process == 0) child(ends[1], work);
  close(ends[1]);
  const auto message = hear(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (message.empty() || !WIFEXITED(status)) {
    const bool slow = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    throw Error(fmt::format("{}: it is damaged: HDF5 {} on it", path,
                            slow ? fmt::format("has spent {} s", kSeconds) : "crashes"));
  }
  if (message[0] == static_cast<char>(Outcome::error)) throw Error(message.substr(1));
  return message.substr(1);
}

}  // namespace kirchhoff
