#!/usr/bin/env bash
# scripts/same_bits.py: a program computes what it computed before, and one that does not is seen.
. "$(dirname "$0")/common/lib.sh"

same() { "$python" "$source_dir/scripts/same_bits.py" "$@" >log 2>&1; }

same "$program" "$program" -only '^(run-hamming|run-walk|solve-lattice-spread|table-samples.h5|network-pairs|convert-mtx)$' -ranks 1,2 ||
  fail "the same program differs from itself: $(cat log)"
grep -q '^12 runs the same, 0 different, 0 failed under OLD$' log || fail "not all jobs were run: $(cat log)"

cat >other <<SH
#!/bin/sh
case \$1 in run) exec "$program" "\$@" -seed 1 ;; *) exec "$program" "\$@" ;; esac
SH
chmod +x other
status=0
same "$program" ./other -only '^(run-hamming|solve-hamming-direct)$' -ranks 1 || status=$?
[ $status = 1 ] || fail "another seed: exit status $status, not 1: $(cat log)"
grep -q 'checkpoint.h5:.*off by' log || fail "the difference is not named: $(cat log)"
grep -q '^1 runs the same, 1 different' log || fail "not one run of two differs: $(cat log)"

status=0
same "$program" /bin/false -only '^solve-hamming-direct$' -ranks 1 || status=$?
[ $status = 1 ] || fail "a program that fails: exit status $status, not 1: $(cat log)"
status=0
same "$program" "$program" -only '^no such job$' || status=$?
[ $status = 2 ] || fail "no job at all: exit status $status, not 2"
echo "same bits: six jobs on one rank and on two, and three programs that differ"
