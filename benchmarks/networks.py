#!/usr/bin/env python3
"""Networks of all kinds: what `auto` chooses, and how long each solver takes: networks.py [NAME ...]

Makes each graph (NumPy), has the program solve it on one rank for one pair and for ten, and prints the processor's seconds
(without those of reading the graph, so that other programs on the machine count little) and the peak memory for auto and
for each other way, in a table for docs/networks.md. A solver that takes more than LIMIT seconds, or fails, is a dash.
KIRCHHOFF names the program (build/release/kirchhoff).
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import h5py
import numpy as np

LIMIT = 40  # s
PROGRAM = os.path.abspath(os.environ.get("KIRCHHOFF", "build/release/kirchhoff"))
WAYS = {
    "auto": [],
    "jacobi": ["-solve_method", "krylov", "-pc_type", "jacobi"],
    "BoomerAMG": ["-solve_method", "krylov"],
    "CHOLMOD": ["-solve_method", "direct"],
}


def grid(*shape):
    index = np.arange(np.prod(shape)).reshape(shape)
    ends = [(np.take(index, range(n - 1), axis).ravel(), np.take(index, range(1, n), axis).ravel()) for axis, n in enumerate(shape)]
    return np.concatenate([a for a, _ in ends]), np.concatenate([b for _, b in ends])


def largest_part(tail, head):
    """Edges of the largest connected part."""
    label = np.arange(max(tail.max(), head.max()) + 1)
    while True:
        low = np.minimum(label[tail], label[head])
        before = label.copy()
        np.minimum.at(label, tail, low)
        np.minimum.at(label, head, low)
        label = label[label]
        if np.array_equal(label, before):
            break
    keep = label[tail] == np.bincount(label).argmax()
    return tail[keep], head[keep]


def regular(rng, n, degree):
    """Random permutations: each node has `degree` edges, loops left out."""
    tail = np.tile(np.arange(n), degree // 2)
    head = np.concatenate([rng.permutation(n) for _ in range(degree // 2)])
    keep = tail != head
    return tail[keep], head[keep]


def scale_free(rng, n, m):
    """Preferential attachment (Barabasi, Albert): an end of a random earlier edge is met in proportion to degrees."""
    ends = np.empty(2 * m * n, dtype=np.int64)
    ends[: 2 * m] = np.repeat(np.arange(m), 2)
    size = 2 * m
    tail, head = [], []
    for node in range(m, n):
        for other in ends[rng.integers(0, size, m)]:
            tail.append(node)
            head.append(other)
        ends[size : size + m] = head[-m:]
        ends[size + m : size + 2 * m] = node
        size += 2 * m
    return largest_part(np.array(tail), np.array(head))


def small_world(rng, n, k, share):
    """A ring of k neighbours on each side of which a share is led elsewhere (Watts, Strogatz)."""
    tail = np.tile(np.arange(n), k)
    head = np.concatenate([(np.arange(n) + step) % n for step in range(1, k + 1)])
    far = rng.random(tail.size) < share
    head[far] = rng.integers(0, n, far.sum())
    keep = tail != head
    return tail[keep], head[keep]


def percolation(rng, n, share):
    tail, head = grid(n, n)
    keep = rng.random(tail.size) < share
    return largest_part(tail[keep], head[keep])


def tree(rng, n):
    """A random recursive tree."""
    return np.arange(1, n), (rng.random(n - 1) * np.arange(1, n)).astype(np.int64)


def roads(rng, n):
    """A thinned grid whose edges are broken by nodes of degree two."""
    tail, head = percolation(rng, n, 0.7)
    middle = np.arange(tail.size) + n * n
    return np.concatenate([tail, middle]), np.concatenate([middle, head])


def mesh(rng, n):
    """Nodes at random in a square, joined to their neighbours in a grid of buckets: a surface of triangles, nearly."""
    tail, head = grid(n, n)
    index = np.arange(n * n).reshape(n, n)
    turned = rng.random((n - 1, n - 1)) < 0.5
    a = np.where(turned, index[:-1, :-1], index[:-1, 1:]).ravel()
    b = np.where(turned, index[1:, 1:], index[1:, :-1]).ravel()
    return np.concatenate([tail, a]), np.concatenate([head, b])


def communities(rng, count, size, degree):
    """Random regular communities, few edges between them, as in social networks."""
    parts = [regular(rng, size, degree) for _ in range(count)]
    tail = np.concatenate([t + k * size for k, (t, _) in enumerate(parts)])
    head = np.concatenate([h + k * size for k, (_, h) in enumerate(parts)])
    a, b = rng.integers(0, count * size, (2, 4 * count))
    return np.concatenate([tail, a]), np.concatenate([head, b])


def power_grid(rng, n):
    """Two layers of wires, every fourth crossing a via."""
    wires, across = grid(n, n)
    first = np.arange(n * n).reshape(n, n)
    rows = (wires // n) == (across // n)
    vias = first[::4, ::4].ravel()
    tail = np.concatenate([wires[rows], wires[~rows] + n * n, vias])
    head = np.concatenate([across[rows], across[~rows] + n * n, vias + n * n])
    return largest_part(tail, head)


def spread(rng, edges, decades):
    return (*edges, 10 ** rng.uniform(-decades / 2, decades / 2, edges[0].size))


GRAPHS = {
    "grid 400 x 400": lambda rng: grid(400, 400),
    "grid 50 x 50 x 50": lambda rng: grid(50, 50, 50),
    "power grid, 2 x 300 x 300": lambda rng: power_grid(rng, 300),
    "roads, 100,000 nodes": lambda rng: roads(rng, 250),
    "mesh of triangles, 300 x 300": lambda rng: mesh(rng, 300),
    "percolation 500 x 500, 0.55": lambda rng: percolation(rng, 500, 0.55),
    "random tree, 100,000 nodes": lambda rng: tree(rng, 100_000),
    "random 4-regular, 20,000": lambda rng: regular(rng, 20_000, 4),
    "random 4-regular, 4,000": lambda rng: regular(rng, 4_000, 4),
    "random 6-regular, 100,000": lambda rng: regular(rng, 100_000, 6),
    "random 4-regular, 6 decades": lambda rng: spread(rng, regular(rng, 20_000, 4), 6),
    "scale-free, 50,000": lambda rng: scale_free(rng, 50_000, 3),
    "small world, 50,000, 0.1": lambda rng: small_world(rng, 50_000, 3, 0.1),
    "small world, 50,000, 0.001": lambda rng: small_world(rng, 50_000, 3, 0.001),
    "communities, 50 x 1,000": lambda rng: communities(rng, 50, 1_000, 6),
}


def run(folder, *words):
    """Processor's seconds of the program, or None where it failed or took too long."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, timeout=10 * LIMIT,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)))
    except subprocess.TimeoutExpired:
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime if done.returncode == 0 else None


def solve(folder, way, pairs, reading):
    seconds = run(folder, "solve", "g.txt", "-network_pairs", pairs, "-network_duplicates", "parallel", "-out", "o", "-overwrite", *WAYS[way])
    if seconds is None:
        return None
    with h5py.File(folder / "o" / "solution.h5") as f:
        method = str(np.asarray(f.attrs["method"]).astype(str)).replace("preonly + cholesky (cholmod)", "CHOLMOD")
        return max(seconds - reading, 0.005), float(f.attrs["peak_memory_bytes"]), method


def main(names):
    print("| graph | nodes, edges | pairs | " + " | ".join(WAYS) + " | auto / best | auto took |")
    print("|---|---|---|" + "---|" * (len(WAYS) + 2))
    for name, make in GRAPHS.items():
        if names and not any(wanted in name for wanted in names):
            continue
        rng = np.random.default_rng(1)
        made = make(rng)
        tail, head = made[:2]
        value = made[2] if len(made) > 2 else np.ones(tail.size)
        nodes = np.unique(np.concatenate([tail, head]))
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            np.savetxt(folder / "g.txt", np.column_stack([tail, head, value]), fmt=["%d", "%d", "%.6g"])
            reading = run(folder, "convert", "g.txt", "g.h5", "-network_duplicates", "parallel") or 0
            for count in (1, 10):
                chosen = rng.choice(nodes, (count, 2), replace=False)
                np.savetxt(folder / "p.txt", chosen, fmt="%d")
                seen = {way: solve(folder, way, "p.txt", reading) for way in WAYS}
                best = min(each[0] for each in seen.values() if each)
                shown = [f"{each[0]:.2f} s, {each[1] / 1e9:.2f} GB" if each else "-" for each in seen.values()]
                auto = seen["auto"]
                if auto is None:
                    print(f"| {name} | {nodes.size}, {tail.size} | {count} | " + " | ".join(shown) + " | - | - |", flush=True)
                    continue
                print(f"| {name} | {nodes.size}, {tail.size} | {count} | " + " | ".join(shown) +
                      f" | {auto[0] / best:.2f} | {auto[2]} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
