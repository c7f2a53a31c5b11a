// What a case says of the network and its training, and what stands for `auto`.
#include "pipeline/training_options.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kirchhoff/base/error.hpp"

namespace kirchhoff {
namespace {

/// What the network gives: by default what docs/model.md found to be better.
Head head_of(Options& options, const Job& job) {
  if (job.supervision != "exact") return job.supervision == "monte_carlo" ? Head::terminals : Head::potential;
  const auto choice = options.choice("model_head");
  const auto& family = row_of(job.family);
  if (choice == 2 && family.joins_all) {
    throw Error(
        fmt::format("{}: a state of a {} circuit has too many moves", options.origin("model_head"), family.name));
  }
  // Few moves per state, and as many edges as potentials vary over: docs/model.md, "What was compared".
  const bool current = choice == 2 || (choice == 0 && family.few_moves);
  options.resolve("model_head", current ? "current" : "potential");
  return current ? Head::current : Head::potential;
}

/// How a network of terminals gives the law of a coordinate: by default what docs/model.md found to be better.
Likelihood likelihood_of(Options& options, const Job& job) {
  constexpr int kFewCategories = 8;  // a mixture would have more to say than there is
  const auto choice = options.choice("model_likelihood");
  const bool few_rows = job.training_pairs > 0 && job.space.categories() > kFewCategories;
  const bool mixture = job.supervision == "monte_carlo" && (choice == 2 || (choice == 0 && few_rows));
  options.resolve("model_likelihood", mixture ? "mixture" : "categorical");
  return mixture ? Likelihood::mixture : Likelihood::categorical;
}

/// Whether a network of moves has a linear term of all coordinates: by default where docs/walk.md found it to help,
/// which is where rows are given, not drawn on the fly without end. It grows with the square of D.
bool evidence_of(Options& options, const Job& job) {
  constexpr int kMostCoordinates = 1024;
  const auto choice = options.choice("model_evidence");
  const bool walk = job.supervision == "walk";
  const bool bits = job.space.uniform() && job.space.categories() == 2;
  const bool can = walk && (bits || job.table);
  if (choice == 2 && !can) {
    throw Error(fmt::format("{}: linear is for S = 2, or a table", options.origin("model_evidence")));
  }
  const auto inputs = bits ? job.space.dimensions() : job.space.all_categories();
  const bool helps = !job.target.file.empty() && inputs <= kMostCoordinates && !job.start_from_tree;
  const bool linear = choice == 2 || (choice == 0 && can && helps);
  options.resolve("model_evidence", linear ? "linear" : "none");
  return linear;
}

/// Whether a network of moves starts from the flow toward a tree: of a table, where the circuit has that flow in closed
/// form.
bool start_of(Options& options, const Job& job) {
  const auto choice = options.choice("model_start");
  const bool can = job.supervision == "walk" && !job.target.file.empty() && job.layers == 1 && !job.lattices &&
                   job.source.name == "uniform";
  if (choice == 2 && !can) {
    throw Error(
        fmt::format("{}: tree is for walks to rows of a file, from a uniform start, on one layer pair of hamming "
                    "columns",
                    options.origin("model_start")));
  }
  const bool tree = choice == 2 || (choice == 0 && can && job.table);
  options.resolve("model_start", tree ? "tree" : "none");
  return tree;
}

/// In categories; by default it falls with the rows as the width of a kernel would, from measurements in docs/model.md.
double jitter_of(Options& options, const Job& job) {
  double jitter = 0;
  if (options.text("train_jitter") != "auto") {
    jitter = options.real("train_jitter");
    if (jitter > job.space.categories()) {
      throw Error(fmt::format("{} is {}: it must be between 0 and {}", options.origin("train_jitter"), jitter,
                              job.space.categories()));
    }
  } else if (job.training_pairs > 0 && job.model.likelihood == Likelihood::mixture) {
    jitter = 0.12 * job.space.categories() / std::cbrt(static_cast<double>(job.training_pairs));
  }
  options.resolve("train_jitter", fmt::format("{}", jitter));
  return jitter;
}

/// Of the optimiser; 0 for walks over rows: as many as suit them.
std::int64_t steps_of(const Options& options) {
  const auto steps = options.text("train_steps") == "auto" ? 0 : options.integer("train_steps");
  if (steps == 0 && (options.setting().problem & kWalk) == 0) {
    throw Error(
        fmt::format("{} is {}: it must be at least 1", options.origin("train_steps"), options.text("train_steps")));
  }
  return steps;
}

}  // namespace

void read_training(Options& options, Job& job) {
  job.model.hidden = options.integers("model_hidden");
  job.model.activation = static_cast<Activation>(options.choice("model_activation"));
  job.model.precision = static_cast<Precision>(options.choice("model_precision"));
  job.model.head = head_of(options, job);
  job.training_pairs = options.integer("train_samples");
  if (job.training_pairs > 0 && job.training_pairs < 10) {
    throw Error(fmt::format("{} is {}: a training set needs at least 10 pairs", options.origin("train_samples"),
                            job.training_pairs));
  }
  job.model.likelihood = likelihood_of(options, job);
  job.start_from_tree = start_of(options, job);
  job.model.evidence = evidence_of(options, job);
  job.jitter = jitter_of(options, job);
  job.train.steps = steps_of(options);
  job.train.batch = options.integer("train_batch");
  job.train.learning_rate = options.real("train_learning_rate");
  job.train.warmup = options.integer("train_warmup");
  job.train.weight_decay = options.real("train_weight_decay");
  job.train.average = options.real("train_average");
  job.train.clip = options.real("train_clip");
  job.train.validate_every = options.integer("train_validate_every");
  job.train.checkpoint_every = options.integer("train_checkpoint_every");
  job.balance = options.real("train_balance");
  job.references = options.integer("train_references");
  job.train.patience = options.integer("train_patience");
  job.row_decay = options.real("train_row_decay");
  job.train.dropout = options.real("train_dropout");
}

}  // namespace kirchhoff
