#!/usr/bin/env bash
# A folder keeps the results of one problem: nobody's work is replaced unasked, and state.json says how far it has come.
. "$(dirname "$0")/common/lib.sh"

cat >case.yaml <<'YAML'
space:   {categories: 3, dimensions: 2}
circuit: {layers: 3}
source:  {name: uniform}
target:  {file: rows.csv}
model:   {hidden: [8]}
train:   {steps: 20, batch: 8, validate_every: 10}
sample:  {count: 100}
YAML
printf '0,1\n2,2\n1,0\n' >rows.csv
printf 'title\nV1 a 0 1\nR1 a b 2\nR2 b 0 3\n' >net.sp
sed 's/R2 b 0 3/R2 b 0 4/' net.sp >other.sp

untouched() { # the folder r is as `remember` saw it
  [ "$(sums)" = "$before" ] || fail "$1: r has changed"
}
sums() { (cd r && find . -type f | sort | xargs cksum); }
remember() { before=$(sums); }
refuse() { # REGEX RANKS COMMAND...: with status 1, and nothing in r is touched
  remember
  expect_error 1 "$@"
  untouched "kirchhoff ${*:3}"
}
state() { # KEY...: of r/state.json
  "$python" -c 'import functools, json, sys; print(functools.reduce(lambda x, k: x.get(k), sys.argv[1:], json.load(open("r/state.json"))))' "$@"
}
is_state() { # KEY... VALUE
  local value=${*: -1}
  [ "$(state "${@:1:$#-1}")" = "$value" ] || fail "state.json: ${*:1:$#-1} is $(state "${@:1:$#-1}"), not $value: $(cat r/state.json)"
}

# --- another problem
succeed 2 run case.yaml -out r
is_state state finished
is_state stage None
for stage in solve train sample validate; do is_state stages $stage state finished; done
is_state stages train step 20
is_state problem_hash "$(attribute r/solution.h5 problem_hash)"
refuse 'option -out: r holds another problem, case \(.*\) by state.json, and this is case .*circuit_layers is 3 there and 4 here; -overwrite' \
  2 run case.yaml -out r -circuit_layers 4
refuse 'circuit_resistance_change is 10 there and 20 here' 1 solve case.yaml -out r -circuit_resistance_change 20 -force
refuse 'target_name is not given there and normal here, target_file is .*/rows.csv there and not given here' 3 train case.yaml \
  -out r -target_name normal
refuse 'space_dimensions is 2 there and 1 here' 1 bench case.yaml -out r -space_dimensions 1 -target_name normal
refuse 'r holds another problem, case .* and this is net.sp' 1 solve net.sp -out r
refuse 'r holds another problem' 1 sample case.yaml -out r -circuit_layers 4
refuse 'circuit_layers is 3 there and 4 here' 1 validate r -circuit_layers 4
cp rows.csv kept.csv
echo '2,1' >>rows.csv
refuse 'no option differs, so that what the input files hold does' 1 run case.yaml -out r
refuse 'no option differs, so that what the input files hold does' 1 sample r
mv kept.csv rows.csv
sed 's/case/renamed/' case.yaml >renamed.yaml
cp rows.csv moved.csv
succeed 1 run renamed.yaml -out r -target_file moved.csv # the same numbers from elsewhere are the same problem
grep -q 'solution.h5 is up to date' log || fail "the same problem was solved anew"

# Report and sample options are not the problem.
succeed 1 run case.yaml -out r -sample_count 50 -sample_flow exact -solve_tolerance 1e-11
# A file alone tells as well as state.json; one problem's file among another's is told too.
mv r/state.json away
refuse 'another problem, .* by .*.h5, .*circuit_layers is 3 there' 1 run case.yaml -out r -circuit_layers 4
mv away r/state.json
succeed 1 solve case.yaml -out other -circuit_layers 4
cp r/samples.h5 away.h5
cp other/solution.h5 r/samples.h5
refuse 'r holds another problem' 1 run case.yaml -out r
mv away.h5 r/samples.h5

# -overwrite makes room for the other problem, and only then.
succeed 1 run case.yaml -out r -overwrite
grep -q 'up to date' log || fail "-overwrite redid the same problem"
touch r/mine.txt
succeed 2 solve case.yaml -out r -circuit_layers 4 -overwrite
[ "$(ls r | tr '\n' ' ')" = 'mine.txt solution.h5 state.json ' ] || fail "-overwrite leaves $(ls r)"
is_state stages train None

# Networks.
rm -r r
succeed 1 solve net.sp -out r
refuse 'r holds another problem, net.sp .*, and this is other.sp' 2 solve other.sp -out r
refuse 'network.* net.sp .*this is case|net.sp .*this is case' 1 run case.yaml -out r
sed -i 's/R2 b 0 3/R2 b 0 5/' net.sp
refuse 'what the input files hold does' 1 solve net.sp -out r
succeed 1 solve other.sp -out r -overwrite
succeed 1 solve other.sp -out r

# Files of others by the names of ours.
for file in solution.h5 report.json checkpoint.h5; do
  rm -r r && mkdir r
  case $file in
    solution.h5) "$python" -c 'import h5py; h5py.File("r/solution.h5", "w")["potential"] = 1' ;;
    *) echo '{"answer": 42}' >r/$file ;;
  esac
  refuse "r holds $file, which is not of this program" 1 run case.yaml -out r
done
succeed 1 run case.yaml -out r -overwrite
# A failed run that left no results keeps nobody out.
rm -r r
expect_error 1 'stopped at a relative residual' 1 solve case.yaml -out r -ksp_max_it 1
succeed 1 solve case.yaml -out r -circuit_layers 4

# --- another training of the same problem stays beside
rm -r r
succeed 1 train case.yaml -out r
first=$(cksum <r/checkpoint.h5)
succeed 2 train case.yaml -out r -train_steps 30
grep -q 'another training of this problem stays as r/checkpoint\.[0-9a-f]*\.h5' log || fail "$(cat log)"
[ "$(cksum <r/checkpoint.????????.h5 | head -1)" != "" ] && ls r/training.????????.csv >/dev/null || fail "r holds $(ls r)"
refuse_sample() { kirchhoff 1 sample case.yaml -out r -train_steps 40 >log 2>stderr && fail "sampled what was not trained"; true; }
second=$(cksum <r/checkpoint.h5)
refuse_sample
[ "$(cksum <r/checkpoint.h5)" = "$second" ] || fail "sampling moved a checkpoint"
succeed 1 train case.yaml -out r
grep -q 'is taken up again' log && grep -q 'up to date' log || fail "$(cat log)"
[ "$(cksum <r/checkpoint.h5)" = "$first" ] || fail "the first training is another now"

# --- the end of the work
refuse_state() { # REGEX COMMAND...
  expect_error 1 "$1" 1 "${@:2}"
  is_state state failed
  grep -q '"error": ".' r/state.json || fail "no error in state.json"
}
refuse_state 'training diverged' train case.yaml -out r -train_learning_rate 1e300
is_state stage train
succeed 1 info r
grep -q 'state *failed' log && grep -q 'error *training diverged' log && grep -q 'solve *finished' log || fail "$(cat log)"
"$program" train case.yaml -out r -train_steps 100000000 -train_checkpoint_every 50 >log 2>stderr </dev/null &
job=$!
for _ in $(seq 600); do
  ! grep -qs '"state": "running"' r/state.json || [ ! -e r/checkpoint.previous.h5 ] || break
  sleep 0.05
done
is_state state running
kill -TERM $job
wait $job || fail "$(cat stderr)"
is_state state interrupted
is_state stage train
is_state stages train state interrupted
[ "$(state stages train step)" = "$(attribute r/checkpoint.h5 step)" ] || fail "state.json names another step"
"$program" train case.yaml -out r -train_steps 100000000 >log 2>stderr </dev/null &
job=$!
for _ in $(seq 600); do ! grep -qs '"stage": "train"' r/state.json || ! grep -q running r/state.json || break; sleep 0.05; done
kill -KILL $job
wait $job 2>/dev/null || true
rm -f r/*.tmp r/*.new # being killed, it could not
is_state state running
succeed 1 info r
grep -q 'state *running, or died' log || fail "$(cat log)"
succeed 1 run case.yaml -out r
is_state state finished

# --- a walk training that ended early is finished
cat >walk.yaml <<'YAML'
space:  {categories: 2, dimensions: 4}
target: {file: bits.csv}
model:  {hidden: [8]}
train:  {supervision: walk, steps: 1000, batch: 8, validate_every: 10, patience: 2, learning_rate: 0}
sample: {count: 50}
YAML
for _ in 1 2 3 4 5 6 7 8; do printf '0,1,1,0\n1,0,0,1\n1,1,1,1\n'; done >bits.csv
for ranks in 1 2; do
  rm -rf r
  succeed $ranks train walk.yaml -out r
  [ "$(attribute r/checkpoint.h5 step)" -lt 1000 ] || fail "patience had no end"
  before=$(stat -c %y r/checkpoint.h5 r/training.csv)
  for command in train run; do
    succeed $ranks $command walk.yaml -out r
    grep -q 'checkpoint.h5 is up to date, of step' log || fail "a training that is over goes on: $(cat log)"
    [ "$before" = "$(stat -c %y r/checkpoint.h5 r/training.csv)" ] || fail "a training that is over was written again"
  done
  is_state stages train state finished
done
echo "$errors_seen causes refused"
