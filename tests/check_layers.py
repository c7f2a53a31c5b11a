#!/usr/bin/env python3
"""Checks who includes whom: check_layers.py SOURCE_DIR prints a line for each breach and exits with 1.

A file may include what its own layer or one above it (a lower number) offers, public headers and private ones alike.
This table is the only place where the layers are written down for the machine; CONTRIBUTING.md says what each of them
hides. With --self-test, breaks small trees on purpose and exits with 1 unless every breach is found.
"""

import pathlib
import re
import sys
import tempfile

# A word is a header in include/kirchhoff/, a folder of src/, or the stem of a file that lies in src/ itself. A file of a
# folder that has a word of its own (src/flow/walk.cpp) is of that word's layer, any other is of its folder's.
LAYERS = [
    "error hash memory memory_limit parallel petsc progress random session shared_pages stop text text_rows",
    "state_space distribution draws densities",
    "coupling nearest circuit netlist sorted_layer",
    "solve quotient superposition currents nodal",
    "flow model moves move_model",
    "supervision train walk walk_supervision walk_train neural_walk",
    "statistics validate compare_rows bench",
    "store report walk_report table",
]
APPS = len(LAYERS)
LAYER_OF = {word: layer for layer, words in enumerate(LAYERS) for word in words.split()}

# No public header includes a library that a module hides, and only that module's sources do.
HIDDEN = {
    re.compile(r"petsc.*"): ("solve", "quotient", "session", "petsc"),
    re.compile(r"(hdf5|H5).*"): ("store",),
    re.compile(r"fftw.*"): ("solve", "quotient"),
    re.compile(r"nanoflann.*"): ("nearest",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def words_of(path):
    """flow/walk.cpp -> walk, flow: the words that may give a file its layer, the first that is in the table counting."""
    return [path.stem, *reversed(path.parts[:-1])]


def layer_of(words):
    return next((LAYER_OF[word] for word in words if word in LAYER_OF), None)


def included(top, path, quoted, header):
    """The words of a header of ours; None for another's."""
    if header.startswith("kirchhoff/"):
        return [pathlib.PurePath(header).stem]
    if not quoted:
        return None
    for root in (top / "src", top / "apps", path.parent):
        if (root / header).is_file():
            return words_of((root / header).relative_to(top))
    return None


def breaches(top):
    public = top / "include" / "kirchhoff"
    for root in (public, top / "src", top / "apps"):
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".hpp", ".cpp")):
            place = path.relative_to(top)
            words = words_of(path.relative_to(root))
            layer = APPS if root.name == "apps" else layer_of(words)
            if layer is None:
                yield f"{place}:1: not in the table of layers in tests/check_layers.py"
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if root.name != "apps" and "session" not in words and "MPI_COMM_WORLD" in line.split("//")[0]:
                    yield f"{place}:{number}: names MPI_COMM_WORLD below apps/"
                match = INCLUDE.match(line)
                if not match:
                    continue
                header = match.group(2)
                other = included(top, path, match.group(1) == '"', header)
                theirs = 0 if other is None else APPS if "apps" in other else layer_of(other)
                if theirs is not None and theirs > layer:
                    yield f"{place}:{number}: {words[0]} (layer {layer}) includes {header} (layer {theirs})"
                for pattern, allowed in HIDDEN.items():
                    if pattern.fullmatch(header) and (root == public or set(words).isdisjoint(allowed)):
                        yield f"{place}:{number}: includes {header}, which {' and '.join(allowed)} hide"


# A tree that holds, and files that break it, each with a part of the line that must say so.
SOUND = {
    "include/kirchhoff/error.hpp": "#include <string>",
    "include/kirchhoff/solve.hpp": '#include "kirchhoff/error.hpp"',
    "include/kirchhoff/store.hpp": '#include "kirchhoff/solve.hpp"',
    "src/petsc.hpp": "#include <petscsys.h>",
    "src/solve/krylov.hpp": '#include "petsc.hpp"',
    "src/solve/solve.cpp": '#include "solve/krylov.hpp"',
    "src/store/hdf5.hpp": "#include <hdf5.h>",
    "src/flow/walk.cpp": '#include "solve/krylov.hpp"  // a lower layer: MPI_COMM_WORLD is not named',
    "apps/job.hpp": '#include "kirchhoff/store.hpp"',
    "apps/main.cpp": '#include "job.hpp"\nMPI_COMM_WORLD',
}
BROKEN = [
    ("include/kirchhoff/error.hpp", '#include "kirchhoff/solve.hpp"', "includes kirchhoff/solve.hpp (layer 3)"),
    ("include/kirchhoff/solve.hpp", "#include <petscksp.h>", "includes petscksp.h"),
    ("include/kirchhoff/new.hpp", "", "not in the table"),
    ("src/new.cpp", "", "not in the table"),
    ("src/solve/reader.cpp", '#include "store/hdf5.hpp"', "includes store/hdf5.hpp (layer 7)"),
    ("src/solve/krylov.hpp", '#include "kirchhoff/store.hpp"', "includes kirchhoff/store.hpp (layer 7)"),
    ("src/petsc.hpp", '#include "solve/krylov.hpp"', "includes solve/krylov.hpp (layer 3)"),
    ("src/densities.hpp", '#include "solve/krylov.hpp"', "includes solve/krylov.hpp (layer 3)"),
    ("src/flow/flow.cpp", "#include <H5public.h>", "includes H5public.h"),
    ("src/store/store.cpp", '#include "job.hpp"', "includes job.hpp (layer 8)"),
    ("src/store/store.cpp", "int f() { return MPI_COMM_WORLD; }", "names MPI_COMM_WORLD"),
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
