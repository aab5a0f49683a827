"""What captions claim, checked against the scenes that they were made of."""

from dataclasses import replace

import numpy as np
import pytest

from demo.scenes.captions import Caption, caption_scene
from demo.scenes.claims import claims_of
from demo.scenes.scenes import Scene, Thing, random_scene

CAT = Thing("cat", "red", "small", (10, 120, 30, 30), worn=False, mirrored=False)
DOG = Thing("dog", "blue", "large", (200, 120, 30, 30), worn=True, mirrored=False)
SCENE = Scene(256, 192, "meadow", (CAT, DOG), texture_seed=0)


@pytest.mark.parametrize("seed", range(0, 600, 100))
def test_every_caption_of_the_grammar_is_true_of_its_own_scene(seed):
    for index in range(seed, seed + 100):
        generator = np.random.default_rng([7, index])
        scene = random_scene(generator)
        for caption in caption_scene(scene, generator):
            assert claims_of(caption).true_of(scene), (caption, scene)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("A small red cat and a big blue dog on a meadow.", True),
        ("A kitten to the left of a puppy", True),
        ("A kitten to the right of a puppy", False),
        ("A big red cat on a meadow", False),
        ("A blue cat on a meadow", False),
        ("A red cat and a red dog", False),
        ("A red cat on a beach", False),
        ("Two cats on a meadow", False),
        ("A cat and a house", False),
        ("A sleeping dog", True),
        ("A sleeping cat", False),
    ],
)
def test_claims_are_true_or_false_of_a_scene(text, true):
    assert claims_of(Caption(text, "plain", text)).true_of(SCENE) == true


def test_details_and_kinds_are_told_apart():
    text = "A blue cat on a beach"
    claims = claims_of(Caption(text, "plain", text))
    assert claims.kinds_in(SCENE)
    assert not claims.details_of(SCENE)
    assert claims.details_of(replace(SCENE, things=(replace(CAT, colour="blue"),)))


def test_a_typo_claims_what_was_meant():
    assert claims_of(Caption("A red cot", "typo", "A red cat")).categories == {"cat"}


def test_a_vague_caption_names_no_category():
    text = "Somebody took a picture of some animals outside"
    claims = claims_of(Caption(text, "underspecified", text))
    assert claims.categories == frozenset()
    assert claims.true_of(SCENE)
    assert not claims.true_of(replace(SCENE, background="room"))
    assert not claims.true_of(replace(SCENE, things=(CAT,)))
