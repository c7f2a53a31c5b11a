#!/usr/bin/env bash
# One table of options: what no stage of a problem could use is refused, and what is stored is what was used.
. "$(dirname "$0")/common/lib.sh"

small_case exact.yaml 'bench: {repeats: 1}'
cat >walk.yaml <<'YAML'
space:  {categories: 2, dimensions: 4}
target: {name: uniform}
model:  {hidden: [8]}
train:  {supervision: walk, steps: 20, batch: 8}
sample: {count: 50}
YAML
for i in 1 2 3 4; do printf '0,1,%d,0\n1,0,0,1\n1,1,1,1\n' $((i % 2)); done >rows.csv
sed 's/name: uniform/file: rows.csv/' walk.yaml >rows.yaml
printf '0 1 2\n1 2 2\n' >net.txt

useless() { # SUPERVISION INPUT OPTION=VALUE...: on the command line, whatever the command
  local commands=(run train sample validate) who=$1 input=$2 k=0 option
  [[ $input == *.yaml ]] || commands=(solve)
  for option in "${@:3}"; do
    expect_error 1 "option -${option%%=*}: $who does not use it" 1 "${commands[k++ % ${#commands[@]}]}" "$input" \
      "-${option%%=*}" "${option#*=}" -out never
  done
}
# tests/test_options.cpp has all of them.
useless 'walk supervision' walk.yaml train_clip=1 solve_method=direct train_samples=100 network_values=resistance
useless "walk supervision of a named target" walk.yaml train_row_decay=10
useless 'exact supervision' exact.yaml train_dropout=0.1 train_patience=3 sample_leap=0.5 model_evidence=none
useless 'family dense' exact.yaml circuit_boundary=periodic
useless 'a network' net.txt train_steps=3
expect_error 1 'option -train_balance: monte_carlo supervision does not use it' 2 run exact.yaml \
  -train_supervision monte_carlo -train_balance 0.1 -out never
expect_error 1 'option -source_columns: nothing uses it without source_file' 1 run exact.yaml -source_columns 0,1 -out never
sed 's/batch: 8/&, clip: 1/' walk.yaml >clip.yaml
expect_error 1 'clip.yaml:4: train_clip: walk supervision does not use it' 3 run clip.yaml -out never

# What was called parity is even_layers, on the command line and in a case, and is stored so.
small_case named.yaml 'solve: {method: parity}' 'bench: {repeats: 1, methods: [parity]}'
succeed 1 solve named.yaml -circuit_family hamming -out named
succeed 1 solve named.yaml -circuit_family hamming -out named -solve_method parity
succeed 1 bench named.yaml -circuit_family hamming -out named
"$python" - <<'PYTHON' || fail "the older name of a method is not understood"
import h5py
import json
file = h5py.File("named/solution.h5")
assert "even_layers" in file.attrs["options"] and "parity" not in file.attrs["options"], file.attrs["options"]
assert file.attrs["method"] == "cg on even layers + jacobi", file.attrs["method"]
assert [m["name"] for m in json.load(open("named/bench.json"))["methods"]] == ["even_layers"]
PYTHON

# An option of every kind that needs a value and has none: by every command, at the end of the line and before another option, by
# the environment, and in a case (tests/pipeline/test_options.cpp has all keys).
succeed 1 solve net.txt -out done
without_value=('info done' 'solve net.txt' 'convert net.txt never.sp' 'solve exact.yaml' 'run walk.yaml' 'train rows.yaml'
  'sample done' 'validate done' 'bench exact.yaml')
k=0
for option in out target_name source_file target_columns circuit_family sample_flow circuit_layers model_hidden train_clip \
  circuit_resistance_same train_steps network_pairs seed; do
  # shellcheck disable=SC2206 # words
  words=(${without_value[k % ${#without_value[@]}]} "-$option")
  [ $((k++ % 2)) = 0 ] || words+=(-force)
  expect_error 1 "^error: option -$option is without its value \\[" $((k % 2 + 1)) "${words[@]}"
done
for words in 'info done' 'convert net.txt never.sp' 'run exact.yaml'; do
  # shellcheck disable=SC2086 # words
  PETSC_OPTIONS='-network_pairs -objects_dump' expect_error 1 'option -network_pairs is without its value .path.all' 1 $words
done
expect_error 1 'unknown option -out_to' 1 info done -out_to here
expect_error 1 'option -network_pairs is without its value' 1 solve -network_pairs net.txt
for key in 'layers: ' 'layers: ~' 'layers: null'; do
  sed "s/{layers: 3}/{$key}/" exact.yaml >null.yaml
  expect_error 1 "null.yaml:2: circuit_layers is without its value" 1 solve null.yaml -out never -circuit_layers 2
done
sed 's/^bench: .*/bench:/' exact.yaml >empty_section.yaml
succeed 1 solve empty_section.yaml -out empty_section
[ ! -e never ] && [ ! -e never.sp ] || fail "an option that was refused left a folder"

# Keys of other commands are fine; what the command line has made useless gives way.
succeed 1 solve exact.yaml
sed 's/circuit: .*/circuit: {family: lattice, layers: 2, boundary: periodic}/' exact.yaml >lattice.yaml
succeed 1 solve lattice.yaml -circuit_family dense
sed 's/{name: normal}/{file: rows.csv, columns: 0-1}/' exact.yaml >file.yaml
succeed 1 solve file.yaml -target_name normal

# .petscrc and PETSC_OPTIONS serve many cases: what one of them does not use changes nothing, what nobody knows is an error.
same_problem() { # FILE: an HDF5 file of this run is of the same problem and training as without
  for name in problem_hash training_hash options; do
    [ "$(attribute "$1" $name)" = "$(attribute "$2" $name)" ] || fail "$1 and $2: $name differs"
  done
}
succeed 1 train walk.yaml -out plain
PETSC_OPTIONS='-train_clip 1 -solve_method direct' succeed 1 train walk.yaml -out from_environment
same_problem plain/checkpoint.h5 from_environment/checkpoint.h5
mkdir home
echo '-train_samples 77' >home/.petscrc
HOME=$work/home succeed 1 train walk.yaml -out from_petscrc
same_problem plain/checkpoint.h5 from_petscrc/checkpoint.h5
PETSC_OPTIONS='-train_clop 1' expect_error 1 "unknown option -train_clop, did you mean 'train_clip'" 1 train walk.yaml -out never
PETSC_OPTIONS='-train_batch none' expect_error 1 "train_batch is 'none': a whole number" 1 train walk.yaml -out never

# Every option that shapes a training makes another one of it, and the first stays beside; the others do not.
trained_anew() { # OPTION VALUE
  succeed 1 train "$case" -out anew "-$1" "$2"
  grep -q 'another training of this problem stays' log || fail "$case: $1 counts for nothing: $(cat log)"
}
for case in walk.yaml rows.yaml exact.yaml; do
  rm -rf anew
  succeed 1 train $case -out anew
  shaping='train_validate_every=7'
  [ $case = exact.yaml ] || shaping+=' train_dropout=0.2'
  [ $case != rows.yaml ] || shaping+=' train_row_decay=0'
  [ $case != exact.yaml ] || shaping+=' train_clip=0.1'
  for option in $shaping; do trained_anew "${option%%=*}" "${option#*=}"; done
  succeed 1 train $case -out anew # and back to the first
  grep -q 'is taken up again' log || fail "$case: the first training is lost: $(cat log)"
  grep -q 'up to date' log || fail "$case: the first training was done anew: $(cat log)"
  succeed 1 train $case -out anew -train_checkpoint_every 3 -sample_count 7
  grep -q 'up to date' log || fail "$case: what does not shape the network counts: $(cat log)"
done

# Stored options are the ones in force: no `auto`, no 0 that means something later; and they can be run again.
succeed 1 train rows.yaml -out stored -train_steps 0 -train_validate_every 2500
attribute stored/checkpoint.h5 options >again.yaml
grep -q 'steps: 2500' again.yaml || fail "the steps are not resolved: $(cat again.yaml)"
grep -q "evidence: 'linear'" again.yaml || fail "the evidence is not resolved: $(cat again.yaml)"
! grep -q "auto" again.yaml || fail "auto is stored: $(cat again.yaml)"
succeed 1 train again.yaml -out stored
grep -q 'up to date' log || fail "the stored options are of another training: $(cat log)"
succeed 1 run exact.yaml -out few -train_supervision monte_carlo -train_samples 20 -space_categories 9
attribute few/checkpoint.h5 options >few.yaml
grep -q "likelihood: 'mixture'" few.yaml && grep -qE 'jitter: 0\.[0-9]+' few.yaml || fail "$(cat few.yaml)"
[ "$(grep -c auto few.yaml)" = "$(grep -c "method: 'auto'" few.yaml)" ] || fail "auto is stored: $(cat few.yaml)"
succeed 1 train few.yaml -out few
grep -q 'up to date' log || fail "the stored options are of another training: $(cat log)"

# All cases that are shipped use every key that they set: a wrong seed is what stops them.
for shipped in "$source_dir"/data/cases/*.yaml "$source_dir"/data/bench/*.yaml; do
  expect_error 1 "option -seed is 'none'" 1 solve "$shipped" -out never -seed none
done
echo "$errors_seen causes refused"
