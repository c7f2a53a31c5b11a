#!/usr/bin/env bash
# Each command on the smallest problem of each kind: what the sanitizers see of the program in .ci/run, and whose lines are counted.
# Only there: without them the other cases do all this and more.
. "$(dirname "$0")/common/lib.sh"

small_case exact.yaml 'train: {steps: 6, batch: 8, validate_every: 3, checkpoint_every: 4}' 'sample: {count: 50}'
"$python" - <<'PYTHON'
import numpy as np
rng = np.random.default_rng(1)
np.savetxt("rows.csv", np.repeat(rng.integers(0, 2, (60, 3)), 2, axis=1), "%d", ",")
np.savetxt("test.csv", np.repeat(rng.integers(0, 2, (8, 3)), 2, axis=1), "%d", ",")
np.save("rows.npy", rng.integers(0, 3, (60, 2)))
with open("edges.csv", "w") as file:
    file.write("l,x,y,conductance\n" + "".join(f"{l},{x},{y},{1 + (x == y)}\n" for l in range(2) for x in range(9) for y in range(9)))
PYTHON
cat >walk.yaml <<'YAML'
space:  {categories: 2, dimensions: 6}
target: {file: rows.csv, test: test.csv}
model:  {hidden: [8]}
train:  {supervision: walk, steps: 6, batch: 8, validate_every: 3}
sample: {count: 50, paths: 8}
YAML
cat >plane.yaml <<'YAML'
space:   {categories: 2, dimensions: 32}
circuit: {layers: 2, resistance_change: [1, 3]}
source:  {name: two_moons}
target:  {name: checkerboard}
model:   {hidden: [8]}
train:   {supervision: walk, steps: 4, batch: 8, validate_every: 2}
sample:  {count: 20}
YAML
printf '* a bridge\nV1 in 0 1\nR1 in a 1\nR2 in b 2\nR3 a b 3\nR4 a 0 4\nR5 b 0 5\nI1 0 b 1m\n.end\n' >net.sp
printf 'in b\na b\n' >pairs.txt

holds() { # FOLDER FILE...: all that a command leaves
  local folder=$1 file
  shift
  for file in state.json "$@"; do [ -s "$folder/$file" ] || fail "$folder holds no $file: $(ls "$folder")"; done
  state_is "$folder" finished
}
results=(solution.h5 checkpoint.h5 training.csv samples.h5 report.json report.html)

# Circuits: all stages, what is up to date, the folder by itself, and every family.
succeed 1 run exact.yaml -out exact -solve_currents true
holds exact "${results[@]}" currents.h5
succeed 2 run exact.yaml -out exact
grep -q 'up to date' log || fail "a finished stage was done again: $(cat log)"
succeed 2 sample exact -sample_flow exact
succeed 1 validate exact
for what in exact exact/solution.h5 exact/checkpoint.h5 exact/samples.h5; do succeed 1 info $what; done
expect_error 1 'holds another problem' 1 solve exact.yaml -out exact -circuit_layers 2
succeed 1 solve exact.yaml -out exact -circuit_layers 2 -overwrite
succeed 2 run exact.yaml -out sampled -train_supervision monte_carlo -train_samples 20 -model_likelihood mixture
holds sampled "${results[@]}"
succeed 2 solve exact.yaml -out lattice -circuit_family lattice -circuit_resistance_spread 0.5 -source_file rows.npy -source_name ''
succeed 1 run exact.yaml -out hamming -circuit_family hamming -circuit_resistance_same 1,2,3 -sample_flow neural
succeed 1 solve exact.yaml -out nearest -circuit_family nearest -circuit_neighbours 2
succeed 2 solve exact.yaml -out edges -circuit_family file -circuit_file edges.csv -circuit_layers 2 -solve_method direct
succeed 1 bench exact.yaml -out bench -bench_methods krylov,direct -bench_repeats 1

# Walks where states cannot be counted.
succeed 1 run walk.yaml -out walk
holds walk "${results[@]:1}"
succeed 2 run walk.yaml -out untested -target_test_rows 10 -target_test '' -train_dropout 0.1 -sample_leap 0.9
succeed 2 run plane.yaml -out plane
succeed 1 train walk.yaml -out walk -train_steps 4 # another training, and back
succeed 1 train walk.yaml -out walk
grep -q 'is taken up again' log || fail "the first training is lost: $(cat log)"
{ echo a,b; for i in $(seq 30); do printf 'x,u\ny,v\n'; done; } >table.csv
printf 'a,b\nx,\n,v\n' >holes.csv
printf 'target: {file: table.csv}\nmodel: {hidden: [8]}\ntrain: {steps: 6, batch: 8}\nsample: {count: 50}\n' >table.yaml
succeed 2 train table.yaml -out filled
succeed 2 impute table.yaml holes.csv -out filled
holds filled checkpoint.h5 imputed.csv

# A table: all that is understood of one, and its samples.
"$python" - <<'PYTHON'
words = ['"a ""b"""', "plain", "NA"]
bands = ["<18", "18-64", "65+"]
with open("table.csv", "w") as file:
    file.write("id;x_a;x_b;x_c;word;band;amount\n")
    for i in range(80):
        bits = ";".join(str(int(i % 3 == k)) for k in range(3))
        file.write(f"{i};{bits};{words[i * 7 % 3]};{bands[i % 4 % 3]};{i * 37 % 90},5\n")
PYTHON
cat >table.yaml <<'YAML'
target: {file: table.csv, schema: {id: {type: skip}, amount: {bins: 4}}, missing: [NA]}
model:  {hidden: [8]}
train:  {steps: 4, batch: 8, validate_every: 2}
sample: {count: 20}
YAML
succeed 2 run table.yaml -out table
holds table "${results[@]:1}" samples.csv
succeed 1 sample table -sample_seed 1
succeed 1 train table.yaml -out nominal -target_schema '{id: {use: false}, "*": {type: nominal}}' -target_one_hot keep
expect_error 1 "column 1, 'id'" 1 train table.yaml -out refused -target_schema '{word: {type: nominal}}'

# Networks.
succeed 1 solve net.sp -out net -network_pairs pairs.txt
succeed 2 solve net.sp -out net -network_pairs all -overwrite
printf '0 1 2\n1 2 2\n2 0 4\n' >plain.txt
succeed 2 solve net.sp -out resistances -network_pairs all -network_results resistance
succeed 1 solve plain.txt -out edges_of_plain -network_pairs edges -network_results resistance
succeed 1 solve plain.txt -out roughly -network_pairs edges -network_results resistance -network_approximate 0.5
for file in plain.csv plain.mtx net.h5; do
  input=plain.txt
  [ $file != net.h5 ] || input=net.sp
  succeed 1 convert $input $file
  succeed 1 solve $file -out "of_$file"
done
succeed 2 convert exact.yaml exact.sp

# Rasters, all scenarios; and a job on a network.
cp "$source_dir"/data/rasters/* .
succeed 2 solve valley.ini -out valley
succeed 1 solve valley.ini -out valley
grep -q '6 of 6 solves' log || fail "finished solves were done again: $(cat log)"
holds valley solution.h5 valley_resistances.out valley_cum_curmap.asc
succeed 1 info valley
for scenario in one-to-all all-to-one; do
  sed "s/= pairwise/= $scenario/" valley.ini >$scenario.ini
  succeed 1 solve $scenario.ini -out $scenario
done
head='ncols 3\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -1\n'
printf "${head}1 1 1\n" >row.asc
printf "${head}2 -1 5\n" >row_in.asc
printf "${head}-1 -1 0.5\n" >row_out.asc
printf '%s\n' 'scenario = advanced' 'habitat_file = row.asc' 'source_file = row_in.asc' 'ground_file = row_out.asc' \
  'write_volt_maps = True' 'write_cur_maps = True' >advanced.ini
succeed 2 solve advanced.ini -out advanced
printf '0 1 1\n1 2 1\n2 0 1\n' >square.txt
printf '0\n2\n' >square_focal.txt
printf '%s\n' 'data_type = network' 'scenario = pairwise' 'habitat_file = square.txt' 'point_file = square_focal.txt' \
  'write_cur_maps = True' 'write_volt_maps = True' >square.ini
succeed 1 solve square.ini -out square

# What is said and refused before any command begins.
succeed 1 -help
succeed 1 -version
expect_error 2 'unknown command' 1 slove exact.yaml
expect_error 1 'unknown option -circuit_layer, did you mean' 2 solve exact.yaml -circuit_layer 3
expect_error 1 'exact.yml' 1 solve exact.yml
echo "$errors_seen causes refused"
