#!/usr/bin/env bash
# Terminals that are equal, and states that are all but apart: solved by the default method, with the error it states.
. "$(dirname "$0")/common/lib.sh"

"$python" - <<'PYTHON'
import numpy
p = numpy.arange(1.0, 9.0)
numpy.save("p.npy", p / p.sum())
with open("edges.csv", "w") as file:
    file.write("l,x,y,conductance\n")
    for l in range(4):
        for x in range(8):
            file.write(f"{l},{x},{x},1\n{l},{x},{(x + 1) % 8},1e-12\n")
PYTHON
cat >lattice.yaml <<'YAML'
space: {categories: 8, dimensions: 1}
circuit: {family: lattice, layers: 4, resistance_same: 1, resistance_change: 1e4}
source: {file: p.npy, dataset: mass}
target: {file: p.npy, dataset: mass}
YAML
cat >apart.yaml <<'YAML'
space: {categories: 8, dimensions: 1}
circuit: {family: file, layers: 4, file: edges.csv}
source: {file: p.npy, dataset: mass}
target: {file: p.npy, dataset: mass}
YAML

for ranks in 1 2; do
  for name in lattice apart; do
    succeed "$ranks" solve "$name.yaml" -out "$name$ranks"
    grep -q 'potentials known to' log || fail "$name: the line of the solve does not say what is known of potentials"
    "$python" - "$name$ranks/solution.h5" <<'PYTHON' || fail "$name on $ranks ranks: the potentials are not right"
import sys
import h5py
import numpy
file = h5py.File(sys.argv[1])
phi, p = file["potential"][:], file["source"][:]
# With p = q nothing crosses between states: each carries its p through four resistors of 1 ohm, and on a reflecting
# lattice all states have the same conductances beside it, of which those at the ends lead to the state itself.
error = file.attrs["potential_error_estimate"]
assert 0 < error <= 1e-8, error
drop = phi[0] - phi[-1]
crosses = 1e-3 if "lattice" in sys.argv[1] else 1e-10  # a share of what goes along, at 1e4 and at 1e12 ohm
assert numpy.abs(drop / (4 * p) - 1).max() < crosses + error, drop / p
PYTHON
  done
done
