#include "kirchhoff/parallel/agree.hpp"

#include "kirchhoff/parallel/parallel.hpp"

namespace kirchhoff::detail {

void agree_on(MPI_Comm comm, const std::optional<std::string>& message) {
  const int ranks = size_of(comm);
  const int mine = message ? rank_of(comm) : ranks;
  int first = ranks;
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm);
  if (first == ranks) return;
  std::string text = message.value_or("");
  int length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, first, comm);
  text.resize(static_cast<std::size_t>(length));
  MPI_Bcast(text.data(), length, MPI_CHAR, first, comm);
  throw AgreedError(text);
}

}  // namespace kirchhoff::detail
