"""Minival: whose encodings, which images, and what captions of it are worth."""

import math

import numpy as np
import pytest

from captioning.decoding.captions import GeneratedCaption
from captioning.decoding.settings import Decoding
from captioning.models.loading import load_captioner
from captioning.training.captioner_options import CaptionDataArguments
from captioning.training.minival import encodings_path, evaluation_line, read_minival
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split, write_split
from tests.captioning.models.tiny import save_captioner
from tests.captioning.training.small_run import write_data, write_encodings
from tests.conftest import make_split

GREEDY = Decoding(method="greedy")


@pytest.fixture
def data(tmp_path):
    return CaptionDataArguments(data_dir=write_data(tmp_path / "data"))


def said(text: str, ended: bool = True, log_probability: float = -1.0) -> GeneratedCaption:
    return GeneratedCaption((), text, log_probability, ended)


def test_the_first_reference_of_each_image_scores_and_is_counted(data):
    minival = read_minival(data, make_split(12), GREEDY, 2)
    texts = [image.captions[0].caption for image in minival.split.images]
    judged = minival.judge([said(texts[0], ended=False), *map(said, texts[1:])])
    assert judged.metrics["Bleu_1"] == pytest.approx(1)
    assert judged.metrics["CIDEr"] > 3
    assert judged.metrics["CIDEr_low"] < judged.metrics["CIDEr"] < judged.metrics["CIDEr_high"]
    constant = minival.judge([said(minival.constant)] * 4)
    assert minival.constant_metrics.items() <= constant.metrics.items()
    assert judged.metrics["distinct"] == 4
    assert judged.metrics["cut_share"] == judged.metrics["commonest_share"] == 0.25
    assert judged.counts.told() == []
    same = minival.judge([said("a <unk>")] * 4)
    assert same.metrics["unknown_share"] == same.metrics["commonest_share"] == 1
    assert same.counts.distinct == 1


def test_captions_of_any_rows_are_those_of_all(data, tmp_path):
    captioner = load_captioner(str(save_captioner(tmp_path / "lstm", seed=2, image_width=8)))
    minival = read_minival(data, make_split(12), GREEDY, 2)
    whole = minival.caption(captioner, np.arange(4))
    assert minival.caption(captioner, np.array([1, 3])) == [whole[1], whole[3]]
    assert minival.caption(captioner, np.arange(0)) == []


def test_probabilities_that_are_no_numbers_are_told(data):
    minival = read_minival(data, make_split(12), GREEDY, 2)
    with pytest.raises(InputError, match="training has diverged"):
        minival.judge([said("a", log_probability=math.nan)] * 4)


def test_the_encodings_are_minivals_own_or_those_of_val_or_train(data):
    train, own = make_split(12), data.encodings_file("minival")
    minival = read_split(data.split_file("minival"))
    assert encodings_path(data, minival, train) == own
    own.unlink()
    assert encodings_path(data, minival, train) == own  # no other has them
    assert encodings_path(data, train.first(3), train) == data.encodings_file("train")
    val = make_split(9, "val", first_id=900)
    write_split(data.split_file("val"), val)
    write_encodings(data.encodings_file("val"), val)
    assert encodings_path(data, val.first(3), train) == data.encodings_file("val")
    # The same ids, numbered anew: not the same images.
    assert encodings_path(data, minival, train) == own


def test_images_without_a_word_are_left_out_and_told(data):
    images = [*read_split(data.split_file("minival")).images]
    images[0] = CaptionedImage(900, "a.jpg", (Caption(1, "..."), Caption(2, "?")))
    write_split(data.split_file("minival"), Split("tiny", "minival", "a test", tuple(images)))
    minival = read_minival(data, make_split(12), GREEDY, 2)
    assert len(minival.split.images) == 3
    assert "1 images have no reference with words, and are left out: 900" in minival.told()[0]


def test_one_image_is_refused_for_cider(data):
    write_split(data.split_file("minival"), make_split(1, "minival", first_id=900))
    with pytest.raises(InputError, match=r"found 1; CIDEr-D.* is always 0 of one"):
        read_minival(data, make_split(12), GREEDY, 2)


def test_an_evaluation_is_a_line():
    metrics = {"CIDEr": 0.8125, "Bleu_4": 0.25, "distinct": 1431, "words_mean": 9.84}
    metrics |= {"CIDEr_low": 0.7, "CIDEr_high": 0.9, "Bleu_4_low": 0.2, "Bleu_4_high": 0.3}
    metrics |= {"cut_share": 0.0, "unknown_share": 0.031, "commonest_share": 0.1}
    constant = {"CIDEr": 0.0625, "Bleu_4": 0.01}
    assert evaluation_line(2.0, {f"eval_{k}": v for k, v in metrics.items()}, constant) == (
        "epoch 2: CIDEr-D 0.812 [0.700, 0.900], BLEU-4 0.250 [0.200, 0.300] (a constant caption "
        "0.062, 0.010); 1,431 distinct captions of 9.8 words, 0.0 % cut off, 3.1 % with <unk>"
    )
