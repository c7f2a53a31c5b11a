#!/usr/bin/env bash
# Shows on this machine that chain.sbatch works: a throw-away Slurm (controller and node), a job that its time limit stops,
# that is queued again and finishes. Root; Debian: apt-get install slurmctld slurmd slurm-client munge.
#   scripts/slurm/prove.sh [TRAINING STEPS]    as many as take three minutes or more
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/scripts/env.sh"
export KIRCHHOFF=${KIRCHHOFF:-$root/build/release/kirchhoff}
steps=${1:-60000}
for program in slurmctld slurmd sbatch munged; do
  PATH=$PATH:/usr/sbin command -v $program >/dev/null || { echo "error: no $program: apt-get install slurmctld slurmd slurm-client munge" >&2; exit 1; }
done
export PATH=$PATH:/usr/sbin

here=$(mktemp -d)
chmod 755 "$here"
started=()
down() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for _ in {1..50}; do
    pids=0
    for pid in "${started[@]}"; do ! kill -0 "$pid" 2>/dev/null || pids=1; done
    [ $pids = 1 ] || break
    sleep 0.2
  done
  rm -rf "$here"
}
trap down EXIT

host=$(hostname -s)
mkdir "$here/state" "$here/spool" "$here/munge"
dd if=/dev/urandom of="$here/munge/key" bs=128 count=1 status=none
chmod 400 "$here/munge/key"
munged --foreground --force --socket="$here/munge/socket" --key-file="$here/munge/key" --log-file="$here/munge/log" \
  --pid-file="$here/munge/pid" --seed-file="$here/munge/seed" >/dev/null 2>&1 &
started+=($!)
cat >"$here/slurm.conf" <<CONF
ClusterName=proof
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket,cred_expire=10
CredType=cred/munge
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
DefMemPerNode=2000
JobRequeue=1
ReturnToService=2
SchedulerParameters=sched_interval=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=proof Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$here/slurm.conf
for _ in {1..50}; do [ ! -S "$here/munge/socket" ] || break; sleep 0.2; done
slurmctld -D >/dev/null 2>&1 &
started+=($!)
slurmd -D >/dev/null 2>&1 &
started+=($!)
for _ in {1..100}; do [ "$(sinfo -h -o %t 2>/dev/null)" != idle ] || break; sleep 0.3; done
[ "$(sinfo -h -o %t)" = idle ] || { echo "error: Slurm does not start" >&2; tail -n 5 "$here"/*.log "$here/munge/log" >&2; exit 1; }
sinfo --version

cd "$here"
echo "\$ sbatch --time=2 --signal=B:USR1@45 chain.sbatch moons_to_swiss_roll.yaml DIR -train_steps $steps"
job=$(sbatch --parsable --time=2 --signal=B:USR1@45 --output="$here/out" "$root/scripts/slurm/chain.sbatch" \
  "$root/data/cases/moons_to_swiss_roll.yaml" "$here/results" -train_steps "$steps" -sample_count 20000)
last=
for _ in {1..1200}; do
  state=$(scontrol -o show job "$job" | sed -n 's/.*JobState=\([A-Z]*\) Reason=\([A-Za-z]*\) .*/\1/p')
  [ "$state" = "$last" ] || echo "$(date +%T) Slurm: job $state"
  last=$state
  case $state in COMPLETED | FAILED | TIMEOUT | CANCELLED) break ;; esac
  sleep 0.5
done
echo "--- the job's output"
sed "s|$here|.|g; s|$root/||g" "$here/out"
echo "--- its end"
scontrol -o show job "$job" | tr ' ' '\n' | grep -E '^(JobState|Requeue|Restarts|ExitCode|TimeLimit)='
"$KIRCHHOFF" info "$here/results" | sed "s|$here|.|g; s|$root/||g" | head -n 12
restarts=$(scontrol -o show job "$job" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p')
[ "$last" = COMPLETED ] || { echo "error: the job did not finish" >&2; exit 1; }
[ "$restarts" -ge 1 ] || { echo "error: the job was never stopped: give it more training steps" >&2; exit 1; }
