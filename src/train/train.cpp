#include "kirchhoff/train.hpp"

#include <algorithm>

#include "kirchhoff/random.hpp"
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

/// Source and target, a coordinate given those before it, by likelihood.
template <class T>
class TerminalTask final : public Task<T> {
 public:
  TerminalTask(const Model& model, const MonteCarloSupervision& supervision)
      : space_(model.space()), supervision_(supervision), positions_(std::min(2, space_.dimensions())) {}

  void draw(std::int64_t step, std::int64_t batch, Range range, Rows<T>& rows) override {
    begin(rows);
    for (auto row = range.begin; row < range.end; ++row) {
      add(rows, supervision_.draw(step, batch, row), step * batch + row, positions_);
    }
  }
  /// All coordinates of the held-out pairs.
  void draw_validation(Range range, Rows<T>& rows) override {
    begin(rows);
    for (auto row = range.begin; row < range.end; ++row) add(rows, supervision_.held_out(row), 0, space_.dimensions());
  }
  std::int64_t validation_rows() const override { return supervision_.held_out_rows(); }

  double loss(const Rows<T>& rows, std::span<const T> outputs, double scale, std::span<T> delta) override {
    return soft_cross_entropy<T>(outputs, rows.targets, {}, rows.weight, static_cast<std::size_t>(space_.categories()),
                                 scale, delta);
  }
  double terms() const override { return 2; }  // terminals

 private:
  static void begin(Rows<T>& rows) {
    rows.count = 0;
    rows.columns.clear();
    rows.targets.clear();
    rows.weight.clear();
  }
  void add(Rows<T>& rows, const MonteCarloSupervision::Pair& pair, std::int64_t index, int positions) const {
    const int d = space_.dimensions();
    const int s = space_.categories();
    const auto first =
        static_cast<int>(Random(supervision_.seed(), Stream::batch, ~static_cast<std::uint64_t>(index)).below(d));
    for (int k = 0; k < positions; ++k) {
      const int at = (first + k * ((d + positions - 1) / positions)) % d;
      for (const int terminal : {0, 1}) {
        const auto x = terminal == 0 ? pair.source : pair.target;
        for (int j = 0; j < d; ++j) rows.columns.push_back(j * (s + 1) + (j < at ? space_.coordinate(x, j) : s));
        rows.columns.push_back(d * (s + 1) + terminal);
        rows.targets.resize(rows.targets.size() + static_cast<std::size_t>(s), T(0));
        *(rows.targets.end() - s + space_.coordinate(x, at)) = T(1);
        rows.weight.push_back(static_cast<T>(d) / static_cast<T>(positions));
        ++rows.count;
      }
    }
  }

  StateSpace space_;
  const MonteCarloSupervision& supervision_;
  int positions_;  // of a row that a batch uses
};

/// Trains in the model's precision on the task of that precision.
template <template <class> class OfPrecision, class Supervised>
void train_on(MPI_Comm comm, Model& model, const Supervised& supervision, const TrainOptions& options,
              std::uint64_t seed, TrainState& state, const std::function<void(const TrainState&)>& save) {
  const auto in = [&]<class T>(T) {
    Mlp<T> network(model.shape());
    OfPrecision<T> task(model, supervision);
    train_network<T>(comm, network, task, options, seed, state, save);
  };
  if (model.options().precision == Precision::single) {
    in(float{});
  } else {
    in(double{});
  }
  std::copy(state.average.begin(), state.average.end(), model.parameters().begin());
}

}  // namespace

void train(MPI_Comm comm, Model& model, const Supervision& supervision, const TrainOptions& options, std::uint64_t seed,
           TrainState& state, const std::function<void(const TrainState&)>& save) {
  supervision.standardise(model);
  train_on<PotentialTask>(comm, model, supervision, options, seed, state, save);
}

void train(MPI_Comm comm, Model& model, const MonteCarloSupervision& supervision, const TrainOptions& options,
           std::uint64_t seed, TrainState& state, const std::function<void(const TrainState&)>& save) {
  train_on<TerminalTask>(comm, model, supervision, options, seed, state, save);
}

}  // namespace kirchhoff
