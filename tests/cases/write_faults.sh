#!/usr/bin/env bash
# A write that fails on one rank alone ends the program on all, with one line and status 1; what was there before stays.
# In the suite some calls are tried; with KIRCHHOFF_NIGHTLY=1 the first 20 of every file, on each of two ranks.
. "$(dirname "$0")/common/lib.sh"
[ -e "$faults" ] || skip "no $faults"
[ -r /proc/self/fd ] || skip "no /proc to tell files by"

small_case case.yaml 'space: {categories: 30, dimensions: 2}' \
  'circuit: {family: lattice, layers: 3, resistance_same: 1, resistance_change: 10}' \
  'train: {steps: 4, batch: 64, validate_every: 2, checkpoint_every: 4}' 'sample: {flow: exact, count: 400000}'
printf '* three resistors\nV1 in 0 1\nR1 in a 1\nR2 a 0 2\nR3 a b 3\nR4 b 0 4\n.end\n' >net.sp

# What makes each file, beyond what was there before.
declare -A makes=(
  [solution]="solve case.yaml -out solution -force"
  [network]="solve net.sp -out network"
  [currents]="solve case.yaml -out currents -solve_currents true -force"
  [checkpoint]="train case.yaml -out checkpoint -force"
  [samples]="sample case.yaml -out samples -force"
)
declare -A file_of=([solution]=solution.h5 [network]=solution.h5 [currents]=currents.h5 [checkpoint]=checkpoint.h5 [samples]=samples.h5)

hits=0
# fault KIND RANK CALL ERRNO WORDS [ONLY]: the CALL-th call on this rank fails
fault() {
  local kind=$1 file=${file_of[$1]} status=0 what="$1, call $3 on rank $2: $5" before
  rm -f mark
  before=$(stalled)
  # shellcheck disable=SC2086 # words
  LD_PRELOAD=$faults FAULT_MARK=$work/mark FAULT_FILE=$file FAULT_RANKS=$2 FAULT_CALL=$3 FAULT_ERROR=$4 ${6:+env FAULT_ONLY=1} \
    timeout -k 1 300 "$mpiexec" -n 2 "$program" ${makes[$kind]} >log 2>stderr </dev/null || status=$?
  [ $status != 124 ] && [ $status != 137 ] || fail "$what: still there after five minutes"
  nothing_half_written "$what"
  if [ ! -e mark ]; then # there are fewer calls
    [ $status = 0 ] || fail "$what: status $status without a fault: $(cat stderr)"
    cp "$kind/$file" "before/$kind/" # it was made again
    return 0
  fi
  hits=$((hits + 1))
  awk -v took="$(date +%s.%N) $(stat -c %.9Y mark)" -v stalled="$(stalled "$before")" \
    'BEGIN { split(took, at, " "); exit !(at[1] - at[2] <= 15 + stalled) }' || fail "$what: still there after 15 s"
  if [ $status = 0 ]; then fail "$what: passed over in silence"; fi
  [ $status = 1 ] || fail "$what: status $status: $(cat stderr)"
  [ "$(grep -c '^error: ' stderr)" = 1 ] || fail "$what: not one line 'error: ': $(cat stderr)"
  grep -qE "^error: .*$kind/$file.*: $5" stderr || fail "$what: does not name file and reason: $(cat stderr)"
  ! grep -E '^\[rank|PETSC ERROR|HDF5-DIAG|terminate called' stderr || fail "$what: a dump"
  cmp "before/$kind/$file" "$kind/$file" || fail "$what: cost the file that was there"
}

for kind in "${!makes[@]}"; do
  # shellcheck disable=SC2086 # words
  succeed 2 ${makes[$kind]}
  mkdir -p before && cp -r "$kind" before/
done
if [ -n "${KIRCHHOFF_NIGHTLY:-}" ]; then calls=$(seq 1 20); else calls="1 4"; fi
for kind in "${!makes[@]}"; do
  for rank in 0 1; do
    for call in $calls; do
      [ -n "${KIRCHHOFF_NIGHTLY:-}" ] || [ "$rank" = 0 ] || [ "$call" = 1 ] || continue
      fault "$kind" $rank "$call" 122 'Disk quota exceeded'
    done
  done
done
fault solution 1 1 5 'Input/output error' only
fault samples 1 2 28 'No space left on device' only

# state.json: what cannot be written is said, the last one stays whole, and is never a better one than the truth.
state_fault() { # RANKS CALL REGEX STATE [ONLY]: from this call on (or this one alone) they fail; a state has two, write and fsync
  local status=0 what="state.json, call $2 on $1 ranks"
  rm -rf mark state && cp -r before/state .
  LD_PRELOAD=$faults FAULT_MARK=$work/mark FAULT_FILE=state.json FAULT_CALL=$2 FAULT_ERROR=28 ${5:+env FAULT_ONLY=1} \
    timeout -k 1 300 "$mpiexec" -n "$1" "$program" solve case.yaml -out state -force >log 2>stderr </dev/null || status=$?
  [ -e mark ] || fail "$what: no fault was met"
  hits=$((hits + 1))
  [ $status = 1 ] || fail "$what: status $status: $(cat stderr)"
  [ "$(grep -c '^error: ' stderr)" = 1 ] && grep -qE "$3" stderr || fail "$what: not '$3': $(cat stderr)"
  [ "$(state_of state)" = "$4" ] || fail "$what: $(cat state/state.json)"
  nothing_half_written "$what"
}
succeed 1 solve case.yaml -out state
cp -r state before/
no_room='cannot write state/state.json: No space left on device'
for ranks in 1 2; do
  for call in 1 2; do
    state_fault $ranks $call "^error: $no_room" finished # nothing has begun
    cmp before/state/state.json state/state.json || fail "a state that could not be written changed the one before"
  done
  state_fault $ranks 3 "^error: $no_room" running
  grep -q "^warning: $no_room; it says what it said before, not that the work is failed" stderr || fail "silent: $(cat stderr)"
  state_fault $ranks 3 "^error: $no_room" failed only
  state_fault $ranks 5 "^error: $no_room" running # the end of the work
done
echo "$hits faults met"
[ $hits -ge 12 ] || fail "only $hits faults met"
