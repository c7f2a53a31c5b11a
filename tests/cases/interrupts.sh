#!/usr/bin/env bash
# Runs that are ended at random moments and resumed end with the bits of an undisturbed run: a few; with KIRCHHOFF_NIGHTLY=1, 200 by SIGKILL and 100 by other signals.
. "$(dirname "$0")/common/lib.sh"

try() {
  "$python" "$source_dir/scripts/interrupt_test.py" --program "$program" --mpiexec "$mpiexec" "$@" || fail "interrupt_test.py $*"
}
if [ -n "${KIRCHHOFF_NIGHTLY:-}" ]; then
  try --count 200
  try --count 100 --signal TERM USR1 INT HUP
else
  try --count 8 --signal KILL TERM USR1 INT
fi
