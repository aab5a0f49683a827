"""A Slurm of this host for a test: two nodes with eight GPUs each, as far as Slurm is told.

Needs munge, slurmctld, slurmd and slurm-client of Debian; no systemd, root or cgroups. Everything
is in one folder, and ends with the test.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue")
NODES = ("node0", "node1")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# How long a job that is queued again waits: 5 s instead of 120.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
KillWait=5
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
SlurmdParameters=config_overrides
# A job of the partition `urgent` takes the nodes of those in `gpu`, which have 30 s to end.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=gpu Nodes=ALL Default=YES PriorityTier=1 GraceTime=30
PartitionName=urgent Nodes=ALL PriorityTier=2 PreemptMode=OFF
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
    "CPUs=64 RealMemory=640000 Gres=gpu:8\n"
)


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait, at most so long; an AssertionError says what did not happen."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def missing_programs() -> list[str]:
    """The programs of Slurm that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=search_path()) is None]


def search_path() -> str:
    """PATH, and where Debian has daemons."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


class Cluster:
    """A running Slurm.

    Args:
        folder: its configuration, state and logs; with a short path, as sockets need.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        # Jobs see what a user's do: not the processes that pytest may itself be among.
        inherited = ("SLURM", "SBATCH", "RANK", "WORLD_SIZE", "LOCAL_", "MASTER_", "PYTEST")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(inherited)},
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": search_path(),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *words, **options) -> str:
        """Run a client's command; return what it prints."""
        done = subprocess.run(
            list(map(str, words)),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(self) -> None:
        self._configure()
        munge = ["--force", "--key-file", self.folder / "munge.key"]
        munge += ["--socket", self.folder / "munge.socket", "--log-file", self.folder / "munge.log"]
        munge += ["--pid-file", self.folder / "munged.pid", "--seed-file", self.folder / "seed"]
        self._daemon("munged", *munge)
        self._daemon("slurmctld", "-i")
        for node in NODES:
            self._daemon("slurmd", "-N", node)
        wait_until(self._is_idle, 30, f"idle nodes ({self.folder}/*.log)")

    def _daemon(self, *words) -> None:
        # Not by a pipe, which the daemon would keep open.
        with (self.folder / "start.log").open("ab") as log:
            words = list(map(str, words))
            done = subprocess.run(words, env=self.environment, stdout=log, stderr=log, timeout=60)
        assert done.returncode == 0, (self.folder / "start.log").read_text()

    def _is_idle(self) -> bool:
        states = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%N %T", "-p", "gpu"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.splitlines()
        return states == [f"{name} idle" for name in NODES]

    def _configure(self) -> None:
        folder, host = self.folder, socket.gethostname().partition(".")[0]
        assert len(str(folder)) < 80, f"{folder}: too long for a socket"
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        (folder / "state").mkdir()
        user = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
        with _free_ports(1 + len(NODES)) as (port, *node_ports):
            pass
        text = CONFIGURATION.format(folder=folder, host=host, port=port, user=user)
        nodes = [
            NODE.format(name=name, host=host, port=node_port)
            for name, node_port in zip(NODES, node_ports, strict=True)
        ]
        for name in NODES:
            (folder / f"spool-{name}").mkdir()
        before, partitions = text.split("PartitionName", 1)
        (folder / "slurm.conf").write_text(f"{before}{''.join(nodes)}PartitionName{partitions}")
        # slurmd asks for a character device with a name of its own; nothing opens it.
        for number in range(8):
            (folder / f"gpu{number}").symlink_to("/dev/null")
        (folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu File={folder}/gpu[0-7]\n")

    def stop(self) -> None:
        """End all jobs, then the daemons."""
        if (self.folder / "slurmctld.pid").exists():
            self.run("scancel", "--user", str(os.getuid()))
            wait_until(lambda: not self.run("squeue", "-h"), 60, "the end of all jobs")
        for name in ("slurmctld", *(f"slurmd-{node}" for node in NODES), "munged"):
            pid_file = self.folder / f"{name}.pid"
            if pid_file.exists():
                _end(int(pid_file.read_text()))


def _end(pid: int) -> None:
    def is_gone() -> bool:
        status = Path(f"/proc/{pid}/status")
        return not status.exists() or "State:\tZ" in status.read_text()

    try:
        os.kill(pid, signal.SIGTERM)
        wait_until(is_gone, 20, f"the end of process {pid}")
    except ProcessLookupError:
        return
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise


@contextmanager
def _free_ports(number: int) -> Iterator[list[int]]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
