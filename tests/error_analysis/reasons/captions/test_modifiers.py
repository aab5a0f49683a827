"""Tests of error_analysis/reasons/captions/modifiers.py."""

import time

import pytest

from error_analysis.reasons.captions.abstract_words import is_abstract, is_idea
from error_analysis.reasons.captions.modifiers import long_modifier


@pytest.mark.parametrize(
    ("caption", "evidence"),
    [
        ("A view of a bathroom that needs to be fixed up.", "that needs to be fixed up"),
        (
            "A truck which nobody has washed for years, on a road.",
            "which nobody has washed for years",
        ),
        ("A dog she should have taken home.", "she should have taken home"),
        ("A man who might be a doctor", "who might be a doctor"),
        ("A flower that has already bloomed in the sun.", "that has already bloomed in the sun"),
        ("A boy stands as if he had lost a game.", "as if he had lost a game"),
        ("A man bends down in order to reach his keys.", "in order to reach his keys"),
        ("The bathroom wall needs to be resurfaced.", "needs to be resurfaced"),
        ("A woman attending an exposition about the future.", "about the future"),
        ("A kitchen of remarkable cleanliness", "cleanliness"),
    ],
)
def test_the_modifier_is_the_evidence(caption, evidence) -> None:
    reason = long_modifier(caption)
    assert reason.name == "long modifier"
    assert reason.evidence == evidence


@pytest.mark.parametrize(
    "caption",
    [
        "A little boy that is sitting on a horse.",
        "A cat that is looking in a mirror.",
        "A kitchen that has a bowl of fruit on the table.",
        "A man who is wearing a hat.",
        "A group of people in front of a building next to a street.",
        "A train station near an intersection in a city with a television.",
        "A boat on the calm water.",
        "A bus drives past a building in the morning sun.",
        "Two men play a game on a court.",
        "A white sailing boat is next to a large yellow cat on the sand at sunset.",
        "That dog is brown",
        "",
        "...",
        "🙂",
    ],
)
def test_what_a_picture_shows_is_no_abstract_modifier(caption) -> None:
    assert long_modifier(caption) is None


def test_a_merely_long_clause_counts() -> None:
    clause = "sitting on a trunk near a wall behind a car under a tree with a hat"
    assert long_modifier(f"A woman {clause}.").evidence == clause


def test_a_thousand_words_are_quick() -> None:
    start = time.perf_counter()
    long_modifier("a dog that " * 500)
    assert time.perf_counter() - start < 2


def test_abstract_words_are_told_from_things() -> None:
    assert is_idea("loneliness")
    assert is_idea("freedom")
    assert not is_idea("station")
    assert not is_idea("hat")
    assert is_abstract("wishes")
    assert is_abstract("never")
    assert not is_abstract("wearing")
