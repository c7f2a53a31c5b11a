// Networks from outside: solve NETWORK, convert IN OUT.
#include "pipeline/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "io/files/file_kind.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/base/hash.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/io/network/formats.hpp"
#include "kirchhoff/io/results/store.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/solve/network/nodal.hpp"
#include "parallel/memory_limit.hpp"
#include "pipeline/folder.hpp"
#include "pipeline/job_memory.hpp"
#include "pipeline/options.hpp"
#include "pipeline/pipeline.hpp"

namespace kirchhoff {
namespace {

namespace fs = std::filesystem;

/// "d/grid.spice.bz2" without its compression.
fs::path plain(const std::string& file) {
  const fs::path path(file);
  return detail::kind_of(file).compression.empty() ? path : path.parent_path() / path.stem();
}

std::string counted(std::size_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// A file that an option names, or "" when it names none.
std::string text_of(const Options& options, const std::string& name) {
  const auto file = options.text(name);
  if (file.empty()) return "";
  if (!fs::exists(file)) throw Error(fmt::format("{}: no file '{}'", options.origin(name), file));
  return read_text_file(file);
}

/// An option that no command knows is refused here, before anything is done.
Options network_options() { return Options({}, "", Options::Source::network); }

Netlist read_netlist(const std::string& input, const Options& options) {
  std::optional<EdgeValues> values;
  if (!options.text("network_values").empty()) {
    values = static_cast<EdgeValues>(options.choice("network_values"));
  }
  const auto base = static_cast<std::int64_t>(options.choice("network_index_base"));
  const auto* format = network_format(input);
  if (format == nullptr) throw Error(fmt::format("{}: a network ends in {}", input, network_extensions()));
  if (!values) values = format->values;
  NetworkReading reading;
  reading.edges.values = values;
  reading.edges.first = base;
  reading.edges.nodes = static_cast<NodeNames>(options.choice("network_nodes"));
  reading.edges.duplicates = static_cast<EdgeDuplicates>(options.choice("network_duplicates"));
  reading.edges.row_sums = static_cast<RowSums>(options.choice("network_row_sums"));
  reading.title = static_cast<SpiceTitle>(options.choice("network_title"));
  reading.ground_names = static_cast<GroundNames>(options.choice("network_ground_names"));
  auto netlist = format->read(input, reading);
  const auto sources = text_of(options, "network_sources");
  if (!sources.empty()) add_sources(netlist, sources, options.text("network_sources"));
  const auto grounds = text_of(options, "network_grounds");
  if (!grounds.empty()) add_grounds(netlist, grounds, options.text("network_grounds"));
  remark_structure(netlist);
  return netlist;
}

/// Rank 0 reads the files; the others are told what they say.
Netlist read_once(MPI_Comm comm, const std::string& input) {
  auto netlist = agree(comm, [&] {
    const auto options = network_options();
    return rank_of(comm) == 0 ? read_netlist(input, options) : Netlist();
  });
  share(comm, netlist);
  return netlist;
}

/// How many pairs there is memory for.
double most_pairs(const Netlist& netlist, bool only_resistances) {
  const double fields = 8.0 * static_cast<double>(netlist.nodes.size() + netlist.resistors.size());
  return std::floor(least_memory_left().left / 2 / (only_resistances ? kBytesOfResistance : fields));
}

/// A word that may stand in the place of a file of pairs, and of which no file has the name.
bool means(const Options& options, const std::string& word) {
  return options.text("network_pairs") == word && !fs::is_regular_file(word);
}

NodePairs read_pairs(Netlist& netlist, const Options& options, bool only_resistances) {
  const auto name = options.text("network_pairs");
  const auto focal = options.text("network_focal");
  if (!focal.empty() && !means(options, "all")) {
    throw Error(fmt::format("{}: of use only with -network_pairs all", options.origin("network_focal")));
  }
  if (name.empty()) return {};
  const double most = most_pairs(netlist, only_resistances);
  if (means(options, "edges")) return edge_pairs(netlist, most);
  if (means(options, "all") && focal.empty()) return all_pairs(netlist, most);
  const auto& file = focal.empty() ? name : focal;
  std::string note;
  const auto text = text_of(options, focal.empty() ? "network_pairs" : "network_focal");
  auto pairs =
      focal.empty() ? parse_pairs(netlist, text, file, most, &note) : focal_pairs(netlist, text, file, most, &note);
  add_note(netlist, file, note);
  return pairs;
}

NodalOptions nodal_options(Netlist& netlist, const Options& options) {
  NodalOptions nodal;
  nodal.solve.method = static_cast<SolveMethod>(options.choice("solve_method"));
  nodal.solve.tolerance = options.real("solve_tolerance");
  nodal.only_resistances = options.text("network_results") == "resistance";
  nodal.approximate = options.real("network_approximate");
  nodal.pairs = read_pairs(netlist, options, nodal.only_resistances);
  if (nodal.only_resistances && nodal.pairs.empty()) {
    throw Error(fmt::format("{}: resistances of which pairs? (-network_pairs)", options.origin("network_results")));
  }
  constexpr double kLeast = 0.001;  // 7.7 million projections
  if (nodal.approximate > 0 && !nodal.only_resistances) {
    throw Error(fmt::format("{}: only resistances can be approximate (-network_results resistance)",
                            options.origin("network_approximate")));
  }
  if (nodal.approximate > 0 && nodal.approximate < kLeast) {
    throw Error(fmt::format("{} is {}: an error below {} would take more random projections than it takes pairs",
                            options.origin("network_approximate"), nodal.approximate, kLeast));
  }
  return nodal;
}

std::string network_hash(const Netlist& netlist, const NodePairs& pairs) {
  Hash hash;
  hash.add(fmt::format("network {} {}", netlist.nodes.size(), netlist.ground));
  add_elements(hash, netlist);
  for (const auto& [i, j] : pairs) hash.add(fmt::format("{} {}", i, j));
  return hash.text();
}

void describe(MPI_Comm comm, const std::string& input, const Netlist& netlist) {
  for (const auto& warning : netlist.warnings) {
    if (rank_of(comm) == 0) fmt::print(stderr, "warning: {}\n", warning);
  }
  say(comm, "network",
      fmt::format("{}: {}, {}, {}, {}{}", fs::path(input).filename().string(), counted(netlist.nodes.size(), "node"),
                  counted(netlist.resistors.size(), "resistor"), counted(netlist.voltages.size(), "voltage source"),
                  counted(netlist.currents.size(), "current source"), netlist.note.empty() ? "" : "; " + netlist.note));
  for (const auto& remark : netlist.remarks) say(comm, "", remark);
}

/// All that a solve of a network needs.
struct NetworkJob {
  Netlist netlist;
  NodalOptions options;
  ResolvedOptions resolved;
  std::string out;
  bool edges = false;  // pairs are all edges
  bool overwrite = false;
};

/// Where pairs are all edges: the sum of their resistances over those of the edges themselves, which is the number of
/// unknowns. (R. M. Foster, Reissner Anniversary Volume, 1949.)
double foster_sum(const Netlist& netlist, const NodalSolution& solution) {
  const auto& g = netlist.resistors.value;
  std::vector<double> terms;
  for (std::size_t k = 0; k < g.size(); ++k) {
    if (std::isfinite(g[k])) terms.push_back(g[k] * solution.pair_resistance[k]);
  }
  return pairwise_sum(terms);
}

std::string of_fields(const NodalSolution& solution) {
  const auto& r = solution.report;
  return fmt::format(
      "{} unknowns, {}, {} iterations; relative residual {:.1e}, potentials known to {:.1e}; of the potentials as "
      "stored: residual {:.1e} (their rounding alone may give {:.1e}), energy {:.1e}, KCL {:.1e} A",
      r.unknowns, counted(static_cast<std::size_t>(r.components), "component"), r.iterations, solution.refined_residual,
      r.potential_error_estimate, r.relative_residual, r.residual_floor, r.energy_relative_error, r.kcl_max_imbalance);
}

std::string of_resistances(const NetworkJob& read, const NodalSolution& solution) {
  const auto& r = solution.report;
  auto text = fmt::format("{} unknowns, {}; resistances of {} by {}", r.unknowns,
                          counted(static_cast<std::size_t>(r.components), "component"),
                          counted(read.options.pairs.size(), "pair"),
                          counted(static_cast<std::size_t>(solution.solves), "right-hand side"));
  if (solution.projections > 0) {
    text += fmt::format(": random projections, each resistance right to {:g} with a probability of {:g}",
                        read.options.approximate, solution.confidence);
  } else {
    text += fmt::format(", right to {:.1e} (bound); relative residual {:.1e}, KCL {:.1e} A", solution.resistance_error,
                        r.relative_residual, r.kcl_max_imbalance);
  }
  if (!read.edges) return text;
  const double sum = foster_sum(read.netlist, solution);
  return text + fmt::format("; Foster's sum of R / r over all edges: {:.12g} for {} unknowns", sum, r.unknowns);
}

/// @param netlist what rank 0 has read and shared.
NetworkJob network_job(const std::string& input, Netlist netlist) {
  const auto options = network_options();
  NetworkJob all;
  all.out = options.text("out");
  if (all.out.empty()) all.out = plain(input).stem().string();
  all.netlist = std::move(netlist);
  all.options = nodal_options(all.netlist, options);
  all.edges = means(options, "edges");
  all.overwrite = options.flag("overwrite");
  all.resolved = options.resolved();
  const auto* format = network_format(input);
  if (format->values && options.text("network_values").empty()) {
    all.resolved.set("network_values", *format->values == EdgeValues::conductance ? "conductance" : "resistance");
  }
  return all;
}

class NetworkPipeline final : public Pipeline {
 public:
  NetworkPipeline(MPI_Comm comm, const std::string& input, std::string command);

  std::vector<Stage> stages() override {
    return {{"solve", [this](const Asked&) { solve(); }}};
  }

 private:
  void solve();
  void describe_solution(const NodalSolution& solution) const;

  NetworkJob job_;
  double seconds_read_ = 0;
};

NetworkPipeline::NetworkPipeline(MPI_Comm comm, const std::string& input, std::string command)
    : Pipeline(comm, std::move(command)) {
  const double begin = wall_time();
  auto netlist = read_once(comm, input);
  job_ = agree(comm, [&] { return network_job(input, std::move(netlist)); });
  seconds_read_ = wall_time() - begin;
  const auto& pairs = job_.options.pairs;
  require_memory(comm, "solving the network", network_memory(job_.netlist, job_.options, size_of(comm)));
  open_folder(job_.out, fs::path(input).filename().string(), network_hash(job_.netlist, pairs), job_.resolved,
              job_.overwrite);
  describe(comm, input, job_.netlist);
}

/// solution.h5, which is made each time.
void NetworkPipeline::solve() {
  Artefact<bool> artefact{.stage = "solve"};
  artefact.make = [&](std::optional<bool>, ResultFolder::Stage&) {
    auto solution = solve_network(comm_, job_.netlist, job_.options);
    const auto path = folder().path("solution.h5");
    write_network(comm_, path, job_.netlist, job_.options.pairs, &solution, made_now());
    describe_solution(solution);
    say(comm_, "written",
        fmt::format("{}; read {:.3g} s, solve {:.3g} s, write {:.3g} s", path, seconds_read_,
                    solution.report.seconds_total, solution.report.seconds_write));
    return true;
  };
  bring(folder(), artefact, true);
}

void NetworkPipeline::describe_solution(const NodalSolution& solution) const {
  const auto& r = solution.report;
  say(comm_, "method", fmt::format("{}: {}", r.method, r.reason));
  say(comm_, "solve", job_.options.only_resistances ? of_resistances(job_, solution) : of_fields(solution));
  if (solution.undetermined > 0) {
    say(comm_, "sources",
        fmt::format("the currents of {} of 0 V or 0 ohm are not determined: they lie on loops of such elements",
                    counted(static_cast<std::size_t>(solution.undetermined), "element")));
  }
  constexpr std::size_t kShown = 10;
  for (std::size_t k = 0; k < std::min(kShown, job_.options.pairs.size()); ++k) {
    const auto [i, j] = job_.options.pairs[k];
    say(comm_, k == 0 ? "pairs" : "",
        fmt::format("{} - {}: {}", job_.netlist.nodes[static_cast<std::size_t>(i)],
                    job_.netlist.nodes[static_cast<std::size_t>(j)],
                    solution.pair_resistance[k] < 0 ? "not connected"
                                                    : fmt::format("{:.9g} ohm", solution.pair_resistance[k])));
  }
  if (job_.options.pairs.size() > kShown)
    say(comm_, "", fmt::format("and {} more", job_.options.pairs.size() - kShown));
}

}  // namespace

bool is_network(const std::string& file) { return network_format(file) != nullptr; }

void add_elements(Hash& hash, const Netlist& netlist) {
  for (const auto* b : {&netlist.resistors, &netlist.voltages, &netlist.currents}) {
    hash.add(std::span<const std::int64_t>(b->tail)).add(std::span<const std::int64_t>(b->head));
    hash.add(std::span<const double>(b->value)).add(";");
  }
}

std::unique_ptr<Pipeline> network_pipeline(MPI_Comm comm, const std::string& input, std::string command) {
  return std::make_unique<NetworkPipeline>(comm, input, std::move(command));
}

void convert(MPI_Comm comm, const std::string& input, const std::string& output) {
  Netlist netlist;
  if (is_network(input)) {
    netlist = read_once(comm, input);
  } else {
    const auto job = agree(comm, [&] { return read_job(input); });
    netlist = netlist_of(build_circuit(comm, job));
    netlist.origin = input;
  }
  describe(comm, input, netlist);
  const auto* format = network_format(output);
  if (format == nullptr) throw AgreedError(fmt::format("{}: a network ends in {}", output, network_extensions()));
  if (format->write == nullptr) {
    throw AgreedError(
        fmt::format("{}: a {} is only read; convert writes {}", output, format->name, network_extensions(true)));
  }
  if (plain(output) != fs::path(output)) {
    throw AgreedError(fmt::format("{}: written without compression only", output));
  }
  const auto resolved = fmt::format("network: {{origin: '{}'}}\n", fs::path(input).filename().string());
  const auto written = format->write(comm, output, netlist, provenance(comm, network_hash(netlist, {}), resolved));
  for (const auto& name : written) say(comm, "written", name);
}

}  // namespace kirchhoff
