#!/usr/bin/env python3
"""Rasters of growing size: the processor's seconds and memory of a pairwise job: rasters.py [--points K] [--ranks N] [SIDE ...]

Makes a landscape of SIDE x SIDE cells (NumPy): resistances of a smooth random surface between 1 and 100 with a tenth of the
cells without data, and K focal points; has the program solve all pairs with a cumulative map of currents, and prints a row
for the table of docs/rasters.md. KIRCHHOFF names the program (build/release/kirchhoff). --keep DIR keeps the files.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import h5py
import numpy as np

PROGRAM = os.path.abspath(os.environ.get("KIRCHHOFF", "build/release/kirchhoff"))


def surface(rng, side):
    """Random numbers smoothed at several scales, from 0 to 1."""
    field = np.zeros((side, side), np.float32)
    step = side
    weight = 1.0
    while step > 1:
        coarse = rng.standard_normal((side // step + 2, side // step + 2)).astype(np.float32)
        at = np.arange(side) / step
        low = at.astype(int)
        share = (at - low).astype(np.float32)
        rows = coarse[low] * (1 - share)[:, None] + coarse[low + 1] * share[:, None]
        field += weight * (rows[:, low] * (1 - share) + rows[:, low + 1] * share)
        step //= 4
        weight *= 0.6
    field -= field.min()
    return field / field.max()


def make(folder, side, points):
    rng = np.random.default_rng(side)
    resistance = np.round(100 ** surface(rng, side), 2)
    resistance[surface(rng, side) < np.float32(0.25)] = -9999
    with open(folder / "landscape.asc", "w", encoding="utf-8") as file:
        file.write(f"ncols {side}\nnrows {side}\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n")
        for row in resistance:
            file.write(" ".join("%g" % value for value in row) + "\n")
    cells = np.argwhere(resistance > 0)
    chosen = cells[np.linspace(0, len(cells) - 1, points).astype(int)]
    with open(folder / "points.txt", "w", encoding="utf-8") as file:
        for number, (row, column) in enumerate(chosen, 1):
            file.write(f"{number} {column + 0.5} {side - row - 0.5}\n")
    (folder / "job.ini").write_text(
        "data_type = raster\nscenario = pairwise\nhabitat_file = landscape.asc\npoint_file = points.txt\noutput_file = job.out\n"
        "connect_using_avg_resistances = True\nwrite_cur_maps = True\nwrite_cum_cur_map_only = True\n", encoding="utf-8")
    return len(cells)


def measure(folder, side, points, ranks, options):
    cells = make(folder, side, points)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    launch = [] if ranks == 1 else ["mpiexec", "-n", str(ranks)]
    done = subprocess.run([*launch, PROGRAM, "solve", str(folder / "job.ini"), "-out", str(folder / "out"), "-overwrite", *options],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("error")] or done.stderr.splitlines()[-1:] or [""]
        return f"| {side} x {side} | {cells:,} | {points} | {ranks} | ended after {seconds:.0f} s: {said[0]} |"
    with h5py.File(folder / "out/solution.h5") as file:
        a = file.attrs
        return (f"| {side} x {side} | {cells:,} | {points} | {ranks} | {seconds:.1f} | {a['peak_memory_bytes'] / 1e9:.2f} | "
                f"{a['method']}, {a['iterations']} | {a['refined_residual']:.0e} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sides", nargs="*", type=int, default=[300, 1000])
    parser.add_argument("--points", type=int, default=5)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--keep")
    parser.add_argument("--options", default="", help="options of the program")
    o = parser.parse_args()
    print("| raster | cells with data | points | ranks | seconds of the processor | GB | method, iterations | residual |\n|---|---|---|---|---|---|---|---|")
    for side in o.sides:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(o.keep or scratch)
            folder.mkdir(parents=True, exist_ok=True)
            print(measure(folder, side, o.points, o.ranks, o.options.split()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
