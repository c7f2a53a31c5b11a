#!/usr/bin/env python3
"""Effective resistances of many pairs, beside SciPy: network_pairs.py [PAIRS ...]

Makes a grid of 316 x 316 nodes and random pairs of it, and prints seconds (of the wall and of the processor) and the peak memory of
the whole program, reading and writing included, and of SciPy's splu (permc_spec MMD_AT_PLUS_A, one right-hand side at a time and in
blocks of 64, set-up included and reading not), in the same run, with the largest difference of the two. Without SciPy its
rows are left out. KIRCHHOFF names the program (build/release/kirchhoff).
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

SIDE = 316
PROGRAM = os.path.abspath(os.environ.get("KIRCHHOFF", "build/release/kirchhoff"))
PEER = """
import resource, sys, time
import numpy as np, scipy.sparse as sparse, scipy.sparse.linalg as linalg
edges, pairs, block = np.load("edges.npy"), np.loadtxt("pairs.txt", dtype=int), int(sys.argv[1])
wall, processor = time.perf_counter(), time.process_time()
n = edges.max() + 1
ones = np.ones(len(edges))
i, j = edges.T
a = sparse.coo_matrix((np.r_[-ones, -ones, ones, ones], (np.r_[i, j, i, j], np.r_[j, i, i, j])), shape=(n, n)).tocsc()[1:, 1:]
factor = linalg.splu(a, permc_spec="MMD_AT_PLUS_A", options=dict(SymmetricMode=True))
found = []
for k in range(0, len(pairs), block):
    some = pairs[k:k + block]
    columns = range(len(some))
    b, x = np.zeros((2, n, len(some)))
    b[some[:, 0], columns] += 1
    b[some[:, 1], columns] -= 1
    x[1:] = factor.solve(b[1:])
    found.extend(x[some[:, 0], columns] - x[some[:, 1], columns])
print(time.perf_counter() - wall, time.process_time() - processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
np.save("peer.npy", found)
"""


def grid(side):
    index = np.arange(side * side).reshape(side, side)
    return np.concatenate([np.column_stack([index[:, :-1].ravel(), index[:, 1:].ravel()]),
                           np.column_stack([index[:-1].ravel(), index[1:].ravel()])])


def ours(folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run([PROGRAM, "solve", "grid.txt", "-network_values", "unit", "-network_pairs", "pairs.txt", "-network_results",
                    "resistance", "-out", "o", "-overwrite"], cwd=folder, check=True, capture_output=True)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with h5py.File(folder / "o" / "solution.h5") as f:
        figures = wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, float(f.attrs["peak_memory_bytes"])
        return figures, f["pair/resistance"][:], float(f.attrs["resistance_error"])


def peer(folder, block):
    done = subprocess.run([sys.executable, "-c", PEER, str(block)], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        print("no SciPy:", done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return None
    return [float(word) for word in done.stdout.split()], np.load(folder / "peer.npy")


def main(counts):
    print("| pairs | solver | wall, s | processor, s | GB | relative error |")
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(1)
    edges = grid(SIDE)
    for count in counts:
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            np.savetxt(folder / "grid.txt", edges, fmt="%d")
            np.save(folder / "edges.npy", edges)
            pairs = rng.integers(0, SIDE * SIDE, (count, 2))
            np.savetxt(folder / "pairs.txt", pairs[pairs[:, 0] != pairs[:, 1]], fmt="%d")
            row = "| {} | {} | {:.2f} | {:.2f} | {:.3f} | {} |"
            (wall, processor, memory), resistance, error = ours(folder)
            print(row.format(count, "kirchhoff", wall, processor, memory / 1e9, f"{error:.1e} (bound)"), flush=True)
            for block in (1, 64):
                found = peer(folder, block)
                if found is None:
                    break
                (wall, processor, memory), theirs = found
                off = np.abs(theirs / resistance - 1).max()
                print(row.format(count, f"splu, blocks of {block}", wall, processor, memory / 1e9, f"{off:.1e}"), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [300, 2000])
