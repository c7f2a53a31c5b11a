#pragma once

#include <exception>
#include <stdexcept>

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

}  // namespace kirchhoff
