#pragma once

#include <mpi.h>

#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {

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
