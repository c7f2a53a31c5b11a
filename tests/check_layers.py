#!/usr/bin/env python3
"""Checks who includes whom: check_layers.py SOURCE_DIR prints a line for each breach and exits with 1.

include/kirchhoff/ and src/ have the same folders, and a file may include what its own folder or one above it in this table
offers, public headers and private ones alike. This is the only place where the order is written down for the machine;
CONTRIBUTING.md says what each folder hides. With --self-test, breaks small trees on purpose and exits with 1 unless every
breach is found.
"""

import pathlib
import re
import sys
import tempfile

FOLDERS = [
    "base",
    "parallel",
    "states",
    "circuit/family",
    "circuit",
    "circuit/conditional",
    "currents",
    "solve/linear",
    "solve/multigrid",
    "solve/spectral",
    "solve",
    "solve/network",
    "raster",
    "flow",
    "learn/network",
    "learn/task",
    "learn",
    "learn/walk",
    "validate",
    "io/files",
    "io/hdf5",
    "io/table",
    "io/results",
    "io/network",
    "io/raster",
    "io/report",
    "pipeline",
    "apps",
]

# Libraries that a few folders hide. No public header includes them.
HIDDEN = {
    re.compile(r"petsc.*"): ("parallel", "circuit/conditional", "solve", "solve/linear", "solve/multigrid", "solve/spectral",
                             "solve/network"),
    re.compile(r"(hdf5|H5).*"): ("io/hdf5", "io/table", "io/results"),
    re.compile(r"fftw.*"): ("circuit/conditional", "solve/spectral"),
    re.compile(r"nanoflann.*"): ("circuit",),
    re.compile(r"Eigen/.*"): ("circuit/conditional", "learn/network", "validate"),
    re.compile(r"boost/.*"): ("solve/network",),
    re.compile(r"yaml.*"): ("pipeline",),
    re.compile(r"tiff.*"): ("io/raster",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def roots_of(top):
    """[(folder of the disk, what its files' folders begin with)]"""
    return [(top / "include" / "kirchhoff", ""), (top / "src", ""), (top / "apps", "apps")]


def folder_of(root, prefix, path):
    inner = path.parent.relative_to(root).as_posix()
    return "/".join(part for part in (prefix, inner) if part not in ("", "."))


def included(top, path, quoted, header):
    """The folder of a header of ours; None for another's."""
    if header.startswith("kirchhoff/"):
        return pathlib.PurePath(header).parent.relative_to("kirchhoff").as_posix()
    if not quoted:
        return None
    for root, prefix in (*roots_of(top)[1:], (path.parent, None)):
        if (root / header).is_file():
            found = (root / header).resolve()
            for of_root, of_prefix in roots_of(top):
                if found.is_relative_to(of_root.resolve()):
                    return folder_of(of_root.resolve(), of_prefix, found)
    return None


def breaches(top):
    public = top / "include" / "kirchhoff"
    seen = {}
    for root, prefix in roots_of(top):
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".hpp", ".cpp")):
            place = path.relative_to(top)
            folder = folder_of(root, prefix, path)
            if folder not in FOLDERS:
                yield f"{place}:1: '{folder or 'no folder'}' is not in the table of folders in tests/check_layers.py"
                continue
            seen.setdefault(root, {}).setdefault(folder, place)
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if folder not in ("parallel", "apps") and "MPI_COMM_WORLD" in line.split("//")[0]:
                    yield f"{place}:{number}: names MPI_COMM_WORLD, which is for parallel and apps"
                match = INCLUDE.match(line)
                if not match:
                    continue
                header = match.group(2)
                theirs = included(top, path, match.group(1) == '"', header)
                if theirs in FOLDERS and FOLDERS.index(theirs) > FOLDERS.index(folder):
                    yield f"{place}:{number}: {folder} includes {header} of {theirs}, which is below it"
                for pattern, allowed in HIDDEN.items():
                    if pattern.fullmatch(header) and (root == public or folder not in allowed):
                        yield f"{place}:{number}: includes {header}, which is hidden in {', '.join(allowed)}"
    for folder, place in seen.get(public, {}).items():
        if not (top / "src" / folder).is_dir():
            yield f"{place}:1: include/kirchhoff/{folder} has no src/{folder}"


# A tree that holds, and files that break it, each with a part of the line that must say so.
SOUND = {
    "include/kirchhoff/base/error.hpp": "#include <string>",
    "src/base/error.cpp": '#include "kirchhoff/base/error.hpp"',
    "include/kirchhoff/solve/solve.hpp": '#include "kirchhoff/base/error.hpp"',
    "include/kirchhoff/io/results/store.hpp": '#include "kirchhoff/solve/solve.hpp"',
    "src/io/results/store.cpp": '#include "io/hdf5/hdf5.hpp"',
    "src/parallel/petsc.hpp": "#include <petscsys.h>",
    "src/solve/linear/krylov.hpp": '#include "parallel/petsc.hpp"',
    "src/solve/solve.cpp": '#include "solve/linear/krylov.hpp"',
    "src/io/hdf5/hdf5.hpp": "#include <hdf5.h>",
    "src/flow/walk.cpp": '#include "solve/linear/krylov.hpp"  // above: MPI_COMM_WORLD is not named',
    "src/pipeline/job.hpp": '#include "kirchhoff/io/results/store.hpp"',
    "apps/main.cpp": '#include "pipeline/job.hpp"\nMPI_COMM_WORLD',
    "apps/commands.hpp": "",
}
BROKEN = [
    ("include/kirchhoff/base/error.hpp", '#include "kirchhoff/solve/solve.hpp"', "base includes kirchhoff/solve/solve.hpp of solve"),
    ("include/kirchhoff/solve/solve.hpp", "#include <petscksp.h>", "includes petscksp.h"),
    ("include/kirchhoff/new.hpp", "", "'no folder' is not in the table"),
    ("include/kirchhoff/flow/new/deep.hpp", "", "'flow/new' is not in the table"),
    ("include/kirchhoff/currents/currents.hpp", "", "has no src/currents"),
    ("src/new.cpp", "", "'no folder' is not in the table"),
    ("src/solve/reader.cpp", '#include "io/hdf5/hdf5.hpp"', "of io/hdf5, which is below it"),
    ("src/solve/linear/reader.cpp", '#include "../../io/hdf5/hdf5.hpp"', "of io/hdf5, which is below it"),
    ("src/solve/linear/krylov.hpp", '#include "kirchhoff/solve/solve.hpp"', "of solve, which is below it"),
    ("src/parallel/petsc.hpp", '#include "solve/linear/krylov.hpp"', "of solve/linear, which is below it"),
    ("src/flow/flow.cpp", "#include <H5public.h>", "includes H5public.h"),
    ("src/flow/flow.cpp", "#include <Eigen/Dense>", "includes Eigen/Dense"),
    ("src/io/hdf5/store.cpp", '#include "commands.hpp"', "of apps, which is below it"),
    ("src/io/hdf5/store.cpp", "int f() { return MPI_COMM_WORLD; }", "names MPI_COMM_WORLD"),
]


def found_in(files):
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        for name, text in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text + "\n", encoding="utf-8")
        return list(breaches(top))


def self_test():
    missed = [f"finds in a sound tree: {line}" for line in found_in(SOUND)]
    for name, text, expected in BROKEN:
        found = found_in(SOUND | {name: text})
        if len(found) != 1 or not found[0].startswith(f"{name}:1: ") or expected not in found[0]:
            missed.append(f"{name} with '{text}': {found}")
    return missed


def main():
    if sys.argv[1] == "--self-test":
        found, good = self_test(), f"{len(BROKEN)} broken trees are seen"
    else:
        found, good = list(breaches(pathlib.Path(sys.argv[1]))), "the layers hold"
    print("\n".join(found) or good)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
