"""What slurm/job.sh does when a command ends, with stand-ins for Slurm's commands."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = {"ablate_sx3hre": 45}  # a job of many commands
# `srun` runs the words after its own options, and may be slow to register them as a step, before
# which `scancel` reaches nothing; `scontrol` and `scancel` note that they were called.
STANDINS = {
    "srun": """
        for option; do [[ $option != --job-name=* ]] || name=${option#*=}; done
        if [[ -n ${EARLY:-} ]]; then kill -USR1 $PPID; sleep 2; fi
        echo "$STEP_OF.0 $name" > step
        while [[ $1 == -* ]]; do shift; done; exec "$@"
    """,
    "squeue": "cat step",
    "scontrol": 'echo "scontrol $*" >> calls; [[ $1 != show ]] || echo " PreemptTime=$PREEMPTED "',
    "scancel": 'echo "scancel $*" >> calls; [[ ! -f step ]] || kill -TERM $(cat pid)',
    "python": 'shift 1; echo $$ > pid; exec bash -c "$1"',
}


@pytest.fixture
def job(tmp_path):
    """Run a job of one command, given as a line of shell; return its status and Slurm's calls."""
    (tmp_path / "slurm").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "slurm" / "site.sh").write_text("MAX_RESTARTS=3 MIN_SECONDS=${MIN_SECONDS:-0}\n")
    for name, script in STANDINS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def run(command: str, **environment) -> tuple[int, str, str]:
        script = f"source {ROOT}/slurm/job.sh\nalone {command!r}\necho after it"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
                "SLURM_JOB_ID": "7",
                "STEP_OF": "7",
                "PREEMPTED": "None",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=30,
        )
        calls = tmp_path / "calls"
        return done.returncode, done.stdout + done.stderr, calls.read_text() * calls.exists()

    return run


def test_a_command_that_fails_is_not_repeated(job):
    status, printed, calls = job("exit 5")
    assert status == 5
    assert "requeue" not in calls
    assert "after it" not in printed


def test_a_signalled_command_is_asked_to_end_and_the_job_queued_again(job):
    # The trap of the shell under test is what its command's parent has.
    status, printed, calls = job("kill -USR1 $PPID; exec sleep 20")
    assert status == 1
    assert calls.splitlines() == ["scancel --signal=TERM 7", "scontrol requeue 7"]
    assert "job 7 is interrupted: queued again" in printed


def test_a_task_of_an_array_is_queued_again_by_itself(job):
    array = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "2", "STEP_OF": "5_2"}
    _, _, calls = job("kill -USR1 $PPID; exec sleep 20", **array)
    assert calls.splitlines() == ["scancel --signal=TERM 5_2", "scontrol requeue 5_2"]


@pytest.mark.long
def test_a_signal_before_the_command_is_there_reaches_it_once_it_is(job):
    status, _, calls = job("exec sleep 20", EARLY="1")
    assert status == 1
    assert calls.splitlines() == ["scancel --signal=TERM 7", "scontrol requeue 7"]


@pytest.mark.long
def test_two_signals_ask_the_command_once(job):
    # A second SIGTERM would end torchrun before the checkpoint is written.
    ending = 'trap "kill -USR1 $PPID; sleep 1; exit 143" TERM'
    _, _, calls = job(f"{ending}; kill -USR1 $PPID; sleep 20 > /dev/null 2>&1 & wait")
    assert calls.splitlines() == ["scancel --signal=TERM 7", "scontrol requeue 7"]


@pytest.mark.long
def test_a_job_that_is_signalled_at_its_start_is_not_queued_again(job):
    signalled = "kill -USR1 $PPID; exec sleep 20"
    status, printed, calls = job(signalled, MIN_SECONDS="60")
    assert status == 1
    assert "less than MIN_SECONDS of slurm/site.sh: not queued again" in printed
    assert "requeue" not in calls
    _, _, calls = job(signalled, MIN_SECONDS="60", PREEMPTED="2026-01-01T00:00:00")
    assert "scontrol requeue 7" in calls


@pytest.mark.long
def test_a_signalled_command_that_finishes_counts_as_finished(job):
    status, printed, calls = job("trap : TERM; kill -USR1 $PPID; sleep 5 & wait; true")
    assert status == 0
    assert "requeue" not in calls
    assert "after it" in printed


def test_a_preempted_command_is_queued_again(job):
    _, _, calls = job("exit 143", PREEMPTED="2026-01-01T00:00:00")
    assert "scontrol requeue 7" in calls


def test_a_job_is_not_queued_again_for_ever(job):
    status, printed, calls = job("kill -USR1 $PPID; exec sleep 20", SLURM_RESTART_COUNT="3")
    assert status == 1
    assert "restarted 3 times already, MAX_RESTARTS of slurm/site.sh" in printed
    assert "requeue" not in calls


@pytest.mark.parametrize("path", sorted((ROOT / "slurm").glob("*.sbatch")), ids=lambda p: p.stem)
def test_a_job_has_at_most_thirty_lines_and_parses(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES.get(path.stem, 30)
    assert subprocess.run(["bash", "-n", path]).returncode == 0
