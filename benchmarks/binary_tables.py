#!/usr/bin/env python3
"""Walk supervision with its default settings on tables of 69, 100 and 180 bits, beside a tree and mixtures, in one table.

    benchmarks/binary_tables.py [--tables letters,ratings,ranges] [--seeds 0] [--out binary_tables] [-- OPTIONS]

The tables are drawn here, in the shapes of tables that people have:
  letters  1,600 rows of 60 letters A C G T, three bits each (none set: T): a boundary of one of two kinds in the middle, or none;
           a Markov chain in each stretch. Its law is known, so its own log-likelihood is shown
  ratings  9,000 rows of 100 answers yes or no to things that six hidden traits decide
  ranges   17,412 rows of 69 places: where of them something is found that lives around one or two points of the plane
Figures are mean log-likelihoods of test rows [nat]: independent bits, the tree of Chow and Liu, a mixture of products (EM; number of
components and pseudo-counts chosen on the held-out rows), and the walk, whose estimate has an error and a bias
(docs/walk.md). OPTIONS are handed to the program. Needs python3-numpy and build/release/kirchhoff.
"""

import argparse
import pathlib
import sys

import numpy as np
from program_runs import add_arguments, report_of_run

LETTERS = 60
BITS_OF_LETTER = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
STRETCH = {
    "coding": [0.26, 0.24, 0.28, 0.22],
    "between": [0.25, 0.20, 0.22, 0.33],
    "tract": [0.10, 0.33, 0.10, 0.47],
    "any": [0.26, 0.23, 0.25, 0.26],
}
ENDING = {27: [0.35, 0.35, 0.18, 0.12], 28: [0.62, 0.12, 0.13, 0.13], 29: [0.08, 0.03, 0.82, 0.07],
          30: [0.003, 0.003, 0.99, 0.004], 31: [0.003, 0.007, 0.003, 0.987], 32: [0.55, 0.03, 0.40, 0.02],
          33: [0.72, 0.08, 0.11, 0.09], 34: [0.06, 0.05, 0.83, 0.06], 35: [0.16, 0.16, 0.20, 0.48]}
BEGINNING = {27: [0.03, 0.64, 0.01, 0.32], 28: [0.99, 0.003, 0.003, 0.004], 29: [0.003, 0.003, 0.99, 0.004],
             30: [0.25, 0.14, 0.52, 0.09]}
KINDS = [(0.25, lambda i: "coding" if i < 30 else "between", ENDING),
         (0.25, lambda i: "coding" if i >= 30 else "tract" if i >= 12 else "between", BEGINNING),
         (0.50, lambda i: "any", {})]


def chains():
    """Of each kind: its share, (4) of the first letter, (60, 4, 4) of a letter after another."""
    preference = np.exp(np.random.default_rng(11).normal(0, 0.35, (4, 4)))
    for share, stretch, fixed in KINDS:
        steps = np.array([preference * np.array(STRETCH[stretch(i)]) for i in range(LETTERS)])
        steps /= steps.sum(2, keepdims=True)
        for i, law in fixed.items():
            steps[i] = np.array(law) / np.sum(law)
        first = np.array(STRETCH[stretch(0)])
        yield share, first / first.sum(), steps


def letters(rng):
    kinds = list(chains())

    def draw(count):
        rows = np.zeros((count, LETTERS), int)
        for row, kind in zip(rows, rng.choice(3, count, p=[k[0] for k in kinds])):
            _, first, steps = kinds[kind]
            row[0] = rng.choice(4, p=first)
            for i in range(1, LETTERS):
                row[i] = rng.choice(4, p=steps[i][row[i - 1]])
        return rows

    def law(rows):
        logs = [np.log(share * first[rows[:, 0]]) + sum(np.log(steps[i][rows[:, i - 1], rows[:, i]]) for i in range(1, LETTERS))
                for share, first, steps in kinds]
        return np.logaddexp.reduce(logs).mean()

    parts = [draw(1600), draw(400), draw(1186)]
    return [BITS_OF_LETTER[p].reshape(len(p), -1) for p in parts], law(parts[2])


def ratings(rng):
    fixed = np.random.default_rng(100)
    weight = fixed.normal(0, 0.9, (100, 6)) * (fixed.random((100, 6)) < 0.6)
    weight[:, 0] += fixed.normal(0, 0.3, 100)
    level = fixed.normal(0.2, 0.8, 100)
    rows = rng.standard_t(5, (14116, 6)) @ weight.T + level + rng.logistic(0, 1, (14116, 100)) > 0
    return np.split(rows.astype(int), [9000, 10000]), None


def ranges(rng):
    place = np.random.default_rng(69).random((69, 2))
    count = 17412 + 2321 + 3482
    home = rng.random((count, 2)) * 1.2 - 0.1
    second = home + rng.normal(0, 0.25, (count, 2))
    width = np.exp(rng.normal(-1.6, 0.7, (count, 1)))
    near = lambda points: np.exp(-((place - points[:, None]) ** 2).sum(2) / (2 * width**2))
    suits = near(home) + (rng.random((count, 1)) < 0.4) * near(second)
    rows = rng.random((count, 69)) < 1 / (1 + np.exp(-9 * (suits - 0.55)))
    return np.split(rows.astype(int), [17412, 17412 + 2321]), None


TABLES = {"letters": letters, "ratings": ratings, "ranges": ranges}


def mixture(train, valid, test, components, pseudo, rounds=40):
    """(held out, test) log-likelihood at the round that is best on the held-out rows."""
    rng = np.random.default_rng(0)
    count, mean = len(train), train.mean(0)
    law = np.clip(0.5 * train[rng.choice(count, components)] + 0.25 * mean + 0.125, 0.05, 0.95)
    share = np.full(components, 1 / components)
    logs = lambda rows: np.log(share) + rows @ np.log(law).T + (1 - rows) @ np.log(1 - law).T
    best = (-np.inf, None)
    for _ in range(rounds):
        log = logs(train)
        part = np.exp(log - np.logaddexp.reduce(log, 1)[:, None])
        share = (part.sum(0) + 0.1) / (count + 0.1 * components)
        law = np.clip((part.T @ train + pseudo * mean) / (part.sum(0)[:, None] + pseudo), 1e-4, 1 - 1e-4)
        held_out = np.logaddexp.reduce(logs(valid), 1).mean()
        if held_out > best[0]:
            best = (held_out, np.logaddexp.reduce(logs(test), 1).mean())
    return best


def greatest_tree(weight):
    """The spanning tree of the greatest total (Prim): columns in the order in which they join, and the one each joins to."""
    order, parent, best = [0], np.zeros(len(weight), int), weight[0].copy()
    for _ in range(len(weight) - 1):
        best[order] = -np.inf
        new = int(best.argmax())
        order.append(new)
        closer = weight[new] > best
        closer[order] = False
        parent[closer], best[closer] = new, weight[new][closer]
    return order, parent


def tree(train, test, pseudo=0.1):
    count = len(train) + 2 * pseudo
    one = (train.sum(0) + pseudo) / count
    both = (train.T @ train + pseudo / 2) / count
    information = 0
    for joint, a, b in ((both, one, one), (one[:, None] - both, one, 1 - one), (one[None] - both, 1 - one, one),
                        (1 - one[:, None] - one[None] + both, 1 - one, 1 - one)):
        information = information + joint * np.log(np.maximum(joint, 1e-12) / np.outer(a, b))
    order, parent = greatest_tree(information)
    log = np.log(np.where(test[:, 0] > 0, one[0], 1 - one[0]))
    for j in order[1:]:
        k = parent[j]
        p = np.where(test[:, k] > 0, both[j, k] / one[k], (one[j] - both[j, k]) / (1 - one[k]))
        log = log + np.log(np.where(test[:, j] > 0, p, 1 - p))
    return log.mean()


def walk(parts, folder, seed, o):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(("train", "valid", "test"), parts):
        np.savetxt(folder / f"{name}.csv", rows, "%d", ",")
    case = folder / "case.yaml"
    case.write_text(
        f"space: {{categories: 2, dimensions: {parts[0].shape[1]}}}\n"
        f"target: {{file: train.csv, valid: valid.csv, test: test.csv}}\ntrain: {{supervision: walk}}\n"
    )
    report = report_of_run(folder.name, case, seed, folder / f"seed{seed}", o)
    found = report["sampling"]["neural"]
    return [found[f"log_likelihood_{k}"] for k in ("test", "error", "bias")] + [report["train"]["seconds"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default=",".join(TABLES))
    add_arguments(parser, seeds="0", out="binary_tables")
    o = parser.parse_args()
    names = o.tables.split(",")
    for name in names:
        if name not in TABLES:
            sys.exit(f"error: --tables: no table {name!r}; there are {', '.join(TABLES)}")
    print("| table | rows | bits | independent | tree | mixture of products | walk | its error | its bias | training s | law |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in names:
        parts, law = TABLES[name](np.random.default_rng(5))
        train, valid, test = (p.astype(float) for p in parts)
        pick = {k: max(mixture(train, valid, test, k, a) for a in (0.5, 5)) for k in (1, 3, 10, 40, 160)}
        best = max(pick, key=lambda k: pick[k][0])
        walks = [walk(parts, pathlib.Path(o.out) / name, seed, o) for seed in o.seeds.split(",")]
        likelihood, error, bias, seconds = np.mean(walks, 0)
        print(
            f"| {name} | {len(train):,} | {train.shape[1]} | {pick[1][1]:.2f} | {tree(train, test):.2f} | {pick[best][1]:.2f} ({best})"
            f" | {likelihood:.2f} | {error:.2f} | {bias:.2f} | {seconds:.0f} | {'-' if law is None else f'{law:.2f}'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
