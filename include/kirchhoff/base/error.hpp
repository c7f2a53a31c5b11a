#pragma once

#include <mpi.h>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace kirchhoff {

/// An error that a user can act on: one line that names the file, line, vertex or option at fault.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An Error that every rank of a communicator has thrown together, so that all may leave in good order.
class AgreedError : public Error {
 public:
  using Error::Error;
};

/// Thrown on every rank together when the user or the queue asked the program to stop.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

namespace detail {
/// Collective. Throws AgreedError on all ranks when `message` is set on any (the lowest such rank's message).
void agree_on(MPI_Comm comm, const std::optional<std::string>& message);
}  // namespace detail

/// Runs `work` on every rank and makes one rank's exception everyone's.
/// @note Collective. `work` itself must not communicate after a point where it can throw on one rank alone.
/// @throws AgreedError on all ranks when any rank's `work` threw.
template <class Work>
auto agree(MPI_Comm comm, Work&& work) {
  std::optional<std::string> message;
  const auto guarded = [&](auto&& call) {
    try {
      call();
    } catch (const std::bad_alloc&) {
      message = "out of memory";
    } catch (const std::exception& e) {
      message = e.what();
    }
    detail::agree_on(comm, message);
  };
  if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
    guarded([&] { work(); });
  } else {
    std::optional<std::invoke_result_t<Work>> result;
    guarded([&] { result.emplace(work()); });
    return std::move(*result);
  }
}

}  // namespace kirchhoff
