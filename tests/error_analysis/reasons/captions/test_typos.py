"""Tests of error_analysis/reasons/captions/typos.py and what it is made of."""

import json
import time

import numpy as np
import pytest

from demo.scenes.typos import misspell
from error_analysis.reasons.captions.general_english import general_counts
from error_analysis.reasons.captions.language_model import BOUNDARY, LanguageModel, phrase_words
from error_analysis.reasons.captions.siblings import Siblings
from error_analysis.reasons.captions.slips import Vocabulary, log_slip, sound
from error_analysis.reasons.captions.spellings import is_form_of
from error_analysis.reasons.captions.typos import TypoCheck, typos
from preprocess.captions.split_file import Caption, CaptionedImage, Split

CAPTIONS = [
    "A boy is riding a skateboard down the street.",
    "A boy jumps with his skateboard.",
    "A boy with a red hat is on the beach.",
    "A man riding a bike on a city street.",
    "Two giraffes standing in a field.",
    "A giraffe eats leaves from a tall tree.",
    "The traffic light is green.",
    "A cat is lying on the bed.",
    "A cat is lying in the sun.",
    "A vase of flowers on a table.",
]


@pytest.fixture(scope="module")
def check() -> TypoCheck:
    return TypoCheck(CAPTIONS)


@pytest.mark.parametrize(
    ("typed", "repair"),
    [
        ("Two giarffs standing in a field.", "Two giraffes standing in a field."),
        ("A man ridinf a bycicle.", "A man riding a bicycle."),
        ("A delicious lookign pizza", "A delicious looking pizza"),
        ("Umberllas on a beach", "Umbrellas on a beach"),
        ("A baeutiful, sunny day!", "A beautiful, sunny day!"),
    ],
)
def test_a_word_that_does_not_exist_is_repaired(check, typed, repair) -> None:
    assert check(typed).repair == repair


@pytest.mark.parametrize(
    ("typed", "repair"),
    [
        ("The traffic lite is green as a car approaches.", "traffic light is"),
        ("A man holding a teddy bare", "teddy bear"),
        ("There are tow dogs on the beach", "There are two dogs"),
    ],
)
def test_a_real_word_that_was_not_meant_is_repaired(check, typed, repair) -> None:
    assert repair in check(typed).repair


@pytest.mark.parametrize(
    ("typed", "repair"),
    [
        ("Corn and rice ont he side", "Corn and rice on the side"),
        ("Dishes dryin g on the stove", "Dishes drying on the stove"),
        ("Two ca ts lying on a bed", "Two cats lying on a bed"),
        ("Dishes dryin g ont he stove", "Dishes drying on the stove"),
    ],
)
def test_a_space_that_slipped_is_put_back(check, typed, repair) -> None:
    assert check(typed).repair == repair


def test_the_evidence_names_each_slip_and_what_was_meant(check) -> None:
    reason = check("Two giarffs in a feild.")
    assert reason.name == "typo"
    assert reason.evidence == "giarffs, for giraffes; feild, for field"


@pytest.mark.parametrize(
    "caption",
    [
        "A colourful aeroplane at the grey centre of the harbour.",
        "A colorful airplane at the gray center of the harbor.",
        "Jakub and Mbeki visit Johannesburg with their dog Wulf.",
        "It's the dog's toy, and they're playing; the cats' beds aren't here.",
        "A dog, two dogs, a bus, buses, a knife and knives.",
        "In 2009, a BMX bike, an iPhone 4S and 12 7UP cans.",
        "A well-lit, half-eaten hot-dog on a t-shirt.",
        "THIS IS A PHOTO OF A KITCHEN IN A RESIDENTIAL PLACE",
        "A Man Riding A Wave On A Surfboard",
        "A child petting a yak beside a llama.",
        "A sign in 中文 and кириллица, naïve café.",
    ],
)
def test_good_captions_are_left_alone(check, caption) -> None:
    assert check(caption) is None


@pytest.mark.parametrize("caption", ["", "   ", "...!?", "🙂 🙂🙂", "-", "'", "a", "42", "²", "_"])
def test_captions_without_words_have_no_typo(check, caption) -> None:
    assert check(caption) is None


def test_a_thousand_words_take_no_longer_than_their_share(check) -> None:
    start = time.perf_counter()
    reason = check(" ".join(["two giarffs standing in a field"] * 170))
    assert reason.evidence.count("giarffs") == 170
    assert time.perf_counter() - start < 5


def test_the_repair_keeps_case_and_punctuation(check) -> None:
    assert check("Umberllas, on a beach!").repair == "Umbrellas, on a beach!"
    assert check("A GIARFFE ON A FEILD").repair == "A GIRAFFE ON A FIELD"


def test_no_training_captions_are_needed() -> None:
    check = TypoCheck([])
    assert check("A giarffe on a beach").repair == "A giraffe on a beach"
    assert check("A giraffe on a beach") is None


def test_a_word_that_training_captions_use_is_a_word() -> None:
    assert TypoCheck([])("A grren ball").repair == "A green ball"
    assert TypoCheck(["The grren of Oz is a beast."] * 20)("A grren ball") is None


def test_a_typo_that_training_captions_share_stays_a_typo() -> None:
    captions = ["A green ball."] * 2000 + ["A grren ball."] * 4
    assert TypoCheck(captions)("A grren ball").repair == "A green ball"


def test_most_typos_put_into_real_captions_are_found_and_few_others(shared_data) -> None:
    images = json.loads((shared_data / "coco90" / "dataset_coco.json").read_text())["images"]
    captions = [s["raw"].strip() for image in images for s in image["sentences"]]
    training, clean = captions[150:], captions[:150]
    check, generator = TypoCheck(training), np.random.default_rng(0)
    slips = [misspell(caption, generator) for caption in clean]
    found = [check(slip) is not None for slip in slips]
    assert np.mean(found) > 0.7
    # One of these real captions in fifty has a typo of its own.
    assert np.mean([check(caption) is not None for caption in clean]) < 0.05


@pytest.fixture(scope="module")
def real_captions(shared_data) -> list[list[str]]:
    """Return the captions of each of 90 images of COCO."""
    images = json.loads((shared_data / "coco90" / "dataset_coco.json").read_text())["images"]
    return [[s["raw"].strip() for s in image["sentences"]] for image in images]


@pytest.fixture(scope="module")
def well_read(real_captions) -> TypoCheck:
    return TypoCheck([caption for captions in real_captions for caption in captions])


CATS = [
    "A cat sits in a small cage.",
    "A gray cat looking out of a metal cage.",
    "The cat is inside a cage on the floor.",
    "A cat in a cage next to a bowl.",
]


def test_the_other_captions_of_the_image_tell_a_word_that_was_not_meant(well_read) -> None:
    assert well_read("a car in a cage", CATS).repair == "a cat in a cage"
    assert well_read("a car in a cage") is None
    bowls = ["Two bowls of rice on a table.", "Bowls with soup and spoons.", "Some bowls of food."]
    reason = well_read("Bows of food with spoons in them sitting on a table.", bowls)
    assert reason.repair == "Bowls of food with spoons in them sitting on a table."


def test_the_other_captions_of_the_image_bear_a_word_out(well_read) -> None:
    assert well_read("a cat in a cage", CATS) is None
    cars = [caption.replace("cat", "car") for caption in CATS]
    assert well_read("a car in a cage", cars) is None
    assert well_read("The traffic lite is green") is not None
    lites = ["A Traffic Lite beer on a table.", "A bottle of lite beer.", "The lite beer is cold."]
    assert well_read("The traffic lite is green", lites) is None


def test_a_gallery_is_checked_image_by_image(real_captions) -> None:
    captions = [*real_captions, ["a car in a cage", *CATS]]
    images = [
        CaptionedImage(i, f"{i}.jpg", tuple(Caption(10 * i + j, t) for j, t in enumerate(texts)))
        for i, texts in enumerate(captions)
    ]
    reasons = typos(Split("tiny", "test", "made by a test", tuple(images)), [])
    assert len(reasons) == sum(map(len, captions))
    assert reasons[-5].evidence == "car, for cat"
    assert reasons[-4:] == [None] * 4
    # Nine of the 450 real captions are flagged, eight of them rightly.
    assert sum(reason is not None for reason in reasons[:-5]) <= 12


def test_a_caption_of_the_gallery_does_not_speak_for_itself() -> None:
    model = LanguageModel([], lambda word: [], ["a frobnik here", "a dog here"])
    assert model.words["frobnik"] == 0
    assert model.words["here"] == 1


def test_the_original_s_easy_captions_are_left_alone(shared_data) -> None:
    queries = json.loads((shared_data / "thesis" / "clip_1k_test.json").read_text())["t2i"]
    check = TypoCheck(CAPTIONS)
    assert sum(check(query["query"]) is not None for query in queries["easy"]) <= 1
    flagged = [q["query"] for q in queries["hard"] if check(q["query"])]
    assert "The traffic lite is green as a car approaches." in flagged
    assert len(flagged) <= 3


def test_probabilities_after_a_word_sum_to_at_most_one() -> None:
    model = LanguageModel(CAPTIONS, lambda word: [])
    words = {word for caption in CAPTIONS for word in phrase_words(caption)}
    assert 0.2 < sum(model.pair("a", word) for word in words) <= 1
    assert model.pair("traffic", "light") > 100 * model.pair("traffic", "lite")


def test_punctuation_parts_phrases() -> None:
    expected = [BOUNDARY, "a", "dog", BOUNDARY, "it's", "2", BOUNDARY, BOUNDARY]
    assert phrase_words("A dog, it’s 2!") == expected


def test_likely_slips_are_likelier_than_others() -> None:
    assert log_slip("hpuse", "house") > log_slip("hzuse", "house")  # neighbouring key
    assert log_slip("houuse", "house") > log_slip("houkse", "house")  # doubled letter
    assert log_slip("hosue", "house") > log_slip("hesuo", "house")  # one slip, not two
    assert log_slip("lite", "light") > log_slip("late", "light")  # same sound


@pytest.mark.parametrize(
    ("one", "other"),
    [("lite", "light"), ("pale", "pail"), ("bare", "bear"), ("flour", "flower"), ("whole", "hole")],
)
def test_words_that_sound_alike_share_a_code(one, other) -> None:
    assert (sound(one) == sound(other)) == (one != "whole")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("dog", "dogs", True),
        ("colour", "color", True),
        ("travelling", "traveling", True),
        ("riding", "ride", True),
        ("cat", "car", False),
        ("bot", "boy", False),
    ],
)
def test_forms_and_spellings_of_one_word_are_told_from_other_words(one, other, same) -> None:
    assert is_form_of(one, other) == same


def test_near_words_include_those_of_training_captions_seen_twice() -> None:
    vocabulary = Vocabulary({"frobnik": 2, "frobnak": 1})
    assert vocabulary.near("frobnuk", 1) == ["frobnik"]
    assert vocabulary.own_near("frobnuk", 1) == ["frobnik"]


def test_near_words_are_usual_ones_and_those_that_captions_have_themselves() -> None:
    rare = min(general_counts()[0].items(), key=lambda item: item[1])[0]
    slip = rare[:-1]
    assert rare not in Vocabulary({}).near(slip, 1)
    assert rare in Vocabulary({rare: 1}).near(slip, 1)
    assert Vocabulary({}).own_near("hosue", 1) == []
    assert "house" in Vocabulary({}).near("hosue", 1)


def test_what_is_not_looked_at_would_not_have_been_meant(monkeypatch) -> None:
    generator = np.random.default_rng(0)
    texts = [misspell(text, generator) for text in CAPTIONS for _ in range(3)]
    captions = [Caption(number, text) for number, text in enumerate(texts)]
    images = (CaptionedImage(i, f"{i}.jpg", tuple(captions[3 * i : 3 * i + 3])) for i in range(10))
    gallery = Split("tiny", "test", "a test", tuple(images))
    found = typos(gallery, CAPTIONS)
    assert any(found)
    monkeypatch.setattr(Siblings, "log_odds_of_unsaid", lambda self, typed: np.inf)
    assert typos(gallery, CAPTIONS) == found
