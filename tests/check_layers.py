#!/usr/bin/env python3
"""Checks who includes whom: check_layers.py SOURCE_DIR prints a line for each breach and exits with 1.

A file may include what its own layer or one above it (a lower number) offers. This table is the only place where the
layers are written down for the machine; CONTRIBUTING.md says what each of them hides.
"""

import pathlib
import re
import sys

LAYERS = [
    "error hash parallel progress random session text",
    "state_space distribution draws",
    "coupling nearest circuit netlist",
    "solve quotient superposition currents nodal",
    "flow model moves move_model",
    "supervision train walk walk_supervision walk_train neural_walk",
    "statistics validate compare_rows bench",
    "store report walk_report table",
]
APPS = len(LAYERS)
LAYER_OF = {module: layer for layer, modules in enumerate(LAYERS) for module in modules.split()}

# No public header includes a library that a module hides, and only that module's sources do.
HIDDEN = {
    re.compile(r"petsc.*"): ("solve", "quotient", "session", "petsc"),
    re.compile(r"(hdf5|H5).*"): ("store",),
    re.compile(r"fftw.*"): ("solve", "quotient"),
    re.compile(r"nanoflann.*"): ("nearest",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def module_of(path, root):
    """src/solve/krylov.cpp -> solve; src/flow/walk.cpp -> walk; src/densities.cpp -> None: a private file."""
    names = [path.stem, *(part for part in path.relative_to(root).parts[:-1])]
    return next((name for name in names if name in LAYER_OF), None)


def breaches(top):
    public = top / "include" / "kirchhoff"
    for root in (public, top / "src", top / "apps"):
        for path in sorted(p for p in root.rglob("*") if p.suffix in (".hpp", ".cpp")):
            place = path.relative_to(top)
            if root == public and path.stem not in LAYER_OF:
                yield f"{place}:1: not in the table of layers in tests/check_layers.py"
                continue
            module = module_of(path, root)
            layer = APPS if root.name == "apps" else LAYER_OF.get(module, APPS)
            owners = {path.stem, *path.relative_to(root).parts[:-1]}
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if root.name != "apps" and module != "session" and "MPI_COMM_WORLD" in line.split("//")[0]:
                    yield f"{place}:{number}: names MPI_COMM_WORLD below apps/"
                match = INCLUDE.match(line)
                if not match:
                    continue
                header = match.group(1)
                if header.startswith("kirchhoff/"):
                    other = pathlib.PurePath(header).stem
                    if LAYER_OF.get(other, 0) > layer:
                        yield f"{place}:{number}: {module} (layer {layer}) includes {other} (layer {LAYER_OF[other]})"
                for pattern, allowed in HIDDEN.items():
                    if pattern.fullmatch(header) and (root == public or owners.isdisjoint(allowed)):
                        yield f"{place}:{number}: includes {header}, which {' and '.join(allowed)} hide"


def main():
    top = pathlib.Path(sys.argv[1])
    found = list(breaches(top))
    print("\n".join(found) or "the layers hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
