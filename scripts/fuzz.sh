#!/usr/bin/env bash
# Builds the fuzz harnesses of tests/fuzz and runs each: fuzz.sh [RUNS | SECONDSs] [NAME ...]
#   fuzz.sh              60 s each            fuzz.sh 1000000 csv npy    a million executions of two of them
#   fuzz.sh 300s         300 s each
# Prints, for each, executions, edges covered, edges that were new in the last quarter, and findings; fails on a finding.
# What a run learned stays in build/fuzz/corpus, and the next run begins there; findings are in build/fuzz/findings.
# CXX chooses the compiler (clang++-16), FUZZ_MEMORY the limit in MB of a harness (2048).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

effort=60s
if [[ ${1:-} =~ ^[0-9]+s?$ ]]; then
  effort=$1
  shift
fi
names=("$@")
declare -A longest=([npz]=2048 [raster]=1024) # bytes of an input; 512 for the others
if [ ${#names[@]} = 0 ]; then
  for source in tests/fuzz/fuzz_*.cpp; do
    name=${source##*/fuzz_}
    names+=("${name%.cpp}")
  done
fi

compiler=${CXX:-clang++-16}
command -v "$compiler" >/dev/null || {
  echo "error: no $compiler: scripts/setup.sh --ci installs it" >&2
  exit 77 # a test that is skipped
}
build=build/fuzz
[ -f $build/build.ninja ] || cmake -S . -B $build -G Ninja -DKIRCHHOFF_FUZZ=ON -DKIRCHHOFF_NATIVE=OFF \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_C_COMPILER="${compiler/++/}" >/dev/null
ninja -C $build --quiet "${names[@]/#/fuzz_}"

. scripts/env.sh # a harness may start MPI
# An execution takes a few MB: what was freed is kept from use for several, and its pages stay with the program (twice as fast).
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0:quarantine_size_mb=16:allocator_release_to_os_interval_ms=-1
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0

status=0
printf '%-15s %12s %8s %8s %22s %9s\n' harness executions edges seconds 'new in last quarter' findings
for name in "${names[@]}"; do
  seeds=tests/fuzz/corpus/$name
  learned=$build/corpus/$name
  findings=$build/findings/$name
  log=$build/$name.log
  rm -rf "$findings"
  mkdir -p "$learned" "$findings"
  options=(-rss_limit_mb="${FUZZ_MEMORY:-2048}" -malloc_limit_mb="${FUZZ_MEMORY:-2048}" -timeout=120 -report_slow_units=120 -print_final_stats=1
    -use_value_profile=0 -artifact_prefix="$findings/" -max_len="${FUZZ_LENGTH:-${longest[$name]:-512}}")
  [ ! -f "tests/fuzz/$name.dict" ] || options+=(-dict="tests/fuzz/$name.dict")
  if [[ $effort = *s ]]; then options+=(-max_total_time="${effort%s}"); else options+=(-runs="$effort"); fi
  began=$SECONDS
  verdict=0
  "$build/tests/fuzz/fuzz_$name" "${options[@]}" "$learned" "$seeds" >"$log" 2>&1 || verdict=$?
  count=$(find "$findings" -type f | wc -l)
  # libFuzzer's lines: "#12345 NEW    cov: 321 ft: ...": edges covered after so many executions.
  awk -v name="$name" -v seconds=$((SECONDS - began)) -v count="$count" '
    /^#[0-9]+.*cov: / {
      runs = substr($1, 2) + 0
      for (k = 2; k < NF; ++k) if ($k == "cov:") { at[++n] = runs; cov[n] = $(k + 1) }
      if (runs > last) last = runs
    }
    /stat::number_of_executed_units/ { last = $2 }
    END {
      for (k = 1; k <= n; ++k) if (at[k] <= 0.75 * last) before = cov[k]
      printf "%-15s %12d %8d %8d %22d %9d\n", name, last, cov[n], seconds, cov[n] - before, count
    }' "$log"
  if [ $verdict != 0 ] || [ "$count" != 0 ]; then
    status=1
    echo "error: fuzz_$name: $(grep -m1 -E 'ERROR: |does not hold|runtime error|SUMMARY' "$log" || tail -1 "$log") ($log, $findings)" >&2
  fi
done
exit $status
