#!/usr/bin/env bash
# The cases on real data, solved, sampled and checked outside the program. Needs KIRCHHOFF_REFERENCE_DATA.
. "$(dirname "$0")/common/lib.sh"
[ -n "$reference_data" ] || skip "KIRCHHOFF_REFERENCE_DATA is not set"
export KIRCHHOFF_REFERENCE_DATA=$reference_data

for case in nltcs digit_patches digit_patches_dense; do
  input=$source_dir/data/cases/$case.yaml
  succeed "$np" solve "$input"
  cat log
  "$python" "$source_dir/scripts/verify_solution.py" $case/solution.h5 || fail "$case: the solution does not verify"
  # What follows of the exact walk needs no network: with one flow, validate is done without.
  succeed "$np" sample "$input" -sample_flow exact -sample_count 50000
  succeed "$np" validate "$input" -sample_flow exact -sample_count 50000
  "$python" - $case <<'PYTHON' || fail "$case: the report is not as it must be"
import json
import sys
import h5py
import numpy as np

case = sys.argv[1]
report = json.load(open(f"{case}/report.json"))
solve, exact = report["solve"], report["sampling"]["exact"]
unknowns, edges = {
    "nltcs": (17 * 2**16, 16 * 2**16 * 17),
    "digit_patches": (11 * 17**4, 10 * (17**4 + 4 * 17**3 * 2 * 16)),
    "digit_patches_dense": (11 * 17**4, 10 * 17**8),
}[case]
assert (solve["unknowns"], solve["edges"], solve["components"]) == (unknowns, edges, 1)
assert solve["relative_residual"] <= max(1e-12, solve["residual_floor"])
assert solve["energy_relative_error"] <= 1e-10
assert exact["tv_exit_law"] <= 0.5 * solve["residual_norm1"] + 1e-12
assert exact["exit_law_lost_mass"] <= 1e-12 and exact["stuck"] == 0
assert exact["tv"] < 1.2 * exact["noise_floor_tv"]
with h5py.File(f"{case}/samples.h5") as file:
    ends, start = file["exact/samples"][...], file["exact/start"][...]
    assert ends.shape == start.shape == (50000, 16 if case == "nltcs" else 4)
with h5py.File(f"{case}/solution.h5") as file:
    states = np.ravel_multi_index(ends.T.astype(int), (2,) * 16 if case == "nltcs" else (17,) * 4)
    assert (file["target"][...][states] > 0).all(), "a walk ended where no data is"
if case == "nltcs":
    assert exact["test_rows"] == 3236 and exact["rows_of_zero_probability"] > 0
    assert exact["log_likelihood_test"] is None  # the empirical distribution knows nothing of some test rows
    assert solve["seconds"]["total"] <= 30
PYTHON
done
