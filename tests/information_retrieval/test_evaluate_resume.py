"""The real command, killed and launched as several processes: the scores are always the same."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from preprocess.captions.split_file import write_split
from preprocess.write_images import main as write_images_main
from tests.conftest import make_split, save_clip, save_lxmert, write_features, write_image_files

ROOT = Path(__file__).resolve().parents[2]
N_IMAGES = 40
TIMEOUT = 120


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A split of 40 images with both HDF5 files, and a checkpoint of each type."""
    folder = tmp_path_factory.mktemp("data")
    split = make_split(N_IMAGES, "test", first_id=3000)
    write_split(folder / "test.json", split)
    write_features(folder / "test_features.h5", split)
    write_image_files(folder / "images", split)
    arguments = ["--split_file", folder / "test.json", "--image_root", folder / "images"]
    arguments += ["--output", folder / "test_images.h5"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["command", *map(str, arguments)])
        write_images_main()
    save_lxmert(folder / "lxmert")
    save_clip(folder / "clip")
    return folder


def command(
    data: Path, model: str, output: Path, n_processes: int = 1, machine: tuple | None = None
) -> list[str]:
    """The words of the command; `machine` is that of two, and the port at which they meet."""
    launcher = [sys.executable]
    if n_processes > 1 or machine:
        launcher += ["-m", "torch.distributed.run", "--nproc_per_node", n_processes]
    if machine:
        launcher += ["--nnodes", 2, "--node_rank", machine[0]]
        launcher += ["--master_addr", "127.0.0.1", "--master_port", machine[1]]
    arguments = ["-m", "information_retrieval.evaluate", "--model_name_or_path", data / model]
    arguments += ["--data_dir", data, "--protocol", "full", "--device", "cpu"]
    arguments += ["--batch_size", "3", "--output", output]
    return [str(part) for part in (*launcher, *arguments)]


def start(*arguments, **options) -> subprocess.Popen:
    # Another number of threads may change the last bits, and launchers set it to one.
    return subprocess.Popen(
        command(*arguments, **options),
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments, **options) -> tuple[int, str, str]:
    process = start(*arguments, **options)
    try:
        out, err = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
    return process.returncode, out, err


def contents(output: Path) -> dict:
    with np.load(output) as archive:
        arrays = {name: archive[name].tobytes() for name in archive.files if name != "metadata"}
        arrays["metadata"] = json.loads(str(archive["metadata"]))
    arrays["metadata"].pop("command")
    metrics = json.loads((output.parent / "metrics.json").read_text())
    return {**arrays, "metrics": metrics["metrics"]}


@pytest.fixture(scope="module")
def uninterrupted(data):
    """What each model's command gives when one process runs it to the end."""
    found = {}
    for model in ("lxmert", "clip"):
        output = data / "whole" / model / "test.npz"
        status, _, err = run(data, model, output)
        assert status == 0, err
        assert not output.with_name("test.npz.tiles").exists()
        found[model] = contents(output)
    return found


def tiles_done(folder: Path) -> int:
    path = folder / "tiles.u64"
    size = path.stat().st_size // 8 if path.exists() else 0
    return int(np.count_nonzero(np.fromfile(path, np.uint64, size))) if size else 0


@pytest.mark.long
def test_killed_again_and_again_the_scores_are_those_of_an_uninterrupted_run(
    data, uninterrupted, tmp_path
):
    output = tmp_path / "test.npz"
    folder = output.with_name("test.npz.tiles")
    generator = random.Random(0)
    n_kills, done = 0, 0
    # While the folder is made, then after some more tiles each time.
    for wanted in (0, 1, 30, 80):
        process = start(data, "lxmert", output)
        while process.poll() is None:
            if folder.exists() and tiles_done(folder) >= min(wanted, done + wanted):
                time.sleep(generator.uniform(0, 0.01))
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.0005)
        process.communicate(timeout=TIMEOUT)
        n_kills += process.returncode == -signal.SIGKILL
        assert tiles_done(folder) >= done  # nothing that was done is lost
        done = tiles_done(folder)
    assert n_kills >= 2
    assert not output.exists()
    status, _, err = run(data, "lxmert", output)
    assert status == 0, err
    assert contents(output) == uninterrupted["lxmert"]
    assert not folder.exists()


@pytest.mark.long
@pytest.mark.parametrize(("model", "n_processes"), [("lxmert", 2), ("lxmert", 3), ("clip", 3)])
def test_any_number_of_processes_gives_the_same_scores_and_one_table(
    data, uninterrupted, tmp_path, model, n_processes
):
    output = tmp_path / "test.npz"
    status, out, err = run(data, model, output, n_processes=n_processes)
    assert status == 0, err
    assert contents(output) == uninterrupted[model]
    assert out.count("rsum") == 1
    assert err.count("| 0.00/") == 1  # the pairs' bar, at its start
    assert not output.with_name("test.npz.tiles").exists()


@pytest.mark.long
def test_a_killed_run_of_two_processes_goes_on_as_three(data, uninterrupted, tmp_path):
    output = tmp_path / "test.npz"
    folder = output.with_name("test.npz.tiles")
    process = start(data, "lxmert", output, n_processes=2)
    while process.poll() is None and tiles_done(folder) < 20:
        time.sleep(0.0005)
    kill_with_children(process)
    before = tiles_done(folder)
    assert before >= 20
    status, _, err = run(data, "lxmert", output, n_processes=3)
    assert status == 0, err
    assert contents(output) == uninterrupted["lxmert"]


def start_machines(data: Path, output: Path) -> list[subprocess.Popen]:
    """Two launchers of one run, as on two machines that share a folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return [start(data, "lxmert", output, n_processes=1 + n, machine=(n, port)) for n in range(2)]


@pytest.mark.long
def test_two_machines_give_the_same_scores_and_what_a_kill_leaves_is_gone_on_with(
    data, uninterrupted, tmp_path
):
    output = tmp_path / "test.npz"
    folder = output.with_name("test.npz.tiles")

    def done_apart() -> int:
        return sum(map(tiles_done, folder.glob("machine-*")))

    machines = start_machines(data, output)
    while machines[0].poll() is None and done_apart() < 10:
        time.sleep(0.0005)
    for process in machines:
        kill_with_children(process)
    apart = done_apart()
    assert apart >= 10
    assert not output.exists()
    machines = start_machines(data, output)
    ended = [process.communicate(timeout=TIMEOUT) for process in machines]
    assert [process.returncode for process in machines] == [0, 0], ended
    assert contents(output) == uninterrupted["lxmert"]
    shown = re.search(r"scoring: +\d+%\|[^|]*\| ?([\d.]+)", ended[0][1])
    assert shown, ended[0][1]
    assert float(shown[1]) > 0  # what was there already
    assert not folder.exists()


@pytest.mark.long
def test_a_second_run_with_the_same_output_stops_and_the_first_goes_on(
    data, uninterrupted, tmp_path
):
    output = tmp_path / "test.npz"
    folder = output.with_name("test.npz.tiles")
    first = start(data, "lxmert", output)
    while first.poll() is None and tiles_done(folder) < 5:
        time.sleep(0.0005)
    first.send_signal(signal.SIGSTOP)
    try:
        for n_processes in (1, 2):
            status, _, err = run(data, "lxmert", output, n_processes=n_processes)
            assert status != 0
            [line] = error_lines(err)
            assert f"{output}: another process is writing it" in line
        assert not output.exists()
    finally:
        first.send_signal(signal.SIGCONT)
        _, err = first.communicate(timeout=TIMEOUT)
    assert first.returncode == 0, err
    assert contents(output) == uninterrupted["lxmert"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "test.npz"]


def kill_with_children(process: subprocess.Popen) -> None:
    """SIGKILL a launcher and what it started, as a machine that goes down does."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=TIMEOUT)


def error_lines(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("error: ")]


@pytest.mark.long
def test_an_error_that_one_process_meets_ends_all_with_one_line(data, tmp_path):
    features = data / "test_features.h5"
    whole = features.read_bytes()
    try:
        with h5py.File(features, "r+") as file:
            file["visual_feats"][N_IMAGES - 1] += 1  # of the last process's share
        status, _, err = run(data, "lxmert", tmp_path / "test.npz", n_processes=2)
    finally:
        features.write_bytes(whole)
    assert status != 0
    assert len(error_lines(err)) == 1, err
    [line] = error_lines(err)
    assert f"image {3000 + N_IMAGES - 1} do not match their checksum" in line
    assert not (tmp_path / "test.npz").exists()


@pytest.mark.long
def test_an_error_that_every_process_meets_is_one_line(data, tmp_path):
    broken = save_lxmert(data / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["lxmert.pooler.dense.bias"][0] = torch.nan
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    status, _, err = run(data, "broken", tmp_path / "test.npz", n_processes=2)
    assert status != 0
    [line] = error_lines(err)
    assert "the score of image 30" in line
    (data / "missing").mkdir()
    status, _, err = run(data, "missing", tmp_path / "test.npz", n_processes=2)
    assert status != 0
    [line] = error_lines(err)
    assert "expected an HF checkpoint folder" in line
