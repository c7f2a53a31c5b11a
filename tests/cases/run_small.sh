#!/usr/bin/env bash
# The whole job on tiny circuits: all files, on 1, 2 and 3 ranks, of all families and kinds of input.
. "$(dirname "$0")/common/lib.sh"

cat >tiny.yaml <<'YAML'
space:   {categories: 6, dimensions: 2}
circuit: {family: dense, layers: 4, resistance_same: 1, resistance_change: 36}
source:  {name: two_moons}
target:  {name: normal}
model:   {hidden: [16, 16]}
train:   {steps: 300, batch: 64, validate_every: 100, checkpoint_every: 100}
sample:  {count: 3000}
YAML

all_files='checkpoint.h5 checkpoint.previous.h5 report.html report.json samples.h5 solution.h5 state.json training.csv'
check_folder() { # FOLDER [FLOW...]: nothing missing, and the report has the keys that the interface promises
  [ "$(ls "$1" | tr '\n' ' ')" = "$all_files " ] || fail "$1 holds $(ls "$1")"
  "$python" - "$@" <<'PYTHON' || fail "$1: the report or a file is not as promised"
import json
import sys
import h5py

folder, flows = sys.argv[1], sys.argv[2:] or ["exact", "neural"]
report = json.load(open(f"{folder}/report.json"))

def need(where, keys):
    missing = set(keys.split()) - set(where)
    assert not missing, missing

need(report, "solve train currents sampling")
need(report["solve"], "method reason unknowns edges iterations relative_residual residual_floor kcl_max_imbalance "
     "energy_relative_error effective_resistance components seconds peak_memory_bytes ranks blas")
need(report["solve"]["seconds"], "assemble setup solve write total")
need(report["train"], "supervision steps seconds samples_per_second final_loss parameters parameters_per_unknown "
     "distinct_training_rows")
need(report["currents"], "relative_l2 relative_l2_by_layer sign_agreement kcl_relative_imbalance")
assert set(report["sampling"]) == set(flows)
for flow in report["sampling"].values():
    need(flow, "count seconds walks_per_second mean_steps tv kl js tv_exit_law kl_exit_law exit_law_lost_mass "
         "noise_floor_tv mmd tv64 off_support log_likelihood_test rows_of_zero_probability")
solve = report["solve"]
assert solve["relative_residual"] <= max(1e-12, solve["residual_floor"])
assert solve["energy_relative_error"] <= 1e-10
if "exact" in flows:
    assert report["sampling"]["exact"]["tv_exit_law"] <= 0.5 * solve["residual_norm1"] + 1e-12
html = open(f"{folder}/report.html").read()
assert "<svg" in html or "<canvas" in html or "createElementNS" in html, "no figure"
assert "http://" not in html.replace("http://www.w3.org/", "") and "https://" not in html, "not self-contained"

for name, kind in ("solution", "solution"), ("checkpoint", "checkpoint"), ("samples", "samples"):
    with h5py.File(f"{folder}/{name}.h5") as file:
        assert file.attrs["kind"] == kind
        need(file.attrs, "kind schema_version package_version problem_hash options ranks blas petsc")
        if kind == "solution":
            layers, states = file["potential"].shape
            assert file["source"].shape == file["target"].shape == (states,) and file["potential"].dtype == "f8"
            assert layers * states == solve["unknowns"]
            need(file.attrs, "method unknowns edges iterations relative_residual seconds_setup seconds_solve")
        elif kind == "checkpoint":
            need(file, "model optimizer random")
            need(file.attrs, "step seed best_validation checksum")
        else:
            for flow in flows:
                count = report["sampling"][flow]["count"]
                assert file[flow]["samples"].dtype == "u2" and file[flow]["samples"].shape[0] == count
                assert file[flow]["start"].shape == file[flow]["samples"].shape
                assert file[flow]["steps"].dtype == "i4" and file[flow]["steps"].shape == (count,)
PYTHON
}

times() { stat -c %Y.%y "$1"/{solution,checkpoint,samples}.h5; }

for ranks in 1 2 3; do
  succeed "$ranks" run tiny.yaml -out "on$ranks"
  check_folder "on$ranks"
done

# Finished stages are not redone, and with -force they are.
before=$(times on2)
succeed 2 run tiny.yaml -out on2
[ "$before" = "$(times on2)" ] || fail "a second run redid a finished stage"
succeed 2 run -force tiny.yaml -out on2
[ -z "$(comm -12 <(sort <<<"$before") <(times on2 | sort))" ] || fail "-force left a finished stage as it was"

# From one solution and one network: the same samples on any number of ranks.
for ranks in 1 2 3; do
  mkdir "samples$ranks"
  cp on1/solution.h5 on1/checkpoint.h5 "samples$ranks"
  succeed "$ranks" sample "samples$ranks"
  same_data on1/samples.h5 "samples$ranks/samples.h5"
done

# A folder is all that sample, validate and info need, wherever it is.
mkdir elsewhere
mv on3 'elsewhere/a folder'
rm 'elsewhere/a folder'/{samples.h5,report.json,report.html}
cd elsewhere
succeed 2 sample 'a folder'
succeed 2 validate 'a folder/'
check_folder 'a folder'
for file in solution checkpoint samples; do
  succeed 1 info "a folder/$file.h5"
  grep -q "$(attribute "a folder/$file.h5" problem_hash)" log || fail "info does not show the problem's hash"
done
cd ..

# The options of a stage that was done later than the solution are those that count.
succeed 1 solve tiny.yaml -out later
succeed 1 train tiny.yaml -out later -model_hidden 8,8 -train_steps 60
succeed 1 sample later
succeed 1 validate later

# A network of other options is trained anew, also when it is of another size.
succeed 1 run tiny.yaml -out on1 -model_hidden 8
[ "$(attribute on1/solution.h5 ranks) $("$python" -c 'import json; print(json.load(open("on1/report.json"))["train"]["steps"])')" = '1 300' ]

# Families, terminals from files, a resistance for each layer pair.
"$python" - <<'PYTHON'
import bz2
import gzip
import h5py
import numpy as np

rows = np.random.default_rng(1).integers(0, 6, (400, 2))
mass = np.random.default_rng(2).random((6, 6))
mass /= mass.sum()
np.savetxt("rows.csv", rows, "%d", ",", header="x,y", comments="")
gzip.open("rows.txt.gz", "wb").write(open("rows.csv", "rb").read().replace(b",", b" "))
bz2.open("rows.data.bz2", "wb").write(open("rows.csv", "rb").read())
np.save("rows.npy", rows.astype("u1"))
np.save("mass.npy", np.asfortranarray(mass))
np.savetxt("mass.csv", mass, "%.17g", ",")
with h5py.File("both.h5", "w") as file:
    file["samples"] = rows
    file["deep/mass"] = mass
np.savetxt("points.txt.gz", np.random.default_rng(3).random((36, 3)))
edges = [(l, x, y, 1.0 if x == y else 1 / 36) for l in range(4) for x in range(36) for y in range(36)]
np.savetxt("edges.csv", edges, ["%d", "%d", "%d", "%.17g"], ",", header="l,x,y,conductance", comments="")
with h5py.File("edges.h5", "w") as file:
    file["edges"] = np.array(edges)
with h5py.File("columns.h5", "w") as file:
    for name, column in zip(["l", "x", "y", "conductance"], np.array(edges).T):
        file[name] = column if name == "conductance" else column.astype(int)
PYTHON
printf '%s\n' $(seq 36 | awk '{print $1 % 7 < 3 ? 5 : -2}') >groups.csv
short='-train_steps 40 -sample_count 500'
circuits=('-circuit_family hamming' '-circuit_family lattice' '-circuit_family lattice -model_head potential' '-circuit_family lattice -circuit_boundary periodic'
  '-circuit_family hamming -circuit_resistance_same 1,2,3,4 -circuit_resistance_change 10,5,20,7'
  '-circuit_resistance_same 40 -circuit_resistance_change 1' '-circuit_layers 1' '-space_categories 1'
  '-circuit_family nearest -circuit_neighbours 4' '-circuit_family nearest -circuit_embedding points.txt.gz'
  '-target_name uniform -source_name uniform -sample_count 1' '-sample_flow exact' '-sample_flow neural'
  '-train_supervision monte_carlo' '-circuit_family hamming -train_supervision monte_carlo -train_samples 20'
  '-train_supervision monte_carlo -train_samples 20 -model_likelihood mixture' '-train_supervision monte_carlo -train_jitter 0.5'
  '-circuit_family blocks -circuit_resistance_within 6' '-circuit_family blocks -circuit_groups groups.csv -circuit_resistance_within 6,7,8,9'
  '-circuit_family blocks -circuit_group_coordinate 1 -train_supervision monte_carlo')
for k in "${!circuits[@]}"; do
  read -ra options <<<"${circuits[$k]}"
  [ $k -ne 7 ] || options+=(-source_name uniform)
  # shellcheck disable=SC2086 # words
  succeed "$((k % 3 + 1))" run tiny.yaml -out "circuit$k" $short "${options[@]}"
done

potentials_equal() {
  "$python" - "$@" <<'PYTHON' || fail "$1 and $2: other potentials"
import sys
import h5py
import numpy as np

a, b = (h5py.File(path)["potential"][...] for path in sys.argv[1:])
assert a.shape == b.shape and np.abs(a - b).max() <= 1e-10 * np.abs(a).max()
PYTHON
}
for edges in edges.csv edges.h5 columns.h5; do
  succeed 2 solve tiny.yaml -out "$edges.out" -circuit_family file -circuit_file "$edges"
  potentials_equal on2/solution.h5 "$edges.out/solution.h5"
done
succeed 3 run tiny.yaml -out edges.csv.out -circuit_family file -circuit_file edges.csv
check_folder edges.csv.out

sources=('-source_file rows.txt.gz' '-source_file rows.data.bz2' '-source_file rows.npy'
  '-source_file both.h5 -source_dataset samples')
succeed 1 solve tiny.yaml -out rows -source_file rows.csv
for k in "${!sources[@]}"; do
  read -ra options <<<"${sources[$k]}"
  succeed 2 solve tiny.yaml -out "rows$k" "${options[@]}"
  potentials_equal rows/solution.h5 "rows$k/solution.h5"
done
succeed 1 solve tiny.yaml -out mass -target_file mass.npy -target_dataset mass
succeed 3 solve tiny.yaml -out mass1 -target_file mass.csv -target_dataset mass
succeed 2 solve tiny.yaml -out mass2 -target_file both.h5 -target_dataset deep/mass
potentials_equal mass/solution.h5 mass1/solution.h5
potentials_equal mass/solution.h5 mass2/solution.h5

# MUMPS and other solvers of PETSc agree.
for options in '-solve_method direct' '-ksp_type fcg -ksp_converged_reason -ksp_view'; do
  # shellcheck disable=SC2086 # words
  succeed 2 solve tiny.yaml -out other $options
  potentials_equal on2/solution.h5 other/solution.h5
done

# PETSc's own look at its memory: nothing is freed by another allocator, written over, or left.
for ranks in 1 2; do
  succeed $ranks solve tiny.yaml -out checked -force -solve_method krylov -malloc_debug -malloc_dump
  ! grep -E 'Total space allocated|bytes Petsc' log stderr || fail "memory of PETSc is left on $ranks ranks"
done

# That no object of PETSc is left is seen to in every case (common/lib.sh). One that is left would be seen:
if [ -e "$faults" ]; then
  for ranks in 1 2; do
    # A sanitizer would see it first.
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 LD_PRELOAD=$faults FAULT_RANKS=none FAULT_KEEP=1 \
      kirchhoff $ranks solve tiny.yaml -out kept -force -solve_method krylov >log 2>&1
    grep -q 'objects were never freed' log || fail "an object that is left is not seen on $ranks ranks: $(cat log)"
  done
fi
