"""Runs of the program for tables over seeds: the options that such scripts share, and a run's report."""

import json
import pathlib
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent


def add_arguments(parser, seeds, out):
    parser.add_argument("--seeds", default=seeds)
    parser.add_argument("--out", default=out)
    parser.add_argument("--kirchhoff", default=str(TOP / "build/release/kirchhoff"), help="the program, or a command line")
    parser.add_argument("options", nargs="*", help="options of the program, after --")


def report_of_run(name, case, seed, out, o, options=()):
    """The report of `kirchhoff run` into `out`; ends the script with the program's first word when it fails."""
    command = [*shlex.split(o.kirchhoff), "run", case, *options, "-seed", str(seed), "-out", out, *o.options]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        said = [line for line in done.stdout.splitlines() if line.startswith("error")] or done.stdout.split("\n")
        sys.exit(f"{name}, seed {seed}: {said[0]}")
    return json.loads((pathlib.Path(out) / "report.json").read_text())
