#!/usr/bin/env python3
"""Walk supervision with the shipped cases' settings, over several seeds, in one table.

    benchmarks/walk_table.py [--problems two_spirals,nltcs] [--seeds 0,1,2] [--out walk_table] [-- OPTIONS]

Problems are the seven 32-bit densities (data/cases/spirals32.yaml with another target) and nltcs (data/cases/nltcs_walk.yaml;
KIRCHHOFF_REFERENCE_DATA says where its rows are). Every seed of a problem is one run of `kirchhoff run` in a folder of its
own under --out; one that is finished is not done again. OPTIONS are handed to the program (-train_steps 2000).
Figures are mean +- half the distance between the largest and the smallest over the seeds: TV64 of 40,000 samples over that of
as many draws of the density (the floor), share of samples off the support, calls of the network a sample (moves and the
exit), exact log-likelihood of the test rows, training time. Needs build/release/kirchhoff (or --kirchhoff COMMAND).
"""

import argparse
import pathlib
import sys

from program_runs import TOP, add_arguments, report_of_run

DENSITIES = "two_spirals eight_gaussians circles two_moons pinwheel swiss_roll checkerboard".split()


def run(problem, seed, o):
    case = TOP / "data/cases" / ("nltcs_walk.yaml" if problem == "nltcs" else "spirals32.yaml")
    target = [] if problem == "nltcs" else ["-target_name", problem]
    report = report_of_run(problem, case, seed, pathlib.Path(o.out) / f"{problem}-{seed}", o, target)
    return report["sampling"]["neural"] | {"seconds": report["train"]["seconds"]}


def spread(values, digits):
    if any(v is None for v in values):
        return "-"
    return f"{sum(values) / len(values):.{digits}f} +- {(max(values) - min(values)) / 2:.{digits}f}"


def row(problem, runs):
    planar = problem != "nltcs"
    ratio = [r["tv64"] / r["noise_floor_tv64"] if planar else None for r in runs]
    off = [100 * r["off_support"] if planar else None for r in runs]
    return " | ".join(
        [
            f"| {problem}",
            str(len(runs)),
            spread([r["tv64"] for r in runs], 4),
            spread(ratio, 3),
            spread(off, 2),
            spread([r["mean_steps"] + 1 for r in runs], 2),
            spread([r["log_likelihood_test"] for r in runs], 4),
            spread([r["seconds"] for r in runs], 1) + " |",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", default=",".join([*DENSITIES, "nltcs"]))
    add_arguments(parser, seeds="0,1,2", out="walk_table")
    o = parser.parse_args()
    problems = o.problems.split(",")
    runs = {p: [] for p in problems}
    for seed in o.seeds.split(","):  # seed by seed: what is there after an hour is a whole table
        for p in problems:
            runs[p].append(run(p, seed, o))
            print(f"# seed {seed}: {row(p, runs[p][-1:])}", file=sys.stderr, flush=True)
    print("| problem | seeds | TV64 | TV64 / floor | off support % | calls | log-likelihood, test | training s |")
    print("|" + "---|" * 8)
    for p in problems:
        print(row(p, runs[p]))


if __name__ == "__main__":
    main()
