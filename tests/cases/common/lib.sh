# Sourced by the tests beside this folder. Each works in a folder of its own, which goes with it.
# From ctest: KIRCHHOFF (the program), MPIEXEC, KIRCHHOFF_SOURCE_DIR. NP is the number of ranks where it does not matter.
set -euo pipefail
source_dir=${KIRCHHOFF_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
[ -n "${KIRCHHOFF:-}" ] || . "$source_dir/scripts/env.sh"
program=${KIRCHHOFF:-$source_dir/build/release/kirchhoff}
mpiexec=${MPIEXEC:-mpiexec}
np=${NP:-2}
reference_data=${KIRCHHOFF_REFERENCE_DATA:-}
faults=${KIRCHHOFF_FAULTS:-$source_dir/build/release/tests/libkirchhoff_faults.so} # to be preloaded
unset KIRCHHOFF_REFERENCE_DATA                # a test sets what it needs
export PETSC_OPTIONS=-objects_dump            # lists, at the end, the objects of PETSc that are left

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

# The first python3 that has h5py: a user's own may stand before the system's.
for python in python3 /usr/bin/python3 none; do
  if "$python" -c 'import h5py, numpy' 2>/dev/null; then break; fi
done
[ "$python" != none ] || skip "no python3 with h5py and numpy"

# kirchhoff RANKS COMMAND ...: without mpiexec on one rank.
kirchhoff() {
  local ranks=$1
  shift
  if [ "$ranks" = 1 ]; then "$program" "$@"; else "$mpiexec" -n "$ranks" "$program" "$@"; fi
}

# small_case FILE [LINE...]: a case of 9 states a layer. A line stands for the section of its name, or for one more.
small_case() {
  local file=$1 line
  shift
  cat >"$file" <<'YAML'
space:   {categories: 3, dimensions: 2}
circuit: {layers: 3}
source:  {name: uniform}
target:  {name: normal}
model:   {hidden: [8]}
train:   {steps: 20, batch: 8}
sample:  {count: 100}
YAML
  for line in "$@"; do
    sed -i "/^${line%%:*}:/d" "$file"
    printf '%s\n' "$line" >>"$file"
  done
}

# succeed RANKS COMMAND ...: exit status 0, nothing but progress on stderr; its output is in the file `log`.
succeed() {
  kirchhoff "$@" >log 2>stderr </dev/null || fail "kirchhoff $*: exit status $?: $(cat log stderr)"
  ! grep -E '^(error|\[rank|warning)|PETSC ERROR|HDF5-DIAG' stderr || fail "kirchhoff $*: spoke on stderr"
  ! grep -A9 'objects were never freed' log || fail "kirchhoff $*: leaves objects of PETSc"
  nothing_half_written "kirchhoff $*"
}

# expect_error STATUS REGEX RANKS COMMAND ...: fails as it should, with one line `error: ...` that matches, and in good order.
errors_seen=0
expect_error() {
  local wanted=$1 regex=$2 status=0
  shift 2
  kirchhoff "$@" >log 2>stderr </dev/null || status=$?
  [ "$status" = "$wanted" ] || fail "kirchhoff $*: exit status $status, not $wanted: $(cat stderr)"
  [ "$(grep -c '^error: ' stderr)" = 1 ] || fail "kirchhoff $*: not one line 'error: ': $(cat stderr)"
  grep '^error: ' stderr | grep -qE -- "$regex" || fail "kirchhoff $*: does not match '$regex': $(cat stderr)"
  ! grep -E '^\[rank|PETSC ERROR|HDF5-DIAG|terminate called|std::|filesystem error' stderr || fail "kirchhoff $*: a dump"
  ! grep -A9 'objects were never freed' log || fail "kirchhoff $*: leaves objects of PETSc"
  # mpiexec adds its banner; by itself the program says no more than the one line.
  [ "$1" != 1 ] || [ "$(wc -l <stderr)" = 1 ] || fail "kirchhoff $*: more than one line: $(cat stderr)"
  nothing_half_written "kirchhoff $*"
  errors_seen=$((errors_seen + 1))
}

nothing_half_written() {
  local left
  left=$(find "$work" -name '*.tmp' -o -name '*.new')
  [ -z "$left" ] || fail "$1: leaves $left"
}

# start RANKS COMMAND ...: in the background, its id in `job`, those of its ranks in `ranks_of_job`, its output in `log` and `stderr`.
# Jobs in the background of a script ignore SIGINT, and so would the program.
start() {
  local ranks=$1
  shift
  local launch=()
  [ "$ranks" = 1 ] || launch=("$mpiexec" -n "$ranks")
  env --default-signal=INT,HUP "${launch[@]}" "$program" "$@" >log 2>stderr </dev/null &
  job=$!
  ranks_of_job=$job
  [ "$ranks" = 1 ] || await all_ranks_of_job "$ranks"
}
all_ranks_of_job() {
  ranks_of_job=$(pgrep -P $job -f "$program" | tr '\n' ' ') || return 1
  [ "$(wc -w <<<"$ranks_of_job")" = "$1" ]
}

# await CONDITION ...: until it holds of the program that was started.
await() {
  for _ in $(seq 2400); do
    ! "$@" || return 0
    kill -0 $job 2>/dev/null || fail "ended before '$*': $(cat log stderr)"
    sleep 0.05
  done
  fail "no '$*' after 120 s"
}

# stalled [SECONDS]: for how many seconds, less those, something on this machine has waited for a processor (0 where the
# kernel does not count). What a program promises of its time, it promises without them.
stalled() {
  local line='some total=0'
  { read -r line </proc/pressure/cpu; } 2>/dev/null || true
  awk -v microseconds="${line##*total=}" -v less="${1:-0}" 'BEGIN { printf "%.3f", microseconds / 1e6 - less }'
}

# interrupted WHAT: the job ends well and says, once, how to go on.
interrupted() {
  local status=0 before
  before=$(stalled)
  wait $job || status=$?
  [ $status = 0 ] || fail "$1: status $status: $(cat log stderr)"
  [ "$(grep -c '^interrupted: resume with ' log)" = 1 ] || fail "$1: no line of how to resume: $(cat log stderr)"
  ! grep -E '^error' stderr || fail "$1: an error"
  before=$(stalled "$before")
  if [ "${before%.*}" -ge 6 ]; then # a rank that no processor serves is ended by the others, amid what it writes
    find "$work" \( -name '*.tmp' -o -name '*.new' \) -type f -delete
  fi
  nothing_half_written "$1"
}

# state_of FOLDER: what its state.json says of the work.
state_of() {
  "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["state"])' "$1/state.json"
}
state_is() { # FOLDER STATE
  [ "$(state_of "$1")" = "$2" ] || fail "$1: $(cat "$1/state.json")"
}

# same_training FOLDER FOLDER: seconds are the only thing that differs, a column of /history.
same_training() {
  local name
  same_data "$1/checkpoint.h5" "$2/checkpoint.h5" history
  for name in step best_validation loss_sum checksum; do
    [ "$(attribute "$1/checkpoint.h5" $name)" = "$(attribute "$2/checkpoint.h5" $name)" ] || fail "$1 and $2: $name differs"
  done
  cut -d, -f1,3- "$1/training.csv" >training_of_first
  cut -d, -f1,3- "$2/training.csv" | cmp - training_of_first || fail "$1 and $2: training.csv differs"
}

# same_data FILE FILE [EXCEPT...]: all datasets of two HDF5 files are equal bit for bit.
same_data() {
  "$python" - "$@" <<'PYTHON' || fail "$1 and $2 differ"
import sys
import h5py

def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None)
    return found

first, second = datasets(sys.argv[1]), datasets(sys.argv[2])
wrong = set(first) ^ set(second)
wrong |= {name for name in first if name in second and
          (first[name].dtype != second[name].dtype or first[name].tobytes() != second[name].tobytes())}
wrong -= set(sys.argv[3:])
if wrong or not first:
    sys.exit("different: " + ", ".join(sorted(wrong)))
PYTHON
}

# attribute FILE NAME: a root attribute.
attribute() {
  "$python" -c 'import sys, h5py; print(h5py.File(sys.argv[1]).attrs[sys.argv[2]])' "$@"
}
