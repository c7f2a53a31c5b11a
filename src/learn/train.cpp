#include "kirchhoff/learn/train.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "kirchhoff/base/random.hpp"
#include "learn/loop.hpp"
#include "learn/network/category_law.hpp"
#include "learn/task/prefix_law.hpp"

namespace kirchhoff {
namespace {

constexpr std::int64_t kValidationRows = 4096;

/// Potentials of all layers or currents of all layer pairs, by weighted squared error.
template <class T>
class FieldTask final : public Task<T> {
 public:
  FieldTask(const Model& model, const Supervision& supervision) : model_(model), supervision_(supervision) {
    for (const double w : supervision.weights(model)) weights_.push_back(static_cast<T>(w));
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
  std::vector<T> weights_;  // (outputs)
  std::vector<std::int64_t> states_;
  std::vector<double> targets_;
};

/// Source and target, a coordinate given those before it, by likelihood.
///
/// The target of a coordinate is the law of that coordinate among all rows drawn so far that have the same coordinates
/// before it, once these are many: the expectation is that of the row's own category, and its noise falls with the
/// steps. Rows of a pass with the same prefix then have the same target, and are one row of their weight. Where they
/// are few the target is the row's own: their counts, met again and again, would be learned by heart.
template <class T>
class TerminalTask final : public Task<T> {
 public:
  TerminalTask(const Model& model, const MonteCarloSupervision& supervision)
      : model_(model),
        space_(model.space()),
        law_(model.options().likelihood, space_.categories()),
        supervision_(supervision),
        positions_(std::min(2, space_.dimensions())),
        laws_{PrefixLaw(space_), PrefixLaw(space_)} {}

  /// Steps must not fall. A training that goes on draws the rows before it again.
  void draw(std::int64_t step, std::int64_t batch, Range range, Rows<T>& rows) override {
    for (; drawn_ <= step; ++drawn_) {
      for (std::int64_t row = 0; row < batch; ++row) {  // those of all ranks
        const auto pair = supervision_.draw(drawn_, batch, row);
        laws_[0].add(pair.source);
        laws_[1].add(pair.target);
      }
    }
    begin(rows);
    const int d = space_.dimensions();
    const auto weight = static_cast<T>(d) / static_cast<T>(positions_);
    for (auto row = range.begin; row < range.end; ++row) {
      const auto pair = supervision_.draw(step, batch, row);
      const auto index = ~static_cast<std::uint64_t>(step * batch + row);
      const auto first = static_cast<int>(Random(supervision_.seed(), Stream::batch, index).below(d));
      for (int k = 0; k < positions_; ++k) {
        const int at = (first + k * ((d + positions_ - 1) / positions_)) % d;
        for (const int terminal : {0, 1}) {
          const auto x = terminal == 0 ? pair.source : pair.target;
          const auto& law = laws_[static_cast<std::size_t>(terminal)];
          const auto node = law.find(x, at);
          know(x, at);
          const bool jitters = supervision_.jitter() > 0 && at > 0;
          if (jitters) jitter(2 * (step * batch + row) + terminal);
          if (jitters || !law.well_known(node)) {
            add(rows, terminal, weight)[static_cast<std::size_t>(space_.coordinate(x, at))] = T(1);
            continue;
          }
          const auto [known, fresh] = row_of_.try_emplace({terminal, node}, rows.weight.size());
          if (fresh) {
            const auto targets = add(rows, terminal, weight);
            law.visit(node, [&](int c, double share) { targets[static_cast<std::size_t>(c)] = static_cast<T>(share); });
          } else {
            rows.weight[known->second] += weight;
          }
        }
      }
    }
  }
  /// All coordinates of the held-out pairs.
  void draw_validation(Range range, Rows<T>& rows) override {
    begin(rows);
    for (auto row = range.begin; row < range.end; ++row) {
      const auto pair = supervision_.held_out(row);
      for (int at = 0; at < space_.dimensions(); ++at) {
        for (const int terminal : {0, 1}) {
          const auto x = terminal == 0 ? pair.source : pair.target;
          know(x, at);
          add(rows, terminal, T(1))[static_cast<std::size_t>(space_.coordinate(x, at))] = T(1);
        }
      }
    }
  }
  std::int64_t validation_rows() const override { return supervision_.held_out_rows(); }
  bool repeats() const override { return supervision_.set_size() > 0; }

  double loss(const Rows<T>& rows, std::span<const T> outputs, double scale, std::span<T> delta) override {
    return law_.cross_entropy<T>(outputs, rows.targets, rows.weight, scale, delta);
  }
  double terms() const override { return 2; }  // terminals

 private:
  void begin(Rows<T>& rows) {
    rows.count = 0;
    rows.columns.clear();
    rows.targets.clear();
    rows.weight.clear();
    row_of_.clear();
  }
  /// The coordinates of x before `at` are what is known.
  void know(std::int64_t x, int at) {
    prefix_.clear();
    for (int j = 0; j < at; ++j) prefix_.push_back(space_.coordinate(x, j));
  }
  void jitter(std::int64_t index) {
    Random random(supervision_.seed(), Stream::jitter, static_cast<std::uint64_t>(index));
    for (int& c : prefix_) {
      const double moved = std::round(c + supervision_.jitter() * random.normal());
      c = static_cast<int>(std::clamp(moved, 0.0, static_cast<double>(space_.categories() - 1)));
    }
  }
  /// A row that asks for the coordinate after what is known; its targets, (S) zeros, to be filled.
  std::span<T> add(Rows<T>& rows, int terminal, T weight) {
    const auto columns = static_cast<std::size_t>(space_.dimensions()) + 1;
    rows.columns.resize(rows.columns.size() + columns);
    model_.question(terminal, prefix_, std::span(rows.columns).last(columns));
    rows.weight.push_back(weight);
    ++rows.count;
    const auto s = static_cast<std::size_t>(space_.categories());
    rows.targets.resize(rows.targets.size() + s, T(0));
    return std::span(rows.targets).last(s);
  }

  const Model& model_;
  StateSpace space_;
  CategoryLaw law_;
  const MonteCarloSupervision& supervision_;
  int positions_;  // of a row that a batch uses
  std::vector<int> prefix_;
  std::array<PrefixLaw, 2> laws_;
  std::int64_t drawn_ = 0;                                      // steps whose rows the laws hold
  std::map<std::pair<int, std::int32_t>, std::size_t> row_of_;  // of a terminal's prefix, in this pass
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
  std::copy(state.model().begin(), state.model().end(), model.parameters().begin());
}

}  // namespace

void train(MPI_Comm comm, Model& model, const Supervision& supervision, const TrainOptions& options, std::uint64_t seed,
           TrainState& state, const std::function<void(const TrainState&)>& save) {
  supervision.standardise(model);
  train_on<FieldTask>(comm, model, supervision, options, seed, state, save);
}

void train(MPI_Comm comm, Model& model, const MonteCarloSupervision& supervision, const TrainOptions& options,
           std::uint64_t seed, TrainState& state, const std::function<void(const TrainState&)>& save) {
  train_on<TerminalTask>(comm, model, supervision, options, seed, state, save);
}

}  // namespace kirchhoff
