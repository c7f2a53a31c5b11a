#pragma once

#include <petscsys.h>

#include <source_location>
#include <type_traits>
#include <utility>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {

/// Throws what PETSc's error handler collected. The message names the PETSc call's own words, not its stack.
void check(PetscErrorCode code, std::source_location where = std::source_location::current());

/// Owner of a PETSc object; the full PETSc API is reached through `get()`.
template <class Object, PetscErrorCode (*destroy)(Object*)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(Object object) : object_(object) {}
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() {
    if (object_ != nullptr) destroy(&object_);
  }

  /// @throws Error when empty: a null handle crashes PETSc's optimised build.
  Object get() const {
    if (object_ == nullptr) throw Error("internal: an empty PETSc handle was used");
    return object_;
  }
  /// For PETSc's creating calls.
  Object* out() { return &object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  Object object_ = nullptr;
};

}  // namespace kirchhoff
