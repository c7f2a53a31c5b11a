#!/usr/bin/env python3
"""Runs the commands whose output README.md and docs/*.md show, and compares it with what they show, numbers masked.

    docs_samples.py PROGRAM MPIEXEC SOURCE_DIR [--whole]

A sample is a fenced block right below a line like

    <!-- sample: mpirun -n 2 kirchhoff run $CASES/x.yaml | quick: -train_steps 60 -->

The command runs in an empty folder, under bash, where $CASES is data/cases. Without --whole, what stands behind `quick:`
is added to it, and what a network that has learned nothing adds to the lines is left out.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SAMPLE = re.compile(r"^<!-- sample: (?P<command>.*?)(?: \| quick: (?P<quick>.*?))? -->\n+```\w*\n(?P<shown>.*?)^```", re.M | re.S)
NUMBER = re.compile(r"\b[0-9a-f]{32}\b|\b\d(?:[\w.,:+-]*\w)?")
OF_A_POOR_NETWORK = re.compile(r", (?:lost mass )?#(?: stuck)?(?=$|;)", re.M)


def masked(text, whole):
    text = NUMBER.sub("#", text)
    return text if whole else OF_A_POOR_NETWORK.sub("", text)


def output_of(command, program, mpiexec, cases):
    """What a command prints, in a folder where `kirchhoff` and `mpirun` are the ones under test."""
    with tempfile.TemporaryDirectory() as folder:
        tools, work = pathlib.Path(folder, "bin"), pathlib.Path(folder, "work")
        tools.mkdir()
        work.mkdir()
        (tools / "kirchhoff").symlink_to(program)
        (tools / "mpirun").symlink_to(mpiexec)
        environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "CASES": str(cases)}
        environment.pop("PETSC_OPTIONS", None)
        done = subprocess.run(["bash", "-euc", command], cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: exit status {done.returncode}: {done.stderr}")
    return done.stdout


def main():
    program, mpiexec, source = (pathlib.Path(word).absolute() for word in sys.argv[1:4])
    whole = "--whole" in sys.argv[4:]
    compared = 0
    for page in [source / "README.md", *sorted((source / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        found = list(SAMPLE.finditer(text))
        if len(found) != text.count("<!-- sample:"):
            sys.exit(f"{page.name}: a line '<!-- sample: ... -->' has no fenced block below it")
        for sample in found:
            command = sample["command"] + ("" if whole or not sample["quick"] else " " + sample["quick"])
            printed = output_of(command, program, mpiexec, source / "data" / "cases")
            shown = masked(sample["shown"], whole).splitlines()
            lines = masked(printed, whole).splitlines()[-len(shown):]
            if lines != shown:
                print("\n".join(difflib.unified_diff(shown, lines, page.name, command, lineterm="")))
                sys.exit(f"{page.name} shows what the program no longer prints:\n{printed}")
            compared += 1
    print(f"{compared} samples are what the program prints")
    if compared == 0:
        sys.exit("no sample was found")


if __name__ == "__main__":
    main()
