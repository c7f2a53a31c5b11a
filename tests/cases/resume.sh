#!/usr/bin/env bash
# Training that is interrupted, killed or left with a damaged checkpoint ends with the bits of a training that ran through.
. "$(dirname "$0")/common/lib.sh"

cat >long.yaml <<'YAML'
space:   {categories: 6, dimensions: 2}
circuit: {family: dense, layers: 4, resistance_same: 1, resistance_change: 36}
source:  {name: uniform}
target:  {name: normal}
model:   {hidden: [32, 32]}
train:   {steps: 6000, batch: 256, validate_every: 500, checkpoint_every: 500}
sample:  {count: 1000}
YAML

for ranks in 1 2; do succeed $ranks train long.yaml -out whole$ranks; done

# SIGUSR1 to mpirun, twice in the same training.
for _ in 1 2; do
  rm -f usr1/checkpoint.previous.h5
  start 2 train long.yaml -out usr1
  await test -e usr1/checkpoint.previous.h5
  kill -USR1 $job
  interrupted "SIGUSR1 to mpirun"
done
[ "$(attribute usr1/checkpoint.h5 step)" -lt 6000 ] || fail "SIGUSR1 came too late to test anything"
succeed 2 train long.yaml -out usr1
grep -q 'going on from step' log || fail "did not go on: $(cat log)"
same_training whole2 usr1

# SIGTERM and SIGUSR1 to the program itself.
for signal in TERM USR1; do
  rm -f term/checkpoint.previous.h5
  start 1 run long.yaml -out term
  await test -e term/checkpoint.previous.h5
  kill -$signal $job
  interrupted "SIG$signal in training"
  [ "$(attribute term/checkpoint.h5 step)" -lt 6000 ] || fail "SIG$signal came too late to test anything"
done
succeed 1 run long.yaml -out term
same_training whole1 term

# The command that an interrupted -force names must not start from nothing.
start 1 train -force long.yaml -out term
await grep -q '^solve' log
sleep 0.3
kill -TERM $job
interrupted "an interrupted -force"
! grep -q -- '-force' log || fail "$(cat log)"

# SIGKILL: the last periodic checkpoint is whole.
start 1 train long.yaml -out killed
await test -e killed/checkpoint.previous.h5
kill -KILL $job
wait $job 2>/dev/null || true
kirchhoff 1 info killed/checkpoint.h5 >log || fail "what a killed run left is not whole"
succeed 1 train long.yaml -out killed
same_training whole1 killed

# A damaged checkpoint: the one before it is taken, and nobody is left in the dark.
for damage in 'truncate -s 5000' 'rm' 'cp long.yaml'; do
  start 1 train long.yaml -out damaged
  await test -e damaged/checkpoint.previous.h5
  kill -TERM $job
  interrupted "SIGTERM before '$damage'"
  $damage damaged/checkpoint.h5
  kirchhoff 2 sample long.yaml -out damaged -sample_flow neural >log 2>stderr || fail "$damage: $(cat log stderr)"
  grep -q 'warning: .*checkpoint.h5.*going on from .*checkpoint.previous.h5' stderr || fail "$damage: $(cat log stderr)"
  kirchhoff 1 train long.yaml -out damaged >log 2>stderr || fail "$damage: $(cat log stderr)"
  grep -q 'going on from step' log || fail "$damage: $(cat log)"
  same_training whole1 damaged
  rm -r damaged
done

# Stopped while it solves: a solution that was there stays as it was, and a new one is not half there.
# The circuit is long and thin, so that conjugate gradients need a while.
cat >slow.yaml <<'YAML'
space:   {categories: 40, dimensions: 2}
circuit: {family: lattice, layers: 1000, resistance_same: 1, resistance_change: 1}
source:  {name: two_moons}
target:  {name: swiss_roll}
solve:   {method: krylov}
YAML
mkdir slow
for signal in TERM TERM KILL; do
  start 1 solve slow.yaml -out slow
  await grep -q '^circuit' log
  sleep 0.5
  kill -$signal $job
  wait $job 2>/dev/null || [ $signal = KILL ] || fail "SIG$signal: $(cat log stderr)"
  [ $signal = KILL ] || grep -q '^interrupted: resume with ' log || fail "SIG$signal: $(cat log stderr)"
  if [ ! -e slow/solution.h5 ]; then # as if it had been solved before
    cp whole1/solution.h5 slow
    "$python" -c 'import h5py, json
h5py.File("slow/solution.h5", "r+").attrs["problem_hash"] = json.load(open("slow/state.json"))["problem_hash"]'
    before=$(cksum <slow/solution.h5)
  fi
  [ "$(cksum <slow/solution.h5)" = "$before" ] && [ "$(ls slow | tr '\n' ' ')" = 'solution.h5 state.json ' ] ||
    fail "SIG$signal: slow holds $(ls -l slow)"
done
