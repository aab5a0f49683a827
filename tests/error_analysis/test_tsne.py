"""The command that draws images and captions in one t-SNE."""

import json

import matplotlib.image
import numpy as np
import pytest

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.tsne import main
from preprocess.captions.split_file import read_split
from tests.conftest import assert_one_clear_line, save_clip, save_lxmert, write_images_of
from tests.error_analysis.scored import make_split, save_rankings


@pytest.fixture
def tsne(data_dir, tmp_path, run_main):
    """Run the command on the tiny test split; gives the status and the JSON's path."""
    write_images_of(data_dir, "test")
    checkpoint = save_clip(tmp_path / "clip")
    output = tmp_path / "drawn" / "tsne.json"

    def run(*options, model=checkpoint):
        arguments = ["--model_name_or_path", model, "--data_dir", data_dir, "--output", output]
        return run_main(main, *arguments, "--perplexity", 3, *options), output

    return run


@pytest.fixture
def rankings(data_dir, tmp_path):
    """Rankings of the split in which the captions of its first image alone do not find it."""
    split = read_split(data_dir / "test.json")
    is_pair = np.arange(len(split.images))[:, None] == split.caption_image_index
    scores = is_pair.astype(np.float32)
    scores[0, split.caption_image_index == 0] = -1  # below all five others
    return save_rankings(tmp_path / "lxmert" / "test.npz", scores, split)


def test_the_command_writes_places_numbers_and_the_picture(tsne, data_dir, capsys):
    status, output = tsne("--captions_per_image", 3)
    assert status == 0
    content = json.loads(output.read_text())
    split = read_split(data_dir / "test.json")
    assert [image["image_id"] for image in content["images"]] == split.image_ids.tolist()
    assert [c["caption"] for c in content["captions"]] == list(split.captions)
    of_image = split.image_ids[split.caption_image_index].tolist()
    assert [c["image_id"] for c in content["captions"]] == of_image
    assert all(np.isfinite([c["x"], c["y"]]).all() for c in content["images"])
    assert list(content["numbers"]) == ["embeddings", "picture", "chance"]
    assert content["metadata"]["modality_means"] == "keep"
    assert content["metadata"]["weights"].startswith("sha256:")
    assert matplotlib.image.imread(output.with_suffix(".png")).shape[2] == 4
    assert output.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    printed = capsys.readouterr().out
    assert f"clip: 6 images and {len(split.captions)} captions of tiny, test\n" in printed
    assert "distances between far groups of a t-SNE mean nothing" in printed


def test_the_same_seed_gives_the_same_places_and_another_another_sample(tsne):
    found = []
    for seed in (0, 0, 1):
        status, output = tsne("--n_images", 4, "--seed", seed)
        assert status == 0
        content = json.loads(output.read_text())
        found.append((content["images"], content["captions"]))
        assert len(content["images"]) == len(content["captions"]) == 4
    assert found[0] == found[1] != found[2]


def test_means_are_subtracted_where_that_is_asked(tsne, capsys):
    status, output = tsne("--modality_means", "subtract")
    assert status == 0
    numbers = json.loads(output.read_text())["numbers"]
    assert numbers["less_means"]["distance_of_means"] == pytest.approx(0, abs=1e-12)
    assert numbers["embeddings"]["distance_of_means"] > 0.1
    assert "less means: cosine of pairs" in capsys.readouterr().out


def test_captions_have_their_ranks(tsne, rankings, data_dir):
    status, output = tsne("--rankings", rankings, "--hard_rank", 5)
    assert status == 0
    content = json.loads(output.read_text())
    first = int(read_split(data_dir / "test.json").image_ids[0])
    assert [c["rank"] for c in content["captions"]] == [
        5.0 if c["image_id"] == first else 0.0 for c in content["captions"]
    ]
    assert content["metadata"]["hard_rank"] == 5


def test_images_are_drawn_from_those_that_were_ranked(tsne, data_dir, tmp_path):
    split = read_split(data_dir / "test.json")
    ranked = split.first(4)
    scores = np.zeros((4, len(ranked.captions)), np.float32)
    path = save_rankings(tmp_path / "r.npz", scores, ranked, split_sha256=split.sha256)
    status, output = tsne("--rankings", path)
    assert status == 0
    content = json.loads(output.read_text())
    assert content["metadata"]["hard_rank"] == HARD_RANK
    assert [image["image_id"] for image in content["images"]] == split.image_ids[:4].tolist()


def test_rankings_of_other_images_are_one_line(tsne, tmp_path):
    split = make_split([1] * 6)
    path = save_rankings(tmp_path / "other.npz", np.zeros((6, 6), np.float32), split)
    status, output = tsne("--rankings", path)
    assert_one_clear_line(status, "other.npz")
    assert not output.exists()


def test_a_model_that_is_no_dual_encoder_is_one_line(tsne, tmp_path):
    status, output = tsne(model=save_lxmert(tmp_path / "lxmert_model"))
    assert_one_clear_line(status, "expected a dual encoder", "of type lxmert")
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--perplexity", "12"], "--perplexity: expected at least 1 and less than the 12 points"),
        (["--perplexity", "0"], "--perplexity: expected at least 1"),
        (["--n_images", "1"], "--n_images: expected at least 2, found 1"),
        (["--captions_per_image", "0"], "--captions_per_image: expected at least 1, found 0"),
        (["--hard_rank", "5"], "--hard_rank: belongs to --rankings"),
        (["--output", "tsne.png"], "expected a name that ends in .json"),
        (["--modality_means", "none"], "--modality_means"),
    ],
)
def test_bad_options_are_one_line(tsne, options, expected):
    status, output = tsne(*options)
    assert_one_clear_line(status, expected)
    assert not output.exists()
