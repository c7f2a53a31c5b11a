#!/usr/bin/env bash
# What a stage would take is held against the limits of a process and Slurm's grant before it begins: one line, and nothing
# is written.
. "$(dirname "$0")/common/lib.sh"
cat >case.yaml <<'YAML'
space:   {categories: 700, dimensions: 2}
circuit: {family: lattice, layers: 20, resistance_same: 1, resistance_change: 10}
source:  {name: uniform}
target:  {name: normal}
model:   {hidden: [4]}
sample:  {count: 100000000}
YAML

untouched() { [ ! -e "$1" ] || fail "$1: made in spite of the refusal: $(ls -A "$1")"; }

# The field has 82 MB; ranks map half a gigabyte of libraries as it is.
for ranks in 1 2; do
  (
    ulimit -v 700000 # [KiB]
    expect_error 1 'error: solving the circuit needs about [0-9]+ MB in each process, the limit of a process.s address space \(ulimit -v\) allows [0-9]+ MB$' \
      $ranks solve case.yaml -out little_space -space_categories 1500
  ) || exit 1
  untouched little_space
done
SLURM_MEM_PER_NODE=120 expect_error 1 'error: solving the circuit needs about [0-9]+ MB on this node, Slurm \(SLURM_MEM_PER_NODE\) allows [0-9]+ MB$' \
  1 solve case.yaml -out little_grant
SLURM_MEM_PER_CPU=60 SLURM_CPUS_ON_NODE=2 expect_error 1 \
  'error: solving the circuit needs about [0-9]+ MB on this node \(2 ranks\), Slurm \(SLURM_MEM_PER_CPU times SLURM_CPUS_ON_NODE\) allows [0-9]+ MB$' \
  2 solve case.yaml -out little_grant
untouched little_grant
SLURM_MEM_PER_NODE=10 expect_error 1 'error: the circuit needs about [0-9]+ MB on this node, Slurm' 1 solve case.yaml -out little_grant -space_categories 2000
untouched little_grant

"$python" - <<'PYTHON'
with open("grid.sp", "w") as file:
    file.write("* a grid\nV1 n0_0 0 1\n")
    for i in range(300):
        for j in range(299):
            file.write(f"Ra{i}_{j} n{i}_{j} n{i}_{j + 1} 1\nRb{i}_{j} n{j}_{i} n{j + 1}_{i} 2\n")
    file.write("Rg n299_299 0 1\n.end\n")
PYTHON
SLURM_MEM_PER_NODE=60 expect_error 1 'error: solving the network needs about [0-9]+ MB on this node, Slurm' 1 solve grid.sp -out grid
untouched grid
SLURM_MEM_PER_NODE=200 succeed 1 solve grid.sp -out grid

# What fits is not refused, and a stage that does not fit leaves the one before it.
SLURM_MEM_PER_NODE=250 succeed 1 solve case.yaml -out enough
SLURM_MEM_PER_NODE=600 expect_error 1 'error: drawing 100,000,000 samples needs about [0-9.]+ GB on this node, Slurm' \
  1 sample case.yaml -out enough -sample_flow exact
[ -s enough/solution.h5 ] || fail "the solution is gone"
[ ! -e enough/samples.h5 ] || fail "samples in spite of the refusal"
