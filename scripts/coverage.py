#!/usr/bin/env python3
"""Which lines of src/, include/ and apps/ the tests have run:
coverage.py [BUILD_FOLDER] [--base REVISION] [--tolerate-added] [--all]

BUILD_FOLDER (build/asan) was configured with KIRCHHOFF_COVERAGE and its tests have been run. Prints the share of lines
by folder, and lists the lines added since REVISION that no test runs: by default since the branch left main, on main
since the commit before. Fails if there are any (unless --tolerate-added), and below 90 percent of src/. A line that no
test can reach is marked "// GCOVR_EXCL_LINE: the reason", or lines from GCOVR_EXCL_START to GCOVR_EXCL_STOP; they do
not count.
--all lists every line that no test runs. Needs gcovr.
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


def git(top, *arguments):
    """What git says, or nothing where it fails."""
    found = subprocess.run(["git", "-C", str(top), *arguments], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def base_of(top):
    """Where the branch left main; on main the commit before."""
    for main_branch in ("origin/main", "main", "origin/master", "master"):
        base = git(top, "merge-base", "HEAD", main_branch)
        if base and base != git(top, "rev-parse", "HEAD"):
            return base
    return git(top, "rev-parse", "--verify", "--quiet", "HEAD~1")


def markers_without_reason(top):
    for folder in FOLDERS:
        for path in sorted((top / folder).rglob("*.[ch]pp")):
            for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if re.search(r"GCOVR_EXCL_(?:LINE|START)(?!: \w)", text):
                    yield f"{path.relative_to(top)}:{number}: {text.strip()}"


def listed(top, places):
    for name, number in places:
        text = (top / name).read_text(encoding="utf-8").splitlines()[number - 1].strip()
        print(f"  {name}:{number}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default="build/asan")
    parser.add_argument("--base", help="revision since which added lines must be run; default: where main was left")
    parser.add_argument("--tolerate-added", action="store_true", help="list added lines that no test runs, do not fail")
    parser.add_argument("--all", action="store_true", help="list every line that no test runs")
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
    if arguments.all:
        listed(top, [(name, n) for name in sorted(lines) for n, times in sorted(lines[name].items()) if times == 0])
    failed = False
    base = arguments.base or base_of(top)
    if base:
        missed = [(name, number) for name, number in added(top, base) if lines.get(name, {}).get(number) == 0]
        if missed:
            failed = not arguments.tolerate_added
            mark = "error: " if failed else ""
            print(f"{mark}no test runs {len(missed)} of the lines added since {base[:12]}:")
            listed(top, missed)
        else:
            print(f"tests run all lines added since {base[:12]}")
    for marker in markers_without_reason(top):
        failed = True
        print(f"error: no reason behind the marker (GCOVR_EXCL_LINE: the reason): {marker}")
    run, all_lines = by_folder["src"]
    if run < LEAST * all_lines:
        failed = True
        print(f"error: the tests run less than {100 * LEAST:.0f} % of the lines of src/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
