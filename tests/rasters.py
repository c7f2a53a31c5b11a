#!/usr/bin/env python3
"""Holds Circuitscape's outputs of rasters against expected ones: rasters.py EXPECTED FOUND CASE[,CASE...] [TOLERANCE].

All files of EXPECTED that begin with CASE_ must be in FOUND (in FOUND/CASE, if there are several cases), with numbers that
differ by no more than TOLERANCE (absolute up to 1, relative above). Prints the largest difference; exits with 1 where something is missing or differs.
"""

import gzip
import pathlib
import sys


def numbers(path):
    """Header words in lower case, and the numbers of each row."""
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path, encoding="utf-8")
    header, rows = {}, []
    with opened as lines:
        for line in lines:
            words = line.split()
            if words and words[0][0].isalpha() and words[0].lower() != "nan":
                header[words[0].lower()] = float(words[1])
            elif words:
                rows.append([float(word) for word in words])
    return header, rows


def difference(expected, found):
    header, rows = numbers(expected)
    header_found, rows_found = numbers(found)
    if "branch_currents" in expected.name:  # an edge that is not there carries nothing
        edges, edges_found = ({tuple(row[:2]): row[2] for row in r} for r in (rows, rows_found))
        return max(abs(edges.get(e, 0.0) - edges_found.get(e, 0.0)) for e in edges.keys() | edges_found.keys())
    if [len(r) for r in rows] != [len(r) for r in rows_found]:
        return float("inf")
    worst = max((abs(value - header_found.get(key, float("inf"))) / max(1.0, abs(value)) for key, value in header.items()),
                default=0.0)
    for row, row_found in zip(rows, rows_found):
        for x, y in zip(row, row_found):
            worst = max(worst, abs(x - y) / max(1.0, abs(x)))
    return worst


def compare(expected, found, case, tolerance):
    """Whether all is there and as expected, which is printed."""
    files = sorted(expected.glob(case + "_*"))
    worst, wrong = 0.0, []
    for path in files:
        here = [p for p in (found / path.name, found / (path.name + ".gz")) if p.exists()]
        if not here:
            wrong.append(f"{path.name} is missing")
            continue
        gap = difference(path, here[0])
        worst = max(worst, gap)
        if not gap <= tolerance:
            wrong.append(f"{path.name} differs by {gap:.2e}")
    if not files:
        wrong.append("nothing is expected")
    print(f"{case}: {len(files)} files, largest difference {worst:.1e}" + "".join("\n  " + w for w in wrong))
    return not wrong


def main():
    expected, found, cases = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3].split(",")
    tolerance = float(sys.argv[4]) if len(sys.argv) > 4 else 1e-6
    right = [compare(expected, found / case if len(cases) > 1 else found, case, tolerance) for case in cases]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
