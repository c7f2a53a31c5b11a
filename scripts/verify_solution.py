#!/usr/bin/env python3
"""Checks a solution.h5 outside the program that wrote it: verify_solution.py FILE [FILE ...]

Only numpy, h5py and what stands in the file are used. A solution.h5 holds
    /potential  (L+1, N)  potential of state x on layer l [volt]
    /source     (N)       current p into layer 0, sum 1 [ampere]
    /target     (N)       current q out of layer L, sum 1 [ampere]
and as root attributes `options` (the case, YAML) and what the program found out about its own solution. With N = S^D
states in C order (coordinate 0 most significant), a potential has the shape (L+1, S, ..., S).

Layers l and l+1 are joined as `circuit: {family, boundary}` says, with conductance 1/r between equal states and 1/R
between different ones; r and R are one value or one for each layer pair:
    dense    every state with every state
    hamming  states that differ in at most one coordinate
    lattice  states of which one coordinate differs by at most 1. At the ends of the range, `reflecting` adds the 1/R
             of the neighbour that is missing to the edge between equal states; with `periodic` the ends are neighbours.
Ohm's law gives the current of every edge, g (phi_tail - phi_head), and these must hold:
    Kirchhoff's law   what leaves a vertex is what is put in:  A phi = b,  b = p on layer 0, -q on layer L
    energy            what the terminals put in is what the edges turn into heat:  b . phi = sum g (phi_tail - phi_head)^2

Exit status: 0 all is well; 1 a relative residual ||b - A phi|| / ||b|| above both the tolerance and the rounding floor
4 eps ||A|| ||phi|| / ||b||, or a relative energy error above 1e-10; 2 the file cannot be checked.
"""
import sys

import h5py
import numpy as np

ENERGY_LIMIT = 1e-10


def read_case(text):
    """The options of a case, {section_key: text or list of texts}: two levels of YAML, as the program writes them."""
    case, section = {}, ""
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        value = value.strip()
        if not line.startswith(" "):
            section = key
        if value:
            name = f"{section}_{key}" if line.startswith(" ") else key
            is_list = value.startswith("[")
            case[name] = [v.strip() for v in value[1:-1].split(",")] if is_list else value.strip("'")
    return case


def schedule(value, layers):
    """A resistance of each layer pair from one value or a list."""
    values = [float(v) for v in value] if isinstance(value, list) else [float(value)] * layers
    if len(values) != layers:
        raise ValueError(f"{len(values)} resistances for {layers} layer pairs")
    return values


class Balance:
    """Adds up, over all edges, the current that leaves each vertex and the heat."""

    def __init__(self, potential):
        self.potential = potential
        self.leaving = np.zeros_like(potential)
        self.heat = 0.0

    def edges(self, l, tail, head, conductance):
        """Edges from the states phi_l[tail] to phi_{l+1}[head], pair by pair; tail and head are index expressions."""
        drop = self.potential[l][tail] - self.potential[l + 1][head]
        self.leaving[l][tail] += conductance * drop
        self.leaving[l + 1][head] -= conductance * drop
        self.heat += np.sum(conductance * drop**2)

    def all_to_all(self, l, conductance):
        """Edges between all states of two layers, by closed sums: N^2 edges at the cost of N."""
        below, above = self.potential[l], self.potential[l + 1]
        n = below.size
        self.leaving[l] += conductance * n * (below - above.mean())
        self.leaving[l + 1] += conductance * n * (above - below.mean())
        drop = below.mean() - above.mean()
        self.heat += conductance * n * (np.sum((below - below.mean()) ** 2) + np.sum((above - above.mean()) ** 2))
        self.heat += conductance * (n * drop) ** 2


def shifted(shape, axis, by):
    """Index of the states whose coordinate `axis` is larger by `by`, around the end of the range."""
    return np.ix_(*[(np.arange(s) + (by if d == axis else 0)) % s for d, s in enumerate(shape)])


def part(dimensions, axis, piece):
    """Index of the states whose coordinate `axis` lies in a slice."""
    return tuple(piece if d == axis else slice(None) for d in range(dimensions))


def balance_of(potential, family, boundary, same, change):
    """Balance of the whole circuit, and for each layer pair what the conductances at one of its vertices sum to."""
    shape = potential.shape[1:]
    dimensions, n = len(shape), potential[0].size
    everywhere = tuple([slice(None)] * dimensions)
    periodic = boundary == "periodic" and shape[0] > 1
    missing = np.zeros(shape)  # neighbours beyond the ends of the range
    for axis in range(dimensions if not periodic else 0):
        missing[part(dimensions, axis, slice(0, 1))] += 1
        missing[part(dimensions, axis, slice(-1, None))] += 1
    balance = Balance(potential)
    row_sums = []
    for l, (r, R) in enumerate(zip(same, change)):
        if family == "dense":
            balance.all_to_all(l, 1 / R)
            balance.edges(l, everywhere, everywhere, 1 / r - 1 / R)  # on top of the 1/R that all edges have
            row_sums.append(1 / r + (n - 1) / R)
        elif family == "hamming":
            balance.edges(l, everywhere, everywhere, 1 / r)
            for axis, size in enumerate(shape):
                for by in range(1, size):
                    balance.edges(l, everywhere, shifted(shape, axis, by), 1 / R)
            row_sums.append(1 / r + sum(s - 1 for s in shape) / R)
        else:
            balance.edges(l, everywhere, everywhere, 1 / r + missing / R)
            for axis in range(dimensions):
                if periodic:
                    balance.edges(l, everywhere, shifted(shape, axis, 1), 1 / R)
                    balance.edges(l, everywhere, shifted(shape, axis, -1), 1 / R)
                else:
                    low, high = (part(dimensions, axis, piece) for piece in (slice(None, -1), slice(1, None)))
                    balance.edges(l, low, high, 1 / R)
                    balance.edges(l, high, low, 1 / R)
            row_sums.append(1 / r + 2 * dimensions / R)
    return balance, row_sums


def verify(path):
    """Prints what is found beside what the file says; whether all is well."""
    with h5py.File(path, "r") as file:
        claimed = dict(file.attrs)
        if claimed.get("kind") != "solution":
            raise ValueError("not a solution")
        phi, source, target = (file[name][...] for name in ("potential", "source", "target"))
    case = read_case(claimed["options"])
    family = case["circuit_family"]
    if family not in ("dense", "hamming", "lattice"):
        raise ValueError(f"family {family} cannot be rebuilt from the solution alone")
    categories, dimensions, layers = (int(case[k]) for k in ("space_categories", "space_dimensions", "circuit_layers"))
    same, change = (schedule(case[f"circuit_resistance_{k}"], layers) for k in ("same", "change"))
    shape = (categories,) * dimensions
    if phi.shape != (layers + 1, categories**dimensions):
        raise ValueError(f"/potential has shape {phi.shape}, which is not that of the case")

    potential = phi.reshape(layers + 1, *shape)
    b = np.zeros_like(potential)
    b[0] += source.reshape(shape)
    b[-1] -= target.reshape(shape)
    balance, row_sums = balance_of(potential, family, case.get("circuit_boundary"), same, change)
    residual = b - balance.leaving
    degrees = np.add([*row_sums, 0], [0, *row_sums])
    supplied = np.sum(b * potential)
    norm_b = np.linalg.norm(b)
    found = {
        "relative_residual": np.linalg.norm(residual) / norm_b,
        "residual_floor": 4 * np.finfo(float).eps * 2 * degrees.max() * np.linalg.norm(phi) / norm_b,
        "energy_relative_error": abs(supplied - balance.heat) / abs(supplied),
        "kcl_max_imbalance": np.abs(residual).max(),
        "effective_resistance": supplied,
    }
    tolerance = float(claimed["tolerance"])
    limits = {"relative_residual": max(tolerance, found["residual_floor"]), "energy_relative_error": ENERGY_LIMIT}

    print(f"{path}: {family}, S = {categories}, D = {dimensions}, L = {layers}, {phi.size:,} unknowns")
    print(f"  {'':<22} {'found here':>12} {'in the file':>12} {'limit':>12}")
    good = True
    for name, value in found.items():
        kept = not value > limits.get(name, np.inf) and np.isfinite(value)
        limit = f"{limits[name]:12.3g}" if name in limits else ""
        print(f"  {name:<22} {value:12.3e} {claimed[name]:12.3e} {limit}{'' if kept else '  EXCEEDED'}")
        good = good and kept
    return good


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "-help", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    good = True
    for path in sys.argv[1:]:
        try:
            good = verify(path) and good
        except (OSError, KeyError, ValueError) as error:
            print(f"error: {path}: {error}", file=sys.stderr)
            return 2
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
