#!/usr/bin/env python3
"""Tables with columns of words, from a file to samples.csv, beside what others make of them.

    benchmarks/tables.py quality [--tables survey] [--seeds 0,1,2] [--splits 20]
    benchmarks/tables.py likelihood [--tables letters,census,survey] [--seeds 0,1,2] [--methods independent,...]
    benchmarks/tables.py write --tables letters,census [--draw 5] --out FOLDER

The program is run as a user runs it: one command and a case that names files and nothing else. Options after -- go to it.

Tables:
  survey   KIRCHHOFF_REFERENCE_DATA/survey/survey.csv: 5,000 answers to 12 questions, words, 2 to 7 categories, holes
  letters  1,600 rows of 60 letters (those of binary_tables.py, as letters); their law is known
  census   12,000 made-up people of a census: 13 columns of 2 to 16 categories, some ordered
`write` leaves train.csv, valid.csv and test.csv of each in FOLDER; another --draw is another table of the same law.

`quality`: of each seed a fifth of the rows is held out, the program learns the others and leaves samples.csv. Of each
split, half as many samples as training rows and as many training rows are drawn at random; their marginals and pairs are
held against the held-out rows. The goal is, of every column and every pair, on average over splits and seeds:
TV(samples, held-out) <= 1.25 TV(training rows, held-out) + 0.005.

`likelihood`: mean log-likelihood of the test rows [nat], the same holes being a category of their own, of
  independent  independent columns
  tree         the tree of Chow and Liu
  products     a mixture of products (EM)
  trees        a mixture of such trees (EM; Meila and Jordan 2000)
  masked       any-order masked diffusion (Hoogeboom et al. 2022), a perceptron of 3 x 256; the mean over orders, which
               is a lower bound as the walk's estimate is
  walk         the program; its estimate has an error and a bias (docs/walk.md)
each with what it has to choose (pseudo-counts, components, rounds, rate, steps) chosen on the held-out rows: no test row
is in any choice. Needs python3-numpy and build/release/kirchhoff.
"""

import argparse
import csv
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import binary_tables
import numpy as np
from program_runs import add_arguments, report_of_run

MISSING = ("", "NA", "NaN", "nan", "?")
PSEUDO = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


# ---- Tables ----------------------------------------------------------------------------------------------------------


class Table:
    """Rows of words, and the same as codes."""

    def __init__(self, names, parts, law=None):
        self.names, self.parts, self.law = names, parts, law
        self.words = [sorted(set(column)) for column in zip(*(row for part in parts for row in part))]
        self.sizes = [len(w) for w in self.words]
        self.codes = [self.coded(part) for part in parts]

    def coded(self, rows):
        places = [{w: k for k, w in enumerate(words)} for words in self.words]
        return np.array([[p[w] for p, w in zip(places, row)] for row in rows])

    def known(self, rows):
        return [row for row in rows if all(w in words for w, words in zip(row, self.words))]

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in zip(("train", "valid", "test"), self.parts):
            write_csv(folder / f"{name}.csv", self.names, rows)


def write_csv(path, names, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(names)
        out.writerows(rows)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return names, [["" if word in MISSING else word for word in row] for row in rows]


def survey_rows():
    folder = os.environ.get("KIRCHHOFF_REFERENCE_DATA")
    if not folder:
        sys.exit("error: KIRCHHOFF_REFERENCE_DATA names no folder, and the table survey lies in it")
    return read_csv(pathlib.Path(folder) / "survey" / "survey.csv")


def survey(draw):
    names, rows = survey_rows()
    order = np.random.default_rng(draw).permutation(len(rows))
    rows = [rows[i] for i in order]
    return Table(names, [rows[1500:], rows[1000:1500], rows[:1000]])


def letters(draw):
    def letter_of(bits):
        return np.where(bits.any(1), bits.argmax(1), 3)

    parts, law = binary_tables.letters(np.random.default_rng(draw))
    words = [["".join("ACGT"[k] for k in letter_of(row.reshape(-1, 3))) for row in part] for part in parts]
    return Table([f"p{k + 1}" for k in range(binary_tables.LETTERS)], [[list(row) for row in part] for part in words], law)


def census(draw):
    """Age decides schooling and marriage, schooling the occupation, all of them hours, gains and income."""
    rng = np.random.default_rng(draw)
    pick = lambda weights: (rng.random((len(weights), 1)) > np.cumsum(weights / weights.sum(1, keepdims=True), 1)).sum(1)
    tables = np.random.default_rng(77)  # the law is the same for every draw
    count = 12000 + 1500 + 6000
    age = np.minimum(9, rng.gamma(3.2, 1.1, count).astype(int))
    sex = (rng.random(count) < 0.67).astype(int)
    race = rng.choice(5, count, p=[0.855, 0.096, 0.031, 0.01, 0.008])
    country = pick(np.exp(tables.normal(0, 1, (5, 10)) + np.r_[4, np.zeros(9)])[race])
    school = np.clip(np.round(9 + 2.4 * rng.standard_normal(count) - 0.5 * (age == 0) + 0.7 * (race == 2) - 1.5 * (country > 5)), 0, 15).astype(int)
    married = pick(np.exp(tables.normal(0, 0.5, (10, 6)) + np.outer(np.minimum(np.arange(10), 5), [0.55, 0.35, -0.7, 0.1, 0.3, -0.2]))[age])
    relation = pick(np.exp(tables.normal(0, 1.5, (6, 2, 6)))[married, sex])
    work = pick(np.exp(tables.normal(0, 0.7, (16, 7)) + np.r_[2.2, np.zeros(6)])[school])
    job = pick(np.exp(tables.normal(0, 0.9, (16, 14)))[school] * np.exp(tables.normal(0, 0.9, (2, 14)))[sex] * np.exp(tables.normal(0, 0.7, (7, 14)))[work])
    hours = np.clip(np.round(4 + rng.standard_normal(count) * (1 + 0.6 * (work > 3)) - 1.6 * ((age == 0) | (age > 7)) + 0.5 * sex), 0, 8).astype(int)
    score = 0.35 * (school - 9) + 0.45 * np.minimum(age, 5) + 1.4 * np.isin(relation, (0, 4)) + 0.3 * (hours - 4) + tables.normal(0, 0.6, 14)[job] - 3.2
    rich = (rng.random(count) < 1 / (1 + np.exp(-score))).astype(int)
    gain = np.where(rng.random(count) < 0.04 + 0.17 * rich, 1 + np.minimum(4, rng.poisson(0.6 + 2.2 * rich)), 0)
    loss = np.where((gain == 0) & (rng.random(count) < 0.03 + 0.06 * rich), 1 + rng.integers(0, 3, count), 0)
    words = {
        "age": [f"{17 + 8 * k}-{24 + 8 * k}" for k in range(10)],
        "workclass": ["private", "self", "company", "federal", "local", "state", "none"],
        "education": [f"{k + 1:02d}" for k in range(16)],
        "marital": ["married", "divorced", "single", "separated", "widowed", "away"],
        "occupation": [f"job {chr(97 + k)}" for k in range(14)],
        "relationship": ["husband", "own child", "unmarried", "not in family", "wife", "other"],
        "race": ["white", "black", "asian", "native", "other"],
        "sex": ["female", "male"],
        "gain": ["none", "1", "2", "3", "4", "5"],
        "loss": ["none", "1", "2", "3"],
        "hours": [f"{5 * k}" for k in range(9)],
        "country": [f"country {k + 1}" for k in range(10)],
        "income": ["<=50K", ">50K"],
    }
    columns = [age, work, school, married, job, relation, race, sex, gain, loss, hours, country, rich]
    rows = [[w[c] for w, c in zip(words.values(), row)] for row in zip(*columns)]
    hole = rng.random(count) < 0.06  # as of people without an occupation
    for i in np.flatnonzero(hole):
        rows[i][1] = rows[i][4] = ""
    return Table(list(words), [rows[:12000], rows[12000:13500], rows[13500:]])


TABLES = {"survey": survey, "letters": letters, "census": census}


# ---- Yardsticks: each (table, options) -> (log-likelihood of the test rows, what was chosen) --------------------------


def one_hot(codes, sizes):
    offsets = np.cumsum([0, *sizes[:-1]])
    out = np.zeros((len(codes), sum(sizes)))
    np.put_along_axis(out, codes + offsets, 1, 1)
    return out


def blocks(sizes):
    """(cells) which column a cell of one-hot rows belongs to."""
    return np.repeat(np.arange(len(sizes)), sizes)


def shares(one, sizes, alpha):
    """Of weighted one-hot sums (..., cells): probabilities within each column, alpha spread over its values."""
    block = blocks(sizes)
    cells = np.array(sizes)[block]
    totals = np.add.reduceat(one, np.cumsum([0, *sizes[:-1]]), axis=-1)
    return (one + alpha / cells) / (totals[..., block] + alpha)


def best_of(candidates):
    """The candidate (held-out figure, test figure, name) whose held-out rows are most likely."""
    best = max(candidates, key=lambda c: c[0])
    return best[1], best[2]


def independent(table, o):
    x = [one_hot(c, table.sizes) for c in table.codes]
    laws = ((alpha, np.log(shares(x[0].sum(0), table.sizes, alpha))) for alpha in PSEUDO)
    return best_of([((x[1] @ law).mean(), (x[2] @ law).mean(), f"{alpha:g}") for alpha, law in laws])


class Tree:
    """Chow and Liu's tree of weighted rows: pairs get alpha / (S_a S_b), columns alpha / S_a, so that both agree."""

    def __init__(self, x, weights, sizes, alpha):
        block, total = blocks(sizes), weights.sum()
        cells = np.array(sizes)[block]
        pair = ((x * weights[:, None]).T @ x + alpha / np.outer(cells, cells)) / (total + alpha)
        one = (weights @ x + alpha / cells) / (total + alpha)
        gain = pair * np.log(np.maximum(pair, 1e-300) / np.outer(one, one))
        starts = np.cumsum([0, *sizes[:-1]])
        information = np.add.reduceat(np.add.reduceat(gain, starts, 0), starts, 1)
        self.first, self.log_one = slice(0, sizes[0]), np.log(one)
        self.given = np.zeros_like(pair)
        order, parent = binary_tables.greatest_tree(information)
        for new in order[1:]:
            above, own = block == parent[new], block == new
            self.given[np.ix_(above, own)] = np.log(pair[np.ix_(above, own)] / one[above][:, None])

    def logs(self, x):
        return x[:, self.first] @ self.log_one[self.first] + ((x @ self.given) * x).sum(1)


def tree(table, o):
    x = [one_hot(c, table.sizes) for c in table.codes]
    even = np.ones(len(x[0]))
    laws = ((alpha, Tree(x[0], even, table.sizes, alpha)) for alpha in PSEUDO)
    return best_of([(law.logs(x[1]).mean(), law.logs(x[2]).mean(), f"{alpha:g}") for alpha, law in laws])


def products(table, o):
    x = [one_hot(c, table.sizes) for c in table.codes]
    mean, found = x[0].mean(0), []
    for components in o.components:
        for alpha in (0.3, 1, 5):
            rng = np.random.default_rng(0)
            law = shares(x[0][rng.choice(len(x[0]), components)] + 3 * mean, table.sizes, 0.1)
            share = np.full(components, 1 / components)
            logs = lambda rows: np.log(share) + rows @ np.log(law).T
            for _ in range(60):
                log = logs(x[0])
                part = np.exp(log - np.logaddexp.reduce(log, 1)[:, None])
                share = (part.sum(0) + 0.1) / (len(x[0]) + 0.1 * components)
                law = shares(part.T @ x[0] + alpha * mean, table.sizes, 0.01)
                found.append((*(np.logaddexp.reduce(logs(rows), 1).mean() for rows in x[1:]), f"{components} components"))
    return best_of(found)


def trees(table, o):
    x = [one_hot(c, table.sizes) for c in table.codes]
    found = []
    for components in o.trees:
        for alpha in (1, 10, 100):
            part = np.random.default_rng(0).dirichlet(np.ones(components), len(x[0]))
            for _ in range(25):
                laws = [Tree(x[0], part[:, k], table.sizes, alpha) for k in range(components)]
                share = np.log((part.sum(0) + 0.1) / (len(x[0]) + 0.1 * components))
                own, valid, test = (np.array([law.logs(rows) for law in laws]).T + share for rows in x)
                part = np.exp(own - np.logaddexp.reduce(own, 1)[:, None])
                found.append((np.logaddexp.reduce(valid, 1).mean(), np.logaddexp.reduce(test, 1).mean(), f"{components} trees"))
    return best_of(found)


class Masked:
    """A perceptron that sees one-hot columns with a cell each for "unknown", and gives every column's law."""

    def __init__(self, sizes, seed):
        self.sizes, self.block = sizes, blocks(sizes)
        self.starts = np.cumsum([0, *sizes[:-1]])
        rng = np.random.default_rng(seed)
        widths = [sum(sizes) + len(sizes), 256, 256, 256, sum(sizes)]
        self.weights = [(rng.standard_normal((a, b)) / np.sqrt(a)).astype("f4") for a, b in zip(widths, widths[1:])]
        self.weights += [np.zeros(b, "f4") for b in widths[1:]]

    @staticmethod
    def forward(weights, inputs):
        kept, h = [inputs], inputs
        for k in range(4):
            z = h @ weights[k] + weights[4 + k]
            if k == 3:
                return z, kept
            gate = 1 / (1 + np.exp(-z))
            kept += [gate, z]
            h = z * gate

    def log_laws(self, logits):
        top = np.maximum.reduceat(logits, self.starts, 1)[:, self.block]
        sums = np.log(np.add.reduceat(np.exp(logits - top), self.starts, 1))[:, self.block]
        return logits - top - sums

    def example(self, x, rng):
        """Inputs, and the weight of every column's loss: each number of known columns is as likely, and counts alike."""
        d = len(self.sizes)
        known_count = rng.integers(0, d, (len(x), 1))
        known = rng.random((len(x), d)).argsort(1).argsort(1) < known_count
        return np.hstack([x * known[:, self.block], ~known]).astype("f4"), (~known * (d / (d - known_count))).astype("f4")

    def losses(self, weights, x, rng):
        inputs, weight = self.example(x, rng)
        logits, _ = self.forward(weights, inputs)
        return -(self.log_laws(logits) * x * weight[:, self.block]).sum(1)

    def gradient(self, x, rng):
        inputs, weight = self.example(x, rng)
        logits, kept = self.forward(self.weights, inputs)
        delta = (np.exp(self.log_laws(logits)) - x) * weight[:, self.block] / len(x)
        gradient = [None] * 8
        for k in (3, 2, 1, 0):
            h = kept[0] if k == 0 else kept[2 * k - 1] * kept[2 * k]
            gradient[k], gradient[4 + k] = h.T @ delta, delta.sum(0)
            if k > 0:
                gate, z = kept[2 * k - 1], kept[2 * k]
                delta = (delta @ self.weights[k].T) * (gate * (1 + z * (1 - gate)))
        return gradient

    def train(self, x, valid, steps, rate, decay, seed):
        """Adam with warm-up, cosine and averaged weights; the weights that are best on the held-out rows, tried every 250
        steps, as the walk's are."""
        rng = np.random.default_rng(seed)
        average = [w.copy() for w in self.weights]
        moments = [(np.zeros_like(w), np.zeros_like(w)) for w in self.weights]
        best = (np.inf, None, 0)
        for step in range(1, steps + 1):
            batch = x[rng.integers(0, len(x), 512)]
            now = rate * min(1, step / 200) * 0.5 * (1 + np.cos(np.pi * step / steps))
            for w, g, (m, v), a in zip(self.weights, self.gradient(batch, rng), moments, average):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                w -= now * (m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8) + decay * w)
                a += (1 - min(0.999, step / (step + 10))) * (w - a)
            if step % 250 == 0:
                held_out = self.bound(average, valid, 4096)
                if held_out < best[0]:
                    best = (held_out, [a.copy() for a in average], step)
                elif step > best[2] + 2000:
                    break
        return best

    def bound(self, weights, x, draws):
        """Mean over random orders of the negative log-likelihood: over masks that are the same whenever it is asked."""
        rng = np.random.default_rng(99)
        repeats = max(1, draws // len(x))
        return np.mean([self.losses(weights, x, rng).mean() for _ in range(repeats)])


def masked(table, o):
    x = [one_hot(c, table.sizes).astype("f4") for c in table.codes]
    steps = o.masked_steps or int(np.clip(0.75 * len(x[0]), 2500, 8000))
    found = []
    for rate in o.rates:
        for decay in (800 / len(x[0]), 8000 / len(x[0])):
            net = Masked(table.sizes, 0)
            held_out, weights, step = net.train(x[0], x[1], steps, rate, decay, 0)
            found.append((-held_out, -net.bound(weights, x[2], 200_000), f"rate {rate:g}, decay {decay:.2g}, step {step}"))
    return best_of(found)


YARDSTICKS = {f.__name__: f for f in (independent, tree, products, trees, masked)}


# ---- The program -------------------------------------------------------------------------------------------------------


def case_of_files(folder, valid=True, test=True):
    """The whole case, but for what a path says."""
    more = "".join(f", {name}: {name}.csv" for name, there in (("valid", valid), ("test", test)) if there)
    case = folder / "case.yaml"
    case.write_text(f"target: {{file: train.csv{more}}}\n")
    return case


def walk(table, name, seed, o):
    folder = pathlib.Path(o.out) / name
    table.write(folder)
    report = report_of_run(name, case_of_files(folder), seed, folder / f"seed{seed}", o)
    found = report["sampling"]["neural"]
    return [found[f"log_likelihood_{k}"] for k in ("test", "error", "bias")] + [report["table"]["tree_log_likelihood"]]


def likelihood(names, o):
    print("| table | rows, columns | method | test log-likelihood | chosen | s |\n|---|---|---|---|---|---|")
    for name in names:
        table = TABLES[name](o.draw)
        shape = f"{len(table.codes[0]):,}, {len(table.sizes)}"
        if table.law is not None:
            print(f"| {name} | {shape} | the law itself | {table.law:.3f} | | |")
        for method in o.methods.split(","):
            begin = time.time()
            if method == "walk":
                runs = np.array([walk(table, name, int(seed), o) for seed in o.seeds.split(",")], float)
                spread = (runs[:, 0].max() - runs[:, 0].min()) / 2
                figure = f"{runs[:, 0].mean():.3f} +- {spread:.3f} (error {runs[:, 1].mean():.3f}, bias {runs[:, 2].mean():.3f})"
                chosen = f"{len(runs)} seeds; the program's own tree {runs[0, 3]:.3f}"
            else:
                found, chosen = YARDSTICKS[method](table, o)
                figure = f"{found:.3f}"
            print(f"| {name} | {shape} | {method} | {figure} | {chosen} | {time.time() - begin:.0f} |", flush=True)


# ---- Quality of samples ------------------------------------------------------------------------------------------------


def total_variations(a, b, sizes):
    """(D, D) total variation of every pair's values; of single columns on the diagonal."""
    x, y = one_hot(a, sizes), one_hot(b, sizes)
    gap = np.abs(x.T @ x / len(a) - y.T @ y / len(b))
    starts = np.cumsum([0, *sizes[:-1]])
    return np.add.reduceat(np.add.reduceat(gap, starts, 0), starts, 1) / 2


def run_quality(name, seed, o):
    """Distances of samples and of training rows to the held-out rows, on average over splits, and seconds of the run."""
    if name == "survey":
        names, rows = survey_rows()
    else:
        table = TABLES[name](o.draw)
        names, rows = table.names, [row for part in table.parts for row in part]
    order = np.random.default_rng(100 + seed).permutation(len(rows))
    rows = [rows[i] for i in order]
    held_out, training = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    folder = pathlib.Path(o.out) / f"{name}_quality{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "train.csv", names, training)
    out = folder / "out"
    command = [*shlex.split(o.kirchhoff), "run", case_of_files(folder, False, False), "-seed", str(seed), "-out", out, "-overwrite", *o.options]
    begin = time.time()
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seconds = time.time() - begin
    if done.returncode != 0:
        sys.exit(f"{name}, seed {seed}: {done.stdout}")
    header, samples = read_csv(out / "samples.csv")
    if header != names:
        sys.exit(f"{name}, seed {seed}: samples.csv has the columns {header}, the table {names}")
    table = Table(names, [training + held_out, held_out, training])
    impossible = len(samples) - len(table.known(samples))
    drawn, held_out, training = table.coded(table.known(samples)), table.codes[1], table.codes[2]
    rng, half = np.random.default_rng(seed), len(training) // 2
    both = [np.mean([total_variations(rows[rng.choice(len(rows), half, replace=False)], held_out, table.sizes) for _ in range(o.splits)], 0)
            for rows in (drawn, training)]
    report = json.loads((out / "report.json").read_text())
    return both, impossible, seconds, report, names


def quality(names, o):
    for name in names:
        runs = [run_quality(name, int(seed), o) for seed in o.seeds.split(",")]
        own, floor = (np.mean([run[0][k] for run in runs], 0) for k in (0, 1))
        excess = own - 1.25 * floor - 0.005
        columns = runs[0][4]
        print(f"\n{name}: {len(runs)} seeds, {o.splits} splits each\n\n| of | samples | training rows | largest ratio | goal missed by |\n|---|---|---|---|---|")
        pairs = np.triu_indices(len(columns), 1)
        singles = np.diag_indices(len(columns))
        for what, at in (("columns", singles), ("pairs", pairs)):
            missed = [f"{columns[a]}{'' if a == b else ' and ' + columns[b]} ({own[a, b]:.4f}, {floor[a, b]:.4f})"
                      for a, b in zip(*at) if excess[a, b] > 0]
            print(f"| {len(at[0])} {what} | {own[at].mean():.4f} | {floor[at].mean():.4f} | {(own[at] / floor[at]).max():.2f} | {', '.join(missed) or 'none'} |")
        for (_, impossible, seconds, report, _), seed in zip(runs, o.seeds.split(",")):
            t = report["table"]
            print(f"\nseed {seed}: {seconds:.0f} s from file to samples.csv, {impossible} rows with a word that the table has not; classifier's AUC "
                  f"{t['discriminator_auc']:.3f} +- {t['discriminator_error']:.3f}, nearest training row {t['nearest_training']:.3f} "
                  f"(held-out rows {t['nearest_held_out']:.3f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("quality", "likelihood", "write"))
    parser.add_argument("--tables", default="", help="survey, letters, census; a list")
    parser.add_argument("--draw", type=int, default=5, help="which rows are drawn of a table's law, or how survey is split")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--methods", default=",".join([*YARDSTICKS, "walk"]))
    numbers = lambda kind: lambda text: [kind(part) for part in text.split(",")]
    parser.add_argument("--components", type=numbers(int), default=[3, 10, 30, 100], help="of products")
    parser.add_argument("--trees", type=numbers(int), default=[2, 3, 5, 8, 12], help="of mixtures of trees")
    parser.add_argument("--rates", type=numbers(float), default=[1e-3, 3e-3], help="of masked")
    parser.add_argument("--masked-steps", type=int, default=0, help="0: as many as the walk has")
    add_arguments(parser, seeds="0,1,2", out="tables")
    o = parser.parse_args()
    names = (o.tables or {"quality": "survey", "likelihood": "letters,census,survey", "write": "letters,census"}[o.what]).split(",")
    for name in names:
        if name not in TABLES:
            sys.exit(f"error: --tables: no table {name!r}; there are {', '.join(TABLES)}")
    for method in o.methods.split(","):
        if method != "walk" and method not in YARDSTICKS:
            sys.exit(f"error: --methods: no method {method!r}; there are {', '.join(YARDSTICKS)}, walk")
    if o.what == "write":
        for name in names:
            TABLES[name](o.draw).write(pathlib.Path(o.out) / name)
    else:
        {"quality": quality, "likelihood": likelihood}[o.what](names, o)


if __name__ == "__main__":
    main()
