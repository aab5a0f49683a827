"""Tests of error_analysis/reasons/captions/modifiers.py."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from error_analysis.reasons.captions.modifiers import long_modifier
from preprocess.captions.split_file import read_split


@pytest.mark.parametrize(
    ("caption", "evidence"),
    [
        ("Getting geared up to do a little snow boarding.", "about to happen: Getting geared up"),
        ("A boy is ready to go play, in a park", "about to happen: ready to go play"),
        ("a girl is about to hit the ball", "about to happen: about to hit the ball"),
        ("People standing nearby waiting to board.", "meant to be done: waiting to board"),
        ("A man bends down in order to reach his keys.", "meant to be done: in order to reach"),
        ("A couple that just got married in a bed.", "has happened: just got married in a bed"),
        ("A flower that has already bloomed in the sun.", "has happened: has already bloomed"),
        ("A cake cover is made to look like a cage.", "looks like: made to look like a cage"),
        ("A boy stands as if he had lost a game.", "looks like: as if he had lost a game"),
        ("A bathroom that needs to be fixed up.", "may or must be: needs to be fixed up"),
        ("A dog she should have taken home.", "may or must be: should have taken home"),
        ("A truck which nobody has washed, on a road.", "may or must be: which nobody has washed"),
        ("A woman attending an exposition about the future.", "an idea: about the future"),
        ("A kitchen of remarkable cleanliness", "an idea: of remarkable cleanliness"),
    ],
)
def test_the_evidence_is_the_kind_and_the_words_from_the_modifier_on(caption, evidence) -> None:
    reason = long_modifier(caption)
    assert reason.name == "long modifier"
    assert reason.evidence.startswith(evidence)
    assert not reason.evidence.endswith(".")


@pytest.mark.parametrize(
    "caption",
    [
        "A little boy that is sitting on a horse.",
        "A cat that is looking in a mirror.",
        "A kitchen that has a bowl of fruit on the table.",
        "A woman sitting on a trunk near a wall behind a car under a tree with a hat.",
        "A dessert that has powdered sugar on it",
        "A man going to the beach",
        "A plane next to another plane",
        "Someone is holding a plate.",
        "Mountains can be seen in the background",
        "A person holding a can of soda",
        "A dog wearing a life vest",
        "Still life photograph of comfort food",
        "A shirt that says you can and should hope",
        'A sign with "about to happen" on it',
        "A train station near an intersection in a city with a television.",
        "",
        "...",
        "🙂",
    ],
)
def test_what_a_picture_shows_or_what_is_written_in_it_is_no_such_modifier(caption) -> None:
    assert long_modifier(caption) is None


def test_letters_that_grow_in_lower_case_do_not_move_the_evidence() -> None:
    found = long_modifier("\u0130\u0130\u0130 A man waiting to board a bus.")
    assert found.evidence == "meant to be done: waiting to board a bus"


def test_a_thousand_words_are_quick() -> None:
    start = time.perf_counter()
    long_modifier("a dog that " * 500)
    assert time.perf_counter() - start < 2


LABELS = json.loads(Path(__file__).with_name("modifier_labels.json").read_text("utf-8"))


def test_on_coco_nearly_all_are_modifiers_by_hand(shared_data) -> None:
    gallery = read_split(shared_data / "coco5k" / "test.json").first(1000)
    captions = zip(gallery.caption_ids.tolist(), gallery.captions, strict=True)
    flagged = [caption_id for caption_id, text in captions if long_modifier(text) is not None]
    assert len(flagged) > 100
    # What was not flagged when the labels were made has none: it counts as wrong.
    assert np.mean([caption_id in LABELS["true"] for caption_id in flagged]) >= 0.8
