#!/usr/bin/env bash
# A disk that fills up while a network is trained: one line, status 1, the last checkpoint whole; with room again the training ends
# with the bits of one that ran through.
. "$(dirname "$0")/common/lib.sh"
mkdir disk
mount -t tmpfs -o size=2m none disk 2>stderr || skip "a small file system cannot be mounted here: $(cat stderr)"
trap 'umount "$work/disk"; rm -rf "$work"' EXIT

cat >case.yaml <<'YAML'
space:   {categories: 6, dimensions: 2}
circuit: {family: dense, layers: 4, resistance_same: 1, resistance_change: 36}
source:  {name: uniform}
target:  {name: normal}
model:   {hidden: [32, 32]}
train:   {steps: 3000, batch: 128, validate_every: 500, checkpoint_every: 250}
sample:  {flow: exact, count: 1000000}
YAML
for ranks in 1 2; do
  succeed $ranks train case.yaml -out whole$ranks
  out=disk/$ranks
  start $ranks train case.yaml -out $out
  await test -e $out/checkpoint.previous.h5
  cat /dev/zero >disk/full 2>/dev/null || true
  status=0
  wait $job || status=$?
  [ $status = 1 ] || fail "$ranks ranks: status $status: $(cat log stderr)"
  grep -qE "^error: cannot write $out/(checkpoint|training).*(No space left on device|the disk has)" stderr || fail "$(cat stderr)"
  nothing_half_written "a full disk"
  # The state may have found room where the checkpoint found none; if not, that is said.
  state=$(state_of $out)
  [ "$state" = failed ] || { [ "$state" = running ] && grep -q "^warning: cannot write $out/state.json: " stderr; } ||
    fail "state.json says $state: $(cat stderr)"
  succeed 1 info $out/checkpoint.h5
  rm disk/full
  succeed $ranks train case.yaml -out $out
  grep -q 'going on from step' log || fail "did not go on: $(cat log)"
  same_training whole$ranks $out
  # There is room for a solution, but not for so many walks.
  left=$(df --output=avail -k disk | tail -1)
  head -c $(((left - 200) * 1024)) /dev/zero >disk/full
  expect_error 1 "cannot write $out/samples.h5: [0-9]+ kB more are needed, the disk has [0-9]+ kB left" $ranks sample case.yaml -out $out
  rm -r disk/full $out
done
