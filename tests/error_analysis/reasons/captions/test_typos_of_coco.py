"""Typos of COCO's captions, against labels made by hand and against slips put into them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from error_analysis.reasons.captions.general_english import general_counts
from error_analysis.reasons.captions.slips import Vocabulary, log_slip
from error_analysis.reasons.captions.spellings import is_form_of
from error_analysis.reasons.captions.typos import TypoCheck, typos
from error_analysis.reasons.words import tokenize
from preprocess.captions.split_file import read_split

LABELS = json.loads(Path(__file__).with_name("typo_labels.json").read_text("utf-8"))


@pytest.mark.long
@pytest.mark.parametrize("n_training", [0, 20_000])
@pytest.mark.parametrize(("images", "least"), [("1K test", 0.9), ("images 4,001 to 5,000", 0.85)])
def test_nine_in_ten_typos_of_coco_are_typos_by_hand(shared_data, images, least, n_training):
    split = read_split(shared_data / "coco5k" / "test.json")
    first = 0 if images == "1K test" else 4000
    gallery = replace(split, images=split.images[first : first + 1000])
    others = [i for i in split.images if i not in set(gallery.images)] if n_training else []
    labels = LABELS[images]
    found = typos(gallery, [caption.caption for image in others for caption in image.captions])
    right = []
    for caption_id, reason in zip(gallery.caption_ids.tolist(), found, strict=True):
        if reason is not None:
            words = [slip.partition(", for ")[0] for slip in reason.evidence.split("; ")]
            # What was not flagged when the labels were made has none: it counts as wrong.
            right.append(any(labels.get(str(caption_id), {}).get(word) for word in words))
    assert len(right) > 80
    assert np.mean(right) >= least


@pytest.mark.long
def test_real_words_put_in_place_of_others_are_found_better_beside_siblings(shared_data):
    split = read_split(shared_data / "coco5k" / "test.json")
    gallery = replace(split, images=split.images[2000:2400])
    check = TypoCheck([], gallery.captions)
    generator, beside, alone = np.random.default_rng(0), [], []
    for image in gallery.images:
        texts = [caption.caption for caption in image.captions]
        slip = real_word_slip(texts[0], check, generator)
        if slip is not None:
            beside.append(check(slip, texts[1:]) is not None)
            alone.append(check(slip) is not None)
    assert len(alone) > 250
    assert np.mean(beside) >= 0.6
    assert np.mean(alone) >= 0.35


def real_word_slip(caption: str, check: TypoCheck, generator: np.random.Generator) -> str | None:
    """The caption with a word of it in a spelling near it that is another word of English."""
    general = general_counts()[0]
    vocabulary = Vocabulary({})
    words = [token for token in tokenize(caption) if token.is_plain and len(token.text) > 1]
    token = words[generator.integers(len(words))]
    near = [
        word
        for word in vocabulary.near(token.lower, 1)
        if general.get(word, 0) > 10**6 and not is_form_of(word, token.lower)
    ]
    if not near:
        return None
    weights = np.exp([log_slip(word, token.lower) for word in near])
    word = generator.choice(near, p=weights / weights.sum())
    return caption[: token.start] + word + caption[token.end :]
