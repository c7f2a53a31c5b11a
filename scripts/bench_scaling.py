#!/usr/bin/env python3
"""Speed on several ranks against one, held against what memory allows: bench_scaling.py [CASE] [--ranks N] [options]

The triad a = b + s c is measured in each run on the same ranks; a solve that is bound by memory cannot gain more from ranks
than it does. The default case is the lattice of 1000 x 1000 states and 21 layers. Runs on 1 and N ranks take turns.
"""
import argparse
import statistics
import sys
import tempfile
import pathlib

from bench_common import Failed, bench, cases, method_of

LARGE = """space:   {categories: 1000, dimensions: 2}
circuit: {family: lattice, layers: 20, resistance_same: 1, resistance_change: 10}
source:  {name: two_moons}
target:  {name: swiss_roll}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--timeout", type=float, default=300)
    args, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.case:
            case = cases([args.case])[0]
        else:
            case = pathlib.Path(folder) / "lattice_1000.yaml"
            case.write_text(LARGE)
        seconds, triads = {1: [], args.ranks: []}, {1: [], args.ranks: []}
        phases = {1: {}, args.ranks: {}}
        for _ in range(args.rounds):
            for ranks in (1, args.ranks):
                try:
                    report = bench(case, ranks, args.method, args.repeats, args.timeout, options)
                    entry = method_of(report, args.method)
                except Failed as failure:
                    sys.exit(f"error: {case.stem} on {ranks} ranks: {failure}")
                seconds[ranks] += entry["seconds"]["solution"]["all"]
                triads[ranks].append(report["triad_bytes_per_second"])
                for phase in ("assemble", "setup", "solve", "check", "total"):
                    phases[ranks].setdefault(phase, []).extend(entry["seconds"][phase]["all"])
    print(f"{case.stem}: {report['unknowns']:,} unknowns by {entry['method']}, medians of {len(seconds[1])}\n")
    print("| ranks | triad GB/s | assemble | set-up | solve | solution s | check | total s |")
    print("|---|---|---|---|---|---|---|---|")
    for ranks in (1, args.ranks):
        p = {name: statistics.median(values) for name, values in phases[ranks].items()}
        print(f"| {ranks} | {max(triads[ranks]) / 1e9:.2f} | {p['assemble']:.3g} | {p['setup']:.3g} | {p['solve']:.3g} | "
              f"{statistics.median(seconds[ranks]):.3g} | {p['check']:.3g} | {p['total']:.3g} |")
    gain = statistics.median(seconds[1]) / statistics.median(seconds[args.ranks])
    total = statistics.median(phases[1]["total"]) / statistics.median(phases[args.ranks]["total"])
    allowed = max(triads[args.ranks]) / max(triads[1])
    print(f"\nspeed-up {gain:.2f} (with checks {total:.2f}), the triad's {allowed:.2f}: "
          f"{gain / allowed:.2f} of what memory allows ({total / allowed:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
