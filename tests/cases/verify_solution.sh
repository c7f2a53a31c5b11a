#!/usr/bin/env bash
# scripts/verify_solution.py confirms solutions of every family from the file alone, and sees through a changed copy.
. "$(dirname "$0")/common/lib.sh"

cat >small.yaml <<'YAML'
space:   {categories: 5, dimensions: 3}
circuit: {family: dense, layers: 6, resistance_same: 1, resistance_change: 20}
source:  {name: normal}
target:  {name: mixture}
YAML
circuits=('-circuit_resistance_same 20' '-circuit_family hamming' '-circuit_family lattice'
  '-circuit_family lattice -circuit_boundary periodic'
  '-circuit_family lattice -circuit_boundary periodic -space_categories 2'
  '-circuit_family hamming -circuit_resistance_same 1,2,3,4,5,6 -circuit_resistance_change 9,8,7,6,5,4'
  '-circuit_resistance_same 3,2,1,3,2,1 -circuit_resistance_change 1,2,3,4,5,1e4' '-circuit_layers 1')
files=()
for k in "${!circuits[@]}"; do
  read -ra options <<<"${circuits[$k]}"
  succeed "$((k % 3 + 1))" solve small.yaml -out "$k" "${options[@]}"
  files+=("$k/solution.h5")
done
verify=("$python" "$source_dir/scripts/verify_solution.py")
"${verify[@]}" "${files[@]}" || fail "a solution does not verify"

# A digit of one potential, one resistance, one ampere of a terminal: each is seen.
tampered() { # DESCRIPTION PYTHON
  cp 1/solution.h5 tampered.h5
  "$python" -c "import h5py; f = h5py.File('tampered.h5', 'r+'); $2"
  if "${verify[@]}" tampered.h5 >log; then fail "$1 went unnoticed: $(cat log)"; fi
  grep -q EXCEEDED log || fail "$1: $(cat log)"
}
tampered 'a potential' "f['potential'][3, 17] += 1e-9"
tampered 'a terminal' "f['target'][7] += 1e-9"
tampered 'a resistance' "f.attrs['options'] = f.attrs['options'].replace('resistance_change: 20', 'resistance_change: 20.001')"
tampered 'not a number' "f['potential'][0, 0] = float('nan')"

status=0
"${verify[@]}" small.yaml 2>log || status=$?
[ $status = 2 ] && grep -q '^error: small.yaml' log || fail "a file that is no solution: $(cat log)"
