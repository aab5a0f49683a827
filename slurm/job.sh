# What every job does: read the site's settings, run commands, and be queued again when Slurm
# interrupts it. Commands go on where they stopped, so a job that is repeated does so too; those of
# error_analysis.sbatch begin anew.
#
#   alone MODULE OPTION...      one process
#   together MODULE OPTION...   a process a GPU, on all nodes of the job
#
# Before the time limit, Slurm signals this shell (#SBATCH --signal=B:USR1@SECONDS), which asks the
# command to end (SIGTERM; training then writes a checkpoint) and queues the job again, unless it was
# signalled soon after its start: that would not end. On preemption with a grace time, Slurm asks the
# command itself; without one, it kills and queues again.
set -euo pipefail
interrupted=0 number=0
# Of an array, its own task: the id of the last task to start is that of the whole array.
this_job=$SLURM_JOB_ID
[[ -z ${SLURM_ARRAY_JOB_ID:-} ]] || this_job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
trap interrupt USR1

source slurm/site.sh
# Progress bars add a line to the job's output once a minute.
export PYTHONUNBUFFERED=1 TQDM_MININTERVAL=${TQDM_MININTERVAL:-60}
# How long torchrun waits for training's evaluation and checkpoint: a minute less than there is from
# signal to limit. Scoring does not keep it waiting.
minute_less=540
[[ ${SBATCH_SIGNAL:-} != *@* ]] || minute_less=$((${SBATCH_SIGNAL##*@} - 60))
((minute_less > 30)) || minute_less=30
export TORCH_ELASTIC_SHUTDOWN_TIMEOUT=${TORCH_ELASTIC_SHUTDOWN_TIMEOUT:-$minute_less}
# Since 22.05, srun does not ask for them by itself.
[[ -z ${SLURM_CPUS_PER_TASK:-} ]] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK

alone() { run_resumably python -m "$@"; }

together() {
    local meeting=(--standalone) host
    if ((SLURM_JOB_NUM_NODES > 1)); then
        host=${RENDEZVOUS_HOST:-$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)}
        meeting=(--nnodes "$SLURM_JOB_NUM_NODES" --rdzv_id "$SLURM_JOB_ID" --rdzv_backend c10d)
        meeting+=(--rdzv_endpoint "$host:$((20000 + SLURM_JOB_ID % 20000))")
    fi
    local processes=${PROCESSES_PER_NODE:-${SLURM_GPUS_ON_NODE:-1}}
    ((processes > 0)) || processes=1
    ((${SLURM_CPUS_ON_NODE:-$processes} >= processes)) ||
        echo "warning: $SLURM_CPUS_ON_NODE CPUs for $processes processes; what site.sh asks for is an" \
            "option of sbatch: source slurm/site.sh; sbatch \"\${NODE_JOB[@]}\" slurm/... " >&2
    run_resumably torchrun "${meeting[@]}" --nproc_per_node "$processes" -m "$@"
}

interrupt() {
    ((++interrupted == 1)) || return 0
    lasted=$SECONDS
    (ask_to_end &) # in parentheses: $! stays the command's
}

# Once: a second SIGTERM ends torchrun, and with it the checkpoint that is being written. Not before
# the command is there, as it would be lost, and Slurm signals this shell but once.
ask_to_end() {
    local step="^$this_job\.[0-9]* command$number\$"
    until squeue -h --steps -j "$SLURM_JOB_ID" -o "%i %j" | grep "$step" >/dev/null; do
        sleep 1
        begun=$SECONDS
        kill -0 $$ 2>/dev/null || return 0
    done
    # A step is listed before its processes have started.
    while ((SECONDS - begun < 3)); do sleep 1; done
    ! kill -0 $$ 2>/dev/null || scancel --signal=TERM "$this_job"
}

run_resumably() {
    begun=$SECONDS
    ((++number)) # before looking: who is signalled after it asks for this command's end
    ((!interrupted)) || queue_again
    local command status signals
    printf '$ %s\n' "$*"
    # Unbound: one task a node, which is to use all CPUs that the job has there.
    srun --job-name="command$number" --ntasks-per-node=1 --cpu-bind=none --kill-on-bad-exit=1 \
        "$@" &
    command=$!
    while true; do
        signals=$interrupted status=0
        wait "$command" || status=$?
        # A signal ends the wait, not the command.
        [[ $interrupted != "$signals" ]] || break
    done
    ((status)) || return 0
    if ((interrupted)) || is_preempted; then queue_again; fi
    exit "$status"
}

is_preempted() { scontrol show job -o "$this_job" | grep -q ' PreemptTime=[0-9]'; }

queue_again() {
    local restarts=${SLURM_RESTART_COUNT:-0}
    if ((interrupted && lasted < MIN_SECONDS)) && ! is_preempted; then
        echo "error: signalled before the time limit, but $lasted s after the start, less than" \
            "MIN_SECONDS of slurm/site.sh: not queued again; give a longer --time than --signal's" >&2
        exit 1
    fi
    if ((restarts >= MAX_RESTARTS)); then
        echo "error: restarted $restarts times already, MAX_RESTARTS of slurm/site.sh: not again" >&2
        exit 1
    fi
    echo "job $this_job is interrupted: queued again, to go on where it stopped"
    scontrol requeue "$this_job"
    exit 1 # which no longer counts
}
