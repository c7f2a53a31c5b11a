#include "kirchhoff/validate/bench.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <numeric>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/session.hpp"

namespace kirchhoff {
namespace {

using nlohmann::ordered_json;

/// Why a method is left out when it was not asked for by name; "" when it is not.
std::string infeasible(const Circuit& circuit, SolveMethod method) {
  if (method != SolveMethod::direct || circuit.edges() <= kBenchDirectEdges) return "";
  return fmt::format("left out above {} edges unless it is named", kBenchDirectEdges);
}

/// A communicator like another, for as long as it lives.
class Duplicate {
 public:
  explicit Duplicate(MPI_Comm comm) { MPI_Comm_dup(comm, &comm_); }
  Duplicate(const Duplicate&) = delete;
  Duplicate& operator=(const Duplicate&) = delete;
  ~Duplicate() {
    if (std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);  // collective: others may not be there
  }
  MPI_Comm get() const { return comm_; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
};

/// One solve into `bench`. What fails as a rule fails on all ranks: an answer that misses, an option that PETSc
/// refuses.
/// @param meeting for finding out whether it did. @throws Error when this rank failed alone.
void once(MPI_Comm comm, MPI_Comm meeting, const Circuit& circuit, SolveMethod method, double tolerance,
          MethodBench& bench) {
  const bool measurable = all_sum(comm, std::int64_t{reset_peak_memory() ? 0 : 1}) == 0;
  const auto before = peak_memory(comm);
  MPI_Barrier(comm);
  try {
    const auto solution = solve(comm, circuit, {method, tolerance});
    const auto& r = solution.report;
    const double assemble = all_max(comm, r.seconds_assemble);
    const double setup = all_max(comm, r.seconds_setup);
    const double solved = all_max(comm, r.seconds_solve);
    const double total = all_max(comm, r.seconds_total);
    const double to_solution = all_max(comm, r.seconds_assemble + r.seconds_setup + r.seconds_solve);
    bench.assemble.seconds.push_back(assemble);
    bench.setup.seconds.push_back(setup);
    bench.solve.seconds.push_back(solved);
    bench.solution.seconds.push_back(to_solution);
    bench.check.seconds.push_back(std::max(0.0, total - to_solution));
    bench.total.seconds.push_back(total);
    bench.report = r;
    if (!measurable) return;
    const auto peak = peak_memory(comm);
    bench.peak_memory_bytes = std::max(bench.peak_memory_bytes, peak);
    bench.added_memory_bytes = std::max(bench.added_memory_bytes, peak - before);
  } catch (const Error& e) {
    constexpr double kSecondsToArrive = 3;
    if (!all_arrive(meeting, kSecondsToArrive)) throw;
    bench.not_done = e.what();
  }
}

ordered_json times_json(const Times& times) {
  return {{"median", times.median()}, {"min", times.least()}, {"max", times.most()}, {"all", times.seconds}};
}

std::string readable_bytes(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.2f} GB", bytes / 1e9) : fmt::format("{:.1f} MB", bytes / 1e6);
}

}  // namespace

double Times::median() const {
  if (seconds.empty()) return 0;
  auto sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  const auto half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Times::least() const { return seconds.empty() ? 0 : *std::min_element(seconds.begin(), seconds.end()); }

double Times::most() const { return seconds.empty() ? 0 : *std::max_element(seconds.begin(), seconds.end()); }

double BenchReport::triad_seconds() const { return 24.0 * static_cast<double>(unknowns) / triad_bytes_per_second; }

const MethodBench* BenchReport::best() const {
  const MethodBench* best = nullptr;
  for (const auto& m : methods) {
    if (m.not_done.empty() && (best == nullptr || m.solution.median() < best->solution.median())) best = &m;
  }
  return best;
}

const MethodBench* BenchReport::find(const std::string& name) const {
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m.name == name; });
  return found == methods.end() ? nullptr : &*found;
}

double triad_bandwidth(MPI_Comm comm) {
  constexpr std::size_t kBytes = std::size_t{256} << 20;  // of the three arrays on all ranks: more than caches hold
  constexpr int kPasses = 6;
  const auto length = kBytes / (3 * sizeof(double) * static_cast<std::size_t>(size_of(comm)));
  std::vector<double> a(length, 0);
  std::vector<double> b(length, 1);
  std::vector<double> c(length, 2);
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const double scale = 3 + pass;  // not a constant: no pass may be left out
    MPI_Barrier(comm);
    const double begin = wall_time();
    for (std::size_t i = 0; i < length; ++i) a[i] = b[i] + scale * c[i];
    const double seconds = all_max(comm, wall_time() - begin);
    const double bytes = 24.0 * static_cast<double>(length) * size_of(comm);
    if (pass > 0) best = std::max(best, bytes / seconds);  // the first meets memory that is not there yet
    std::swap(a, b);                                       // and each depends on the last
  }
  return best;
}

BenchReport bench_solve(MPI_Comm comm, const Circuit& circuit, const BenchOptions& options) {
  BenchReport report;
  report.ranks = size_of(comm);
  report.states = circuit.states();
  report.layers = circuit.layers();
  report.unknowns = circuit.vertices();
  report.edges = circuit.edges();
  const Duplicate meeting(comm);
  report.triad_bytes_per_second = triad_bandwidth(comm);
  auto methods = options.methods;
  if (methods.empty()) {
    for (std::size_t m = 0; m < solve_method_names().size(); ++m) methods.push_back(static_cast<SolveMethod>(m));
  }
  for (const auto method : methods) {
    report.methods.emplace_back();
    report.methods.back().name = solve_method_names().at(static_cast<std::size_t>(method));
    if (options.methods.empty()) report.methods.back().not_done = infeasible(circuit, method);
  }
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (std::size_t m = 0; m < methods.size(); ++m) {
      auto& bench = report.methods[m];
      const auto& spent = bench.total.seconds;
      const bool long_enough = std::accumulate(spent.begin(), spent.end(), 0.0) > options.seconds;
      if (bench.not_done.empty() && !long_enough)
        once(comm, meeting.get(), circuit, methods[m], options.tolerance, bench);
    }
  }
  return report;
}

std::string bench_json(const BenchReport& report, const std::vector<std::pair<std::string, std::string>>& head) {
  ordered_json json;
  for (const auto& [key, value] : head) json[key] = value;
  json["ranks"] = report.ranks;
  json["states"] = report.states;
  json["layers"] = report.layers;
  json["unknowns"] = report.unknowns;
  json["edges"] = report.edges;
  json["triad_bytes_per_second"] = report.triad_bytes_per_second;
  json["triad_seconds"] = report.triad_seconds();
  const auto* best = report.best();
  json["best"] = best == nullptr ? ordered_json() : ordered_json(best->name);
  json["auto_to_best"] = nullptr;
  const auto* automatic = report.find("auto");
  if (best != nullptr && automatic != nullptr && automatic->not_done.empty()) {
    json["auto_to_best"] = automatic->solution.median() / best->solution.median();
  }
  json["methods"] = ordered_json::array();
  for (const auto& m : report.methods) {
    ordered_json entry{{"name", m.name}};
    if (!m.not_done.empty()) {
      entry["not_done"] = m.not_done;
      json["methods"].push_back(entry);
      continue;
    }
    visit_fields(m.report, [&](const std::string& name, const auto& value) {
      if (!name.starts_with("seconds_") && name != "peak_memory_bytes") entry[name] = value;
    });
    entry["repeats"] = m.total.seconds.size();
    entry["seconds"] = {{"assemble", times_json(m.assemble)}, {"setup", times_json(m.setup)},
                        {"solve", times_json(m.solve)},       {"solution", times_json(m.solution)},
                        {"check", times_json(m.check)},       {"total", times_json(m.total)}};
    entry["unknowns_per_second"] = static_cast<double>(report.unknowns) / m.solution.median();
    entry["triads"] = m.solution.median() / report.triad_seconds();
    entry["ratio_to_best"] = m.solution.median() / best->solution.median();
    entry["peak_memory_bytes"] = m.peak_memory_bytes > 0 ? ordered_json(m.peak_memory_bytes) : ordered_json();
    entry["added_memory_bytes"] = m.peak_memory_bytes > 0 ? ordered_json(m.added_memory_bytes) : ordered_json();
    json["methods"].push_back(entry);
  }
  return json.dump(2) + "\n";
}

std::string bench_table(const BenchReport& report) {
  const auto* best = report.best();
  std::string text =
      fmt::format("{:<9} {:>9} {:>9} {:>9} {:>9}  {:<17} {:>6} {:>7} {:>7} {:>9} {:>9}  {}\n", "method", "assemble",
                  "setup", "solve", "median", "min..max [s]", "ratio", "triads", "iter.", "residual", "memory", "what");
  for (const auto& m : report.methods) {
    if (!m.not_done.empty()) {
      text += fmt::format("{:<9} -  {}\n", m.name, m.not_done);
      continue;
    }
    text += fmt::format(
        "{:<9} {:>9.3g} {:>9.3g} {:>9.3g} {:>9.3g}  {:<17} {:>6.2f} {:>7.1f} {:>7} {:>9.1e} {:>9}  {}\n", m.name,
        m.assemble.median(), m.setup.median(), m.solve.median(), m.solution.median(),
        fmt::format("{:.3g}..{:.3g}", m.solution.least(), m.solution.most()),
        m.solution.median() / best->solution.median(), m.solution.median() / report.triad_seconds(),
        m.report.iterations, m.report.relative_residual,
        m.peak_memory_bytes > 0 ? readable_bytes(static_cast<double>(m.added_memory_bytes)) : "-", m.report.method);
  }
  return text;
}

}  // namespace kirchhoff
