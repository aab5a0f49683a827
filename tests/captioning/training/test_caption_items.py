"""Training captions as items and batches, and over how many targets a loss is the mean."""

import pytest
import torch

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.losses import NO_TARGET
from captioning.models.vocabulary import build_word_vocabulary
from captioning.training.caption_items import (
    FILLER,
    EncodedCaptions,
    caption_targets,
    collate,
    count_captions,
    count_targets,
    least_words,
)
from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile
from tests.captioning.conftest import split_of
from tests.captioning.models.tiny import make_captioner, make_images
from tests.captioning.training.small_run import write_encodings

CAPTIONS = [["a dog runs", "..."], ["a cat", "a dog and a cat and a dog", "dog"]]


@pytest.fixture
def vocabulary():
    return build_word_vocabulary(["a dog runs", "a cat"], min_count=1)


def test_captions_end_or_are_cut_and_the_wordless_are_left_out(vocabulary):
    targets = caption_targets(split_of(CAPTIONS), vocabulary, max_words=5)
    end = vocabulary.end_id
    assert [ids[-1] == end for ids in targets.token_ids] == [True, True, False, True]
    assert [len(ids) for ids in targets.token_ids] == [4, 3, 5, 2]
    assert targets.image_ids == [10, 11, 11, 11]
    assert targets.without_words == (1,)
    assert targets.cut == (3,)
    assert targets.unknown_share == 2 / 14  # "and", twice
    assert len(targets.told()) == 2


def test_a_caption_of_just_the_limit_ends(vocabulary):
    targets = caption_targets(split_of([["a dog runs"]]), vocabulary, max_words=4)
    assert targets.cut == ()
    assert targets.token_ids[0][-1] == vocabulary.end_id


def test_a_split_without_words_is_refused(vocabulary):
    with pytest.raises(InputError, match="none of 2 captions has a word"):
        caption_targets(split_of([["...", "!"]]), vocabulary, max_words=5)


def test_an_item_is_a_caption_with_its_images_encoding(vocabulary, tmp_path):
    split = split_of(CAPTIONS)
    encodings = EncodingsFile(write_encodings(tmp_path / "e.h5", split))
    items = EncodedCaptions(split, caption_targets(split, vocabulary, 9), encodings)
    assert len(items) == 4
    batch = collate([items[n] for n in range(4)])
    assert batch["encodings"].shape == (4, 8)
    assert torch.equal(batch["encodings"][0], torch.from_numpy(encodings.read(10)))
    assert torch.equal(batch["encodings"][1], batch["encodings"][3])
    assert batch["labels"].shape == (4, 9)
    assert (batch["labels"][3] != NO_TARGET).sum() == 2
    more = split_of([*CAPTIONS, ["a cat"]])
    targets = caption_targets(more, vocabulary, 9)
    with pytest.raises(InputError, match="image 12 is not in the file"):
        EncodedCaptions(more, targets, encodings)


@pytest.mark.parametrize(
    "config",
    [
        {"learn_start": True},
        {"decoder": "attention", "penalty_over": "sum"},
        {"decoder": "attention", "omit_last_targets": True},
    ],
)
def test_what_fills_a_batch_up_is_not_learnt(vocabulary, tmp_path, config):
    split = split_of(CAPTIONS)
    path = write_encodings(tmp_path / "e.h5", split, tokens="decoder" in config)
    items = EncodedCaptions(split, caption_targets(split, vocabulary, 9, 2), EncodingsFile(path))
    model = make_captioner(seed=0, dropout=0.0, **config)
    whole = collate([items[n] for n in range(len(items))])
    filled = collate([*(items[n] for n in range(len(items))), items[FILLER]])
    assert count_captions(filled["labels"]) == len(items)
    assert count_targets(filled["labels"], model.config) == count_targets(
        whole["labels"], model.config
    )
    assert model(**filled).loss.item() == pytest.approx(model(**whole).loss.item(), rel=1e-6)
    alone = collate([items[FILLER]] * 2)
    model(**alone).loss.backward()
    assert model(**alone).loss.item() == 0
    assert all((p.grad == 0).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("config", "expected"),
    [({}, 9), ({"learn_start": True}, 12), ({"decoder": "attention"}, 9)],
)
def test_the_mean_times_the_targets_counted_is_the_sum_over_captions(config, expected):
    model = make_captioner(seed=0, dropout=0.0, **config)
    images = make_images(config.get("decoder", "lstm"))
    labels = torch.tensor([[4, 5, 6, 2], [7, 2, NO_TARGET, NO_TARGET], [4, 9, 2, NO_TARGET]])
    assert count_targets(labels, model.config) == expected
    each = [(images[n : n + 1], labels[n : n + 1]) for n in range(3)]
    sums = [model(*one).word_loss * count_targets(one[1], model.config) for one in each]
    whole = model(images, labels).word_loss * expected
    assert whole.item() == pytest.approx(sum(sums).item(), rel=1e-5)


def test_targets_that_the_papers_attention_omits_are_not_counted():
    config = LstmCaptionerConfig(decoder="attention", omit_last_targets=True)
    labels = torch.tensor([[4, 5, 6, 2], [7, 2, NO_TARGET, NO_TARGET]])
    assert count_targets(labels, config) == 2
    assert least_words(config) == 2
    assert least_words(LstmCaptionerConfig()) == 1
