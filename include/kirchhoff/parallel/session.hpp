#pragma once

#include <mpi.h>

#include <optional>
#include <string>
#include <vector>

namespace kirchhoff {

/// MPI and PETSc, alive from the first line of main to its last. The only door to PETSc's option database.
class Session {
 public:
  /// Starts MPI and PETSc with the options in `arguments` ("-name", "value", ...), PETSC_OPTIONS and .petscrc.
  /// PETSc's own error dumps are silenced: what fails there arrives as an Error.
  /// Signals that ask for a stop no longer end the process: catch_stop_signals(). PETSc's handlers of signals are not
  /// installed.
  explicit Session(const std::vector<std::string>& arguments);
  Session(int argc, char** argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  MPI_Comm comm() const { return MPI_COMM_WORLD; }

  /// Waits up to `seconds` for every rank to arrive here: whether all did. @note Collective when it answers true.
  bool all_arrive(double seconds);

 private:
  MPI_Comm last_words_ = MPI_COMM_NULL;  // a communicator of its own: others may be stuck in the middle of a collective
  std::vector<std::string> arguments_;
  std::vector<char*> argv_;
};

/// PETSc's option database: what the command line, PETSC_OPTIONS and .petscrc said, then the case.
namespace options {
/// The text of -name, "" for an option without a value; marks it as used.
std::optional<std::string> get(const std::string& name);
/// Whether -name stands on the command line itself, and not in PETSC_OPTIONS, .petscrc or a case: then, whether with a
/// value.
std::optional<bool> typed(const std::string& name);
/// Sets -name unless it has been set already: the command line wins.
void set_if_absent(const std::string& name, const std::string& value);
/// Names in the database, without the dash, that nobody has asked for yet.
std::vector<std::string> unused();
}  // namespace options

/// "PETSc 3.18.5, 32-bit PetscInt", "OpenBLAS 0.3.21 ..." as loaded by this process.
std::string petsc_version();
std::string blas_version();

}  // namespace kirchhoff
