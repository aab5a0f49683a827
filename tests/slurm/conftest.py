"""A Slurm and a copy of the project on it, for the tests of the jobs."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, missing_programs, wait_until

ROOT = Path(__file__).resolve().parents[2]
JOB_SECONDS = 240
# What a user edits, for two nodes of one CPU core each; each job takes a node.
SITE = f"""
PATH={Path(sys.executable).parent}:$PATH
NODE_JOB=(--nodes=1 --gpus-per-node=8) SHARD_JOB=(--gpus-per-node=8) CPU_JOB=(--gpus-per-node=8)
PROCESSES_PER_NODE=1 RENDEZVOUS_HOST=127.0.0.1 MIN_SECONDS=0
export TQDM_MININTERVAL=0.1
DATA_DIR=datasets/demo IMAGE_ROOT=datasets/demo/images RUN_DIR=runs NUM_SHARDS=2 PROTOCOLS=(full)
INSTANCES=datasets/demo/annotations/instances_val2014.json
DETECTOR=demo/models/detector LXMERT=demo/models/lxmert CLIP=demo/models/clip
LXMERT_OPTIONS=(--num_train_epochs 4 --learning_rate 1e-4 --per_device_train_batch_size 8)
CLIP_OPTIONS=(--max_steps 4)
FLICKR30K_DIR=datasets/second SX3HRE_SEEDS=7 SX3HRE_PROTOCOL=full
SX3HRE_IMAGE=runs/image_encoder SX3HRE_TEXT=runs/text_encoder
SX3HRE_TARGETS=datasets/demo/train_targets.h5
SX3HRE_OPTIONS=(--max_steps 2 --per_device_train_batch_size 8)
"""
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY")


class Project:
    """The project in a folder of its own, with a small demo data set, as a user of the cluster."""

    def __init__(self, folder: Path, cluster: Cluster):
        self.folder = folder
        self.cluster = cluster
        for name in ("preprocess", "information_retrieval", "captioning", "error_analysis", "demo"):
            (folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "slurm", folder / "slurm")
        with (folder / "slurm" / "site.sh").open("a") as site:
            site.write(SITE)

    def python(self, module: str, *options) -> None:
        """Run a command to its end, without Slurm."""
        self.cluster.run(sys.executable, "-m", module, *options, cwd=self.folder)

    def render(self) -> None:
        data = "datasets/demo"
        sizes = ("--n_train", 36, "--n_restval", 4, "--n_val", 8, "--n_test", 64)
        self.python("demo.render", "--output_dir", data, *sizes)
        options = ["--karpathy_json", f"{data}/dataset_coco.json", "--output_dir", data]
        self.python("preprocess.splits", *options, "--minival_size", 8)
        for split in ("train", "val", "test"):
            options = ["--split_file", f"{data}/{split}.json", "--image_root", f"{data}/images"]
            options += ["--output", f"{data}/{split}_images.h5"]
            self.python("preprocess.write_images", *options)

    def submit(self, script: str, *arguments, sbatch: tuple = ()) -> str:
        """Submit a job; return its id."""
        output = ("--parsable", "--output", "%x-%A.out", *sbatch)
        words = ["sbatch", *output, f"slurm/{script}.sbatch", *arguments]
        return self.cluster.run(*words, cwd=self.folder)

    def log(self, job: str) -> str:
        """What a job, also one that was queued again, has printed."""
        names = (f"*-{job}.out", f"runs/slurm/*-{job}.out", f"runs/slurm/*-{job}_*.out")
        logs = [path for name in names for path in self.folder.glob(name)]
        return "".join(path.read_text(errors="replace") for path in sorted(logs))

    def state(self, job: str) -> dict[str, str]:
        shown = self.cluster.run("scontrol", "show", "job", "-o", job)
        return dict(re.findall(r"(\w+)=(\S*)", shown.splitlines()[0]))

    def wait_for_log(self, job: str, pattern: str) -> None:
        def found() -> bool:
            has_ended = self.state(job)["JobState"] in ENDED  # before its log, which it may end
            is_there = re.search(pattern, self.log(job)) is not None
            assert is_there or not has_ended, self.log(job)
            return is_there

        wait_until(found, JOB_SECONDS, f"{pattern} of job {job}: {self.log(job)}")

    def wait_for(self, *jobs: str) -> None:
        """Wait until jobs have ended."""
        for job in jobs:
            wait_until(lambda job=job: self._has_ended(job), JOB_SECONDS, f"the end of job {job}")

    def _has_ended(self, job: str) -> bool:
        shown = self.cluster.run("scontrol", "show", "job", "-o", job)
        return all(state in ENDED for state in re.findall(r"JobState=(\w+)", shown))

    def restarts(self, job: str) -> int:
        return int(self.state(job)["Restarts"])


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Slurm; skips where it is not installed."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"needs Slurm (apt-get install munge slurmctld slurmd slurm-client): {missing}")
    # A short path, as sockets need.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def project(cluster, tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"), cluster)
    project.render()
    return project


@pytest.fixture(scope="session")
def reproduced(project) -> dict[str, str]:
    """The ids of the jobs of reproduce.sh by step, after they have ended."""
    shown = subprocess.run(
        ["bash", "slurm/reproduce.sh"],
        cwd=project.folder,
        env=project.cluster.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    print(shown.stdout)
    assert shown.returncode == 0, shown.stderr
    jobs = {step.strip(): job for job, step in re.findall(r"^(\d+) +(.{32})", shown.stdout, re.M)}
    project.wait_for(*jobs.values())
    return jobs
