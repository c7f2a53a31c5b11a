"""What the scripts that measure share: one run of `kirchhoff bench`, with a time limit, as a dictionary."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
CIRCUITS = TOP / "data" / "bench"


class Failed(Exception):
    """A run that gave no figures; the text says why."""


def program():
    path = pathlib.Path(os.environ.get("KIRCHHOFF", TOP / "build" / "release" / "kirchhoff"))
    if not path.exists():
        sys.exit(f"error: no program at {path}: run scripts/build.sh first")
    return str(path)


def environment():
    """What scripts/env.sh sets, without PETSc options of the user's."""
    env = dict(os.environ)
    for name, value in re.findall(r"^export (\w+)=(\S+)", (TOP / "scripts" / "env.sh").read_text(), re.M):
        env.setdefault(name, value)
    env.pop("PETSC_OPTIONS", None)
    return env


def run(command, limit, folder=None):
    """Runs a command; its output. Ends it, with all that it started, after `limit` seconds. @raises Failed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               env=environment(), cwd=folder, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Failed(f"ended after {limit:g} s") from None
    if process.returncode != 0:
        errors = [line for line in output.splitlines() if line.startswith(("error: ", "[rank"))]
        raise Failed(errors[0] if errors else f"exit status {process.returncode}: {output[-200:].strip()}")
    return output


def mpi(ranks):
    return [os.environ.get("MPIEXEC", "mpiexec"), "-n", str(ranks)] if ranks > 1 else []


def bench(case, ranks=1, methods="", repeats=3, limit=60.0, options=()):
    """bench.json of a case. @raises Failed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*mpi(ranks), program(), "bench", str(case), "-out", folder, "-bench_repeats", str(repeats)]
        if methods:
            command += ["-bench_methods", methods]
        run([*command, *options], limit)
        return json.loads((pathlib.Path(folder) / "bench.json").read_text())


def method_of(report, name):
    """The entry of one method. @raises Failed when it has no figures."""
    entry = next((m for m in report["methods"] if m["name"] == name), None)
    if entry is None or "not_done" in entry:
        raise Failed("not measured" if entry is None else entry["not_done"])
    return entry


def cases(words):
    """Paths of the cases that are named, by path or by their name in data/bench; all of those when none is."""
    if not words:
        return sorted(CIRCUITS.glob("*.yaml"))
    found = []
    for word in words:
        path = pathlib.Path(word)
        if not path.is_file():
            path = CIRCUITS / f"{word}.yaml"
        if not path.is_file():
            sys.exit(f"error: no case {word}, neither a file nor in {CIRCUITS}")
        found.append(path)
    return found


def installed(name):
    return shutil.which(name) is not None
