#!/usr/bin/env python3
"""Tells whether two builds of the program compute the same: same_bits.py OLD NEW [-only REGEX] [-ranks 1,2,3] [-jobs 2] [-keep DIR]

Runs small jobs of every coupling family, solve method, network head, supervision and file format with both programs, on 1, 2
and 3 ranks, and compares what they wrote: every dataset and attribute of every HDF5 file, report.json, training.csv and what
`convert` makes, bit for bit. What no build can repeat is left out: seconds, memory, versions and the hashes that contain them.
For whoever moves code: a change that should not change results prints `same` in every line.

OLD, NEW  two programs, for example one built from the commit before
-only     only the jobs whose name matches
-ranks    numbers of ranks (1,2,3); networks are solved on all of them, tables are read on all of them
-jobs     runs at a time (2)
-keep     leave the outputs in this folder

Exit status: 0 all the same; 1 something differs, named with the largest relative difference; 2 a job failed under OLD.
"""
import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

TINY = "space: {categories: 5, dimensions: 2}\nsource: {name: two_moons}\ntarget: {name: normal}\n"
NETWORK = "model: {hidden: [8, 8]}\n"
TRAIN = "train: {steps: 40, batch: 32, validate_every: 20, checkpoint_every: 20}\nsample: {count: 500}\n"
WALK = ("train: {supervision: walk, steps: 20, batch: 64, references: 64, validate_every: 10, checkpoint_every: 10}\n"
        "sample: {count: 200, paths: 8}\n")
SPICE = "* a network\nV1 in 0 10\nR1 in a 1k\nR2 a 0 2.2k\nR3 a b 1m\nI1 0 b 2m\nR4 b 0 330\nR5 b c 1e9\nR6 c 0 1e9\n.end\n"


def circuit(family, **keys):
    listed = {"family": family, "layers": 4, "resistance_same": 1, "resistance_change": 7} | keys
    return "circuit: {" + ", ".join(f"{k}: {v}" for k, v in listed.items()) + "}\n"


def whole(family, head="", **keys):
    return TINY + circuit(family, **keys) + NETWORK.replace("}", head + "}") + TRAIN


def jobs():
    """{name: (command, case text or input file, options)}; {data} is the folder of inputs."""
    table = {}

    def add(name, command, text, *options):
        table[name] = (command, text, options)

    # Families, with all that follows a solve.
    for family, keys in {"dense": {}, "hamming": {}, "lattice": {}, "nearest": {"neighbours": 4}}.items():
        add(f"run-{family}", "run", whole(family, **keys))
        add(f"run-{family}-schedule", "run", whole(family, **keys, resistance_change="[7, 3, 11, 5]"))
    add("run-blocks", "run", whole("blocks", group_coordinate=1, resistance_within=5))
    add("run-lattice-periodic", "run", whole("lattice", boundary="periodic"))
    add("run-lattice-current", "run", whole("lattice", head=", head: current"))
    add("run-nearest-current", "run", whole("nearest", head=", head: current", neighbours=4))
    add("run-nearest-embedding", "run", whole("nearest", neighbours=3, embedding="{data}/embedding.csv"))
    add("run-hamming-single", "run", whole("hamming", head=", precision: single"))
    add("run-file", "run", TINY + "circuit: {family: file, layers: 4, file: '{data}/edges.csv'}\n" + NETWORK + TRAIN)
    add("run-one-category", "solve", "space: {categories: 1, dimensions: 2}\nsource: {name: uniform}\ntarget: {name: uniform}\n"
        + circuit("lattice"))
    add("run-two-categories-periodic", "solve", "space: {categories: 2, dimensions: 3}\nsource: {name: uniform}\n"
        "target: {name: normal}\n" + circuit("lattice", boundary="periodic"))

    # Edges with resistances of their own, and every solve method.
    for family, keys in {"hamming": {}, "lattice": {}, "nearest": {"neighbours": 4}}.items():
        add(f"solve-{family}-spread", "solve", TINY + circuit(family, **keys, resistance_spread=0.7))
    add("solve-lattice-weights", "solve", TINY + circuit("lattice", file="'{data}/weights.csv'"))
    add("solve-lattice-periodic-spread", "solve", TINY + circuit("lattice", boundary="periodic", resistance_spread=0.4))
    for family in "dense", "hamming", "lattice":
        for method in "spectral", "krylov", "direct":
            add(f"solve-{family}-{method}", "solve", TINY + circuit(family), "-solve_method", method)
    for method in "krylov", "direct":
        add(f"solve-lattice-spread-{method}", "solve", TINY + circuit("lattice", resistance_spread=0.7), "-solve_method", method)
    for family in "dense", "hamming", "lattice":
        add(f"solve-{family}-unequal", "solve", TINY + circuit(family, resistance_change="1e6", layers=7))
        add(f"solve-{family}-same-terminals", "solve", TINY.replace("name: normal", "name: two_moons") + circuit(family))

    # Supervisions.
    add("run-monte_carlo", "run", TINY + circuit("dense") + NETWORK + TRAIN.replace("{steps", "{supervision: monte_carlo, steps"))
    add("run-monte_carlo-few", "run", TINY.replace("categories: 5", "categories: 12") + circuit("hamming") + NETWORK
        + TRAIN.replace("{steps", "{supervision: monte_carlo, samples: 200, steps"))
    add("run-walk", "run", "space: {categories: 2, dimensions: 12}\ntarget: {file: '{data}/rows.csv', test_rows: 20}\n" + NETWORK + WALK)
    add("run-walk-draws", "run", "space: {categories: 2, dimensions: 32}\ntarget: {name: two_spirals}\n" + NETWORK
        + WALK.replace(", paths: 8", ", paths: 0"))
    add("run-walk-order", "run", "space: {categories: 9, dimensions: 3}\ntarget: {name: normal}\n" + NETWORK + WALK)
    add("run-walk-likelihood", "run", "space: {categories: 2, dimensions: 24}\ntarget: {file: '{data}/wide.csv', test_rows: 20}\n"
        + NETWORK + WALK)

    # Tables as terminals.
    for name in ("mass.npy", "mass.h5", "mass.txt", "samples.csv", "samples.npy", "samples.h5", "samples.csv.gz", "samples.csv.bz2"):
        dataset = ", dataset: mass" if name.startswith("mass") else ""
        add(f"table-{name}", "solve", TINY.replace("{name: normal}", "{file: '{data}/" + name + "'" + dataset + "}") + circuit("hamming"))

    # Networks, and the formats they are in.
    for name in "network.sp", "network.csv", "network.mtx", "network.h5":
        beside = name in ("network.csv", "network.mtx")  # the others hold their sources
        options = ("-network_sources", "{data}/sources.csv", "-network_grounds", "{data}/grounds.csv") if beside else ()
        add(f"network-{name}", "solve", "{data}/" + name, *options)
    add("network-pairs", "solve", "{data}/network.mtx", "-network_pairs", "{data}/pairs.csv")
    for ending in "csv", "mtx", "h5", "sp":
        add(f"convert-{ending}", "convert", TINY + circuit("lattice"), "{out}/network." + ending)
    return table


def write_inputs(data, program):
    """Small inputs of every format, always the same."""
    numbers = np.random.default_rng(1)
    states = 25
    mass = numbers.random(states) + 0.1
    mass /= mass.sum()
    np.save(data / "mass.npy", mass)
    np.savetxt(data / "mass.txt", mass, fmt="%.17g")
    rows = numbers.integers(0, 5, (200, 2))
    np.save(data / "samples.npy", rows)
    np.savetxt(data / "samples.csv", rows, fmt="%d", delimiter=",")
    with h5py.File(data / "mass.h5", "w") as file:
        file["mass"] = mass
    with h5py.File(data / "samples.h5", "w") as file:
        file["samples"] = rows
    for tool, ending in ("gzip", "gz"), ("bzip2", "bz2"):
        with open(data / f"samples.csv.{ending}", "wb") as packed:
            subprocess.run([tool, "-c", str(data / "samples.csv")], stdout=packed, check=True)
    np.savetxt(data / "rows.csv", numbers.integers(0, 2, (300, 12)), fmt="%d", delimiter=",")
    np.savetxt(data / "wide.csv", numbers.integers(0, 2, (300, 24)), fmt="%d", delimiter=",")
    np.savetxt(data / "embedding.csv", numbers.random((states, 3)), fmt="%.17g", delimiter=",")

    def edge_rows(joined):
        return [(layer, x, y, float(np.exp(numbers.normal()))) for layer in range(4) for x in range(states)
                for y in range(states) if joined(x, y)]

    def near(x, y):
        return x == y or abs(x // 5 - y // 5) + abs(x % 5 - y % 5) == 1

    np.savetxt(data / "weights.csv", edge_rows(near), fmt=["%d", "%d", "%d", "%.17g"], delimiter=",")
    np.savetxt(data / "edges.csv", edge_rows(lambda x, y: near(x, y) or (3 * x + y) % 7 == 0),
               fmt=["%d", "%d", "%d", "%.17g"], delimiter=",")

    (data / "network.sp").write_text(SPICE)
    edges = [(i, j, 0.5 + numbers.random()) for i in range(12) for j in range(i) if (i + j) % 3 == 0 or i == j + 1]
    (data / "network.csv").write_text("source,target,resistance\n" + "".join(f"{i},{j},{1 / g:.17g}\n" for i, j, g in edges))
    (data / "network.mtx").write_text(f"%%MatrixMarket matrix coordinate real symmetric\n12 12 {len(edges)}\n"
                                      + "".join(f"{i + 1} {j + 1} {g:.17g}\n" for i, j, g in edges))
    (data / "sources.csv").write_text("1,1.5\n5,-0.5\n")
    (data / "grounds.csv").write_text("11,0\n3,2\n")
    (data / "pairs.csv").write_text("1,5\n10,11\n2,3\n")
    # Only the program writes networks in HDF5.
    subprocess.run([program, "convert", data / "network.sp", data / "network.h5"], check=True, capture_output=True)


# What two runs of one program do not repeat.
UNREPEATABLE = re.compile(r"(seconds|per_second|memory|version|_s$|bytes_per|seconds_.*|blas|petsc|hostname)")


def differing(path, old, new, found):
    """Walks two trees of plain values; adds 'path: old, new' for what differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(set(old) | set(new)):
            if UNREPEATABLE.search(key):
                continue
            if key not in old or key not in new:
                found.append(f"{path}/{key} stands in {'OLD' if key in old else 'NEW'} only")
            else:
                differing(f"{path}/{key}", old[key], new[key], found)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for k, (a, b) in enumerate(zip(old, new)):
            differing(f"{path}[{k}]", a, b, found)
    elif repr(old) != repr(new):
        found.append(f"{path}: {old!r}, {new!r}")


def contents(path):
    """{name: array} of all datasets and attributes."""
    found = {}

    def visit(name, item):
        found.update({f"{name}@{key}": np.asarray(value) for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = item[...]

    with h5py.File(path) as file:
        visit("", file)
        file.visititems(visit)
    return found


def same_array(name, old, new, found):
    old, new = np.asarray(old), np.asarray(new)
    if old.dtype != new.dtype or old.shape != new.shape:
        found.append(f"{name}: {old.dtype}{old.shape}, {new.dtype}{new.shape}")
    elif old.dtype.names:
        for field in old.dtype.names:
            if not UNREPEATABLE.search(field):
                same_array(f"{name}.{field}", old[field], new[field], found)
    elif old.dtype.hasobject:
        if old.tolist() != new.tolist():
            found.append(f"{name}: {old.tolist()!r}, {new.tolist()!r}"[:300])
    elif name.endswith(":history") and old.ndim == 2:  # (validations, step seconds loss ...)
        same_array(f"{name} without seconds", np.delete(old, 1, axis=1), np.delete(new, 1, axis=1), found)
    elif old.tobytes() != new.tobytes():
        if old.dtype.kind == "f":
            scale = np.max(np.abs(old), initial=0) or 1
            found.append(f"{name}: off by {np.max(np.abs(old - new)) / scale:.1e} of the largest")
        else:
            found.append(f"{name} differs")


def compare(old, new):
    """What differs between two folders of outputs."""
    found = []
    names = {f.relative_to(root) for root in (old, new) for f in root.rglob("*") if f.is_file()}
    for name in sorted(names):
        a, b = old / name, new / name
        if not (a.exists() and b.exists()):
            found.append(f"{name} was written by {'OLD' if a.exists() else 'NEW'} only")
        elif name.suffix == ".h5":
            first, second = contents(a), contents(b)
            for key in sorted(set(first) | set(second)):
                if UNREPEATABLE.search(key.rsplit("@", 1)[-1].rsplit("/", 1)[-1]):
                    continue
                if key not in first or key not in second:
                    found.append(f"{name}:{key} stands in {'OLD' if key in first else 'NEW'} only")
                else:
                    same_array(f"{name}:{key}", first[key], second[key], found)
        elif name.name == "report.json":
            differing(str(name), json.loads(a.read_text()), json.loads(b.read_text()), found)
        elif name.name == "training.csv":
            first, second = (list(csv.DictReader(f.open())) for f in (a, b))
            differing(str(name), first, second, found)
        elif name.suffix in (".csv", ".mtx", ".sp") and a.read_bytes() != b.read_bytes():
            found.append(f"{name} differs")
    return found, len(names)


def run(program, ranks, job, data, out):
    command, text, options = job
    out.mkdir(parents=True)
    case = text.replace("{data}", str(data))
    if "\n" in text:
        (out.parent / f"{out.name}.yaml").write_text(case)
        case = str(out.parent / f"{out.name}.yaml")
    filled = [o.replace("{data}", str(data)).replace("{out}", str(out)) for o in options]
    line = [*(["mpiexec", "-n", str(ranks)] if ranks > 1 else []), str(program), command, case]
    line += filled if command == "convert" else [*filled, "-out", str(out)]
    done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    return done.returncode, (done.stderr.strip() or done.stdout.strip() or "-").splitlines()[-1]


def environment(source):
    """What scripts/env.sh sets."""
    for line in (source / "scripts" / "env.sh").read_text().splitlines():
        if line.startswith("export "):
            name, _, value = line[len("export "):].partition("=")
            os.environ.setdefault(name, value)
    os.environ.pop("PETSC_OPTIONS", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], add_help=True)
    parser.add_argument("old", type=lambda p: pathlib.Path(p).absolute())
    parser.add_argument("new", type=lambda p: pathlib.Path(p).absolute())
    parser.add_argument("-only", default="")
    parser.add_argument("-ranks", default="1,2,3")
    parser.add_argument("-jobs", type=int, default=2)
    parser.add_argument("-keep", type=lambda p: pathlib.Path(p).absolute())
    words = parser.parse_args()
    environment(pathlib.Path(__file__).resolve().parent.parent)
    work = words.keep or pathlib.Path(tempfile.mkdtemp(prefix="same_bits_"))
    data = work / "data"
    data.mkdir(parents=True)
    write_inputs(data, words.old)
    todo = [(name, ranks, job) for name, job in jobs().items() if re.search(words.only, name) for ranks in map(int, words.ranks.split(","))]

    def both(item):
        name, ranks, job = item
        folders = [work / which / f"{name}-np{ranks}" for which in ("old", "new")]
        ends = [run(program, ranks, job, data, folder) for program, folder in zip((words.old, words.new), folders)]
        if ends[0][0] != 0:
            return name, ranks, 2, [f"OLD failed: {ends[0][1]}"]
        if ends[1][0] != 0:
            return name, ranks, 1, [f"NEW failed: {ends[1][1]}"]
        found, files = compare(*folders)
        if ranks > 1 and "direct" in job[2]:  # messages of MUMPS come in any order, and so do its sums
            found = [line for line in found if "potential_error_estimate" not in line]
        if files == 0:
            return name, ranks, 2, ["nothing was written"]
        return name, ranks, 1 if found else 0, found or [f"same ({files} files)"]

    counts = {0: 0, 1: 0, 2: 0}
    with concurrent.futures.ThreadPoolExecutor(words.jobs) as pool:
        for name, ranks, verdict, lines in pool.map(both, todo):
            counts[verdict] += 1
            print(f"{name:32} {ranks} {'rank ' if ranks == 1 else 'ranks'}  {lines[0]}", flush=True)
            for line in lines[1:8]:
                print(f"{'':42} {line}")
            if len(lines) > 8:
                print(f"{'':42} and {len(lines) - 8} more")
    if not words.keep:
        shutil.rmtree(work)
    print(f"{counts[0]} runs the same, {counts[1]} different, {counts[2]} failed under OLD")
    return 2 if counts[2] or not todo else 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
