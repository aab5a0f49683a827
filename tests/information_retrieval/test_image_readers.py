"""Every kind of model that reads images, from its saved folder to rankings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor

from information_retrieval.evaluate import main
from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.matching_gallery import MatchingGallery
from information_retrieval.models.xvlm.encoded_gallery import EncodedGallery
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.files import read_json
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split, write_split
from tests.conftest import assert_one_clear_line, make_split
from tests.image_readers import MAKERS, all_scores, save_image_reader, write_images_of_sizes

ROOT = Path(__file__).resolve().parents[2]
DUAL_ENCODERS = ["siglip", "altclip", "align"]


@pytest.fixture
def evaluate(tmp_path, run_main):
    """Evaluate a checkpoint on six images; gives the status and the output path."""
    data_dir = tmp_path / "data"
    split = make_split(6, "test")
    write_split(data_dir / "test.json", split)
    write_images_of_sizes(data_dir, split)
    (data_dir / "images.h5").rename(data_dir / "test_images.h5")

    def run(checkpoint, *options, folder="runs"):
        output = tmp_path / folder / "test.npz"
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        arguments += ["--protocol", "full", "--output", output, "--device", "cpu"]
        return run_main(main, *arguments, *options), output

    run.data_dir = data_dir
    return run


@pytest.mark.parametrize("kind", list(MAKERS))
def test_a_saved_model_is_evaluated(evaluate, tmp_path, kind):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    status, output = evaluate(checkpoint)
    assert status == 0
    rankings = read_rankings(output, read_split(evaluate.data_dir / "test.json"))
    assert rankings.scores.std(axis=0).min() > 1e-5  # every caption tells the images apart
    assert rankings.metadata["model"] == str(checkpoint)
    assert "i2t_r1" in json.loads((output.parent / "metrics.json").read_text())["metrics"]


@pytest.mark.parametrize("kind", ["siglip", "vilt", "blip", "xvlm", "sx3hre"])
def test_negative_images_change_the_scores(evaluate, tmp_path, kind):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    outputs = [
        evaluate(checkpoint, *options, folder=folder)
        for folder, *options in (("plain",), ("negative", "--negative_images", "true"))
    ]
    plain, negative = (np.load(output)["logits"] for status, output in outputs if status == 0)
    assert not np.allclose(plain, negative, atol=1e-4)


@pytest.mark.parametrize("kind", DUAL_ENCODERS)
def test_a_dual_encoders_scores_are_those_of_hfs_processor_and_model(tmp_path, kind):
    split = make_split(4, "test")
    paths, images = write_images_of_sizes(tmp_path, split)
    checkpoint = save_image_reader(tmp_path / kind, kind)
    inputs = AutoProcessor.from_pretrained(checkpoint)(
        text=list(split.captions),
        images=[Image.open(path) for path in paths],
        padding="max_length" if kind == "siglip" else True,
        max_length=80 if kind == "siglip" else None,
        return_tensors="pt",
    )
    if kind == "siglip":  # the tokenizer of the published ones makes no mask
        del inputs["attention_mask"]
    with torch.inference_mode():
        expected = load_model(checkpoint)(**inputs).logits_per_image.numpy()
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(all_scores(checkpoint, split, images), expected, atol=tolerance)


def longer(split: Split, n_words: int) -> Split:
    """The split with one caption of so many words."""
    first = split.images[0]
    caption = Caption(first.captions[0].caption_id, " ".join(["cat"] * n_words))
    image = CaptionedImage(first.image_id, first.file_name, (caption, *first.captions[1:]))
    return Split(split.dataset, split.split, split.source, (image, *split.images[1:]))


@pytest.mark.parametrize(
    ("kind", "positions"),
    [("siglip", 80), ("altclip", 79), ("align", 80), ("vilt", 80), ("blip", 80), ("sx3hre", 64)],
)
def test_a_caption_may_have_as_many_tokens_as_the_model_has_positions_and_is_cut_beyond(
    evaluate, tmp_path, kind, positions
):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    path = evaluate.data_dir / "test.json"
    split = read_split(path)
    write_split(path, longer(split, positions - 1))  # and two special tokens
    status, _ = evaluate(checkpoint, "--long_captions", "error")
    assert_one_clear_line(status, f"{positions + 1} tokens", f"{positions} positions")
    status, output = evaluate(checkpoint)
    assert status == 0
    told = read_json(output.with_name("metrics.json"), "")["metadata"]
    longest = split.images[0].captions[0].caption_id
    assert told["captions_cut"] == {"tokens": positions, "caption_ids": [longest]}
    output.unlink()
    write_split(path, longer(split, positions - 2))
    assert evaluate(checkpoint, "--long_captions", "error")[0] == 0
    assert "captions_cut" not in read_json(output.with_name("metrics.json"), "")["metadata"]


@pytest.mark.parametrize("kind", ["vilt", "blip", "siglip", "sx3hre"])
def test_a_folder_without_a_processor_is_refused(evaluate, tmp_path, kind):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    for path in checkpoint.glob("*processor_config.json"):
        path.unlink()
    status, output = evaluate(checkpoint)
    assert_one_clear_line(status, checkpoint, "no image processor")
    assert not output.exists()


@pytest.mark.parametrize(
    ("kind", "gallery"),
    [("vilt", MatchingGallery), ("blip", MatchingGallery), ("xvlm", EncodedGallery)],
)
def test_an_interrupted_run_goes_on_to_the_same_scores(
    evaluate, tmp_path, monkeypatch, kind, gallery
):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    score, scored, most = gallery.score, [], [1000]

    def counted(self, rows, columns):
        if len(scored) == most[0]:
            raise KeyboardInterrupt
        scored.append((rows, columns))
        return score(self, rows, columns)

    monkeypatch.setattr(gallery, "score", counted)
    status, whole = evaluate(checkpoint, "--batch_size", "2", folder="whole")
    assert status == 0
    n_tiles = len(scored)
    scored.clear()
    most[0] = 5
    status, output = evaluate(checkpoint, "--batch_size", "2")
    assert status != 0
    assert not output.exists()
    most[0] = n_tiles
    status, output = evaluate(checkpoint, "--batch_size", "2")
    assert (status, len(scored)) == (0, n_tiles)  # none was scored twice
    np.testing.assert_array_equal(np.load(output)["logits"], np.load(whole)["logits"])


@pytest.mark.long
@pytest.mark.parametrize("kind", ["vilt", "blip", "xvlm"])
def test_two_processes_give_the_scores_of_one(evaluate, tmp_path, kind):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    logits = []
    for n_processes in (1, 2):
        output = tmp_path / f"{n_processes}" / "test.npz"
        launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2"]
        command = [sys.executable, *(launcher if n_processes == 2 else [])]
        command += ["-m", "information_retrieval.evaluate", "--model_name_or_path", checkpoint]
        command += ["--data_dir", evaluate.data_dir, "--protocol", "full", "--device", "cpu"]
        command += ["--batch_size", "2", "--output", output]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        logits.append(np.load(output)["logits"])
    np.testing.assert_array_equal(*logits)


def test_an_xvlms_two_scores_are_not_mixed(evaluate, tmp_path):
    checkpoint = save_image_reader(tmp_path / "xvlm", "xvlm")
    status, output = evaluate(checkpoint, "--score", "itc")
    assert status == 0
    split = read_split(evaluate.data_dir / "test.json")
    compared = read_rankings(output, split)
    assert compared.metadata["score"] == "itc"
    # Here score is of the identity: neither goes on with, nor is read as, the other's.
    status, _ = evaluate(checkpoint)
    assert_one_clear_line(status, output, "made with other score")
    assert evaluate(checkpoint, "--score", "itc")[0] == 0
    status, matched = evaluate(checkpoint, "--score", "itm", folder="itm")
    assert status == 0
    rankings = read_rankings(matched, split)
    assert rankings.metadata["score"] == "itm"
    assert np.abs(rankings.scores - compared.scores).max() > 0.1
    status, output = evaluate(save_image_reader(tmp_path / "blip", "blip"), "--score", "itc")
    assert_one_clear_line(status, "--score itc: for an X-VLM", "is a blip model: leave it out")


def test_a_caption_of_which_nothing_is_left_is_told_and_scored(evaluate, tmp_path, capsys):
    checkpoint = save_image_reader(tmp_path / "xvlm", "xvlm")
    path = evaluate.data_dir / "test.json"
    split = read_split(path)
    first = split.images[0]
    caption = Caption(first.captions[0].caption_id, "?!")
    image = CaptionedImage(first.image_id, first.file_name, (caption, *first.captions[1:]))
    write_split(path, Split(split.dataset, split.split, split.source, (image, *split.images[1:])))
    status, output = evaluate(checkpoint)
    assert status == 0
    assert f"scored as no text: {caption.caption_id}" in capsys.readouterr().err
    told = read_json(output.with_name("metrics.json"), "")["metadata"]
    assert told["captions_empty"] == {"caption_ids": [caption.caption_id]}
