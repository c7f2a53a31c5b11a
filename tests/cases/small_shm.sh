#!/usr/bin/env bash
# A node whose /dev/shm is far smaller than the field, as a container's: ranks share the field all the same, and none waits.
if [ "${1:-}" = inside ]; then # in a mount name space of its own
  mount -t tmpfs -o size="$2" tmpfs /dev/shm || exit 99
  shift 2
  exec "$@"
fi
. "$(dirname "$0")/common/lib.sh"
script=$source_dir/tests/cases/small_shm.sh
unshare -m bash "$script" inside 64k true 2>/dev/null || skip "this kernel does not let us mount another /dev/shm"
. "$source_dir/scripts/env.sh"

cat >case.yaml <<'YAML'
space:   {categories: 300, dimensions: 2}
circuit: {family: lattice, layers: 20, resistance_same: 1, resistance_change: 10}
source:  {name: two_moons}
target:  {name: swiss_roll}
YAML

# in_little SIZE RANKS NAME OPTIONS...: the field of 15 MB, with a /dev/shm of that size
in_little() {
  local size=$1 ranks=$2 name=$3 status=0
  shift 3
  timeout -k 1 120 unshare -m bash "$script" inside "$size" \
    "$mpiexec" -n "$ranks" "$program" solve case.yaml -out "$name" "$@" >log 2>stderr </dev/null || status=$?
  [ $status != 124 ] && [ $status != 137 ] || fail "$name: still there after two minutes"
  [ $status = 0 ] || fail "$name: status $status: $(cat log stderr)"
  grep -q '^solve ' log || fail "$name: no solve: $(cat log)"
}

succeed 1 solve case.yaml -out one
for ranks in 1 2 3; do
  in_little 64k $ranks little_$ranks
  same_data one/solution.h5 little_$ranks/solution.h5 # the transform's bits do not depend on ranks
done
in_little 1m 2 multigrid -circuit_layers 4 -circuit_resistance_spread 1 -solve_method multigrid
(
  ulimit -f 20000 # [KiB] files in memory are files: the field is held by every rank, and the file fits
  in_little 1m 2 copies
) || exit 1
same_data one/solution.h5 copies/solution.h5
