// Rows of a table with holes, completed by walks that end in what is given.
#include "pipeline/impute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/table/holes.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "pipeline/artefact.hpp"

namespace kirchhoff {
namespace {

/// The values that a hole may be filled with: all but "missing entry".
std::vector<std::uint8_t> fillings(const Schema& schema) {
  std::vector<std::uint8_t> allowed;
  for (const auto& column : schema.columns) {
    for (int code = 0; code < column.categories(); ++code) allowed.push_back(code == column.missing ? 0 : 1);
  }
  return allowed;
}

/// Numbers of the rows that have holes.
std::vector<std::int64_t> rows_with_holes(const Schema& schema, const HoleTable& table) {
  std::vector<std::int64_t> found;
  const auto d = schema.columns.size();
  for (std::int64_t row = 0; row < table.count; ++row) {
    bool any = false;
    for (std::size_t j = 0; j < d && !any; ++j) {
      any = is_hole(table.rows[static_cast<std::size_t>(row) * d + j], schema.columns[j].categories());
    }
    if (any) found.push_back(row);
  }
  return found;
}

/// What is said of the probability of what is given.
std::string given_findings(const GivenDraws& found) {
  if (found.logs.empty()) return "";
  const auto mean = likelihood_of(found.logs, found.repeats, found.repeats == 2);
  auto text = fmt::format("; mean log p(given) {:.3f}", *mean.mean_of_rest);
  if (found.exact) return text + ", exact";
  if (mean.error) return text + fmt::format(" +- {:.3f}, {:.3f} too low", *mean.error, -*mean.bias);
  return text + fmt::format(" (too few paths to tell its error, which takes {})", kFewestPathsForError);
}

/// The logarithm [nat] of an estimated probability, and its standard error; 0 of what is exact.
struct Estimate {
  double log = 0;
  std::optional<double> error{};  // none: too few paths to tell
};

/// From independent estimates of one probability, 1 or 2 of them.
Estimate estimate_of(std::span<const double> logs, bool exact) {
  const double top = *std::max_element(logs.begin(), logs.end());
  if (!std::isfinite(top)) return {top};
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - top) / static_cast<double>(logs.size());
  Estimate estimate{top + std::log(sum)};
  if (exact) estimate.error = 0;
  if (logs.size() == 2 && std::isfinite(logs[0]) && std::isfinite(logs[1])) {
    estimate.error = std::abs(logs[0] - logs[1]) / 2;
  }
  return estimate;
}

/// Of what was drawn, given the rest: log p(row) - log p(given).
Estimate given_the_rest(const Estimate& row, const Estimate& given) {
  Estimate estimate{row.log - given.log};
  if (row.error && given.error) estimate.error = std::hypot(*row.error, *given.error);
  return estimate;
}

std::string number_or_nothing(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{:.6g}", *value) : "";
}

class Imputing {
 public:
  Imputing(MPI_Comm comm, const Job& job, const Schema& schema, const TrainedWalk& trained)
      : comm_(comm), job_(job), schema_(schema), trained_(trained), d_(schema.columns.size()) {}

  /// Writes the completed rows, and says what came of it. @return the number of rows.
  std::int64_t write(const std::string& path) const {
    const double begin = wall_time();
    const auto table = agree(comm_, [&] { return read_holes(job_.impute.file, schema_); });
    const auto with_holes = rows_with_holes(schema_, table);
    const auto found = complete(table, with_holes);
    refuse_without_path(found, with_holes);
    const auto rows = completed(table, with_holes, found.rows);
    agree(comm_, [&] {
      if (rank_of(comm_) == 0) {
        write_text_file(path, completed_text(schema_, table, rows, job_.impute.draws, job_.sample_seed));
      }
    });
    const auto holes = std::count(table.rows.begin(), table.rows.end(), kHole);
    say(comm_, "impute",
        fmt::format("{}: {} rows, {} holes in {} of them, {} draws each, {:.3g} s{}", job_.impute.file,
                    grouped(table.count), grouped(holes), grouped(static_cast<std::int64_t>(with_holes.size())),
                    job_.impute.draws, all_max(comm_, wall_time() - begin), given_findings(found)));
    say(comm_, "impute", path);
    if (job_.impute.likelihood) write_likelihood(path + ".likelihood.csv", with_holes, found);
    return table.count;
  }

 private:
  GivenDraws complete(const HoleTable& table, const std::vector<std::int64_t>& with_holes) const {
    GivenRows given;
    given.allowed = fillings(schema_);
    for (const auto row : with_holes) {
      const auto from = table.rows.begin() + row * static_cast<std::ptrdiff_t>(d_);
      given.rows.insert(given.rows.end(), from, from + static_cast<std::ptrdiff_t>(d_));
    }
    if (given.rows.empty()) return {};
    if (trained_.law) return draw_given(comm_, job_.space, *trained_.law, given, job_.impute.draws, job_.sample_seed);
    return draw_given(comm_, trained_.model, trained_.conditional, trained_.source, given, job_.impute.draws,
                      job_.impute.paths, job_.sample_seed);
  }

  /// How likely the network holds each draw, given the rest of its row. @note Collective.
  void write_likelihood(const std::string& path, const std::vector<std::int64_t>& with_holes,
                        const GivenDraws& found) const {
    const auto of_rows = logs_of(found.rows);
    const auto repeats = static_cast<std::size_t>(found.repeats);
    const auto draws = static_cast<std::size_t>(job_.impute.draws);
    std::string text = "row,draw,log_p_given,log_p_given_error,log_p_missing,log_p_missing_error\n";
    double sum = 0;
    for (std::size_t k = 0; k < with_holes.size() * draws; ++k) {
      const auto logs = [&](const std::vector<double>& of, std::size_t at) {
        return estimate_of(std::span(of).subspan(at * repeats, repeats), found.exact);
      };
      const auto given = logs(found.logs, k / draws);
      const auto missing = given_the_rest(logs(of_rows, k), given);
      sum += missing.log;
      text +=
          fmt::format("{},{},{},{},{},{}\n", with_holes[k / draws] + 1, k % draws + 1, number_or_nothing(given.log),
                      number_or_nothing(given.error), number_or_nothing(missing.log), number_or_nothing(missing.error));
    }
    agree(comm_, [&] {
      if (rank_of(comm_) == 0) write_text_file(path, text);
    });
    if (with_holes.empty()) return;
    say(comm_, "impute",
        fmt::format("{}: mean log p(missing | given) of the draws {:.3f}", path,
                    sum / static_cast<double>(with_holes.size() * draws)));
  }

  /// Logarithms of the probabilities of whole rows, exact or from paths of their own.
  std::vector<double> logs_of(const std::vector<std::uint16_t>& rows) const {
    if (rows.empty()) return {};
    if (!trained_.law) {
      return path_log_probabilities(comm_, trained_.model, trained_.conditional, trained_.source, rows,
                                    job_.impute.paths, job_.sample_seed + 1);
    }
    std::vector<double> logs;
    for (std::size_t i = 0; i < rows.size(); i += d_) {
      const auto state = job_.space.index(std::span(rows).subspan(i, d_));
      logs.push_back(std::log((*trained_.law)[static_cast<std::size_t>(state)]));
    }
    return logs;
  }

  void refuse_without_path(const GivenDraws& found, const std::vector<std::int64_t>& with_holes) const {
    const auto repeats = static_cast<std::size_t>(found.repeats);
    for (std::size_t k = 0; k < with_holes.size() && !found.logs.empty(); ++k) {
      const auto* first = &found.logs[k * repeats];
      if (std::any_of(first, first + repeats, [](double log) { return std::isfinite(log); })) continue;
      throw AgreedError(fmt::format("{}: row {}: no path leads to what it gives{}", job_.impute.file, with_holes[k] + 1,
                                    found.exact ? "" : "; more of them may (-impute_paths)"));
    }
  }

  /// All rows (count x draws x D); those without holes as often as the others.
  std::vector<std::uint16_t> completed(const HoleTable& table, const std::vector<std::int64_t>& with_holes,
                                       const std::vector<std::uint16_t>& drawn) const {
    const auto draws = static_cast<std::size_t>(job_.impute.draws);
    std::vector<std::uint16_t> rows;
    rows.reserve(table.rows.size() * draws);
    std::size_t next = 0;
    for (std::int64_t row = 0; row < table.count; ++row) {
      if (next < with_holes.size() && with_holes[next] == row) {
        const auto from = drawn.begin() + static_cast<std::ptrdiff_t>(next * draws * d_);
        rows.insert(rows.end(), from, from + static_cast<std::ptrdiff_t>(draws * d_));
        ++next;
        continue;
      }
      const auto from = table.rows.begin() + row * static_cast<std::ptrdiff_t>(d_);
      for (std::size_t k = 0; k < draws; ++k) rows.insert(rows.end(), from, from + static_cast<std::ptrdiff_t>(d_));
    }
    return rows;
  }

  MPI_Comm comm_;
  const Job& job_;
  const Schema& schema_;
  const TrainedWalk& trained_;
  std::size_t d_;
};

}  // namespace

void impute_file(ResultFolder& folder, const Job& job, const Schema& schema, const TrainedWalk& trained) {
  Artefact<std::int64_t> artefact{.stage = "impute"};
  artefact.make = [&](const std::optional<std::int64_t>&, ResultFolder::Stage&) {
    return Imputing(folder.comm(), job, schema, trained).write(folder.path(job.impute.out));
  };
  artefact.figures = [](std::int64_t rows) { return std::map<std::string, std::int64_t>{{"rows", rows}}; };
  bring(folder, artefact, true);
}

}  // namespace kirchhoff
