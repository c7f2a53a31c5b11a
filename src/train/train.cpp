#include "kirchhoff/train.hpp"

#include <algorithm>

#include "train/loop.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kValidationRows = 4096;

/// Potentials of all layers, by weighted squared error.
template <class T>
class PotentialTask final : public Task<T> {
 public:
  PotentialTask(const Model& model, const Supervision& supervision) : model_(model), supervision_(supervision) {
    for (const double w : supervision.layer_weights(model)) weights_.push_back(static_cast<T>(w));
  }

  void draw(std::int64_t step, std::int64_t batch, Range range, Rows<T>& rows) override {
    states_.resize(static_cast<std::size_t>(range.size()));
    targets_.resize(states_.size() * weights_.size());
    supervision_.batch(model_, step, batch, range, states_, targets_);
    rows.count = range.size();
    rows.columns.resize(states_.size() * static_cast<std::size_t>(model_.space().dimensions()));
    model_.columns(states_, rows.columns);
    rows.targets.resize(targets_.size());
    std::transform(targets_.begin(), targets_.end(), rows.targets.begin(), [](double t) { return static_cast<T>(t); });
  }
  void draw_validation(Range range, Rows<T>& rows) override {
    constexpr std::int64_t kNeverAStep = std::int64_t{1} << 40;  // its rows are drawn for no batch
    draw(kNeverAStep, validation_rows(), range, rows);
  }
  /// A fixed, evenly spread set of states.
  std::int64_t validation_rows() const override { return std::min(kValidationRows, model_.space().size()); }

  double loss(const Rows<T>& rows, std::span<const T> outputs, double scale, std::span<T> delta) override {
    return squared_error<T>(outputs, rows.targets, weights_, scale, delta);
  }
  double terms() const override { return static_cast<double>(weights_.size()); }

 private:
  const Model& model_;
  const Supervision& supervision_;
  std::vector<T> weights_;  // (L+1)
  std::vector<std::int64_t> states_;
  std::vector<double> targets_;
};

template <class T>
void train_in(MPI_Comm comm, const Model& model, const Supervision& supervision, const TrainOptions& options,
              std::uint64_t seed, TrainState& state, const std::function<void(const TrainState&)>& save) {
  Mlp<T> network(model.shape());
  PotentialTask<T> task(model, supervision);
  train_network<T>(comm, network, task, options, seed, state, save);
}

}  // namespace

void train(MPI_Comm comm, Model& model, const Supervision& supervision, const TrainOptions& options, std::uint64_t seed,
           TrainState& state, const std::function<void(const TrainState&)>& save) {
  supervision.standardise(model);
  if (model.options().precision == Precision::single) {
    train_in<float>(comm, model, supervision, options, seed, state, save);
  } else {
    train_in<double>(comm, model, supervision, options, seed, state, save);
  }
  std::copy(state.average.begin(), state.average.end(), model.parameters().begin());
}

}  // namespace kirchhoff
