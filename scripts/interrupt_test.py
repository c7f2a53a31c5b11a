#!/usr/bin/env python3
"""Ends runs of kirchhoff at random moments, resumes each and compares the results with those of an undisturbed run.

    scripts/interrupt_test.py --program build/release/kirchhoff --count 200
    scripts/interrupt_test.py --count 40 --signal TERM USR1 INT

Runs are of every kind (a dense circuit with network, walks and report; a sparse one by conjugate gradients; walk
supervision; a network of resistors), on one rank and on two. A moment is uniform over the time that an undisturbed run
takes, so that all phases are met, starting and ending included. KILL goes to the whole job or, by chance, to one rank
of it; other signals go to the program, or to mpirun if it passes them on (USR1), else to all ranks. Then the same
command is given again, and again ended with chance 1/4, until it ends by itself.

A trial fails when a run hangs, a resumed run fails, a dataset differs in a bit, state.json does not say what happened,
a temporary file stays behind, or, after a signal other than KILL, the status is not 0 or nothing says how to resume.
Exit status 1 when any trial failed. The same --seed makes the same choices.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py

SECONDS_TO_END = 60  # nothing may hang; a signal's own promise is 10 s, of which the table shows the worst

CASES = {
    "dense": (
        "run case.yaml",
        """
space:   {categories: 6, dimensions: 2}
circuit: {family: dense, layers: 4, resistance_same: 1, resistance_change: 36}
source:  {name: uniform}
target:  {name: normal}
model:   {hidden: [32, 32]}
train:   {steps: 1500, batch: 128, validate_every: 100, checkpoint_every: 100}
sample:  {count: 20000}
""",
    ),
    "sparse": (
        "run case.yaml -solve_method krylov",
        """
space:   {categories: 24, dimensions: 2}
circuit: {family: lattice, layers: 60, resistance_same: 1, resistance_change: 1}
source:  {name: two_moons}
target:  {name: swiss_roll}
model:   {hidden: [16]}
train:   {steps: 60, batch: 64, validate_every: 20, checkpoint_every: 20}
sample:  {flow: exact, count: 3000}
""",
    ),
    "walk": (
        "run case.yaml",
        """
space:   {categories: 2, dimensions: 8}
circuit: {family: hamming, layers: 3, resistance_same: 1, resistance_change: 4}
source:  {name: uniform}
target:  {name: uniform}
model:   {hidden: [16]}
train:   {supervision: walk, steps: 60, batch: 64, validate_every: 20, checkpoint_every: 20}
sample:  {count: 2000}
""",
    ),
    "network": ("solve grid.csv -out case", None),
}
# What may differ between two runs of the same problem: seconds.
TIMES = {"history"}


def write_inputs(folder, name):
    text = CASES[name][1]
    if text is not None:
        (folder / "case.yaml").write_text(text)
        return
    side = 120
    with open(folder / "grid.csv", "w", encoding="ascii") as file:
        file.write("node1,node2,resistance\n")
        for i in range(side):
            for j in range(side):
                if i + 1 < side:
                    file.write(f"{i * side + j},{(i + 1) * side + j},{1 + (i * j) % 7}\n")
                if j + 1 < side:
                    file.write(f"{i * side + j},{i * side + j + 1},{1 + (i + j) % 5}\n")
    (folder / "sources.csv").write_text(f"node,ampere\n0,1\n{side * side - 1},-1\n")


def command(args, name, ranks):
    words = CASES[name][0].split()
    if name == "network":
        words += ["-network_sources", "sources.csv"]
    start = [args.mpiexec, "-n", str(ranks)] if ranks > 1 else []
    return [*start, args.program, *words]


def children(pid):
    """Processes below pid that run the program, and all others."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = []
    for process in parents:
        at = process
        while at in parents and at != pid:
            at = parents[at]
        if at == pid and process != pid:
            found.append(process)
    return sorted(found)


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def usual_signals():
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


class Run:
    def __init__(self, words, folder):
        self.out = open(folder / "log", "w+", encoding="utf-8")
        self.err = open(folder / "stderr", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, preexec_fn=usual_signals
        )

    def wait(self, seconds):
        try:
            return self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None

    def end(self, name, ranks, chance):
        """Ends it by a signal; its status, or None when it hangs."""
        number = getattr(signal, "SIG" + name)
        top = self.process.pid
        below = children(top)
        if ranks == 1:
            victims = [top]
        elif name == "KILL":
            victims = [top, *below] if chance.random() < 0.5 or not below else [chance.choice(below)]
        else:
            victims = [top] if name in ("USR1", "USR2") or not below else below
        for pid in victims:
            send(pid, number)
        status = self.wait(SECONDS_TO_END)
        deadline = time.monotonic() + SECONDS_TO_END
        while any(alive(pid) for pid in below) and time.monotonic() < deadline:
            time.sleep(0.01)
        left = [pid for pid in [top, *below] if alive(pid)]
        for pid in left:
            send(pid, signal.SIGKILL)
        return None if left else status

    def text(self):
        self.process.wait()
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read())
            file.close()
        return texts


def results(folder):
    """What a finished run has made, as comparable values."""
    found = {}
    for path in sorted((folder / "case").rglob("*.h5")):
        if path.name.startswith("checkpoint.previous"):
            continue
        with h5py.File(path) as file:

            def take(name, item, path=path):
                if isinstance(item, h5py.Dataset) and name.split("/")[-1] not in TIMES:
                    found[f"{path.name}:{name}"] = (str(item.dtype), item.shape, item[...].tobytes())

            file.visititems(take)
    csv = folder / "case" / "training.csv"
    if csv.exists():
        rows = [row.split(",") for row in csv.read_text().splitlines()]
        found["training.csv"] = [row[:1] + row[2:] for row in rows]
    return found


def wrong_in(folder, reference):
    found = results(folder)
    wrong = [name for name in reference if found.get(name) != reference[name]] + [n for n in found if n not in reference]
    if wrong:
        return "differs: " + ", ".join(wrong[:3])
    left = [p.name for p in (folder / "case").iterdir() if p.suffix in (".tmp", ".new")]
    if left:
        return "left behind: " + ", ".join(left)
    state = json.loads((folder / "case" / "state.json").read_text())["state"]
    return "" if state == "finished" else f"state.json says {state}"


def state_of(folder):
    try:
        state = json.loads((folder / "case" / "state.json").read_text())
    except FileNotFoundError:
        return "nothing", "starting"
    return state["state"], state.get("stage") or "between"


def trial(args, name, ranks, kind, chance, seconds, reference, base, worst):
    """One run, ended and resumed: what went wrong, "" if nothing, and the phases in which it was ended."""
    with tempfile.TemporaryDirectory(dir=base) as work:
        folder = pathlib.Path(work)
        write_inputs(folder, name)
        phases = []
        resumed = 0
        while True:
            run = Run(command(args, name, ranks), folder)
            end_it = resumed == 0 or (chance.random() < 0.25 and resumed < 4)
            moment = chance.uniform(0, seconds) if end_it else SECONDS_TO_END * 4
            status = run.wait(moment)
            if status is None and not end_it:
                run.end("KILL", 1, chance)
                return "a resumed run hangs", phases
            if status is not None:
                log, err = run.text()
                if status != 0:
                    return f"a resumed run ends with status {status}: {err[-300:]}", phases
                return wrong_in(folder, reference), phases or ["after the end"]
            began = time.monotonic()
            caught = handles(run.process.pid, ranks, kind)
            status = run.end(kind, ranks, chance)
            took = time.monotonic() - began
            log, err = run.text()
            if status is None:
                return f"hangs after {kind}", phases
            state, stage = state_of(folder)
            phases.append(stage)
            if kind != "KILL":
                worst[kind] = max(worst[kind], took)
                finished = status == 0 and "interrupted: resume with" not in log
                if not caught and status != 0:
                    pass  # the dynamic linker was still at work: docs/cluster.md
                elif status != 0:
                    return f"{kind}: status {status}: {err[-300:]}", phases
                elif not finished and state not in ("interrupted", "nothing"):
                    # A run that had not reached its folder leaves what an earlier one wrote.
                    return f"{kind}: state.json says {state}", phases
            resumed += 1


def handles(pid, ranks, kind):
    """Whether the program has come so far as to have its handlers."""
    if kind == "KILL":
        return True
    bit = 1 << (getattr(signal, "SIG" + kind) - 1)
    pids = [pid] if ranks == 1 else children(pid)
    try:
        masks = [
            int(line.split()[1], 16)
            for p in pids
            for line in pathlib.Path(f"/proc/{p}/status").read_text().splitlines()
            if line.startswith("SigCgt")
        ]
    except OSError:
        return False
    return len(masks) >= ranks and all(mask & bit for mask in masks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--program", default=os.environ.get("KIRCHHOFF", str(here / "build/release/kirchhoff")))
    parser.add_argument("--mpiexec", default=os.environ.get("MPIEXEC", "mpiexec"))
    parser.add_argument("--count", type=int, default=200, help="trials, over all cases and numbers of ranks")
    parser.add_argument("--signal", nargs="+", default=["KILL"], choices=["KILL", "TERM", "USR1", "INT", "HUP"])
    parser.add_argument("--case", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--minutes", type=float, default=1e9, help="no trial begins later; the summary says how many did")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.program = str(pathlib.Path(args.program).resolve())
    chance = random.Random(args.seed)

    kinds = [(name, ranks) for name in args.case for ranks in (1, 2)]
    reference = {}
    duration = {}
    with tempfile.TemporaryDirectory() as base:
        for name, ranks in kinds[: args.count]:
            folder = pathlib.Path(base) / f"whole-{name}-{ranks}"
            folder.mkdir()
            write_inputs(folder, name)
            began = time.monotonic()
            run = Run(command(args, name, ranks), folder)
            status = run.wait(SECONDS_TO_END * 10)
            duration[name, ranks] = time.monotonic() - began
            log, err = run.text()
            if status != 0:
                sys.exit(f"{name} on {ranks} ranks: an undisturbed run ends with status {status}: {err}")
            reference[name, ranks] = results(folder)
            shutil.rmtree(folder)

        tally = collections.Counter()
        failures = collections.Counter()
        where = collections.defaultdict(collections.Counter)
        worst = collections.defaultdict(float)
        ended = 0
        until = time.monotonic() + 60 * args.minutes
        for number in range(args.count):
            if time.monotonic() > until:
                break
            name, ranks = kinds[number % len(kinds)]
            kind = chance.choice(args.signal)
            wrong, phases = trial(
                args, name, ranks, kind, chance, duration[name, ranks], reference[name, ranks], base, worst
            )
            tally[name, ranks] += 1
            where[name, ranks].update(phases)
            ended += sum(phase != "after the end" for phase in phases)
            if wrong:
                failures[name, ranks] += 1
                print(f"trial {number}: {name} on {ranks} ranks, {kind} in {', '.join(phases)}: {wrong}", flush=True)

    print("| run | ranks | trials | ended while | failed |\n|---|---|---|---|---|")
    for name, ranks in tally:
        phases = ", ".join(f"{phase} {n}" for phase, n in where[name, ranks].most_common())
        print(f"| {name} | {ranks} | {tally[name, ranks]} | {phases} | {failures[name, ranks]} |")
    for kind, seconds in worst.items():
        print(f"{kind}: the slowest run was gone {seconds:.1f} s after it")
    failed = sum(failures.values())
    print(f"{sum(tally.values())} trials, {ended} runs ended by {'/'.join(args.signal)}, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
