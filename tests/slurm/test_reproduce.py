"""What slurm/reproduce.sh submits, with a stand-in for sbatch."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from preprocess.storage.encodings_file import EncodingsWriter

ROOT = Path(__file__).resolve().parents[2]
SITE = """
VENV=none DATA_DIR=data RUN_DIR=runs NUM_SHARDS=2 PROTOCOLS=(1k 5k)
NODE_JOB=(--of node) SHARD_JOB=(--of shard) CPU_JOB=(--of cpu)
CAPTIONS_DIR=data XVLM=runs/xvlm_384 XVLM_REGIONS=data/train_regions.json
SX3HRE_TEACHER=runs/beit2 SX3HRE_TARGETS=data/train_targets.h5
"""
SBATCH = """#!/usr/bin/env bash
printf '%s\\x1f' "$@" >> calls; echo >> calls; wc -l < calls
"""
OF_LXMERT = [
    ("1", "extract_features test", "shard", ""),
    ("2", "merge_features test", "cpu", "1"),
    ("3", "extract_features val", "shard", ""),
    ("4", "merge_features val", "cpu", "3"),
    ("5", "extract_features train", "shard", ""),
    ("6", "merge_features train", "cpu", "5"),
    ("7", "finetune_lxmert", "node", "6:4"),
    ("8", "evaluate_lxmert 1k", "node", "7:2"),
    ("9", "evaluate_lxmert 5k", "node", "7:2"),
]
OF_BOTH = [
    *OF_LXMERT,
    ("10", "finetune_clip", "node", ""),
    ("11", "evaluate_clip 1k", "node", ""),
    ("12", "evaluate_clip 1k clip_negative", "node", ""),
    ("13", "evaluate_clip 1k clip_tuned", "node", "10"),
    ("14", "evaluate_clip 5k", "node", ""),
    ("15", "evaluate_clip 5k clip_negative", "node", ""),
    ("16", "evaluate_clip 5k clip_tuned", "node", "10"),
]
OF_OTHERS = [
    ("17", "make_xvlm init", "cpu", ""),
    ("18", "pretrain_xvlm --regions data/train_regions.json", "node", "17"),
    ("19", "make_xvlm", "cpu", "18"),
    ("20", "finetune_xvlm", "node", "19"),
    ("21", "evaluate_xvlm 1k", "node", "20"),
    ("22", "evaluate_xvlm 5k", "node", "20"),
    ("23", "encode_targets", "shard", ""),
    ("24", "ablate_sx3hre", "node", "23"),
    ("25", "evaluate_sx3hre 1k", "node", "24"),
    ("26", "train_captioner", "shard", ""),
    ("27", "self_retrieval", "shard", "26"),
]
SHOWN = "--generated_captions runs/clip_lstm/test_captions.json"


@dataclass(frozen=True)
class Project:
    """A folder in which reproduce.sh runs, with empty data files."""

    folder: Path

    def touch(self, *names: str) -> None:
        for name in names:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).touch()

    def set(self, line: str) -> None:
        with (self.folder / "slurm" / "site.sh").open("a") as site:
            site.write(f"{line}\n")

    def run(self, *options: str, path: str | None = None) -> subprocess.CompletedProcess:
        usual = f"{self.folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            [shutil.which("bash"), self.folder / "slurm" / "reproduce.sh", *options],
            env={"PATH": usual if path is None else path},
            capture_output=True,
            text=True,
        )

    def jobs(self) -> list[tuple[str, str, str, str]]:
        """What was submitted: id, script and arguments, kind, and what it waits for."""
        calls, found = self.folder / "calls", []
        for number, line in enumerate(calls.read_text().splitlines() if calls.exists() else ()):
            words = line.split("\x1f")[:-1]
            at = next(n for n, word in enumerate(words) if word.endswith(".sbatch"))
            after = [w.removeprefix("--dependency=afterok:") for w in words if "afterok:" in w]
            assert ("--kill-on-invalid-dep=yes" in words) == bool(after)
            step = " ".join([Path(words[at]).stem, *words[at + 1 :]])
            kind = words[words.index("--of") + 1]
            found.append((str(number + 1), step, kind, "".join(after)))
        return found


@pytest.fixture
def project(tmp_path) -> Project:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("reproduce.sh", "site.sh"):
        shutil.copy(ROOT / "slurm" / name, tmp_path / "slurm")
    (tmp_path / "preprocess").symlink_to(ROOT / "preprocess")
    (tmp_path / "bin" / "sbatch").write_text(SBATCH)
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    project = Project(tmp_path)
    project.set(SITE)
    for name in ("train", "val", "minival", "test"):
        project.touch(f"data/{name}.json", f"data/{name}_images.h5")
    project.touch("data/train_regions.json", "runs/beit2/config.json")
    return project


def refusal(done: subprocess.CompletedProcess, project: Project) -> str:
    """The one line by which a run was refused, after which nothing was submitted."""
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert project.jobs() == []
    return line.removeprefix("reproduce.sh: ")


def test_the_papers_two_systems_are_submitted_by_default(project):
    done = project.run()
    assert done.stderr == ""
    report = ("17", "error_analysis 1k lxmert clip clip_tuned", "cpu", "8:11:13")
    assert project.jobs() == [*OF_BOTH, report]
    first = (project.folder / "calls").read_text().split("\x1f")
    assert "--array=0-1" in first
    assert "runs/slurm/%x-%A_%a.out" in first
    table = [line.split() for line in done.stdout.splitlines()]
    assert ["8", "evaluate_lxmert", "1k", "7", "2"] in table
    assert "runs/error_analysis/1k/report/index.html" in done.stdout


def test_all_systems_are_submitted_and_one_report_waits_for_their_rankings(project):
    assert project.run("--systems", "all").stderr == ""
    names = "lxmert clip clip_tuned xvlm xvlm_itc sx3hre_itc sx3hre_cosine sx3hre_none"
    report = ("28", f"error_analysis 1k {names} {SHOWN}", "cpu", "8:11:13:21:25:26")
    assert project.jobs() == [*OF_BOTH, *OF_OTHERS, report]


@pytest.mark.parametrize(
    ("systems", "steps"),
    [
        ("lxmert", [*(step for _, step, _, _ in OF_LXMERT), "error_analysis 1k lxmert"]),
        (
            "sx3hre",
            [
                "encode_targets",
                "ablate_sx3hre",
                "evaluate_sx3hre 1k",
                "error_analysis 1k sx3hre_itc sx3hre_cosine sx3hre_none",
            ],
        ),
        ("captioning", ["train_captioner", "self_retrieval"]),
        (
            "captioning, clip",
            [
                *(step for _, step, _, _ in OF_BOTH[9:]),
                "train_captioner",
                "self_retrieval",
                f"error_analysis 1k clip clip_tuned {SHOWN}",
            ],
        ),
    ],
)
def test_jobs_of_other_systems_than_the_listed_ones_are_not_submitted(systems, steps, project):
    assert project.run("--systems", systems).stderr == ""
    assert [step for _, step, _, _ in project.jobs()] == steps


def test_xvlm_begins_as_an_official_file_where_there_is_one(project):
    project.set("XVLM_CHECKPOINT=runs/16m.th")
    line = refusal(project.run("--systems", "xvlm"), project)
    assert line.startswith("runs/16m.th not found")
    project.touch("runs/16m.th")
    assert project.run("--systems", "xvlm").stderr == ""
    steps = [(step, after) for _, step, _, after in project.jobs()]
    assert steps[:3] == [("make_xvlm", ""), ("finetune_xvlm", "1"), ("evaluate_xvlm 1k", "2")]


def test_what_is_there_is_not_made_again(project):
    (project.folder / "runs" / "xvlm_384").mkdir()
    path = project.folder / "data" / "train_targets.h5"
    about = dict.fromkeys(("encoder", "weights_sha256", "images_sha256"), "x") | {"settings": "{}"}
    with EncodingsWriter(path, np.arange(1), (2,), "float32", about) as writer:
        writer.write(0, encodings=np.zeros(2, np.float32))
        writer.finish()
    done = project.run("--systems", "xvlm,sx3hre")
    steps = [(step, after) for _, step, _, after in project.jobs()]
    assert steps[0] == ("finetune_xvlm", "")
    assert steps[3] == ("ablate_sx3hre", "")
    assert "runs/xvlm_384 is there" in done.stdout
    assert "data/train_targets.h5 is there" in done.stdout


def test_captions_of_other_images_are_not_in_the_report(project):
    project.set("CAPTIONS_DIR=datasets/vizwiz CAPTIONER_SPLIT=val")
    assert project.run("--systems", "clip,captioning").stderr == ""
    assert project.jobs()[-1][1] == "error_analysis 1k clip clip_tuned"


def test_a_system_that_there_is_none_of_is_refused_in_one_line(project):
    line = refusal(project.run("--systems", "clip,blip"), project)
    known = "lxmert clip xvlm sx3hre captioning, or all"
    assert line == f"--systems: expected some of {known}, found blip"
    assert refusal(project.run("--systems", ""), project).endswith("found none")
    assert refusal(project.run("--system", "clip"), project).endswith("found: --system clip")


@pytest.mark.parametrize(
    ("systems", "removed", "told"),
    [
        ("clip", "data/train.json", "data/train.json not found: bash setup.sh coco makes it"),
        ("xvlm", "data/train_regions.json", "data/train_regions.json not found"),
        ("sx3hre", "runs/beit2/config.json", "runs/beit2 not found, which teaches Sx3HRe"),
    ],
)
def test_what_a_system_needs_is_asked_for_before_anything_is_submitted(
    systems, removed, told, project
):
    (project.folder / removed).unlink()
    if removed.startswith("runs"):
        (project.folder / removed).parent.rmdir()
    assert refusal(project.run("--systems", systems), project).startswith(told)


def only(project: Project, *names: str) -> str:
    """A PATH with these programs alone."""
    for name in names:
        (project.folder / "bin" / name).symlink_to(shutil.which(name))
    return f"{project.folder}/bin"


def test_without_slurm_or_python_nothing_is_submitted(project):
    path = only(project, "bash", "dirname", "wc")
    line = refusal(project.run(path=path), project)
    assert "no python with the packages of requirements.txt here: VENV of slurm/site.sh" in line
    (project.folder / "bin" / "sbatch").unlink()
    assert refusal(project.run(path=path), project).startswith("sbatch not found")
