"""Batches of texts of several images."""

import json

import numpy as np
import torch

from information_retrieval.training.examples.masking import MaskedText
from information_retrieval.training.regions.batch import RegionCollator, text_number
from information_retrieval.training.regions.example import RegionExample


def example(image_index: int, n_texts: int, seed: int = 0) -> RegionExample:
    """Its pixels, its boxes and the second token of its texts tell which they are of."""
    generator = np.random.default_rng((seed, image_index))
    ids = [[2, 100 + 10 * image_index + t, 5][: 2 + t % 2] for t in range(n_texts)]
    own = np.array([10 * image_index + t for t in range(n_texts)], np.float32)
    return RegionExample(
        torch.full((3, 4, 4), float(image_index)),
        tuple(MaskedText(row, [2, 4, *row[2:]], [1]) for row in ids),
        np.repeat(own[:, None], 4, axis=1).reshape(-1, 4),
        np.ones((n_texts, 5), np.int64) * image_index,
        np.arange(n_texts) == 0,
        generator.random(n_texts),
        image_index,
    )


def check_rows_belong_together(batch: dict[str, torch.Tensor]) -> None:
    """Every row is the text, the box, the mask and the image of one region."""
    numbers = batch["input_ids"][:, 1] - 100
    images = numbers // 10
    assert torch.equal(batch["image_index"], images)
    assert torch.equal(batch["pixel_values"][batch["image_of"], 0, 0, 0].long(), images)
    assert torch.equal(batch["boxes"][:, 0].long(), numbers)
    assert torch.equal(batch["image_mask"][:, 0], images)
    assert torch.equal(batch["is_image"], numbers % 10 == 0)
    assert torch.equal(batch["masked_labels"][:, 0], batch["input_ids"][:, 1])
    assert set(batch["image_of"].tolist()) == set(range(len(batch["pixel_values"])))


def test_a_batch_has_each_text_once_and_each_image_once():
    batch = RegionCollator(pad_id=0)([example(3, 4), example(1, 2), example(8, 5)])
    check_rows_belong_together(batch)
    assert batch["pixel_values"].shape == (3, 3, 4, 4)
    numbers = batch["input_ids"][:, 1] - 100
    assert sorted(numbers.tolist()) == [10, 11, 30, 31, 32, 33, 80, 81, 82, 83, 84]
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (11, 3)
    assert batch["boxes"].dtype == torch.float32
    assert batch["is_image"].dtype == torch.bool
    for name in ("image_of", "image_mask", "image_index", "text_number", "masked_positions"):
        assert batch[name].dtype == torch.int64, name


def test_of_too_many_texts_a_random_choice_stays_and_images_without_one_go():
    counts = np.zeros(100)
    collator = RegionCollator(pad_id=0, batch_texts=4)
    for seed in range(600):
        batch = collator([example(image, 3, seed) for image in (1, 2, 5)])
        check_rows_belong_together(batch)
        numbers = batch["input_ids"][:, 1] - 100
        assert len(set(numbers.tolist())) == 4
        assert len(batch["pixel_values"]) == len(set(batch["image_index"].tolist()))
        counts[numbers] += 1
    texts = [10, 11, 12, 20, 21, 22, 50, 51, 52]
    np.testing.assert_allclose(counts[texts] / 600, 4 / 9, atol=0.08)


def test_a_choice_depends_on_the_examples_alone():
    collator = RegionCollator(pad_id=0, batch_texts=4)
    first = collator([example(image, 3) for image in (1, 2, 5)])
    torch.manual_seed(3)
    again = collator([example(image, 3) for image in (1, 2, 5)])
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_an_image_without_a_text_has_no_place_in_the_batch():
    batch = RegionCollator(pad_id=0)([example(1, 2), example(2, 0), example(5, 1)])
    check_rows_belong_together(batch)
    assert batch["pixel_values"][:, 0, 0, 0].tolist() == [1, 5]


def test_equal_texts_of_two_images_have_one_number():
    one, other = example(1, 2), example(2, 2)
    same = RegionExample(**{**vars(other), "texts": one.texts})
    batch = RegionCollator(pad_id=0)([one, same])
    by_text: dict = {}
    for ids, number in zip(batch["input_ids"].tolist(), batch["text_number"].tolist(), strict=True):
        by_text.setdefault(tuple(ids), set()).add(number)
    assert len(by_text) == 2
    assert all(len(numbers) == 1 for numbers in by_text.values())
    assert len(set.union(*by_text.values())) == 2
    # What other processes and other runs say of it.
    assert text_number([2, 7]) == -6909209300252784088
    assert text_number([2, 7]) != text_number([2, 7, 0])


def test_the_recorded_batch_numbers_images_as_ours_does(shared_data):
    """12 texts of 4 images, in random order: each image has its row."""
    recorded = json.loads((shared_data / "xvlm_reference" / "data_vectors.json").read_text())
    theirs = recorded["collate_idx_to_group_img"]
    collator = RegionCollator(pad_id=0, batch_texts=len(theirs))
    ours = collator([example(image, 5) for image in range(4)])["image_of"].tolist()
    assert len(ours) == len(theirs)
    assert set(ours) == set(theirs) == {0, 1, 2, 3}
