"""Captions: five an image, and the kinds that they are labelled with."""

from collections import Counter

import numpy as np
import pytest

from demo.scenes.captions import CAPTIONS_PER_IMAGE, Caption, caption_scene
from demo.scenes.scenes import COLOURS, Scene, Thing, random_scene
from demo.scenes.typos import misspell


@pytest.fixture(scope="module")
def captions() -> list[Caption]:
    made = []
    for index in range(600):
        generator = np.random.default_rng([3, index])
        made += caption_scene(random_scene(generator), generator)
    return made


def test_an_image_has_five_different_captions():
    for index in range(100):
        generator = np.random.default_rng(index)
        texts = {caption.text for caption in caption_scene(random_scene(generator), generator)}
        assert len(texts) == CAPTIONS_PER_IMAGE


def test_every_typo_differs_from_its_intended_text_and_nothing_else_does(captions):
    for caption in captions:
        assert (caption.text != caption.intended) == (caption.kind == "typo")


def test_a_typo_keeps_the_number_of_words_and_misspells_at_most_two(captions):
    for caption in captions:
        if caption.kind == "typo":
            written, intended = caption.text.split(" "), caption.intended.split(" ")
            wrong = sum(a != b for a, b in zip(written, intended, strict=True))
            assert 1 <= wrong <= 2


def test_typos_are_sometimes_another_real_word():
    texts = {misspell("A red boat.", np.random.default_rng(seed)) for seed in range(200)}
    assert "A red goat." in texts
    assert "A red baot." in texts


def test_a_text_without_content_words_is_misspelt_too():
    for seed in range(50):
        text = "There is something outside."
        assert misspell(text, np.random.default_rng(seed)) != text


def test_hard_kinds_are_twelve_to_eighteen_percent(captions):
    counts = Counter(caption.kind for caption in captions)
    hard = 1 - counts["plain"] / len(captions)
    assert 0.12 <= hard <= 0.18
    assert min(counts[kind] for kind in ("typo", "long_modifier", "underspecified")) > 90


def test_underspecified_captions_name_no_colour(captions):
    for caption in captions:
        if caption.kind == "underspecified":
            assert not set(caption.text.lower().split()) & set(COLOURS)


def test_a_house_in_need_of_repair_is_told_by_its_long_modifier():
    house = Thing("house", "red", "large", (50, 50, 90, 100), worn=True, mirrored=False)
    scene = Scene(256, 192, "meadow", (house,), texture_seed=0)
    made = [
        caption.text
        for seed in range(300)
        for caption in caption_scene(scene, np.random.default_rng(seed))
        if caption.kind == "long_modifier"
    ]
    assert any("that needs to be fixed up" in text for text in made)


def test_relations_are_those_of_the_boxes():
    left = Thing("cat", "red", "small", (10, 120, 30, 30), worn=False, mirrored=False)
    right = Thing("dog", "blue", "small", (200, 120, 30, 30), worn=False, mirrored=False)
    scene = Scene(256, 192, "meadow", (left, right), texture_seed=0)
    for seed in range(200):
        for caption in caption_scene(scene, np.random.default_rng(seed)):
            text = caption.intended.lower()
            if " of " not in text or caption.kind != "plain":
                continue
            cat_first = min(text.find(w) for w in ("cat", "kit") if w in text) < min(
                text.find(w) for w in ("dog", "pup") if w in text
            )
            if "left of" in text:
                assert cat_first
            if "right of" in text:
                assert not cat_first
