#include "kirchhoff/validate/bench.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "commands.hpp"
#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/files/text_file.hpp"
#include "kirchhoff/parallel/agree.hpp"
#include "kirchhoff/parallel/parallel.hpp"
#include "kirchhoff/parallel/session.hpp"
#include "kirchhoff/version.hpp"
#include "pipeline/artefact.hpp"
#include "pipeline/job.hpp"

namespace kirchhoff {

namespace {

void write_bench(const ResultFolder& folder, const Job& job, const Circuit& circuit, const std::string& command) {
  const auto comm = folder.comm();
  const auto report = bench_solve(comm, circuit, job.bench);
  agree(comm, [&] {
    if (rank_of(comm) != 0) return;
    const auto path = folder.path("bench.json");
    write_text_file(path, bench_json(report, {{"case", job.title},
                                              {"command", command},
                                              {"family", to_string(circuit.family())},
                                              {"problem_hash", folder.hash()},
                                              {"package_version", std::string(kVersion)},
                                              {"petsc", petsc_version()}}));
    put(fmt::format("{:<9} {:.2f} GB/s on {}: one triad over the unknowns takes {:.3g} s\n\n{}\n{:<9} {}\n", "triad",
                    report.triad_bytes_per_second / 1e9,
                    report.ranks == 1 ? "1 rank" : fmt::format("{} ranks", report.ranks), report.triad_seconds(),
                    bench_table(report), "bench", path));
  });
  if (report.best() == nullptr) throw AgreedError(fmt::format("{}: no method solved the circuit", job.title));
}

}  // namespace

void bench(MPI_Comm comm, const std::string& input, const std::string& command) {
  const auto job = agree(comm, [&] { return read_job(input); });
  if (job.supervision == "walk") {
    throw AgreedError("walk supervision solves no whole circuit: 'bench' times such solves (-train_supervision exact)");
  }
  MPI_Barrier(comm);
  const double begin = wall_time();
  const auto circuit = build_circuit(comm, job);
  const double seconds = all_max(comm, wall_time() - begin);
  say(comm, "circuit",
      fmt::format("{}: {} layers of {} states, {} vertices, {} edges ({}), built in {:.3g} s", job.title,
                  circuit.layers() + 1, circuit.states(), circuit.vertices(), circuit.edges(),
                  to_string(circuit.family()), seconds));

  ResultFolder folder(comm, job.out, {job.title, problem_hash(job, circuit), job.options}, command, job.overwrite);
  Artefact<bool> artefact{.stage = "bench"};
  artefact.make = [&](std::optional<bool>, ResultFolder::Stage&) {
    write_bench(folder, job, circuit, command);
    return true;
  };
  folder.run([&] { bring(folder, artefact, true); });
}

}  // namespace kirchhoff
