#!/usr/bin/env bash
# In a control group with little memory the program says so before it begins, where the system would end it without a word.
. "$(dirname "$0")/common/lib.sh"
group=
for parent in /sys/fs/cgroup/memory /sys/fs/cgroup; do
  [ ! -e "$parent/memory.limit_in_bytes" ] || limit=memory.limit_in_bytes
  [ ! -e "$parent/cgroup.controllers" ] || limit=memory.max
  [ -n "${limit:-}" ] && mkdir "$parent/kirchhoff_test_$$" 2>/dev/null || continue
  group=$parent/kirchhoff_test_$$
  break
done
[ -n "$group" ] || skip "no control group can be made here (root, and /sys/fs/cgroup writable)"
trap 'rmdir "$group" 2>/dev/null || true; rm -rf "$work"' EXIT
[ -e "$group/$limit" ] || skip "control groups here do not limit memory"

cat >case.yaml <<'YAML'
space:   {categories: 700, dimensions: 2}
circuit: {family: lattice, layers: 20, resistance_same: 1, resistance_change: 10}
source:  {name: uniform}
target:  {name: normal}
YAML
real_program=$program
real_mpiexec=$mpiexec
cat >inside <<SH
#!/bin/sh
echo \$\$ >$group/cgroup.procs || exit 99
exec "\$@"
SH
chmod +x inside

# kirchhoff RANKS ...: of the library, in the group
kirchhoff() {
  local ranks=$1
  shift
  if [ "$ranks" = 1 ]; then ./inside "$real_program" "$@"; else ./inside "$real_mpiexec" -n "$ranks" "$real_program" "$@"; fi
}

echo 150000000 >"$group/$limit" || skip "the limit of a control group cannot be set"
./inside true || skip "a process cannot be put into a control group"
for ranks in 1 2; do
  expect_error 1 "error: solving the circuit needs about [0-9]+ MB on this node.*, the control group /.*kirchhoff_test_$$ allows [0-9]+ MB\$" \
    $ranks solve case.yaml -out little
  [ ! -e little ] || fail "made in spite of the refusal: $(ls -A little)"
done
echo 400000000 >"$group/$limit"
for ranks in 1 2 3; do succeed $ranks solve case.yaml -out enough_$ranks; done
