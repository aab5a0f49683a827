"""A Slurm and a copy of the project on it, for the tests of the jobs."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preprocess.captions.split_file import read_split, write_split
from tests.conftest import bert_tokenizer
from tests.information_retrieval.models.sx3hre.tiny import save_encoder
from tests.information_retrieval.models.xvlm.test_initialisation import bert, swin
from tests.preprocess.encoders.tiny_beit import save_beit
from tests.slurm.cluster import Cluster, missing_programs, wait_until

ROOT = Path(__file__).resolve().parents[2]
JOB_SECONDS = 600
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
XVLM_IMAGE=runs/swin XVLM_TEXT=runs/bert XVLM_REGIONS=datasets/demo/train_regions.json XVLM_SIZE=128
XVLM_PRETRAINING=(--max_steps 2 --per_device_train_batch_size 8 --score itc)
XVLM_OPTIONS=(--max_steps 2 --per_device_train_batch_size 8)
FLICKR30K_DIR=datasets/second SX3HRE_SEEDS=7 SX3HRE_PROTOCOL=full
SX3HRE_IMAGE=runs/image_encoder SX3HRE_TEXT=runs/text_encoder
SX3HRE_TEACHER=runs/beit2 SX3HRE_TARGETS=datasets/demo/train_targets.h5
SX3HRE_OPTIONS=(--max_steps 2 --per_device_train_batch_size 8)
CAPTIONS_DIR=datasets/demo CAPTIONER_ENCODER=demo/models/clip CAPTIONER_OPTIONS=(--max_steps 4)
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

    def make_encoders(self) -> None:
        """Write what X-VLM and Sx3HRe begin with, tiny and of random weights, and regions."""
        runs, data = self.folder / "runs", self.folder / "datasets/demo"
        tokenizer = bert_tokenizer(runs / "bert")
        tokenizer.save_pretrained(runs / "bert")
        bert(vocab_size=len(tokenizer)).save_pretrained(runs / "bert")
        swin().save_pretrained(runs / "swin")
        save_encoder(runs / "image_encoder", "beit", num_hidden_layers=6)
        save_encoder(runs / "text_encoder", "bert", num_hidden_layers=6)
        save_beit(runs / "beit2")
        options = ["--split_file", data / "train.json", "--output", data / "train_regions.json"]
        options += ["--coco_instances", *sorted((data / "annotations").glob("instances_*.json"))]
        self.python("preprocess.regions", *options)

    def make_second_gallery(self) -> None:
        """Make another gallery, where Flickr30k is, of the images of val."""
        data, second = self.folder / "datasets/demo", self.folder / "datasets/second"
        second.mkdir()
        shutil.copy(data / "val_images.h5", second / "test_images.h5")
        write_split(second / "test.json", replace(read_split(data / "val.json"), split="test"))

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
    project.make_encoders()
    project.make_second_gallery()
    return project


@pytest.fixture(scope="session")
def reproduced(project) -> dict[str, str]:
    """The ids of the jobs of reproduce.sh for all systems by step, after they have ended."""
    shown = subprocess.run(
        ["bash", "slurm/reproduce.sh", "--systems", "all"],
        cwd=project.folder,
        env=project.cluster.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    print(shown.stdout)
    assert shown.returncode == 0, shown.stderr
    jobs = {step: job for job, step in re.findall(r"^(\d+) +(\S+(?: \S+)*)", shown.stdout, re.M)}
    project.wait_for(*jobs.values())
    return jobs
