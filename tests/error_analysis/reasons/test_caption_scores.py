"""The caption oracle against the plain way: every pair by itself, the caption itself left out."""

import numpy as np
import pytest

from error_analysis.caption_oracle import main
from error_analysis.reasons.caption_scores import caption_vectors, score_by_captions
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split, write_split
from tests.conftest import assert_one_clear_line, make_split


def split_of(*captions_of: list[str]) -> Split:
    numbers = iter(range(1, 1000))
    images = [
        CaptionedImage(i, f"{i}.jpg", tuple(Caption(next(numbers), text) for text in captions))
        for i, captions in enumerate(captions_of, start=1)
    ]
    return Split("tiny", "test", "made by a test", tuple(images))


def slow_score(vectors: np.ndarray, of_image: list[int], caption: int) -> float:
    others = [i for i in of_image if i != caption]
    total = sum((vectors[i] for i in others), np.zeros(vectors.shape[1]))
    length = np.linalg.norm(total)
    return float(vectors[caption] @ total / length) if length > 0 else 0.0


@pytest.mark.parametrize("block", [1, 3, 512])
def test_scores_are_those_of_every_pair_by_itself(block, monkeypatch):
    monkeypatch.setattr("error_analysis.reasons.caption_scores.BLOCK_IMAGES", block)
    gallery = make_split(12, seed=3)
    vectors = caption_vectors(gallery.captions).toarray()
    scores = score_by_captions(gallery)
    members = [
        np.flatnonzero(gallery.caption_image_index == i).tolist()
        for i in range(len(gallery.images))
    ]
    slow = [
        [slow_score(vectors, of_image, caption) for caption in range(len(vectors))]
        for of_image in members
    ]
    np.testing.assert_allclose(scores, slow, atol=1e-6)
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-6


def test_a_caption_finds_its_image_by_what_others_said_of_it():
    gallery = split_of(
        ["a dog runs over the grass", "a brown dog on grass", "what a lovely day"],
        ["two cats on a sofa", "cats asleep on the sofa"],
        ["a red train", "the train leaves the station"],
    )
    best = score_by_captions(gallery).argmax(axis=0)
    assert best[[0, 1, 3, 4, 5, 6]].tolist() == [0, 0, 1, 1, 2, 2]
    # Nobody else says "lovely day": with itself left out, nothing finds its image.
    assert score_by_captions(gallery)[0, 2] == 0


def test_the_order_of_images_does_not_matter():
    gallery = make_split(9, seed=1)
    turned = Split("tiny", "test", "made by a test", tuple(reversed(gallery.images)))
    scores, again = score_by_captions(gallery), score_by_captions(turned)
    column = {caption: i for i, caption in enumerate(turned.caption_ids.tolist())}
    order = [column[caption] for caption in gallery.caption_ids.tolist()]
    np.testing.assert_allclose(scores, again[::-1][:, order], atol=1e-6)


@pytest.mark.parametrize(
    ("gallery", "line"),
    [
        (split_of(["a cat"], ["a dog"]), "each image has one caption, so no other says"),
        (split_of(["...", "!"], ["of the", "?"]), "no caption has a content word in English"),
    ],
)
def test_where_there_is_nothing_to_go_by_that_is_said(gallery, line, tmp_path, run_main):
    with pytest.raises(InputError, match=line):
        score_by_captions(gallery)
    write_split(tmp_path / "test.json", gallery)
    options = ["--split_file", tmp_path / "test.json", "--output", tmp_path / "o" / "test.npz"]
    assert_one_clear_line(run_main(main, *options), line)
    assert not (tmp_path / "o").exists()


def test_its_rankings_are_a_file_like_any_other(tmp_path, run_main, capsys):
    gallery = split_of(["a cat on a wall", "a cat"], ["a dog in snow", "the dog"], ["a train"])
    write_split(tmp_path / "test.json", gallery)
    options = ["--split_file", tmp_path / "test.json", "--output", tmp_path / "o" / "test.npz"]
    assert run_main(main, *options) == 0
    shown = capsys.readouterr()
    assert "1 of 3 images have one caption" in shown.err
    assert "protocol full" in shown.out
    rankings = read_rankings(tmp_path / "o" / "test.npz", read_split(tmp_path / "test.json"))
    assert rankings.metadata["model"] == "caption oracle"
    np.testing.assert_array_equal(rankings.scores, score_by_captions(gallery))


@pytest.mark.long
def test_on_cocos_captions_it_finds_five_of_six_images_of_1k(shared_data):
    gallery = read_split(shared_data / "coco5k" / "test.json").first(1000)
    scores = score_by_captions(gallery)
    own = scores[gallery.caption_image_index, np.arange(len(gallery.captions))]
    assert 83 < 100 * np.mean((scores > own).sum(axis=0) < 10) < 85
