#!/usr/bin/env bash
# What signals, closed pipes, limits and a second program in the same folder do to a run: nothing is lost, and one line says what happened.
# With KIRCHHOFF_NIGHTLY=1 every signal at every moment, and each of them to mpirun.
. "$(dirname "$0")/common/lib.sh"

cat >long.yaml <<'YAML'
space:   {categories: 6, dimensions: 2}
circuit: {family: dense, layers: 4, resistance_same: 1, resistance_change: 36}
source:  {name: uniform}
target:  {name: normal}
model:   {hidden: [32, 32]}
train:   {steps: 4000, batch: 256, validate_every: 500, checkpoint_every: 500}
sample:  {count: 1000}
YAML
cat >slow.yaml <<'YAML'
space:   {categories: 40, dimensions: 2}
circuit: {family: lattice, layers: 1000, resistance_same: 1, resistance_change: 1}
source:  {name: two_moons}
target:  {name: swiss_roll}
solve:   {method: krylov}
YAML
printf '* three resistors\nV1 in 0 1\nR1 in a 1\nR2 a 0 2\nR3 a b 3\nR4 b 0 4\n.end\n' >net.sp

handles_signals() { # SIGTERM is the 15th bit of the mask
  local rank
  for rank in $ranks_of_job; do
    (((0x$(sed -n 's/^SigCgt:\s*//p' "/proc/$rank/status") >> 14) & 1)) || return 1
  done
}

# At once after the start: before MPI and PETSc are up, and while they come up.
moments=(TERM:0 TERM:0.1 TERM:0.3 USR1:0 INT:0.1 HUP:0.3)
[ -z "${KIRCHHOFF_NIGHTLY:-}" ] || moments=({TERM,USR1,INT,HUP}:{0,0.1,0.3})
for moment in "${moments[@]}"; do
  start 1 train long.yaml -out early
  await handles_signals
  sleep "${moment#*:}"
  kill -"${moment%:*}" $job
  interrupted "SIG${moment%:*} ${moment#*:} s after the start"
done
start 2 train long.yaml -out early
await handles_signals
kill -USR1 $job
interrupted "SIGUSR1 to mpirun at once"
rm -rf early

# In the middle of training, and in a batch that takes longer than anybody would wait: what goes on ends with the same bits.
for ranks in 1 2; do succeed $ranks run long.yaml -out whole$ranks; done
for signal in INT HUP; do
  rm -f stopped1/checkpoint.previous.h5
  start 1 run long.yaml -out stopped1
  await test -e stopped1/checkpoint.previous.h5
  kill -$signal $job
  interrupted "SIG$signal in training"
  state_is stopped1 interrupted
done
start 2 run long.yaml -out stopped2
await test -e stopped2/checkpoint.previous.h5
# shellcheck disable=SC2086 # words
kill -INT $ranks_of_job
interrupted "SIGINT to both ranks"
for ranks in 1 2; do
  succeed $ranks run long.yaml -out stopped$ranks
  state_is stopped$ranks finished
  same_training whole$ranks stopped$ranks
  for file in solution samples; do same_data whole$ranks/$file.h5 stopped$ranks/$file.h5; done
done
for ranks in 1 2; do
  start $ranks train long.yaml -train_batch 500000000 -out batch
  await grep -q '^solve' log
  sleep 1
  kill -USR1 $job
  interrupted "a batch on $ranks ranks"
  state_is batch interrupted
  [ ! -e batch/checkpoint.h5 ] || fail "a checkpoint of no step"
done

# Conjugate gradients, and long sampling.
for ranks in 1 2; do
  start $ranks solve slow.yaml -out slow
  await grep -q '^circuit' log
  sleep 1
  kill -USR1 $job
  interrupted "conjugate gradients on $ranks ranks"
  state_is slow interrupted
  start $ranks sample long.yaml -out whole$ranks -sample_flow exact -sample_count 30000000
  await grep -q '^circuit' log
  sleep 1
  kill -USR1 $job
  interrupted "sampling on $ranks ranks"
  state_is whole$ranks interrupted
done

# A call that cannot be interrupted, here an open() that waits for ever: the program is forced to leave, and leaves as it should.
stuck() { # RANKS: until it is
  rm -rf stuck
  start "$1" run long.yaml -train_steps 1500 -out stuck
  await test -e stuck/checkpoint.h5
  mkfifo stuck/report.json.tmp
  await grep -q '^validate *neural' log
  sleep 0.5
}
for ranks in 1 2; do
  stuck $ranks
  kill -USR1 $job
  interrupted "a call that hangs on $ranks ranks"
  state_is stuck interrupted
  succeed $ranks run long.yaml -train_steps 1500 -out stuck
  state_is stuck finished
done
# mpirun that is itself asked to end gives its ranks a second (docs/cluster.md), and reports a failure whatever they do.
for signal in TERM ${KIRCHHOFF_NIGHTLY:+INT HUP}; do
  stuck 2
  kill -$signal $job
  wait $job || true
  state_is stuck interrupted
  nothing_half_written "SIG$signal to mpirun"
done

# The second SIGINT ends it at once, by the signal; so does SIGHUP. One signal sent twice over is one.
mkfifo pipe.csv
for signal in INT HUP; do
  start 1 solve pipe.csv -out second
  exec 3>pipe.csv # waits until the program reads from it; it then waits for ever
  kill -$signal $job
  sleep 0.2
  kill -$signal $job
  sleep 1.2
  kill -0 $job || fail "SIG$signal sent twice in a moment ended it"
  kill -$signal $job
  status=0
  wait $job || status=$?
  exec 3>&-
  [ $status = $((128 + $(kill -l $signal))) ] || fail "the second SIG$signal: status $status"
  ! grep -q interrupted log || fail "the second SIG$signal: $(cat log)"
done

# nohup, and jobs in the background of a script: what was ignored stays ignored.
env --ignore-signal=INT,HUP "$program" train long.yaml -out ignores >log 2>stderr </dev/null &
job=$! ranks_of_job=$!
await test -e ignores/checkpoint.h5
kill -HUP $job
kill -INT $job
wait $job || fail "ignored signals: $(cat stderr)"
! grep -q interrupted log || fail "ignored signals were heard"
same_training whole1 ignores

# A reader that goes away, a stdout on a full disk or closed from the start: the files are made all the same.
for ranks in 1 2; do
  { kirchhoff $ranks run long.yaml -out pipe$ranks -force 2>stderr || [ $ranks = 2 ] || fail "closed pipe: $(cat stderr)"; } | true
  [ $ranks = 2 ] || state_is pipe$ranks finished
done
same_training whole1 pipe1
"$program" run long.yaml -out full >/dev/full 2>stderr </dev/null || fail "full stdout: $(cat stderr)"
"$program" run long.yaml -out closed >&- 2>&- <&- || fail "closed streams: status $?"
for folder in full closed; do
  same_training whole1 $folder
  same_data whole1/samples.h5 $folder/samples.h5
  [ -s $folder/report.html ] || fail "$folder: no report"
done

# RLIMIT_FSIZE: a line that names the file, and what was there stays.
succeed 1 solve net.sp -out limit
before=$(cksum <limit/solution.h5)
for ranks in 1 2; do
  status=0
  # The limit is the program's: MPI's own daemon writes larger files before it.
  "$mpiexec" -n $ranks bash -c 'ulimit -f 8 && exec "$0" "$@"' "$program" solve net.sp -out limit -force >log 2>stderr </dev/null || status=$?
  [ $status = 1 ] || fail "over the limit of a file's size: status $status: $(cat log stderr)"
  grep -q '^error: .*limit/solution.h5.*File too large' stderr || fail "does not name file and reason: $(cat stderr)"
done
nothing_half_written "over the limit of a file's size"
[ "$(cksum <limit/solution.h5)" = "$before" ] || fail "over the limit of a file's size: cost the file that was there"

# Two programs in one folder: the second is refused, naming the first, which goes on undisturbed.
start 1 train long.yaml -out twice
await test -e twice/checkpoint.h5
first=$job
mv log log.first
kill -STOP "$first" # so that it is not done before the others have tried
(
  nothing_half_written() { :; } # what the first was writing is its own
  for ranks in 1 2; do
    expect_error 1 "option -out: another kirchhoff \(process $first on $(hostname)\) is at work in twice" $ranks train long.yaml -out twice
  done
)
kill -CONT "$first"
wait "$first" || fail "the first of two: $(cat log.first)"
same_training whole1 twice

# What a killed program has left is reused or removed by the next.
start 1 train long.yaml -out killed
await test -e killed/checkpoint.h5
kill -KILL $job
wait $job 2>/dev/null || true
state_is killed running
touch killed/samples.h5.tmp killed/checkpoint.h5.new.tmp killed/checkpoint.previous.h5.new killed/mine.tmp
succeed() { # the user's own file stays
  kirchhoff "$@" >log 2>stderr </dev/null || fail "kirchhoff $*: exit status $?: $(cat log stderr)"
}
succeed 1 train long.yaml -out killed
[ "$(cd killed && echo *.tmp *.new)" = 'mine.tmp *.new' ] || fail "left: $(ls killed)"
same_training whole1 killed

# A narrow terminal: a line of progress is a line.
"$python" - "$program" <<'PYTHON' || fail "progress on a narrow terminal"
import fcntl, os, pty, re, struct, sys, termios

for columns in (40, 80):
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execv(sys.argv[1], [sys.argv[1], "train", "long.yaml", "-out", f"columns{columns}"])
    text = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.waitpid(child, 0)
    shown = [line for line in re.split(r"\r\x1b\[K", text.decode()) if re.match(r"train .*%", line)]
    if not shown or max(len(line.split("\r")[0]) for line in shown) >= columns:
        sys.exit(f"{columns} columns: {shown[:3]}")
PYTHON
