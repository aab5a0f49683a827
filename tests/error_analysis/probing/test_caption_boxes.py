"""Which captions get boxes, in which images, and what is told of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoProcessor

from error_analysis.probing.caption_boxes import (
    BoxInImage,
    CaptionBoxes,
    boxes_to_json,
    boxes_to_text,
    check_predicts_boxes,
    find_boxes,
    hard_captions,
)
from error_analysis.probing.probed_captions import ScoringModel
from error_analysis.probing.probes import probe_boxes
from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.xvlm.captions import clean_caption
from information_retrieval.models.xvlm.predicted_boxes import predicted_boxes
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from preprocess.storage.images_file import ImagesFile
from tests.conftest import save_clip, write_images_of
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks
from tests.information_retrieval.models.xvlm.tiny import save_xvlm

RANKS = [0, 3, 12, 9.5, 10, 0, *[0] * 8]


def model_of_captions(ranks) -> tuple:
    """A model under which captions have these ranks."""
    split = make_split([1] * len(ranks))
    return make_model(scores_with_ranks(ranks).T, split), split


def test_hard_captions_come_worst_first_with_their_own_image_and_a_wrong_one():
    model, _ = model_of_captions(RANKS)
    queries = hard_captions(model, 10)
    assert [query.item.caption_id for query in queries] == [5002, 5004]
    for query in queries:
        assert [r.is_ground_truth for r in query.retrieved] == [False, False]
    assert [query.rank for query in hard_captions(model, 3)] == [12, 10, 9.5, 3]
    assert len(hard_captions(model, 0)) == len(RANKS)


@pytest.fixture
def scored(data_dir, tmp_path):
    """The tiny test split, an X-VLM, and scores by chance."""
    write_images_of(data_dir, "test")
    split = read_split(data_dir / "test.json")
    files = GalleryFiles(data_dir / "test_features.h5", data_dir / "test_images.h5")
    name = str(save_xvlm(tmp_path / "xvlm"))
    model = ScoringModel(name, files, torch.device("cpu"), EncoderOptions(batch_size=4))
    shape = (len(split.images), len(split.captions))
    scores = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return split, model, make_model(scores, split)


def test_each_caption_is_placed_in_its_own_image_and_in_the_first_wrong_one(scored):
    split, model, rankings = scored
    found, tokens = find_boxes(hard_captions(rankings, 0), split, model)
    assert tokens.to_json() == {}
    assert sorted(query.caption_id for query in found) == split.caption_ids.tolist()
    loaded = load_model(model.name)
    words = loaded.config.max_words
    processor = AutoProcessor.from_pretrained(model.name)
    images = GalleryImages(
        ImagesFile(model.files.images), split.image_ids, processor.image_processor
    )
    captions = dict(zip(split.caption_ids.tolist(), split.captions, strict=True))
    columns = {caption_id: column for column, caption_id in enumerate(captions)}
    for query in found:
        column = columns[query.caption_id]
        assert query.own.image_id == split.image_ids[split.caption_image_index[column]]
        best = split.image_ids[np.argsort(-rankings.rankings.scores[:, column])].tolist()
        assert query.wrong.image_id == next(i for i in best if i != query.own.image_id)
        text = processor.tokenizer(clean_caption(captions[query.caption_id], words))["input_ids"]
        for told in (query.own, query.wrong):
            row = split.image_ids.tolist().index(told.image_id)
            [box] = predicted_boxes(loaded, [text], images, np.array([(row, 0)]))
            assert told.box == pytest.approx(box.tolist(), abs=1e-4)


def test_without_hard_captions_nothing_is_loaded(scored):
    split, model, rankings = scored
    nowhere = replace(model, name="no/such/model")
    content, text = probe_boxes(1_000, split, nowhere, rankings, "full")
    assert text == "no caption of rank 1000 or worse: no box to predict"
    assert content["boxes"] == []


def test_captions_that_were_cut_or_empty_are_told_of_beside_scores_that_are_known(scored):
    split, model, rankings = scored
    long, empty = split.images[0].captions[0], split.images[1].captions[0]
    texts = {long.caption_id: "a red dog " * 20, empty.caption_id: "..."}
    images = tuple(
        replace(
            image,
            captions=tuple(
                replace(c, caption=texts.get(c.caption_id, c.caption)) for c in image.captions
            ),
        )
        for image in split.images
    )
    odd = replace(split, images=images)
    known = make_model(rankings.rankings.scores, odd)
    content, text = probe_boxes(0, odd, model, known, "full")
    assert content["captions_cut"]["caption_ids"] == [long.caption_id]
    assert content["captions_empty"]["caption_ids"] == [empty.caption_id]
    cut, nothing_left, boxes = text.split("\n")
    assert cut.startswith("warning: 1 of ")
    assert str(long.caption_id) in cut
    assert "nothing is left" in nothing_left
    assert boxes.startswith("boxes of ")


def test_boxes_are_not_predicted_of_pixels_that_are_surely_wrong(scored):
    split, model, rankings = scored
    processor = AutoProcessor.from_pretrained(model.name)
    processor.image_processor.size = {"height": 32, "width": 32}
    processor.save_pretrained(model.name)
    with pytest.raises(InputError, match=r"size of the images as the model reads them: expected"):
        find_boxes(hard_captions(rankings, 0), split, model)


def test_in_a_gallery_of_one_image_no_image_is_wrong(scored):
    split, model, _ = scored
    alone = type(split)(split.dataset, split.split, split.source, split.images[:1])
    scores = np.zeros((1, len(alone.captions)), np.float32)
    found, _ = find_boxes(hard_captions(make_model(scores, alone), 0), alone, model)
    assert [query.wrong for query in found] == [None] * len(alone.captions)
    content = boxes_to_json(found, 0)
    assert content["boxes"][0]["wrong"] is None
    assert content["median_area"]["first_wrong_image"] is None
    assert "first wrong" not in boxes_to_text(found, 0)


def test_areas_are_told_by_their_medians():
    own = [BoxInImage(1, (0.0, 0.0, 0.5, 0.5)), BoxInImage(1, (0.5, 0.0, 1.0, 1.0))]
    wrong = [BoxInImage(2, (0.0, 0.0, 1.0, 0.8)), None]
    found = [CaptionBoxes(7 + i, "a dog", 12.5, own[i], wrong[i]) for i in range(2)]
    assert boxes_to_text(found, 10) == (
        "boxes of 2 captions of rank 10 or worse; the median box takes 38 % of its own image and "
        "80 % of the first wrong one"
    )
    content = boxes_to_json(found, 10)
    assert content["median_area"] == {"own_image": 0.375, "first_wrong_image": 0.8}
    assert content["boxes"][0] == {
        "caption_id": 7,
        "query": "a dog",
        "rank": 12.5,
        "own": {"image_id": 1, "box": [0.0, 0.0, 0.5, 0.5]},
        "wrong": {"image_id": 2, "box": [0.0, 0.0, 1.0, 0.8]},
    }


def test_only_an_xvlm_with_its_box_head_predicts_boxes(tmp_path: Path):
    check_predicts_boxes(str(save_xvlm(tmp_path / "xvlm")))
    with pytest.raises(InputError, match="is a model of type clip, expected an X-VLM"):
        check_predicts_boxes(str(save_clip(tmp_path / "clip")))
    fine_tuned = save_xvlm(tmp_path / "fine_tuned", has_box_head=False)
    with pytest.raises(
        InputError, match=r"fine_tuned has no box head: .*; give a pre-trained X-VLM$"
    ):
        check_predicts_boxes(str(fine_tuned))
