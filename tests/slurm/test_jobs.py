"""The jobs on a real Slurm, judged by what they write: also of two nodes, and when interrupted."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

SCORE = ("--batch_size", 2)  # more tiles than the default gives of so few images
NAMES = ["lxmert", "clip", "clip_tuned", "xvlm", "xvlm_itc", "sx3hre_itc", "sx3hre_cosine"]
NAMES += ["sx3hre_none"]


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


def metadata_of(path: Path) -> dict:
    """What a rankings file says of itself."""
    with np.load(path) as archive:
        return json.loads(str(archive["metadata"]))


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
        "evaluate_lxmert full",
        "finetune_clip",
        "evaluate_clip full",
        "evaluate_clip full clip_negative",
        "evaluate_clip full clip_tuned",
        "make_xvlm init",
        "pretrain_xvlm --regions datasets/demo/train_regions.json",
        "make_xvlm",
        "finetune_xvlm",
        "evaluate_xvlm full",
        "encode_targets",
        "ablate_sx3hre",
        "evaluate_sx3hre full",
        "train_captioner",
        "self_retrieval",
        f"error_analysis full {' '.join(NAMES)} "
        "--generated_captions runs/clip_lstm/test_captions.json",
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
    for name in NAMES:
        metrics = json.loads((folder / f"runs/{name}/full/metrics.json").read_text())
        assert 0 < metrics["metrics"]["rsum"] <= 600
    reasons = json.loads((folder / "runs/error_analysis/full/reasons.json").read_text())
    assert [model["name"] for model in reasons["models"]] == [*NAMES, "oracle"]
    kinds = {run: metadata_of(folder / f"runs/{run}/full/test.npz") for run in NAMES}
    assert [kinds[run]["score"] for run in ("xvlm", "xvlm_itc")] == ["itm", "itc"]


@pytest.mark.long
def test_a_captioner_is_trained_and_its_captions_asked_by(project, reproduced):
    run = project.folder / "runs/clip_lstm"
    logs = [project.log(reproduced[step]) for step in ("train_captioner", "self_retrieval")]
    captions = json.loads((run / "test_captions.json").read_text())
    assert len(captions) == 64, logs[0]
    assert "CIDEr" in (run / "test_metrics.json").read_text()
    found = json.loads((run / "self_retrieval.json").read_text())
    assert found["metadata"]["files"].keys() >= {"runs/clip_lstm/test_captions.json"}, logs[1]
    kinds = json.loads((run / "caption_or_image.json").read_text())["models"]["clip"]
    assert sum(kinds["counts"].values()) == 64
    again = project.submit("train_captioner", sbatch=("--gpus-per-node=8",))
    project.wait_for(again)
    assert "this run is finished; nothing to do" in project.log(again)


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
def test_the_ablation_trains_ranks_and_compares_its_arms_once(project, reproduced):
    folder = project.folder
    content = json.loads((folder / "runs/sx3hre/ablation_7.json").read_text())
    assert [gallery["gallery"]["images"] for gallery in content["galleries"]] == [64, 8]
    for gallery in content["galleries"]:
        assert list(gallery["arms"]) == ["itc", "cosine", "none"]
        assert all(len(arm["rankings"]) == 1 for arm in gallery["arms"].values())
    assert (folder / "runs/sx3hre/ablation_7.png").exists()
    again = project.submit("ablate_sx3hre", sbatch=("--gpus-per-node=8",))
    project.wait_for(again)
    assert project.log(again).count("this run is finished; nothing to do") == 3
