#!/usr/bin/env bash
# kirchhoff bench and the scripts around it, on tiny circuits.
. "$(dirname "$0")/common/lib.sh"

cat >tiny.yaml <<'YAML'
space:   {categories: 6, dimensions: 2}
circuit: {family: lattice, layers: 4, resistance_same: 1, resistance_change: 10}
source:  {name: two_moons}
target:  {name: normal}
YAML

check_bench() { # RANKS FILE: what is promised of bench.json
  "$python" - "$@" <<'PYTHON' || fail "$2 is not as promised"
import json
import sys

ranks, report = int(sys.argv[1]), json.load(open(sys.argv[2]))
assert report["unknowns"] == 180 and report["family"] == "lattice" and report["triad_bytes_per_second"] > 1e8
names = [m["name"] for m in report["methods"]]
assert names[0] == "auto" and {"krylov", "direct"} <= set(names), names
done = [m for m in report["methods"] if "not_done" not in m]
assert {"auto", "krylov", "direct"} <= {m["name"] for m in done}
for m in done:
    assert m["relative_residual"] <= max(1e-12, m["residual_floor"]) and m["ranks"] == ranks and m["repeats"] == 3, m
    for phase in ("assemble", "setup", "solve", "solution", "check", "total"):
        s = m["seconds"][phase]
        assert 0 <= s["min"] <= s["median"] <= s["max"] and len(s["all"]) == 3, (m["name"], phase, s)
    assert m["ratio_to_best"] >= 1 and m["unknowns_per_second"] > 0 and m["triads"] > 0
best = min(done, key=lambda m: m["seconds"]["solution"]["median"])
assert report["best"] == best["name"] and report["auto_to_best"] >= 1
PYTHON
}

for ranks in 1 2 3; do
  succeed "$ranks" bench tiny.yaml -out "on$ranks" -bench_repeats 3
  [ "$(ls "on$ranks" | tr '\n' ' ')" = 'bench.json state.json ' ] || fail "bench leaves $(ls "on$ranks")"
  check_bench "$ranks" "on$ranks/bench.json"
done
grep -q '^method .*residual' log && grep -q '^krylov .* cg + ' log || fail "no table: $(cat log)"

# Only what is asked for, with PETSc's options; what fails is named, and is an error only when nothing is left.
succeed 2 bench tiny.yaml -bench_methods krylov -bench_repeats 1 -pc_type jacobi
grep -q 'cg + jacobi' log && ! grep -q '^direct' log || fail "not what was asked for: $(cat log)"
succeed 1 bench tiny.yaml -bench_methods direct,krylov -bench_repeats 2 -pc_type jacobi
grep -q '^direct  *-  the solve .preonly' log && grep -q 'cg + jacobi' log || fail "a failure is not named: $(cat log)"
expect_error 1 'tiny: no method solved the circuit' 1 bench tiny.yaml -bench_methods krylov -ksp_max_it 1
expect_error 1 "option -bench_methods has 'krilov'.*did you mean 'krylov'" 2 bench tiny.yaml -bench_methods krilov
expect_error 1 'option -bench_repeats is 0' 1 bench tiny.yaml -bench_repeats 0

# Peers and scaling: the scripts run, and every line of the peers' table says a time or why there is none.
export KIRCHHOFF=$program
"$python" "$source_dir/scripts/bench_peers.py" tiny.yaml --repeats 1 >peers || fail "bench_peers.py: $(cat peers)"
[ "$(grep -c '^|' peers)" = 13 ] && grep -q '^| \*\*kirchhoff\*\* |.*| 1 |' peers || fail "$(cat peers)"
grep -qE '^\| CG \+ GAMG \| [0-9.e-]+ \|' peers && grep -qE '^best peer: .* times' peers || fail "no ratio: $(cat peers)"
"$python" "$source_dir/scripts/bench_scaling.py" tiny.yaml --rounds 1 --repeats 1 >scaling || fail "bench_scaling.py: $(cat scaling)"
grep -qE '^speed-up [0-9.]+ .*of what memory allows' scaling || fail "$(cat scaling)"

# The committed circuits are read, and the small ones are solved.
for case in "$source_dir"/data/bench/*.yaml; do
  few=(-space_categories 2 -space_dimensions 2)
  ! grep -q 'family: nearest' "$case" || few+=(-circuit_neighbours 3)
  name=$(basename "$case" .yaml)
  case $name in
    dense_small | file_links) succeed 2 bench "$case" -out "committed/$name" -bench_methods auto -bench_repeats 1 ;;
    *) succeed 1 solve "$case" -out "committed/$name" "${few[@]}" ;;
  esac
done
