#!/usr/bin/env bash
# Walk supervision from a case file: spaces with and without a list of their states, on 1, 2 and 3 ranks.
. "$(dirname "$0")/common/lib.sh"

"$python" - <<'PYTHON'
import numpy as np
rng = np.random.default_rng(3)
bits = rng.integers(0, 2, (600, 12))
rows = np.repeat(bits, 4, axis=1)  # 48 coordinates in groups of four equal ones
np.savetxt("many.csv", rows[:500], "%d", ",")
np.savetxt("many_test.csv", rows[500:520], "%d", ",")
np.savetxt("wide.csv", np.full((3, 32), [[1], [2], [0]]), "%d", ",")
np.savetxt("few.csv", rng.choice([0, 0, 1, 2], (400, 4)), "%d", ",")
np.savetxt("few_test.csv", rng.choice([0, 0, 1, 2], (50, 4)), "%d", ",")
PYTHON
cat >many.yaml <<'YAML'
space:   {categories: 2, dimensions: 48}
target:  {file: many.csv, test: many_test.csv}
model:   {hidden: [24, 24]}
train:   {supervision: walk, steps: 120, batch: 64, warmup: 20, validate_every: 40, checkpoint_every: 40}
sample:  {count: 500, paths: 8}
report:  {image: [6, 8]}
YAML
sed 's/dimensions: 48/dimensions: 4/; s/categories: 2/categories: 3/; s/many/few/g; /report/d' many.yaml >few.yaml
cat >plane.yaml <<'YAML'
space:   {categories: 2, dimensions: 32}
circuit: {layers: 2, resistance_change: [1, 3]}
target:  {name: checkerboard}
model:   {hidden: [24, 24]}
train:   {supervision: walk, steps: 60, batch: 64, warmup: 20, validate_every: 30}
sample:  {count: 500}
YAML
# Walks between samples: from rows of a file, and from a density.
sed 's/^target/source:  {file: many_test.csv}\ntarget/; s/hidden: \[24, 24\]/&, evidence: none/' many.yaml >pairs_many.yaml
sed 's/^target/source:  {file: few_test.csv, smoothing: 0.1}\ntarget/' few.yaml >pairs_few.yaml
sed 's/^target/source:  {name: two_moons}\ntarget/' plane.yaml >pairs_plane.yaml

for ranks in 1 2 3; do
  cases="many few plane"
  [ "$ranks" != 2 ] || cases="$cases pairs_many pairs_few pairs_plane"
  for case in $cases; do
    succeed "$ranks" run "$case.yaml" -out "$case$ranks"
    [ ! -e "$case$ranks/solution.h5" ] || fail "$case: a solution of what was not solved"
    "$python" - "$case$ranks" <<'PYTHON' || fail "$case on $ranks: the report or a file is not as promised"
import json
import sys
import h5py

folder = sys.argv[1]
report = json.load(open(f"{folder}/report.json"))
assert report["solve"]["unknowns"] is None and report["solve"]["kcl_leftover"] < 1e-12
assert report["train"]["supervision"] == "walk" and report["train"]["final_loss"] > 0
s = report["sampling"]["neural"]
assert s["count"] == 500 and s["stuck"] == 0 and s["mean_steps"] > 0 and s["mmd"] is not None
planar, likely = "plane" in folder, "plane" not in folder
assert (s["tv64"] is not None) == planar and (s["off_support"] is not None) == planar
assert (s["log_likelihood_test"] is not None) == likely and (s["log_likelihood_error"] is not None) == ("many" in folder)
assert (s["tv_exit_law"] is not None) == ("few" in folder)
if "few" in folder:
    assert s["tv_exit_law"] < 0.2 and s["exit_law_lost_mass"] < 1e-9 and report["train"]["distinct_training_rows"] <= 81
with h5py.File(f"{folder}/samples.h5") as file:
    dimensions = {"many": 48, "few": 4, "plane": 32}[folder[:-1].removeprefix("pairs_")]
    assert file["neural/samples"].shape == (500, dimensions) and file["neural/samples"].dtype == "u2"
    assert file["neural/start"].shape == (500, dimensions) and file["neural/steps"].shape == (500,)
    if folder == "pairs_many2":
        rows = {tuple(map(int, line.split(","))) for line in open("many_test.csv")}
        assert all(tuple(row) in rows for row in file["neural/start"][...].tolist())
page = open(f"{folder}/report.html").read()
data = json.loads(page.split('type="application/json">')[1].split("</script")[0])
assert data["report"]["sampling"] == report["sampling"]
figures = data["figures"]
assert ("target" in figures and "samples_neural" in figures) == planar and len(figures["loss"]["step"]) > 0
assert ("gallery" in figures) == ("many" in folder) and len(figures["marginals"]["neural"]) == dimensions
if "many" in folder:
    assert figures["gallery"]["side_columns"] == 8 and len(figures["gallery"]["neural"][0]) == dimensions
assert ("table" in report) == (not planar)
if not planar:
    table = report["table"]
    assert table["columns"] == dimensions == len(table["marginal_tv"]) and table["impossible_rows"] == 0
    assert table["against"] == "test rows" and table["reference_rows"] == s["test_rows"] and table["compared_rows"] > 300
    assert 0 < table["pair_tv_mean"] < table["pair_tv_max"] < 1 and 0.3 < table["discriminator_auc"] <= 1
    assert table["tree_log_likelihood"] < 0 and table["nearest_training"] >= 0 and table["verdict"].split()[0] in ("Good:", "Off:")
    assert len(figures["table"]["distance"]) == dimensions * (dimensions - 1) // 2
PYTHON
  done
done

# From one network the same walks on any number of ranks, and finished stages are not redone.
for ranks in 2 3; do
  mkdir "same$ranks"
  cp many1/checkpoint.h5 "same$ranks"
  succeed "$ranks" sample "same$ranks"
  same_data many1/samples.h5 "same$ranks/samples.h5"
done
before=$(stat -c %Y.%y many1/{checkpoint,samples}.h5)
succeed 1 run many.yaml -out many1
[ "$before" = "$(stat -c %Y.%y many1/{checkpoint,samples}.h5)" ] || fail "a second run redid a finished stage"
succeed 2 validate many1

# Interrupted and resumed: the same bits as without a stop. The checkpoint of step 80 stands in for the stop.
mkdir resumed
cp many2/checkpoint.previous.h5 resumed/checkpoint.h5
[ "$(attribute resumed/checkpoint.h5 step)" = 80 ] || fail "the checkpoint before the last is not of step 80"
succeed 2 train many.yaml -out resumed
grep -q 'going on from step 80' log || fail "training did not go on"
same_data many2/checkpoint.h5 resumed/checkpoint.h5 history

# Early stopping: a learning rate of zero brings nothing better.
succeed 1 train few.yaml -out patient -train_learning_rate 0 -train_patience 2 -train_steps 1000
[ "$(attribute patient/checkpoint.h5 step)" -lt 1000 ] || fail "patience had no end"
# The number of rows decides how long is trained.
succeed 1 train few.yaml -out by_rows -train_steps 0 -train_patience 0 -train_validate_every 2500
[ "$(attribute by_rows/checkpoint.h5 step)" = 2500 ] || fail "400 rows want 2,500 steps"

# Test rows taken out of the file, dropout, and several moves a call: fewer calls than moves.
# Too few paths tell no error.
for paths in 1 3 7 8; do
  succeed 1 validate many.yaml -out many1 -sample_paths "$paths"
  said=$([ "$paths" -ge 8 ] && echo 'too low' || echo 'too few to tell its error')
  grep -q "$said" log || fail "likelihood over $paths paths: $(cat log)"
  "$python" -c "
import json
s = json.load(open('many1/report.json'))['sampling']['neural']
for key in 'log_likelihood_error', 'log_likelihood_bias':
    assert (s[key] is None) == ($paths < 8), s
assert s['log_likelihood_covered_rows'] < 0 and s['rows_of_zero_probability'] == 0 and s['rows_half_found'] is not None" ||
    fail "likelihood over $paths paths: the report is not as promised"
done

sed 's/, test: many_test.csv//' many.yaml >untested.yaml
succeed 2 run untested.yaml -target_test_rows 100 -train_dropout 0.1 -sample_leap 0.9
"$python" - <<'PYTHON' || fail "leaps or test rows are not as promised"
import json
report = json.load(open("untested/report.json"))
s = report["sampling"]["neural"]
assert s["log_likelihood_test"] is not None and s["mean_calls"] < s["mean_steps"] + 1
one = json.load(open("many1/report.json"))["sampling"]["neural"]
assert abs(one["mean_calls"] - one["mean_steps"] - 1) < 1e-9
PYTHON
expect_error 1 'many.csv: 500 rows, of which target_test_rows takes 500' 1 train untested.yaml -target_test_rows 500
expect_error 1 'taken out of target_file' 2 train few.yaml -target_test_rows 10
expect_error 1 'leaps between two layers only' 1 sample plane.yaml -sample_leap 0.5

# What cannot be done is said, in one line.
expect_error 1 'needs family hamming' 1 train many.yaml -circuit_family dense
expect_error 1 'needs samples of the source' 2 train few.yaml -source_file few_test.csv -source_dataset mass
expect_error 1 'few_test.csv: 4 columns are used, but space_dimensions is 48' 2 train many.yaml -source_file few_test.csv
expect_error 1 'wide.csv: row 2, column 1: 2 is not one of the categories' 1 train plane.yaml \
  -source_file wide.csv
expect_error 1 'two_moons cannot be drawn from' 2 train many.yaml -source_name two_moons
expect_error 1 "unknown distribution 'two_mons'" 1 train plane.yaml -source_name two_mons
expect_error 1 'single precision' 1 train many.yaml -model_precision double
expect_error 1 'flow neural only' 1 run many.yaml -sample_flow exact
expect_error 1 'solves no whole circuit' 2 solve many.yaml
expect_error 1 'two_moons' 1 train many.yaml -target_name two_moons
expect_error 1 'space_dimensions is 32' 2 train plane.yaml -target_file few.csv
expect_error 1 'report_image: two numbers, rows and columns, whose product is D = 48' 1 validate many.yaml -report_image 7,7
expect_error 1 'no trained network' 2 sample many.yaml -out nowhere
echo "errors seen: $errors_seen"
