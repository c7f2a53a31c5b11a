// Rows a second of training: the multilayer perceptron 64 -> 3 x 256 -> 100 with SiLU, squared error and AdamW.
//   mpiexec -n RANKS kirchhoff_training_benchmark BATCH SECONDS [single|double]
// Prints one number. benchmarks/training.py runs it beside PyTorch.
#include <fmt/format.h>
#include <mpi.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "kirchhoff/base/random.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "learn/network/mlp.hpp"
#include "learn/optimiser.hpp"

namespace kirchhoff {
namespace {

template <class T>
double rows_per_second(MPI_Comm comm, std::int64_t batch, double seconds) {
  constexpr int kFeatures = 64;
  constexpr int kOutputs = 100;
  constexpr std::int64_t kPass = 128;  // as in src/learn/loop.cpp
  Mlp<T> network({{}, kFeatures, {256, 256, 256}, kOutputs, Activation::silu});
  Optimiser<T> optimiser(comm, network.parameter_count(), 1);
  network.initialise(1, optimiser.parameters());
  optimiser.publish();
  const auto mine = partition(batch, size_of(comm), rank_of(comm));
  std::vector<T> features(static_cast<std::size_t>(mine.size()) * kFeatures);
  std::vector<T> targets(static_cast<std::size_t>(mine.size()) * kOutputs);
  Random random(2, Stream::batch, static_cast<std::uint64_t>(rank_of(comm)));
  for (auto& f : features) f = static_cast<T>(random.normal());
  for (auto& t : targets) t = static_cast<T>(random.normal());
  const std::vector<T> weight(kOutputs, T(1));
  const double scale = 1.0 / static_cast<double>(batch * kOutputs);

  const auto part = [&](const std::vector<T>& all, std::int64_t at, std::int64_t rows) {
    const auto width = all.size() / static_cast<std::size_t>(mine.size());
    return std::span<const T>(all).subspan(static_cast<std::size_t>(at) * width,
                                           static_cast<std::size_t>(rows) * width);
  };
  std::int64_t step = 0;
  const auto train_step = [&] {
    const std::span<const T> parameters = optimiser.parameters();
    double loss = 0;
    for (std::int64_t at = 0; at < mine.size(); at += kPass) {
      const auto rows = std::min(kPass, mine.size() - at);
      const MlpInput<T> input{rows, {}, part(features, at, rows)};
      const auto outputs = network.forward(parameters, input, true);
      loss += squared_error<T>(outputs, part(targets, at, rows), weight, 1, network.delta());
      network.backward(parameters, input, optimiser.gradient());
    }
    optimiser.figures()[0] = loss;
    optimiser.reduce();
    optimiser.update({step, 1e-3, scale, 0, 0.999, 0});
    ++step;
  };
  for (int k = 0; k < 20; ++k) train_step();
  double best = 0;  // of several windows: a shared machine only ever slows down
  for (int window = 0; window < 8; ++window) {
    MPI_Barrier(comm);
    const double begin = wall_time();
    std::int64_t count = 0;
    double spent = 0;
    do {
      for (int k = 0; k < 8; ++k) train_step();
      count += 8;
      spent = all_max(comm, wall_time() - begin);
    } while (spent < seconds / 8);
    best = std::max(best, static_cast<double>(count * batch) / spent);
  }
  return best;
}

}  // namespace
}  // namespace kirchhoff

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const std::int64_t batch = argc > 1 ? std::atoll(argv[1]) : 256;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 4;
  const bool single = argc <= 3 || std::string(argv[3]) == "single";
  const double rate = single ? kirchhoff::rows_per_second<float>(MPI_COMM_WORLD, batch, seconds)
                             : kirchhoff::rows_per_second<double>(MPI_COMM_WORLD, batch, seconds);
  if (kirchhoff::rank_of(MPI_COMM_WORLD) == 0) fmt::print("{:.0f}\n", rate);
  MPI_Finalize();
  return 0;
}
