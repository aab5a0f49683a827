"""Captions scored against the others of their image."""

import numpy as np
import pytest

from captioning.metrics.consensus import consensus
from captioning.metrics.scores import prepare_references, score_captions
from tests.captioning.recorded import REFERENCES


def test_the_first_captions_have_the_values_recorded_for_them_as_a_captioner(coco90_metrics):
    human = coco90_metrics["sets"]["human"]
    pairs = zip(human["candidates"], coco90_metrics["references"], strict=True)
    found = consensus([[first, *others] for first, others in pairs])
    for tokenization in ("ptb", "plain"):
        if tokenization == "plain":
            pairs = zip(human["candidates"], coco90_metrics["references"], strict=True)
            found = consensus([[first, *others] for first, others in pairs], "plain")
        expected = human[tokenization]["per_image"]["CIDEr"]
        assert [own[0] for own in found] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_captions_at_any_place_are_scored_as_those_of_a_captioner(place):
    images = [own[:3] if len(own) > 3 else own for own in REFERENCES]
    found = consensus(images)
    rows = [row for row, own in enumerate(images) if len(own) > place]
    references = [[*own[:place], *own[place + 1 :]] for own in images]
    candidates = [own[place] if len(own) > place else "" for own in images]
    expected = score_captions(candidates, prepare_references(references)).means["CIDEr"]
    assert [found[row][place] for row in rows] == pytest.approx(expected[rows].tolist())


def test_what_nobody_else_says_has_nothing_and_an_only_caption_has_no_value():
    found = consensus([["a red dog", "a red dog", "zebras graze"], ["two cats"]])
    assert found[0][2] == 0
    assert found[0][0] == found[0][1] > 2
    assert np.isnan(found[1]).tolist() == [True]
    assert consensus([]) == []
