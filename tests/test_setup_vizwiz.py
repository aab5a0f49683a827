"""`setup.sh vizwiz`, from the archives on a server to HDF5 files."""

import subprocess
import sys

import pytest

from preprocess.captions.split_file import read_split
from preprocess.storage.images_file import ImagesFile
from tests.preprocess.downloads.coco_server import serving
from tests.preprocess.downloads.small_vizwiz import archives_of, make_small_vizwiz
from tests.test_setup import ROOT, commands_of, setup, this_environment


@pytest.mark.long
def test_vizwiz_goes_from_its_archives_to_hdf5_and_is_left_as_it_is_the_second_time(tmp_path):
    make_small_vizwiz(tmp_path / "small")
    venv = this_environment(tmp_path / "venv")
    with serving(archives_of(tmp_path / "small")) as server:
        given = ("--data_dir", "data", "--mirror", server.url)
        shown = setup("vizwiz", *given, "--steps", "download", cwd=tmp_path, VENV=venv)
        assert shown.returncode == 0, shown.stderr
        n_requests = len(server.requests)
        shown = setup("vizwiz", *given, cwd=tmp_path, VENV=venv)
        assert len(server.requests) == n_requests
    assert shown.returncode == 1
    assert "--minival_size: expected fewer than the 4 images of train, found 1000" in shown.stderr
    # By hand, with a smaller minival.
    annotations = [tmp_path / "data" / "annotations" / f"{name}.json" for name in ("train", "val")]
    made = ("-m", "preprocess.splits", "--vizwiz_captions", *annotations, "--minival_size", "1")
    subprocess.run([sys.executable, *made, "--output_dir", tmp_path / "data"], cwd=ROOT, check=True)
    shown = setup("vizwiz", *given, "--steps", "images", cwd=tmp_path, VENV=venv)
    assert shown.returncode == 0, shown.stderr
    assert [words[0] for words in commands_of(shown)] == ["preprocess.write_images"] * 3
    for split, n_images in (("train", 3), ("minival", 1), ("val", 2)):
        ids = read_split(tmp_path / "data" / f"{split}.json").image_ids
        assert len(ids) == n_images
        assert (ImagesFile(tmp_path / "data" / f"{split}_images.h5").image_ids == ids).all()
