#!/usr/bin/env python3
"""Other solvers on our circuit, in the same run: bench_peers.py CASE [--ranks N] [--repeats N] [--timeout S] ...

Every peer solves the same circuit to the same true relative residual ||b - A phi|| / ||b||, set-up included. A peer's time
is its set-up and solve, without the assembly of the matrix; ours is everything from the circuit to the potentials. We are
measured before and after the peers; the ratio is peer/ours by medians: above 1 we are faster.

Needs nothing but the program for PETSc's solvers; SciPy's need python3-scipy and python3-h5py, ngspice needs ngspice. What is
not installed is said and left out.
"""
import argparse
import os
import pathlib
import re
import statistics
import sys
import tempfile
import time

from bench_common import Failed, bench, cases, installed, method_of, mpi, program, run

# Peers by PETSc: name, solve method, options, options on several ranks where they differ.
PETSC = [
    ("CG + Jacobi", "krylov", "-ksp_type cg -pc_type jacobi", None),
    ("CG + ICC(0)", "krylov", "-ksp_type cg -pc_type icc -pc_factor_shift_type positive_definite",
     "-ksp_type cg -pc_type bjacobi -sub_pc_type icc -sub_pc_factor_shift_type positive_definite"),
    ("CG + GAMG", "krylov", "-ksp_type cg -pc_type gamg", None),
    ("CG + BoomerAMG", "krylov", "-ksp_type cg -pc_type hypre -pc_hypre_type boomeramg", None),
    ("CG + BoomerAMG, tuned", "krylov",
     "-ksp_type cg -pc_type hypre -pc_hypre_type boomeramg -pc_hypre_boomeramg_coarsen_type HMIS "
     "-pc_hypre_boomeramg_interp_type ext+i -pc_hypre_boomeramg_P_max 4 -pc_hypre_boomeramg_agg_nl 1", None),
    ("MUMPS, Cholesky", "direct", "", None),
]
SCIPY = ["SciPy CG + diagonal", "SciPy CG + ILU", "SciPy SuperLU"]
NGSPICE = "ngspice"


def scipy_peer(name, folder, tolerance, repeats):
    """Seconds of each repeat, and the worst true residual: runs as a process of its own (see main)."""
    import h5py
    import numpy as np
    import scipy.sparse as sparse
    import scipy.sparse.linalg as linalg

    with h5py.File(folder / "network.h5") as file:
        tail, head, g = (file[f"edge/{key}"][...] for key in ("tail", "head", "conductance"))
        names = [n.decode() if isinstance(n, bytes) else n for n in file["node/name"][...]]
    with h5py.File(folder / "solution.h5") as file:
        layers, states = file["potential"].shape
        b_layers = np.zeros((layers, states))
        b_layers[0] += file["source"][...]
        b_layers[-1] -= file["target"][...]
    vertices = {f"{l}_{x}": l * states + x for l in range(layers) for x in range(states)}
    place = np.array([vertices.get(n, -1) for n in names])
    wires = (place[tail] >= 0) & (place[head] >= 0) & (g > 0) & np.isfinite(g)
    i, j, g = place[tail][wires], place[head][wires], g[wires]
    n = layers * states
    w = sparse.coo_matrix((np.r_[g, g], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
    a = sparse.diags(np.asarray(w.sum(axis=1)).ravel()) - w
    b = b_layers.ravel()
    grounded = a[1:, 1:].tocsc()

    def cg(preconditioner):
        phi = np.zeros(n - 1)
        for _ in range(5):  # SciPy tests a residual of its own: go on from the true one
            r = b[1:] - grounded @ phi
            if np.linalg.norm(r) <= tolerance * np.linalg.norm(b):
                break
            step, _ = linalg.cg(grounded, r, M=preconditioner, tol=0, maxiter=20000,
                                atol=0.5 * tolerance * np.linalg.norm(b))
            phi += step
        return phi

    def diagonal():
        return cg(sparse.diags(1 / grounded.diagonal()))

    def ilu():
        factors = linalg.spilu(grounded, drop_tol=1e-3, fill_factor=5)
        return cg(linalg.LinearOperator(grounded.shape, factors.solve))

    def superlu():
        return linalg.splu(grounded, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(b[1:])

    solve = dict(zip(SCIPY, (diagonal, ilu, superlu)))[name]
    for _ in range(repeats):
        begin = time.perf_counter()
        phi = np.r_[0.0, solve()]
        seconds = time.perf_counter() - begin
        print(f"result {seconds} {np.linalg.norm(b - a @ phi) / np.linalg.norm(b)}", flush=True)


def timed_lines(output):
    found = [line.split()[1:] for line in output.splitlines() if line.startswith("result ")]
    return [float(s) for s, _ in found], max(float(r) for _, r in found)


def print_drop(folder):
    """The potential of the first vertex above that of the last [V], for ngspice to be held against."""
    import h5py

    with h5py.File(folder / "solution.h5") as file:
        layers, states = file["potential"].shape
        print(f"0_0 {layers - 1}_{states - 1} {file['potential'][0, 0] - file['potential'][-1, -1]}")


def ngspice_peer(folder, python, repeats, limit):
    """Wall time of the whole program, which has no timer as fine: it reads the netlist too. And how far off it is."""
    first, last, drop = run([python, __file__, "--drop", str(folder)], limit).split()
    text = (folder / "network.sp").read_text()
    deck = folder / "deck.sp"
    head, _, _ = text.rpartition(".end")
    deck.write_text((head or text) + ".options noacct\n.control\nset numdgt=12\nop\n"
                    f"print v({first})-v({last})\nquit\n.endc\n.end\n")
    seconds, worst = [], 0.0
    for _ in range(repeats):
        begin = time.perf_counter()
        output = run(["ngspice", "-b", str(deck)], limit, folder)
        seconds.append(time.perf_counter() - begin)
        found = re.search(r"^v\(.* = *(\S+)", output, re.M)
        if not found:
            raise Failed("no operating point: " + output.strip().splitlines()[-1])
        worst = max(worst, abs(float(found[1]) / float(drop) - 1))
        if sum(seconds) > limit:
            break
    return seconds, worst


def export(case, folder, ranks, tolerance, options, limit):
    """The circuit as a network and its solution, in files."""
    run([*mpi(ranks), program(), "solve", str(case), "-out", str(folder), "-solve_tolerance", str(tolerance), *options],
        limit)
    solution = (folder / "solution.h5").rename(folder / "keep.h5")
    for name in ("network.h5", "network.sp"):
        run([program(), "convert", str(case), str(folder / name), *options], limit)
    solution.rename(folder / "solution.h5")


def peers_of(case, args, options):
    """(name, seconds of repeats, residual, remark) one after the other."""
    limited = f"-bench_seconds {args.timeout / 2}".split()
    for name, method, single, several in PETSC:
        if not args.wanted(name):
            continue
        try:
            chosen = (several if several and args.ranks > 1 else single).split()
            report = bench(case, args.ranks, method, args.repeats, args.timeout, [*options, *chosen, *limited])
            entry = method_of(report, method)
            seconds = [a + b for a, b in zip(entry["seconds"]["setup"]["all"], entry["seconds"]["solve"]["all"])]
            yield name, seconds, entry["relative_residual"], f"{entry['method']}, {entry['iterations']} it."
        except Failed as failure:
            yield name, [], None, str(failure)
    outside = [n for n in [*SCIPY, NGSPICE] if args.wanted(n)]
    if not outside:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        try:
            export(case, folder, args.ranks, args.tolerance, options, args.timeout)
        except Failed as failure:
            for name in outside:
                yield name, [], None, f"no netlist: {failure}"
            return
        for name in outside:
            try:
                if name == NGSPICE:
                    if not installed("ngspice"):
                        raise Failed("not installed (apt-get install ngspice)")
                    seconds, off = ngspice_peer(folder, args.python, args.repeats, args.timeout)
                    yield name, seconds, None, f"whole program, reading included; potential from end to end off by {off:.0e}"
                    continue
                command = [args.python, __file__, "--scipy", name, str(folder), str(args.tolerance), str(args.repeats)]
                seconds, residual = timed_lines(run(command, args.timeout))
                yield name, seconds, residual, "one thread"
            except Failed as failure:
                missing = "ModuleNotFoundError" in str(failure)
                yield name, [], None, "not installed (apt-get install python3-scipy)" if missing else str(failure)


def ours_of(case, args, options):
    report = bench(case, args.ranks, "auto", args.repeats, args.timeout, options)
    return report, method_of(report, "auto")


def compare(case, args, options):
    print(f"## {case.stem}, {args.ranks} rank{'s' if args.ranks > 1 else ''}\n", flush=True)
    report, before = ours_of(case, args, options)
    results = []
    for result in peers_of(case, args, options):
        results.append(result)
        print(f"  measured {result[0]}", file=sys.stderr)
    again, after = ours_of(case, args, options)
    ours = before["seconds"]["solution"]["all"] + after["seconds"]["solution"]["all"]
    our_time = statistics.median(ours)
    bandwidths = [r["triad_bytes_per_second"] / 1e9 for r in (report, again)]
    print(f"{report['unknowns']:,} unknowns, {before['edges']:,} edges; triad {bandwidths[0]:.1f} and {bandwidths[1]:.1f} GB/s\n")
    print("| solver | median s | least..most | residual | peer/ours | |")
    print("|---|---|---|---|---|---|")
    print(f"| **kirchhoff** | {our_time:.3g} | {min(ours):.3g}..{max(ours):.3g} | {before['relative_residual']:.1e} | 1 | "
          f"{before['method']} |")
    best = None
    for name, seconds, residual, remark in results:
        if not seconds:
            print(f"| {name} | - | | | | {remark} |")
            continue
        median = statistics.median(seconds)
        ratio = median / our_time
        missed = residual is not None and residual > max(args.tolerance, before["residual_floor"])
        if not missed and (best is None or ratio < best[0]):
            best = (ratio, name)
        print(f"| {name} | {median:.3g} | {min(seconds):.3g}..{max(seconds):.3g} | "
              f"{'' if residual is None else f'{residual:.1e}'} | {ratio:.3g} | "
              f"{'misses the tolerance; ' if missed else ''}{remark} |")
    if best:
        print(f"\nbest peer: {best[1]}, {best[0]:.3g} times our time\n", flush=True)


def main():
    if sys.argv[1:2] == ["--drop"]:
        print_drop(pathlib.Path(sys.argv[2]))
        return 0
    if sys.argv[1:2] == ["--scipy"]:
        scipy_peer(sys.argv[2], pathlib.Path(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="+", help="a case, or the name of one in data/bench")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=60, help="seconds for a peer, all repeats together")
    parser.add_argument("--tolerance", type=float, default=1e-10, help="on the true relative residual")
    parser.add_argument("--peers", default="", help="only peers whose name has one of these words, e.g. gamg,mumps")
    parser.add_argument("--python", default=sys.executable, help="the python3 that has SciPy and h5py")
    args, options = parser.parse_known_args()
    words = [w for w in args.peers.lower().split(",") if w]
    args.wanted = lambda name: not words or any(w in name.lower() for w in words)
    if args.python == sys.executable and os.path.exists("/usr/bin/python3"):
        try:
            run([args.python, "-c", "import scipy, h5py"], 60)
        except Failed:
            args.python = "/usr/bin/python3"  # the system's has Debian's packages
    status = 0
    for case in cases(args.case):
        try:
            compare(case, args, ["-solve_tolerance", str(args.tolerance), *options])
        except Failed as failure:
            print(f"error: {case.stem}: {failure}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
