#!/usr/bin/env bash
# What people get wrong: each cause has one line that names it, the right exit status, and leaves nothing half-written.
. "$(dirname "$0")/common/lib.sh"

small_case case.yaml

# Rank 0 alone speaks, whatever the number of ranks: causes take turns on them.
turns=(1 1 1 1 1 2 1 1 1 1 1 3)
turn=0
refuse() { # REGEX COMMAND ...: fails with status 1
  expect_error 1 "$1" "${turns[turn++ % ${#turns[@]}]}" "${@:2}"
}
refuse_case() { # REGEX LINE ...: case.yaml with these lines in place of the section of the same name
  small_case bad.yaml "${@:2}"
  refuse "$1" solve bad.yaml
}

# --- the command line
expect_error 2 'command is missing' 1
expect_error 2 "unknown command 'slove'.*did you mean 'solve'" 2 slove case.yaml
expect_error 2 "'run' needs an input" 1 run
expect_error 2 'one word too many' 1 run case.yaml case.yaml
refuse "unknown option -circuit_layer, did you mean 'circuit_layers'" solve case.yaml -circuit_layer 5
refuse "unknown option -circuit_layers=5.*circuit_layers" solve case.yaml -circuit_layers=5
refuse "option -ksp_typ:.*ksp_type" solve case.yaml -ksp_typ cg
refuse "unknown option -log_veiw, did you mean 'log_view'" solve case.yaml -log_veiw
refuse "option -mg_levels_ksp_tpye: the chosen solver does not know it" solve case.yaml -mg_levels_ksp_tpye cg
refuse 'PETSc: .*pc_type|PETSc: .*PC type.*nonsense' solve case.yaml -pc_type nonsense
refuse "option -circuit_layers is '1e3': a whole number" solve case.yaml -circuit_layers 1e3
refuse 'option -seed is -5: it must be at least 0' solve case.yaml -seed -5
refuse "option -solve_currents is 'maybe': true or false" solve case.yaml -solve_currents maybe
refuse "option -sample_flow has 'learned': it must be one of exact, neural" solve case.yaml -sample_flow learned
refuse "option -target_smoothing is 2: it must be between 0 and 1" solve case.yaml -target_smoothing 2
refuse 'option -model_head: a state of a dense circuit has too many moves' solve case.yaml -model_head current
refuse 'option -model_head: monte_carlo supervision does not use it' train case.yaml -model_head current -train_supervision monte_carlo -circuit_family lattice
refuse 'option -model_likelihood: exact supervision does not use it' train case.yaml -model_likelihood mixture
refuse 'option -model_evidence: exact supervision does not use it' train case.yaml -model_evidence linear
refuse "option -train_jitter is 'much': a number is needed" train case.yaml -train_supervision monte_carlo -train_jitter much

# --- the case
refuse 'missing.yaml: No such file' solve missing.yaml
refuse "case.txt:1: the dictionary is not understood at 'categories: 3" solve "$(cp case.yaml case.txt && echo case.txt)"
refuse 'case.toml: a case ends in .yaml' solve "$(cp case.yaml case.toml && echo case.toml)"
: >empty.yaml
refuse 'empty.yaml:1: the case is empty' run empty.yaml
printf -- '- a\n- b\n' >list.yaml
refuse 'list.yaml:1: (the case is empty|a case is a map)' run list.yaml
printf 'space: {categories: 3,\n  dimensions: 2\ncircuit: {layers: 3}\n' >syntax.yaml
refuse 'syntax.yaml:3: did not find expected' run syntax.yaml
printf 'space:\n\tcategories: 3\n' >tab.yaml
refuse 'tab.yaml:2: ' run tab.yaml
head -c 500 /dev/zero >binary.yaml
refuse 'binary.yaml:1: ' run binary.yaml
"$python" -c "open('deep.yaml', 'w').write('{a: ' * 20000)"
refuse 'deep.yaml:1: maps are nested more than 16 deep' solve deep.yaml
printf 'a: &a [1, 1]\nb: &b [*a, *a]\n' >bomb.yaml
refuse "bomb.yaml:2: 'b' must be a list of plain values" solve bomb.yaml
{ cat case.yaml && echo 'circuit_layers: 4'; } >twice.yaml
refuse "twice.yaml:8: key 'circuit_layers' stands twice" run twice.yaml
refuse_case "bad.yaml:7: unknown key 'train_stepps', did you mean 'train_steps'" 'train: {stepps: 4}'
refuse_case "bad.yaml:7: 'target' is a section" 'target: normal'
refuse_case "bad.yaml:7: 'model_hidden' must be a list of plain values" 'model: {hidden: [[1], 2]}'
refuse_case "bad.yaml:8: 'solve' has a value that a case cannot hold" 'train: &a {steps: 4}' 'solve: *a'
refuse_case "bad.yaml:7: circuit_family is 'hammming': it must be one of .*did you mean 'hamming'" 'circuit: {family: hammming}'
refuse_case "bad.yaml:7: circuit_layers is 0: it must be at least 1" 'circuit: {layers: 0}'
refuse_case "bad.yaml:7: circuit_layers is 99999999999: it must be between 1 and 2147483647" 'circuit: {layers: 99999999999}'
refuse_case 'space_categories is missing' 'space: {dimensions: 2}'
refuse_case 'space_categories is 70000' 'space: {categories: 70000}'
refuse_case '3\^50 states are too many to enumerate' 'space: {categories: 3, dimensions: 50}'
refuse_case 'resistance_same is 0 ohm: a resistance must be positive' 'circuit: {layers: 3, resistance_same: 0}'
refuse_case 'resistance_change is -2 ohm' 'circuit: {layers: 3, resistance_change: [1, -2, 3]}'
refuse_case "resistance_change has 'nan': a finite number is needed" 'circuit: {layers: 3, resistance_change: nan}'
refuse_case "resistance_same has '1 ohm': a number" 'circuit: {layers: 3, resistance_same: 1 ohm}'
refuse_case '1e-320 ohm: its conductance cannot be represented' 'circuit: {layers: 3, resistance_same: 1e-320}'
refuse_case 'bad.yaml:7: circuit_resistance_same has 2 values.*3 layer pairs' 'circuit: {layers: 3, resistance_same: [1, 2]}'
refuse_case 'the solve .* stopped at a relative residual' 'circuit: {layers: 3, resistance_same: 1e-300, resistance_change: 1e300}'
refuse_case 'direct stores .* edges of a dense circuit.*spectral' 'space: {categories: 200, dimensions: 2}' 'solve: {method: direct}'

# --- terminals
refuse_case 'target has neither a name nor a file' 'target: {smoothing: 0.1}'
refuse_case 'bad.yaml:7: .*target has both a name and a file' 'target: {name: normal, file: a.csv}'
refuse_case "unknown distribution 'nrmal', did you mean 'normal'" 'target: {name: nrmal}'
refuse_case 'two_moons needs space_dimensions 2, got 3' 'space: {categories: 3, dimensions: 3}' 'target: {name: two_moons}'
refuse_case "bad.yaml:7: .*no file 'gone.csv' beside the case nor under KIRCHHOFF_REFERENCE_DATA" 'target: {file: gone.csv}'
KIRCHHOFF_REFERENCE_DATA=$work/nowhere/ refuse_case "no file 'gone.csv'.*nowhere" 'target: {file: gone.csv}'

refuse_target() { # REGEX FILE TEXT [option ...]: a target file of this text
  printf '%b' "$3" >"$2"
  refuse "$1" solve case.yaml -target_name '' -target_file "$2" "${@:4}"
}
refuse_target 'range.csv.*row 2.*3 is not one of the categories 0..2' range.csv 'a,b\n0,1\n2,3\n'
refuse_target 'half.csv.*row 2.*0.5 is not one of the categories' half.csv '0,1\n0.5,1\n'
refuse_target 'wide.csv.*3 columns are used, but space_dimensions is 2' wide.csv '0,1,2\n'
refuse_target "columns '0-9': there is no column 9" columns.csv '0,1,2\n' -target_columns 0-9
refuse_target 'ragged.csv line 3: 3 fields, but line 2 has 2' ragged.csv '# x\n0,1\n0,1,2\n'
refuse_target "word.csv line 2: field 2, 'two', is not a number" word.csv '0,1\n1,two\n'
refuse_target "nan.csv line 1: field 2, 'nan', is not a finite number" nan.csv '0,nan\n'
refuse_target "letter.csv line 1: field 1, '1O', is not a number" letter.csv '1O\n2\n'
refuse_target "index.csv line 1: column 1, named '', numbers the rows: .*target_columns" index.csv ',a,b\n0,0,1\n1,2,2\n'
refuse_target 'none.csv holds no numbers' none.csv 'a,b\n'
refuse_target 'cannot read.*table.xyz: unknown kind of table' table.xyz '0,1\n'
refuse_target "target_dataset is 'masses': samples or mass" masses.csv '1\n' -target_dataset masses
refuse_target 'short.csv: 2 masses for 9 states' short.csv '0.5\n0.5\n' -target_dataset mass
refuse_target 'negative.csv: state 1 \(0, 1\) has mass -0.5' negative.csv '0.5 -0.5 1\n0 0 0\n0 0 0\n' -target_dataset mass
refuse_target 'sum.csv: the masses sum to 1.5, not to 1' sum.csv '0.5 0.5 .5\n0 0 0\n0 0 0\n' -target_dataset mass
refuse_target 'fake.npy: not an npy file' fake.npy '0,1\n'
refuse_target 'fake.h5' fake.h5 '0,1\n'
refuse_target 'fake.csv.gz: not gzip data' fake.csv.gz '0,1\n'

"$python" - <<'PYTHON'
import gzip
import h5py
import numpy as np

np.save("complex.npy", np.zeros((2, 2), complex))
np.save("cube.npy", np.zeros((2, 2, 2)))
np.save("nan.npy", np.full(9, np.nan))
data = gzip.compress(b"0,1\n" * 1000)
open("cut.csv.gz", "wb").write(data[: len(data) // 2])
with h5py.File("foreign.h5", "w") as file:
    file["mass"], file["samples"], file["text"] = np.full(9, 1 / 9), np.zeros((2, 2), int), "words"
PYTHON
refuse "complex.npy: npy type '<c16'" solve case.yaml -target_file complex.npy
refuse 'cube.npy: its array has 3 dimensions' solve case.yaml -target_file cube.npy
refuse 'nan.npy row 1, column 1: nan' solve case.yaml -target_file nan.npy -target_dataset mass
refuse 'cut.csv.gz: the gzip data end too early' solve case.yaml -target_file cut.csv.gz
refuse "foreign.h5 has no dataset 'masss', did you mean 'mass'" solve case.yaml -target_file foreign.h5 -target_dataset masss
refuse 'foreign.h5 has 2 datasets, say which: mass, samples' solve case.yaml -target_file foreign.h5
refuse "foreign.h5: dataset 'text' does not hold numbers" solve case.yaml -target_file foreign.h5 -target_dataset text

# --- edges
cat >edges.yaml <<'YAML'
space: {categories: 2}
circuit: {family: file, layers: 2, file: edges.csv}
source: {name: uniform}
target: {name: uniform}
YAML
refuse_edges() { # REGEX TEXT
  printf '%b' "$2" >edges.csv
  refuse "$1" solve edges.yaml
}
good='0,0,0,1\n0,1,0,1\n1,0,0,1\n'
refuse_edges 'edges.csv: edge 4 \(2, 0, 0\): the layer is outside 0..1' "${good}2,0,0,1\n"
refuse_edges 'edges.csv: edge 4 .*: the layer|too large' "${good}4294967297,0,0,1\n"
refuse_edges 'edges.csv: edge 4 \(1, 0, 2\): a state is outside 0..1' "${good}1,0,2,1\n"
refuse_edges 'edges.csv: edge 4 \(1, 0, 1\): conductance 0 S' "${good}1,0,1,0\n"
refuse_edges 'edges.csv: edge 4: 0.5 is not a whole number' "${good}1,0,0.5,1\n"
refuse_edges "edges.csv line 1: the header has no column called conductance" 'l,x,y,resistance\n0,0,0,1\n'
refuse_edges 'edges have 4 columns \(l, x, y, conductance\), here are 3' '0,0,0\n'
refuse_edges 'falls into 3 connected components: vertex \(layer 1, state 1\) is not joined' "$good"
refuse "no file 'gone.csv'" solve edges.yaml -circuit_file gone.csv
refuse 'circuit_file is missing' solve case.yaml -circuit_family file

# --- embeddings
refuse_nearest() { # REGEX OPTION...
  refuse "$1" solve case.yaml -circuit_family nearest "${@:2}"
}
refuse_nearest 'option -circuit_neighbours is 0: it must be at least 1' -circuit_neighbours 0
refuse_nearest 'option -circuit_neighbours is 9: a state has 8 others' -circuit_neighbours 9
printf '0,0\n1,1\n' >points.csv
refuse_nearest 'points.csv: 2 rows for 9 states' -circuit_embedding points.csv
printf '0,inf\n' >points.csv
refuse_nearest 'points.csv line 1: .*not a finite number' -circuit_embedding points.csv
refuse_nearest "no file 'gone.csv'" -circuit_embedding gone.csv
printf '%s\n' 0 1 2 3 4 100 101 102 103 >points.csv
printf '%s\n' 1 1 2 >three.csv
printf '%s\n' 1 1 2 2 1.5 3 3 3 3 >half.csv
refuse 'three.csv: 3 rows of 1 columns for 9 states: groups need one number per state' solve case.yaml -circuit_family blocks -circuit_groups three.csv
refuse 'half.csv: state 4: group 1.5 is not a whole number' solve case.yaml -circuit_family blocks -circuit_groups half.csv
refuse 'circuit_group_coordinate is 7: the coordinates are 0 to' solve case.yaml -circuit_family blocks -circuit_group_coordinate 7
refuse 'option -circuit_group_coordinate: family dense does not use it' solve case.yaml -circuit_family dense -circuit_group_coordinate 0
refuse_nearest 'falls into 2 connected components.*more circuit_neighbours' -circuit_embedding points.csv -circuit_neighbours 2

# --- solving, training, sampling
refuse 'stopped at a relative residual of .* after [0-9]+ iterations' solve case.yaml -out unsolved -ksp_max_it 1
[ ! -e unsolved/solution.h5 ] || fail "a solve that failed left a solution"
refuse 'model_hidden has 0: it must be at least 1' run case.yaml -model_hidden 0
refuse 'training diverged: the loss at step .*learning_rate' run case.yaml -out diverged -train_learning_rate 1e300
[ ! -e diverged/checkpoint.h5 ] || fail "a training that diverged left a checkpoint"
refuse 'untrained: there is no trained network' sample case.yaml -out untrained
succeed 1 solve case.yaml -out untrained
refuse 'untrained: there is no trained network' validate untrained

# --- files and folders
: >file
refuse 'option -out: cannot make the folder file: Not a directory' run case.yaml -out file
refuse 'option -out: cannot make the folder file/below' run case.yaml -out file/below
mkdir nothing
refuse 'nothing: the folder holds no solution.h5' sample nothing
refuse 'gone.h5: No such file' info gone.h5
refuse 'case.yaml: .*not a whole HDF5 file' info case.yaml
refuse 'foreign.h5: not a file of this package' info foreign.h5
refuse 'nothing/state.json: no state of any work can be read' info nothing
succeed 1 run case.yaml -out whole
head -c 3000 whole/solution.h5 >cut.h5
refuse 'cut.h5: it is not a whole HDF5 file' info cut.h5
succeed 1 solve case.yaml -out blocked
rm blocked/solution.h5
mkdir blocked/solution.h5
refuse 'cannot write blocked/solution.h5' solve case.yaml -out blocked
rm whole/report.json
mkdir whole/report.json
refuse 'cannot write whole/report.json' validate whole
rm -r whole/report.json

# Values that were changed behind the program's back: made anew or refused, but no report with them.
tamper() { # FILE PYTHON on `f`, an open HDF5 file
  succeed 1 run case.yaml -out whole
  "$python" -c "import h5py; f = h5py.File('whole/$1', 'r+'); $2"
  status=0
  kirchhoff 1 validate whole >log 2>stderr || status=$?
  [ $status -le 1 ] && ! grep -qE 'PETSC ERROR|SEGV' stderr || fail "$1 with $2: status $status: $(cat stderr)"
  [ $status = 1 ] || "$python" -c "import json; exact = json.load(open('whole/report.json'))['sampling']['exact']
assert exact['tv_exit_law'] is not None and exact['tv_exit_law'] < 1e-12 and exact['tv'] < 0.2" 2>/dev/null || fail "$1 with $2: reported as good"
}
tamper solution.h5 "f['potential'][2, 3] = float('nan')"
tamper solution.h5 "f['potential'][2, 3] += 1e-3"
tamper samples.h5 "f['exact/samples'][0] = 60000"

# A disk that is full: an end in good order, nothing half-written, and what was there stays. (Open MPI speaks too.)
if mkdir full && mount -t tmpfs -o size=64k none full 2>/dev/null; then
  trap 'umount -l "$work/full"; rm -rf "$work"' EXIT
  cp whole/{solution.h5,state.json} full
  cat /dev/zero >full/ballast 2>/dev/null || truncate -s -8K full/ballast # room for state.json, and not for a solution
  for ranks in 1 2; do
    status=0
    timeout 60 "$mpiexec" -n $ranks "$program" solve case.yaml -out full >log 2>stderr || status=$?
    [ $status = 1 ] && grep -q '^error: .*full/solution.h5' stderr || fail "full disk, $ranks ranks: status $status: $(cat stderr)"
    cmp whole/solution.h5 full/solution.h5 || fail "a full disk cost the old solution"
    [ "$(ls full | tr '\n' ' ')" = 'ballast solution.h5 state.json ' ] || fail "full disk: leaves $(ls full)"
  done
fi

# Not root: a folder that may not be written to.
if [ "$(id -u)" -ne 0 ]; then
  mkdir locked
  chmod a-w locked
  refuse 'no permission to write in locked' solve case.yaml -out locked
fi

# --- what looks wrong and is right
printf 'conductance,y,x,l,note\n1,0,0,0,7\n2,1,1,0,7\n1,0,0,1,7\n3,1,0,1,7\n4,0,1,1,7\n' >edges.csv
succeed 1 solve edges.yaml -circuit_layers 2 -out by_name
grep -q "edges.csv: line 1 is the header: 'conductance', 'y', 'x', 'l', 'note'" log || fail "a header is not said"
printf '0,0,0,1\n0,1,1,2\n1,0,0,1\n1,0,1,3\n1,1,0,4\n' >edges.csv
succeed 1 solve edges.yaml -circuit_layers 2 -out by_place
same_data by_name/solution.h5 by_place/solution.h5
odd="it's \"odd\" -x ünï #1"
mkdir "$odd"
sed 's/$/\r/; 1s/^/\xEF\xBB\xBF/' case.yaml >"$odd/$odd.yaml" # a byte order mark and the line ends of DOS
printf '0,1\n2,2\n' >"$odd/$odd.csv"
ln -s "$odd/$odd.yaml" link.yaml
succeed 1 run "$odd/$odd.yaml" -target_file "$odd.csv" -out "$odd/out"
succeed 2 validate "$odd/out/"
succeed 1 solve "$work/link.yaml"
[ -e link/solution.h5 ] || fail "a case by a link does not name the folder"
mkdir data
cp "$odd/$odd.csv" data/rows.csv
KIRCHHOFF_REFERENCE_DATA=$work/data/ succeed 1 solve case.yaml -out looked_up -target_file rows.csv
succeed 1 -circuit_layers 2 --force -overwrite solve case.yaml
grep -q ' 3 layers' log || fail "options before the command are lost"
PETSC_OPTIONS='-circuit_layers 4' succeed 1 solve case.yaml -overwrite
grep -q ' 5 layers' log || fail "PETSC_OPTIONS is not heard"
succeed 1 run case.yaml -out doubled -sample_flow exact,exact
"$program" solve case.yaml -overwrite <&- >log 2>&1 || fail "stdin closed: $(cat log)"
for words in --help '-help solve case.yaml'; do
  # shellcheck disable=SC2086 # words
  kirchhoff 1 $words >help && succeed 2 $words && cmp -s help log || fail "$words differs on 2 ranks"
done
grep -q -- '-circuit_resistance_same .*ohm' help || fail "-help does not name units"
printf 'junk' >whole/samples.h5
printf 'junk' >whole/report.json
succeed 1 validate whole
rm whole/samples.h5
succeed 2 validate whole

echo "$errors_seen causes refused"
