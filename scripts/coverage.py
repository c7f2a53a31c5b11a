#!/usr/bin/env python3
"""Which lines of src/, include/ and apps/ the tests have run: coverage.py [BUILD_FOLDER] [--base REVISION]

BUILD_FOLDER (build/asan) was configured with KIRCHHOFF_COVERAGE and its tests have been run. Prints the share of lines
by folder, and the lines added since REVISION (the last tag) that no test runs. Fails below 90 percent of src/.
A line that no test can reach is marked GCOVR_EXCL_LINE, with the reason. Needs gcovr.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

LEAST = 0.90
FOLDERS = ("src", "include", "apps")


def counts(top, build):
    """{file: {line: times}} of all that was compiled."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "coverage.json"
        command = ["gcovr", "--root", str(top), "--object-directory", str(build), "--json", str(out), "-j", "2"]
        for name in FOLDERS:
            command += ["--filter", str(top / name) + "/"]
        subprocess.run([*command, str(build)], check=True, stdout=subprocess.DEVNULL)
        report = json.loads(out.read_text())
    lines = {}
    for entry in report["files"]:
        lines[entry["file"]] = {
            line["line_number"]: line["count"] for line in entry["lines"] if not line.get("gcovr/noncode", False)
        }
    return lines


def added(top, base):
    """(file, line) of all lines since a revision, those of the work tree too."""
    command = ["git", "-C", str(top), "diff", "-U0", base, "--", *FOLDERS]
    name = None
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        if line.startswith("+++ "):
            name = line[6:]
        elif match := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(match[1]), int(match[2] or 1)
            yield from ((name, number) for number in range(first, first + count))


def last_tag(top):
    found = subprocess.run(
        ["git", "-C", str(top), "describe", "--tags", "--abbrev=0"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default="build/asan")
    parser.add_argument("--base", help="revision since which added lines are listed; default: the last tag")
    arguments = parser.parse_args()
    top = pathlib.Path(__file__).resolve().parent.parent
    lines = counts(top, pathlib.Path(arguments.build).resolve())
    by_folder = collections.defaultdict(lambda: [0, 0])
    for name, of_file in lines.items():
        parts = pathlib.PurePath(name).parts
        for folder in {parts[0], "/".join(parts[:2]) if len(parts) > 2 else parts[0]}:
            by_folder[folder][0] += sum(1 for times in of_file.values() if times > 0)
            by_folder[folder][1] += len(of_file)
    for folder, (run, all_lines) in sorted(by_folder.items()):
        print(f"{folder:<24} {run:>6} of {all_lines:>6} lines run, {100 * run / max(1, all_lines):5.1f} %")
    base = arguments.base or last_tag(top)
    if base:
        missed = [(name, number) for name, number in added(top, base) if lines.get(name, {}).get(number) == 0]
        print(f"{len(missed)} lines added since {base} are run by no test")
        for name, number in missed:
            text = (top / name).read_text(encoding="utf-8").splitlines()[number - 1].strip()
            print(f"  {name}:{number}: {text}")
    run, all_lines = by_folder["src"]
    if run < LEAST * all_lines:
        print(f"error: the tests run less than {100 * LEAST:.0f} % of the lines of src/")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
