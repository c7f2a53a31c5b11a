#!/usr/bin/env python3
"""The studies of docs/results: scripts/studies.py [ratio] [cost] [dimensions] [matching] [-out FOLDER]

Each runs its cases (data/studies, data/cases) with build/release/kirchhoff and writes FOLDER/<study>.md, a table, and
FOLDER/<study>.svg, a figure. All four are done when none is named. One core; a few minutes each.

  ratio       TV and KL of the exit law against R/r and L: exact, Monte-Carlo supervised and forward-only walks
  cost        time of solve, training and walks against S, D and L
  dimensions  D = 1 to 5 with S = 50 from samples
  matching    the same budgets as discrete flow matching and masked diffusion
"""
import argparse
import json
import pathlib
import tempfile

import h5py
import matplotlib
import numpy as np

from bench_common import Failed, TOP, program, run

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "kirchhoff", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})
import matplotlib.pyplot as plt  # noqa: E402

STUDIES = TOP / "data" / "studies"
LIMIT = 600.0  # seconds a run


def kirchhoff(command, case, folder, **options):
    """Runs a command on a case; its report.json where that command makes one. @raises Failed."""
    words = [word for name, value in options.items() for word in (f"-{name}", str(value))]
    run([program(), command, str(case), "-out", str(folder), *words], LIMIT)
    report = pathlib.Path(folder) / "report.json"
    return json.loads(report.read_text()) if report.exists() else None


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value, digits=2):
    if value is None:
        return "infinite"
    if abs(value) < 1e-13:  # rounding
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}" if abs(value) >= 1e-3 else f"{value:.1e}"


def write(out, name, text, figure):
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text(text)
    figure.tight_layout()
    figure.savefig(out / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
    print(text)


# --- ratio ---------------------------------------------------------------------------------------------------------------

def forward_only(folder, same, change):
    """Exit law of the walk along forward currents alone, which stops when it reaches layer L, and its lost mass."""
    with h5py.File(pathlib.Path(folder) / "solution.h5") as file:
        phi, mass, target = file["potential"][:], file["source"][:], file["target"][:]
    for here, there in zip(phi[:-1], phi[1:]):
        current = (here[:, None] - there[None, :]) / change
        np.fill_diagonal(current, (here - there) / same)
        np.maximum(current, 0, out=current)
        out = current.sum(1)
        mass = (np.divide(mass, out, out=np.zeros_like(mass), where=out > 0)) @ current
    covered = mass > 0
    kl = np.sum(target[covered] * np.log(target[covered] / mass[covered])) if np.all(covered | (target == 0)) else None
    return 0.5 * np.abs(mass - target).sum() + 0.5 * (1 - mass.sum()), kl


def ratio(out):
    layers = [2, 5, 10, 20, 50]
    shares = {"1": 0, "N/100": 0.01, "N/10": 0.1, "N": 1, "10 N": 10}
    rows, curves = [], {}
    for case, states, trained in ((STUDIES / "ratio.yaml", 50, True), (STUDIES / "ratio_plane.yaml", 2500, False)):
        for label, share in shares.items():
            change = share * states or 1
            for count in layers if trained else [10]:
                with tempfile.TemporaryDirectory() as folder:
                    options = {"circuit_layers": count, "circuit_resistance_change": change}
                    if not trained:
                        for command in ("solve", "sample"):
                            kirchhoff(command, case, folder, **options)
                    found = kirchhoff("run" if trained else "validate", case, folder, **options)
                    exact, neural = found["sampling"]["exact"], found["sampling"].get("neural")
                    tv, kl = forward_only(folder, 1, change)
                rows.append([f"{states:,}", f"{label} = {change:g}", str(count), number(exact["tv_exit_law"]),
                             number(exact["kl_exit_law"]), *([number(neural["tv_exit_law"]), number(neural["kl_exit_law"])]
                                                             if neural else ["-", "-"]),
                             number(tv), number(kl), f"{exact['mean_steps']:.2f}"])
                if trained:
                    curves.setdefault(label, []).append((count, neural["tv_exit_law"], tv))
    text = ("# Exit law against R/r and L\n\n"
            "r = 1 ohm, dense circuits. 50 states: uniform into normal; 2,500 states: two moons into swiss roll. *exact*: "
            "walks along the solved currents, forward and backward. *Monte-Carlo*: walks along the currents of a network "
            "trained on 512,000 sample pairs (2,000 steps of 256). *Forward-only*: walks along the solved forward currents, "
            "stopped on layer L. Total variation and KL(q || g) of the computed exit law g, nothing sampled; below 1e-13 it is 0.\n\n" +
            table(["states", "R", "L", "exact TV", "exact KL", "Monte-Carlo TV", "Monte-Carlo KL", "forward-only TV",
                   "forward-only KL", "moves a walk"], rows) +
            "\nWalks that may not go back miss the target by a total variation that grows with R/r and, beyond L = 5, hardly depends on L. "
            "Monte-Carlo supervision learns the two terminals and has the circuit's response to them in closed form "
            "(docs/model.md), so that its error is that of 512,000 pairs, whatever the circuit.\n"
            "\nCases data/studies/ratio.yaml and ratio_plane.yaml; made by `scripts/studies.py ratio`.\n\n![](ratio.svg)\n")
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
    for label, points in curves.items():
        x, neural, forward = zip(*points)
        axes[0].loglog(x, forward, "o-", label=f"R/r = {label}")
        axes[1].loglog(x, neural, "o-", label=f"R/r = {label}")
    axes[0].set(title="forward-only walk, exact currents", xlabel="L", ylabel="TV of the exit law, 50 states")
    axes[1].set(title="Monte-Carlo supervision", xlabel="L")
    axes[0].legend(fontsize=7)
    write(out, "ratio", text, figure)


# --- cost ----------------------------------------------------------------------------------------------------------------

def cost(out):
    case = STUDIES / "cost.yaml"
    sweeps = [("S", [(s, 2, 10) for s in (10, 20, 50, 100, 200)]), ("D", [(10, d, 10) for d in (1, 2, 3, 4, 5)]),
              ("L", [(50, 2, length) for length in (2, 5, 10, 20, 50)])]
    rows, curves = [], {}
    for family in ("dense", "hamming"):
        for axis, points in sweeps:
            for s, d, length in points:
                with tempfile.TemporaryDirectory() as folder:
                    found = kirchhoff("run", case, folder, space_categories=s, space_dimensions=d, circuit_layers=length,
                                      circuit_family=family,
                                      circuit_resistance_change=s**d if family == "dense" else 10)
                solve, train, exact = found["solve"], found["train"], found["sampling"]["exact"]
                walk = 1e6 / exact["walks_per_second"]
                step = 1e3 * 1024 / train["samples_per_second"]
                rows.append([family, str(s), str(d), str(length), f"{solve['unknowns']:,}", f"{solve['edges']:.2e}",
                             solve["method"], number(1e3 * solve["seconds"]["total"]), number(step), number(walk),
                             f"{exact['mean_steps']:.1f}"])
                curves.setdefault(axis, {}).setdefault(family, []).append(
                    ({"S": s, "D": d, "L": length}[axis], 1e3 * solve["seconds"]["total"], step, walk))
    text = ("# Cost against S, D and L\n\n"
            "Uniform into mixture, r = 1 ohm, R = N (dense) or 10 (hamming); one rank. Solve: all of it, checks included, to "
            "1e-12. Training step: 1,024 states, each with the targets of all L+1 layers, MLP 3 x 256 in single precision. "
            "Walk: along the exact currents, one of 20,000, the sort of each layer included.\n\n" +
            table(["circuit", "S", "D", "L", "unknowns", "edges", "method", "solve [ms]", "training step [ms]", "walk [us]",
                   "moves a walk"], rows) +
            "\nCase data/studies/cost.yaml; made by `scripts/studies.py cost`. Single measurements: a training step runs the same network "
            "for both circuits, so what differs there is the machine.\n\n![](cost.svg)\n")
    figure, axes = plt.subplots(3, 3, figsize=(8, 7), sharex="col")
    for column, (axis, families) in enumerate(curves.items()):
        for family, points in families.items():
            x, *values = zip(*points)
            for line, (value, label) in enumerate(zip(values, ("solve [ms]", "training step [ms]", "walk [us]"))):
                axes[line][column].plot(x, value, "o-", label=family)
                axes[line][column].set_yscale("log")
                axes[line][column].set_xscale("linear" if axis == "D" else "log")
                if column == 0:
                    axes[line][column].set_ylabel(label)
        axes[2][column].set_xlabel({"S": "S (D = 2, L = 10)", "D": "D (S = 10, L = 10)", "L": "L (S = 50, D = 2)"}[axis])
    axes[0][0].legend()
    write(out, "cost", text, figure)


# --- dimensions ----------------------------------------------------------------------------------------------------------

def mixture_rows(count, dimensions, seed):
    """Draws of the named distribution `mixture` (docs/distributions.md) on 50 cells an axis."""
    from scipy.special import ndtr
    random = np.random.default_rng(seed)
    edges = np.linspace(-3, 3, 51)
    factors = [np.diff(ndtr((edges - m) / 0.5)) for m in (-1.5, 0, 1.5)]
    factors = [f / f.sum() for f in factors]
    which = random.choice(3, count, p=[0.5, 0.2, 0.3])
    rows = np.stack([random.choice(50, (count, dimensions), p=f) for f in factors])
    return rows[which, np.arange(count)].astype("u1"), factors


def pair_distance(rows, factors):
    """Largest total variation of two coordinates' joint histogram against the exact one, and what so many draws show."""
    count, dimensions = rows.shape
    exact = sum(w * np.outer(f, f) for w, f in zip((0.5, 0.2, 0.3), factors))
    worst = 0
    for i in range(dimensions):
        for j in range(i + 1, dimensions):
            found = np.bincount(rows[:, i].astype(int) * 50 + rows[:, j], minlength=2500).reshape(50, 50) / count
            worst = max(worst, 0.5 * np.abs(found - exact).sum())
    drawn, _ = mixture_rows(count, 2, 7)
    floor = np.bincount(drawn[:, 0].astype(int) * 50 + drawn[:, 1], minlength=2500).reshape(50, 50) / count
    return worst, 0.5 * np.abs(floor - exact).sum()


def dimensions(out):
    rows, points = [], []
    _, factors = mixture_rows(1, 1, 0)
    for d in (1, 2, 3, 4, 5):
        with tempfile.TemporaryDirectory() as folder:
            result = pathlib.Path(folder) / "result"
            if d < 5:
                case = STUDIES / "dimensions.yaml"
                options = {"space_dimensions": d, "circuit_resistance_change": 50**d}
                smooth = kirchhoff("run", case, f"{folder}/mixture", model_likelihood="mixture", sample_count=1000,
                                   **options)["sampling"]["neural"]["tv_exit_law"]
                found = kirchhoff("run", case, result, **options)
            else:
                case = pathlib.Path(folder) / "walk.yaml"
                case.write_text((STUDIES / "dimensions_walk.yaml").read_text())
                for name, count, seed in (("train", 200000, 1), ("test", 20000, 2)):
                    np.save(pathlib.Path(folder) / f"mixture_{name}.npy", mixture_rows(count, 5, seed)[0])
                found, smooth = kirchhoff("run", case, result), None
            with h5py.File(result / "samples.h5") as file:
                samples = file["neural/samples"][:]
        neural = found["sampling"]["neural"]
        worst, floor = pair_distance(samples, factors) if d > 1 else (None, None)
        law = neural["tv_exit_law"]
        rows.append([str(d), f"{50**d:,}", found["train"]["supervision"].replace("_", " "), f"{found['train']['seconds']:.0f}",
                     number(law) if law is not None else "-", number(smooth) if smooth is not None else "-",
                     number(neural["kl_exit_law"]) if law is not None else "-", f"{neural['mmd']:.1e}",
                     number(worst) if worst is not None else "-", number(floor) if floor is not None else "-",
                     f"{neural['mean_steps']:.1f}", number(neural["walks_per_second"])])
        points.append((d, law, worst, floor, smooth))
    text = ("# Dimensions one to five, 50 categories\n\n"
            "Uniform into mixture (three bumps on the diagonal, docs/distributions.md). D = 1 to 4: dense circuit, L = 2, R = N, "
            "Monte-Carlo supervision, 3,000 steps of 256 pairs; the field is the closed-form response to the learned terminals, "
            "the exit law is computed over all states; *mixture* is the same with `-model_likelihood mixture`, which suits bumps. "
            "D = 5: 312,500,000 states a layer, none listed: walk supervision on 200,000 "
            "rows, hamming circuit, L = 1, 3,000 steps of 256; the exit law is out of reach, so samples are judged. *Pairs*: largest "
            "total variation among the joint histograms of two coordinates of 50,000 samples against the exact one, beside "
            "what 50,000 draws of the target show.\n\n" +
            table(["D", "states a layer", "supervision", "training [s]", "TV of the exit law", "mixture", "KL", "MMD^2", "pairs",
                   "noise floor", "moves a walk", "walks a second"], rows) +
            "\nCases data/studies/dimensions.yaml and dimensions_walk.yaml; made by `scripts/studies.py dimensions`.\n\n"
            "![](dimensions.svg)\n")
    figure, axis = plt.subplots(figsize=(5, 3.2))
    axis.semilogy([p[0] for p in points if p[1]], [p[1] for p in points if p[1]], "o-", label="exit law, all states")
    axis.semilogy([p[0] for p in points if p[4]], [p[4] for p in points if p[4]], "^-", label="exit law, mixture")
    axis.semilogy([p[0] for p in points if p[2]], [p[2] for p in points if p[2]], "s-", label="pairs of coordinates, samples")
    axis.semilogy([p[0] for p in points if p[3]], [p[3] for p in points if p[3]], "k--", label="noise floor of pairs")
    axis.set(xlabel="D", ylabel="total variation", xticks=[1, 2, 3, 4, 5])
    axis.legend()
    write(out, "dimensions", text, figure)


# --- matching ------------------------------------------------------------------------------------------------------------

PLANE, LINE = "moons -> swiss roll, 50 x 50", "uniform -> normal, 50"
# Measured on one core with PyTorch: mixture path, MLP 4 x 256 (4 x 128 on the line), batch 256, uniform noise start; the
# exit distribution computed exactly, at the best number of network evaluations.
PEERS = [(PLANE, "discrete flow matching", "10,000 x 256", "56", 0.030, 0.0088), (PLANE, "discrete flow matching", "30,000 x 256", "175", 0.020, 0.0049),
         ("any -> swiss roll, 50 x 50", "masked diffusion", "10,000 x 256", "26", 0.0130, 0.002),
         (PLANE, "counting the samples", "10,000 x 256", "-", 0.0056, None),
         (LINE, "discrete flow matching", "10,000 x 256", "23", 0.0068, 0.00017)]


def matching(out):
    cases = [(PLANE, "exact supervision", "moons_to_swiss_roll", {}),
             (PLANE, "Monte-Carlo supervision", "moons_to_swiss_roll_samples", {}),
             (LINE, "exact supervision", "uniform_to_normal", {}),
             (LINE, "Monte-Carlo supervision", "uniform_to_normal",
              {"train_supervision": "monte_carlo", "train_steps": 10000, "train_batch": 256, "train_learning_rate": 3e-3})]
    rows = [[problem, f"{name} (peer)", steps, seconds, number(tv, 3), number(kl, 3) if kl else "-", "-"]
            for problem, name, steps, seconds, tv, kl in PEERS]
    bars = [(f"{name}\n{steps}", tv, "0.7") for problem, name, steps, _, tv, _ in PEERS if problem != LINE]
    for problem, name, case, options in cases:
        with tempfile.TemporaryDirectory() as folder:
            found = kirchhoff("run", TOP / "data" / "cases" / f"{case}.yaml", folder, sample_count=10000, **options)
        train, neural = found["train"], found["sampling"]["neural"]
        steps, batch = train["steps"], round(train["samples_per_second"] * train["seconds"] / train["steps"])
        rows.append([problem, name, f"{steps:,} x {batch:,}", f"{train['seconds']:.0f}", number(neural["tv_exit_law"], 3),
                     number(neural["kl_exit_law"], 3), number(neural["walks_per_second"])])
        if problem == PLANE:
            bars.append((f"{name}\n{steps:,} x {batch:,}", neural["tv_exit_law"], "C0"))
    rows.sort(key=lambda row: (row[0] == LINE, "peer" not in row[1]))
    text = ("# Against discrete flow matching and masked diffusion\n\n"
            "Exit laws, computed on either side, against q; training in seconds of one core. The peers' figures are given, not "
            "measured by this script. Exact supervision sees the solved circuit, Monte-Carlo supervision and the peers "
            "see samples only: 2.56 million in 10,000 steps of 256. KL is infinite where some state of positive q gets none.\n\n" +
            table(["problem", "method", "steps x batch", "training [s]", "TV", "KL(q \\|\\| g)", "samples a second"], rows) +
            "\nCases data/cases/moons_to_swiss_roll.yaml, moons_to_swiss_roll_samples.yaml and uniform_to_normal.yaml; made by "
            "`scripts/studies.py matching`.\n\n![](matching.svg)\n")
    figure, axis = plt.subplots(figsize=(7, 3.2))
    axis.barh([b[0] for b in bars], [b[1] for b in bars], color=[b[2] for b in bars])
    axis.set(xscale="log", xlabel="TV of the exit law, swiss roll on 50 x 50")
    axis.invert_yaxis()
    write(out, "matching", text, figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = {"ratio": ratio, "cost": cost, "dimensions": dimensions, "matching": matching}
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=", ".join(every))
    parser.add_argument("-out", type=pathlib.Path, default=TOP / "docs" / "results")
    arguments = parser.parse_args()
    for name in arguments.studies:
        if name not in every:
            parser.error(f"no study {name}: there are {', '.join(every)}")
    for name in arguments.studies or every:
        try:
            every[name](arguments.out)
        except Failed as failure:
            raise SystemExit(f"error: study {name}: {failure}") from None


if __name__ == "__main__":
    main()
