"""setup.sh says what it does, and what is missing."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from preprocess import extract_features, splits, write_images
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile
from tests.preprocess.downloads.coco_server import serving
from tests.preprocess.downloads.small_coco import KARPATHY_PATH, make_small_coco
from tests.preprocess.downloads.small_flickr30k import make_small_flickr30k

ROOT = Path(__file__).resolve().parents[1]


def setup(
    *arguments: str, script: Path = ROOT / "setup.sh", cwd: Path = Path("/"), **environment: str
) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd=cwd,
    )


def test_help_describes_every_verb():
    shown = setup("--help")
    assert shown.returncode == 0
    for verb in ("demo", "test", "coco", "flickr30k", "vizwiz"):
        assert f"\n  {verb} " in shown.stdout
    assert "see: venv/bin/python -m" in setup("--help", VENV="venv").stdout
    assert "see: /other/bin/python -m" in setup("--help", VENV="/other").stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["deom"], "unknown verb deom"),
        (["demo", "--fast"], "demo takes no option but --all, found: --fast"),
        (["flickr30k"], "needs --image_root DIR, the folder of its images: from the University of"),
        (["flickr30k", "--image_root", "/x", "--steps", "all"], "features, found all"),
        (["flickr30k", "--image_root"], "--image_root needs a value"),
        (["flickr30k", "--mirror", "http://x"], "unknown option --mirror"),
        (["vizwiz", "--karpathy_json", "x.json"], "unknown option --karpathy_json"),
        (["vizwiz", "--steps", "download,features"], "splits, images, found features"),
        (["vizwiz", "--mirror"], "--mirror needs a value"),
    ],
)
def test_a_mistake_is_one_line(arguments, line):
    shown = setup(*arguments)
    assert shown.returncode != 0
    assert shown.stderr.startswith("setup.sh: ")
    assert line in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_a_missing_or_old_python_is_named_before_anything_is_made(tmp_path):
    venv = str(tmp_path / "venv")
    shown = setup("test", VENV=venv, PYTHON="python9")
    assert "python9 not found" in shown.stderr
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\ncase $1 in -V) echo Python 3.6.0;; *) exit 1;; esac\n")
    old.chmod(0o755)
    shown = setup("test", VENV=venv, PYTHON=str(old))
    assert "Python 3.11 or newer is needed" in shown.stderr
    assert "Python 3.6.0" in shown.stderr
    assert not Path(venv).exists()


@pytest.mark.parametrize("stamp", [True, False])
def test_an_environment_whose_python_is_gone_is_made_again_and_that_is_said(tmp_path, stamp):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to("/usr/bin/python3.99")
    if stamp:
        shutil.copy(ROOT / "requirements.txt", venv / "requirements.installed")
    shown = setup("test", VENV=str(venv), PYTHON="python9")  # so that nothing is installed
    assert "has no working Python (it was made by /usr/bin/python3.99): it is made" in shown.stdout
    assert "python9 not found" in shown.stderr
    assert not venv.exists()


def test_a_folder_that_is_no_environment_is_kept_and_named(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    shown = setup("test", VENV=str(tmp_path))
    assert "is no virtual environment: move it away" in shown.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
    shown = setup("test", VENV=str(tmp_path / "absent" / "venv"))
    assert f"there is no folder {tmp_path / 'absent'}" in shown.stderr


def this_environment(folder: Path) -> str:
    """A virtual environment's folder in which this interpreter counts as installed."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    shutil.copy(ROOT / "requirements.txt", folder / "requirements.installed")
    return str(folder)


@pytest.fixture(scope="module")
def small_coco(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return make_small_coco(tmp_path_factory.mktemp("coco"), patch)


@pytest.fixture
def coco(tmp_path, small_coco):
    """Run `setup.sh coco` in this environment, into the folder data/."""
    venv = this_environment(tmp_path / "venv")

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess:
        # From another folder than the repository, by a path that starts there.
        given = ("--data_dir", "data", "--checksums", small_coco.checksums, *arguments)
        # The second core of a small machine is another test's.
        environment = {"VENV": venv, "OMP_NUM_THREADS": "1", **environment}
        return setup("coco", *map(str, given), cwd=tmp_path, **environment)

    return run


def commands_of(shown: subprocess.CompletedProcess) -> list[list[str]]:
    """The words of each command that was shown, after `python -m`."""
    lines = [line for line in shown.stdout.splitlines() if line.startswith("$ python -m ")]
    return [shlex.split(line)[3:] for line in lines]


@pytest.mark.long
def test_coco_goes_from_a_bad_server_to_features(coco, small_coco, tmp_path, run_main):
    data = tmp_path / "data"
    with serving(dict(small_coco.files)) as server:
        server.faults = ["drop", 503, None, "corrupt", None, "page", "drop"]
        given = ("--mirror", server.url, "--karpathy_url", server.url + KARPATHY_PATH)
        given += ("--features", "--detector", "demo/models/detector", "--retry_wait", "0")
        shown = coco(*given)
        assert shown.returncode == 0, shown.stderr
        assert not server.faults
    modules = [words[0].removeprefix("preprocess.") for words in commands_of(shown)]
    assert modules == [
        *("coco_preflight", "download_coco", "splits"),
        *("write_images",) * 3,
        *("extract_features",) * 3,
    ]
    for name, content in small_coco.expected().items():
        assert (data / name).read_bytes() == content, name
    # What the commands give from the files that the archives were made of.
    direct, source = tmp_path / "direct", small_coco.source
    from_json = ("--karpathy_json", source / "dataset_coco.json", "--output_dir", direct)
    assert run_main(splits.main, *from_json) == 0
    for split in ("train", "val", "minival", "test"):
        name = f"{split}.json"
        assert read_split(data / name).images == read_split(direct / name).images
    given = ("--split_file", direct / "test.json", "--image_root", source / "images")
    assert run_main(write_images.main, *given, "--output", direct / "test_images.h5") == 0
    given += ("--weights", ROOT / "demo" / "models" / "detector", "--num_workers", "0")
    assert run_main(extract_features.main, *given, "--output", direct / "test_features.h5") == 0
    for name in ("test_images.h5", "test_features.h5"):
        assert_same_datasets(data / name, direct / name)
    assert coco_is_complete(data)


def assert_same_datasets(found: Path, expected: Path) -> None:
    with h5py.File(found) as ours, h5py.File(expected) as direct:
        assert set(ours) == set(direct)
        for name in ours:
            # Threads may add up in another order.
            np.testing.assert_allclose(ours[name][:], direct[name][:], rtol=1e-3, atol=1e-4)


def coco_is_complete(data: Path) -> bool:
    """All splits have both HDF5 files, of their own images."""
    for split in ("train", "val", "test"):
        ids = read_split(data / f"{split}.json").image_ids
        for kind, name in ((ImagesFile, "images"), (FeaturesFile, "features")):
            assert (kind(data / f"{split}_{name}.h5").image_ids == ids).all()
    return True


@pytest.mark.long
def test_steps_run_alone_with_files_that_are_there_already(coco, small_coco, tmp_path):
    source = small_coco.source
    given = ("--karpathy_json", source / "dataset_coco.json", "--image_root", source / "images")
    shown = coco(*given, "--steps", "images,splits")
    assert shown.returncode == 0, shown.stderr
    names = ("coco_preflight", "splits", "write_images", "write_images", "write_images")
    assert [words[0] for words in commands_of(shown)] == [f"preprocess.{name}" for name in names]
    assert "features are left" in shown.stdout
    made = {path.name for path in (tmp_path / "data").iterdir()}
    splits_made = {f"{split}.json" for split in ("train", "val", "minival", "test")}
    assert made == splits_made | {f"{split}_images.h5" for split in ("train", "val", "test")}
    shown = coco(*given, "--steps", "images,splits")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\nunchanged: ") == 3


@pytest.mark.long
def test_paths_start_from_the_folder_of_the_caller(coco, small_coco, tmp_path):
    (tmp_path / "mine").symlink_to(small_coco.source)
    given = ("--karpathy_json", "mine/dataset_coco.json", "--image_root", "mine/images")
    shown = coco(*given, "--steps", "splits,images")
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "data" / "test_images.h5").exists()
    words = [word for command in commands_of(shown) for word in command]
    assert str(tmp_path / "mine" / "images") in words
    assert str(tmp_path / "data") in words


@pytest.mark.long
@pytest.mark.parametrize(
    ("detector", "downloaded"), [("some/detector", True), ("demo/models/detector", False)]
)
def test_weights_are_those_of_the_named_detector(detector, downloaded, coco, tmp_path):
    hub = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    shown = coco("--steps", "weights", "--detector", detector, **hub)
    assert shown.returncode == 1
    models = commands_of(shown)[-1]
    assert models[:2] == ["preprocess.download_weights", "--models"]
    assert "unc-nlp/lxmert-base-uncased" in models
    assert (detector in models) == downloaded
    assert "unc-nlp/frcnn-vg-finetuned" not in models


@pytest.mark.long
def test_preflight_only_makes_nothing(coco, tmp_path):
    shown = coco("--preflight_only", "--weights")
    assert shown.returncode == 0, shown.stderr
    for word in (
        "download",
        "weights",
        "splits",
        "images",
        "features",
        "disk of",
        "memory: ",
        "GPU: ",
    ):
        assert f"\n{word}" in shown.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--stesp", "splits"], "setup.sh: unknown option --stesp (see bash setup.sh --help)"),
        (["--steps"], "setup.sh: --steps needs a value (see bash setup.sh --help)"),
        (["--steps", "split"], "error: --steps: expected some of download"),
        (["--steps", "*"], "splits, images, features, found *"),
        (["--steps", "splits", "--karpathy_json", "/x.json"], "--karpathy_json /x.json: no such"),
        (["--steps", "images", "--image_root", "/none"], "--image_root /none: expected folders"),
        (["--steps", "splits"], "dataset_coco.json: no such file"),
    ],
)
def test_a_mistake_of_coco_is_one_line(arguments, line, coco):
    shown = coco(*arguments)
    assert shown.returncode == 1
    assert line in shown.stderr
    assert shown.stderr.count("\n") == 1


@pytest.mark.long
def test_flickr30k_goes_from_the_zip_and_a_folder_of_images_to_hdf5(tmp_path):
    images = tmp_path / "mine" / "flickr30k-images"
    archive, checksums = make_small_flickr30k(tmp_path / "small", images)
    venv = this_environment(tmp_path / "venv")
    with serving({KARPATHY_PATH: archive}) as server:
        given = ("--data_dir", "data", "--checksums", str(checksums))
        given += ("--karpathy_url", server.url + KARPATHY_PATH, "--image_root")
        shown = setup("flickr30k", *given, "mine", cwd=tmp_path, VENV=venv)
        assert shown.returncode == 1
        assert (
            f"4 images are missing, the first is 8251604257.jpg; it is in {images}" in shown.stderr
        )
        steps = ("--steps", "download,splits,images")
        shown = setup("flickr30k", *given, "mine/flickr30k-images", *steps, cwd=tmp_path, VENV=venv)
    assert shown.returncode == 0, shown.stderr
    assert len(server.requests) == 1
    modules = [words[0] for words in commands_of(shown)]
    names = ("download_flickr30k", "splits", "write_images", "write_images", "write_images")
    assert modules == [f"preprocess.{name}" for name in names]
    for split in ("train", "val", "test"):
        ids = read_split(tmp_path / "data" / f"{split}.json").image_ids
        assert (ImagesFile(tmp_path / "data" / f"{split}_images.h5").image_ids == ids).all()
