"""The command as a user runs it, killed at any moment: it goes on to the same file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.preprocess.detector.tiny_detector import save_random_image
from tests.preprocess.small_extraction import (
    assert_same_file,
    command_options,
    is_complete,
    write_split_file,
)

ROOT = Path(__file__).resolve().parents[2]
N_IMAGES = 150


def start(folder: Path, output: Path, *options: str) -> subprocess.Popen:
    options = command_options(folder, output, *options)
    return subprocess.Popen(
        [sys.executable, "-m", "preprocess.extract_features", *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def n_done(path: Path) -> int:
    """How many images are done in a file that another process writes."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return int((file["done"][:] == 1).sum())
    except OSError:
        return 0


def kill_after(process: subprocess.Popen, path: Path, n_images: int) -> None:
    """Kill the process alone, not its workers, when `n_images` are done."""
    while n_done(path) < n_images and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_until_unlocked(path: Path, seconds: float) -> None:
    """Wait until no process holds the file open."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return h5py.File(path, "r+").close()
        except OSError:
            assert time.monotonic() < deadline, f"still locked after {seconds} s"
            time.sleep(0.01)


@pytest.mark.long
def test_a_command_killed_several_times_goes_on_at_once_to_the_same_file(tmp_path, weights):
    for image_id in range(N_IMAGES):
        size = (64, 48) if image_id % 3 == 1 else (48, 64)
        save_random_image(tmp_path / "images" / f"{image_id}.jpg", image_id, *size)
    write_split_file(tmp_path / "test.json", list(range(N_IMAGES)))
    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    options = ("--batch_size", "4", "--num_workers", "2")
    assert start(tmp_path, whole, *options).wait() == 0

    before = 0
    generator = np.random.default_rng(0)
    for more in generator.integers(1, N_IMAGES // 5, 3):
        process = start(tmp_path, killed, *options)
        kill_after(process, killed, before + int(more))
        # Workers that look for their parent, every 5 s, would keep it locked longer.
        wait_until_unlocked(killed, seconds=2)
        done = n_done(killed)
        assert before < done < N_IMAGES
        assert not is_complete(killed)
        before = done
    assert start(tmp_path, killed, *options).wait() == 0
    assert_same_file(whole, killed)
