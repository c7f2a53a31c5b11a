#!/usr/bin/env python3
"""Measures the circuits of data/bench by every method and writes docs/results/bench.md: bench_table.py [CASE ...]

Named cases are measured and put in their places in docs/results/bench.json; with none, all are. The table is then written
anew from the whole of that file; --write only writes it. The rules of `-solve_method auto` come from this table and are
held against it: the last columns are what auto chose, and its time over that of the best.
"""
import argparse
import json
import os
import re
import statistics
import sys

from bench_common import TOP, Failed, bench, cases, method_of, program, run

DATA = TOP / "docs" / "results" / "bench.json"
TABLE = TOP / "docs" / "results" / "bench.md"
# Columns besides the program's own methods: solve method and options of PETSc.
VARIANTS = {
    "CG + Jacobi": "-pc_type jacobi",
    "CG + BoomerAMG": "-pc_type hypre",
}
LONG = 3.0  # a method that has taken so long is not repeated [s]
DIRECT_EDGES = 1_000_000  # as `kirchhoff bench` has it


def known_methods():
    """The program's own list, auto first."""
    found = re.search(r"-solve_method .*\[([a-z|]+)\]", run([program(), "-help"], 60))
    return found[1].split("|")


def measure(case, args):
    """All figures of one case. Every method is a run of its own, so that one that takes too long ends alone."""
    options = ["-bench_seconds", str(LONG)]
    report = bench(case, args.ranks, "auto", args.repeats, args.timeout, options)
    edges = report["edges"]

    def entry(label, method, extra=()):
        try:
            one = bench(case, args.ranks, method, args.repeats, args.timeout, [*options, *extra])
            return {**method_of(one, method), "name": label}
        except Failed as failure:
            return {"name": label, "not_done": str(failure)}

    for method in known_methods()[1:]:
        if method == "direct" and edges > DIRECT_EDGES:
            report["methods"].append({"name": method, "not_done": f"left out above {DIRECT_EDGES} edges"})
            continue
        report["methods"].append(entry(method, method))
    report["variants"] = {name: entry(name, "krylov", extra.split()) for name, extra in VARIANTS.items()
                          if report["family"] != "dense" or "hypre" not in extra}  # whose matrix is never stored
    print(f"{case.stem}: {report['unknowns']:,} unknowns, {edges:,} edges, {args.ranks} ranks", file=sys.stderr,
          flush=True)
    return report


def seconds_of(entry):
    return None if entry is None or "not_done" in entry else entry["seconds"]["solution"]["median"]


def write(data):
    reports = data["circuits"]
    methods = []
    for report in reports.values():
        methods += [m["name"] for m in report["methods"] if m["name"] not in methods]
    columns = [m for m in methods if m != "auto"] + list(VARIANTS)
    lines = [
        "# Methods on circuits",
        "",
        "Made by `scripts/bench_table.py` from the circuits in data/bench; the script leaves all figures in bench.json. Seconds from the circuit",
        f"to its potentials (assembly, set-up and solve; medians), to a true relative residual of {data['tolerance']:g} or the rounding floor, on "
        f"{data['ranks']} rank{'s' if data['ranks'] > 1 else ''}.",
        f"Bandwidth by the triad: {min(r['triad_bytes_per_second'] for r in reports.values()) / 1e9:.1f} to "
        f"{max(r['triad_bytes_per_second'] for r in reports.values()) / 1e9:.1f} GB/s. "
        f"BLAS: {next(iter(reports.values()))['methods'][0].get('blas', '?').split(' ')[0]}. "
        f"Bold: the best. A dash: does not apply, left out for its size, or not done within {data['timeout']:g} s.",
        "",
        "| circuit | unknowns | edges | " + " | ".join(columns) + " | auto | chose | auto/best | triads |",
        "|---" * (len(columns) + 7) + "|",
    ]
    worst = 0.0
    for name, report in sorted(reports.items()):
        entries = {m["name"]: m for m in report["methods"]} | report["variants"]
        automatic = entries["auto"]
        times = {c: seconds_of(entries.get(c)) for c in columns}
        known = [t for t in times.values() if t is not None]
        best = min(known)
        shown = ["-" if t is None else f"**{t:.3g}**" if t == best else f"{t:.3g}" for t in times.values()]
        # The method that auto chose was measured under its own name too: all its repeats count, or noise would pass for
        # a wrong choice.
        same = [m for c, m in entries.items() if times.get(c) is not None and m["method"] == automatic["method"]]
        auto_time = statistics.median(t for m in [automatic, *same] for t in m["seconds"]["solution"]["all"])
        others = [t for c, t in times.items() if t is not None and entries[c] not in same]
        ratio = auto_time / min([auto_time, *others])
        worst = max(worst, ratio)
        lines.append(f"| {name} | {report['unknowns']:,} | {automatic['edges']:,} | " + " | ".join(shown) +
                     f" | {auto_time:.3g} | {automatic['method']} | {ratio:.2f} | {automatic['triads']:.0f} |")
    lines += [
        "",
        f"The largest auto/best is {worst:.2f}. *triads*: auto's time over that of one triad a = b + s c on vectors of that many unknowns, at the bandwidth",
        "measured in the same run: how often the unknowns could have been streamed through the processor.",
        "",
    ]
    TABLE.write_text("\n".join(lines))
    print(f"wrote {TABLE.relative_to(TOP)}: {len(reports)} circuits, largest auto/best {worst:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9, help="of methods that take less than 3 s together")
    parser.add_argument("--timeout", type=float, default=20, help="seconds for a method, start and building the circuit included")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    args = parser.parse_args()
    DATA.parent.mkdir(parents=True, exist_ok=True)
    data = json.loads(DATA.read_text()) if DATA.exists() else {"ranks": args.ranks, "tolerance": 1e-12, "timeout": args.timeout, "circuits": {}}
    if not args.write:
        if not args.case:
            data["circuits"] = {}
        if data["circuits"] and data["ranks"] != args.ranks:
            sys.exit(f"error: {DATA} is of {data['ranks']} ranks")
        data["ranks"] = args.ranks
        data["timeout"] = args.timeout
        for case in cases(args.case):
            try:
                data["circuits"][case.stem] = measure(case, args)
            except Failed as failure:
                sys.exit(f"error: {case.stem}: {failure}")
            temporary = DATA.with_suffix(".json.tmp")
            temporary.write_text(json.dumps(data, indent=1) + "\n")
            os.replace(temporary, DATA)
    write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
