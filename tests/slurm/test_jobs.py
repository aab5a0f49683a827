"""The jobs on a real Slurm, judged by what they write: also of two nodes, and when interrupted."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from preprocess.captions.split_file import read_split, write_split
from tests.information_retrieval.models.sx3hre.tiny import save_encoder
from tests.preprocess.encoders.tiny_beit import save_beit

SCORE = ("--batch_size", 2)  # more tiles than the default gives of so few images


def features_of(path: Path) -> dict[str, bytes]:
    """The arrays of a complete features file."""
    with h5py.File(path) as file:
        assert file.attrs["complete"]
        return {name: data[()].tobytes() for name, data in file.items()}


def scores_of(path: Path) -> dict[str, bytes]:
    """The arrays of a rankings file, all but what its command was."""
    with np.load(path) as archive:
        return {name: archive[name].tobytes() for name in archive.files if name != "metadata"}


def evaluate(project, output: str) -> dict[str, bytes]:
    """The scores of one process, without Slurm."""
    options = ["--model_name_or_path", "runs/lxmert", "--data_dir", "datasets/demo"]
    options += ["--protocol", "full", "--output", output, *SCORE]
    if not (project.folder / output).exists():
        project.python("information_retrieval.evaluate", *options)
    return scores_of(project.folder / output)


def submit_scoring(project, output: str, n_nodes: int) -> str:
    sbatch = (f"--nodes={n_nodes}", "--gpus-per-node=8")
    return project.submit("evaluate_lxmert", "full", "--output", output, *SCORE, sbatch=sbatch)


@pytest.mark.long
def test_the_whole_chain_gives_what_its_commands_give_without_slurm(project, reproduced):
    assert list(reproduced) == [
        "extract_features test",
        "merge_features test",
        "extract_features val",
        "merge_features val",
        "extract_features train",
        "merge_features train",
        "finetune_lxmert",
        "finetune_clip",
        "evaluate_lxmert full",
        "evaluate_clip full",
        "evaluate_clip full clip_negative",
        "evaluate_clip full clip_tuned",
        "error_analysis full",
    ]
    folder = project.folder
    logs = "".join(project.log(job) for job in reproduced.values())
    assert (folder / "runs/error_analysis/full/report/index.html").exists(), logs
    data = ["--split_file", "datasets/demo/test.json", "--image_root", "datasets/demo/images"]
    data += ["--weights", "demo/models/detector", "--output", "whole/test_features.h5"]
    project.python("preprocess.extract_features", *data)
    whole = features_of(folder / "whole/test_features.h5")
    assert features_of(folder / "datasets/demo/test_features.h5") == whole
    for run, model in (("lxmert", "runs/lxmert"), ("clip", "demo/models/clip")):
        options = ["--model_name_or_path", model, "--data_dir", "datasets/demo"]
        options += ["--protocol", "full", "--output", f"whole/{run}/test.npz"]
        project.python("information_retrieval.evaluate", *options)
        scored = scores_of(folder / f"runs/{run}/full/test.npz")
        assert scored == scores_of(folder / f"whole/{run}/test.npz")
    metrics = json.loads((folder / "runs/clip_tuned/full/metrics.json").read_text())
    assert 0 < metrics["metrics"]["rsum"] <= 600


@pytest.mark.long
def test_two_nodes_give_the_scores_of_one_process(project, reproduced):
    job = submit_scoring(project, "two/test.npz", n_nodes=2)
    project.wait_for(job)
    assert (project.folder / "two/test.npz").exists(), project.log(job)
    assert "--nnodes 2" in project.log(job)
    assert scores_of(project.folder / "two/test.npz") == evaluate(project, "one/test.npz")
    assert not (project.folder / "two/test.npz.tiles").exists()


@pytest.mark.long
def test_scoring_on_two_nodes_goes_on_after_the_signal_of_the_time_limit(project, reproduced):
    job = submit_scoring(project, "again/test.npz", n_nodes=2)
    project.wait_for_log(job, r"scoring: +[1-9]\d*%")
    # As #SBATCH --signal=B:USR1 does.
    project.cluster.run("scancel", "--signal=USR1", "--batch", job)
    project.wait_for_log(job, "queued again")
    assert not (project.folder / "again/test.npz").exists()
    project.wait_for(job)
    assert project.restarts(job) == 1
    assert (project.folder / "again/test.npz").exists(), project.log(job)
    assert scores_of(project.folder / "again/test.npz") == evaluate(project, "one/test.npz")


@pytest.mark.long
def test_features_go_on_over_the_time_limit(project):
    # Large images, so that a minute is too short.
    options = ["--min_size", 2000, "--max_size", 3000, "--num_shards", 1, "--output"]
    whole, limited = (project.folder / run / "train_features.h5" for run in ("whole", "limited"))
    # The signal comes 5 to 35 s after the start: Slurm looks twice a minute.
    sbatch = ("--array=0", "--gpus-per-node=8", "--time=1", "--signal=B:USR1@25")
    job = project.submit("extract_features", "train", *options, limited, sbatch=sbatch)
    project.wait_for_log(job, "queued again")
    project.cluster.run("scontrol", "update", f"JobId={job}_0", "TimeLimit=10")
    arguments = ["--split_file", "datasets/demo/train.json", "--image_root", "datasets/demo/images"]
    arguments += ["--weights", "demo/models/detector", *options, whole]
    project.python("preprocess.extract_features", *arguments)
    project.wait_for(job)
    assert project.restarts(job) >= 1
    assert "unchanged images" in project.log(job)  # of what the first run has left
    assert features_of(limited) == features_of(whole), project.log(job)


@pytest.mark.long
def test_preempted_training_writes_a_checkpoint_and_goes_on(project, reproduced):
    output = project.folder / "stopped/run"
    job = project.submit("finetune_lxmert", "--output_dir", output, sbatch=("--gpus-per-node=8",))
    project.wait_for_log(job, "epoch 1")
    urgent = ("--partition=urgent", "--gpus-per-node=8", "--nodes=2", "--output=/dev/null")
    project.cluster.run("sbatch", *urgent, "--wrap", "true", cwd=project.folder)
    project.wait_for(job)
    assert project.restarts(job) == 1, project.log(job)
    assert "stopped by SIGTERM; the same command goes on" in project.log(job)
    assert (output / "trainer_state.json").exists(), project.log(job)
    whole = project.folder / "runs/lxmert/model.safetensors"
    assert (output / "model.safetensors").read_bytes() == whole.read_bytes()


@pytest.mark.long
def test_the_ablation_trains_ranks_and_compares_its_arms_once(project):
    folder, data = project.folder, project.folder / "datasets/demo"
    save_encoder(folder / "runs/image_encoder", "beit", num_hidden_layers=6)
    save_encoder(folder / "runs/text_encoder", "bert", num_hidden_layers=6)
    options = ["--encoder", save_beit(folder / "runs/beit2"), "--num_workers", 0]
    options += ["--images", data / "train_images.h5", "--output", data / "train_targets.h5"]
    project.python("preprocess.encode_images", *options)
    second = folder / "datasets/second"  # another gallery, where Flickr30k is
    second.mkdir()
    shutil.copy(data / "val_images.h5", second / "test_images.h5")
    write_split(second / "test.json", replace(read_split(data / "val.json"), split="test"))
    project.wait_for(project.submit("ablate_sx3hre", sbatch=("--gpus-per-node=8",)))
    content = json.loads((folder / "runs/sx3hre/ablation_7.json").read_text())
    assert [gallery["gallery"]["images"] for gallery in content["galleries"]] == [64, 8]
    for gallery in content["galleries"]:
        assert list(gallery["arms"]) == ["itc", "cosine", "none"]
        assert all(len(arm["rankings"]) == 1 for arm in gallery["arms"].values())
    assert (folder / "runs/sx3hre/ablation_7.png").exists()
    again = project.submit("ablate_sx3hre", sbatch=("--gpus-per-node=8",))
    project.wait_for(again)
    assert project.log(again).count("this run is finished; nothing to do") == 3
