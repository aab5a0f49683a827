"""The command: how probable people's captions are to a captioner, as a file."""

import json

import numpy as np
import pytest
import torch

from captioning.decoding.surprise import surprise
from captioning.models.loading import load_captioner
from captioning.surprise import main
from preprocess.captions.split_file import write_split
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.images_file import write_images_file
from tests.captioning.models.tiny import save_blip, save_captioner
from tests.captioning.training.small_run import write_encodings
from tests.conftest import assert_one_clear_line, make_split, named, write_image_files


@pytest.fixture
def split(tmp_path):
    split = make_split(5, "test")
    write_split(tmp_path / "test.json", split)
    write_encodings(tmp_path / "test_embedding.h5", split)
    return split


@pytest.fixture
def run(split, tmp_path, run_main):
    output = tmp_path / "surprise.json"

    def run(model, *options):
        arguments = ["--model_name_or_path", model, "--split_file", tmp_path / "test.json"]
        return run_main(main, *arguments, "--output", output, "--device", "cpu", *options), output

    return run


@pytest.mark.parametrize("batch_size", [2, 64])
def test_each_caption_is_judged_with_its_image_and_with_the_mean_of_all(
    run, split, tmp_path, batch_size, capsys
):
    model = save_captioner(tmp_path / "captioner")
    path = tmp_path / "test_embedding.h5"
    status, output = run(model, "--encodings", path, "--batch_size", batch_size)
    assert status == 0
    content = json.loads(output.read_text())
    file = EncodingsFile(path)
    encodings = np.stack([file.read(image_id) for image_id in split.image_ids.tolist()])
    expected = surprise(
        load_captioner(str(model)),
        torch.from_numpy(encodings[split.caption_image_index]),
        split.captions,
        torch.from_numpy(encodings.mean(axis=0)),
    )
    found = content["captions"]
    assert [one["caption_id"] for one in found] == split.caption_ids.tolist()
    assert [one["gain"] for one in found] == pytest.approx([e.gain for e in expected], abs=1e-5)
    assert [one["n_unknown"] for one in found] == [e.n_unknown for e in expected]
    assert content["mean_gain"] == pytest.approx(np.mean([e.gain for e in expected]), abs=1e-5)
    assert content["metadata"]["no_image"] == "mean encoding"
    assert f"{len(expected)} captions: the image makes a word" in capsys.readouterr().out


def test_a_captioner_of_pixels_reads_the_images_file(run, split, tmp_path):
    write_image_files(tmp_path, split)
    encoded = [(tmp_path / image.file_name).read_bytes() for image in split.images]
    write_images_file(tmp_path / "images.h5", split.image_ids, encoded)
    status, output = run(save_blip(tmp_path / "blip"), "--images", tmp_path / "images.h5")
    assert status == 0
    content = json.loads(output.read_text())
    assert len(content["captions"]) == len(split.captions)
    assert content["metadata"]["no_image"] == "zeros"


def test_what_is_not_given_or_of_other_images_is_one_line(run, split, tmp_path):
    model = save_captioner(tmp_path / "captioner")
    assert_one_clear_line(run(model)[0], "give --encodings")
    other = write_encodings(tmp_path / "other.h5", make_split(4, "test"))
    status, output = run(model, "--encodings", other)
    assert_one_clear_line(status, other)
    assert_one_clear_line(run(model, "--batch_size", 0)[0], "--batch_size: expected at least 1")
    assert not output.exists()


def test_encodings_of_another_split_by_the_same_ids_are_refused(run, tmp_path):
    model = save_captioner(tmp_path / "captioner")
    write_split(tmp_path / "test.json", named(make_split(3), "test"))
    train = write_encodings(tmp_path / "train.h5", named(make_split(4), "train"))
    status, output = run(model, "--encodings", train)
    assert_one_clear_line(status, "image 1 is 'train_0', in the split 'test_0'")
    assert not output.exists()
