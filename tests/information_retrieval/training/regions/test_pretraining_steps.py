"""The batches of pre-training: which images, which kinds, the same after a restart."""

from collections import Counter

import numpy as np
import pytest
import torch

from information_retrieval.training.examples.clean_captions import clean_captions
from information_retrieval.training.regions.pretraining_steps import Batches, PretrainingSteps
from information_retrieval.training.regions.region_images import RegionImages
from preprocess.base.errors import InputError
from preprocess.captions.split_file import write_split
from preprocess.region_phrases.region_file import Region, RegionsFile
from preprocess.storage.images_file import ImagesFile
from tests.conftest import make_split, write_image_files, write_images_of
from tests.information_retrieval.training.regions.small_regions import (
    CONFIG,
    PIXELS,
    masker,
    reader,
    regions_of,
    write_regions_of,
)

N_IMAGES = 13


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    split = make_split(N_IMAGES)
    write_split(folder / "train.json", split)
    write_image_files(folder / "images", split)
    write_images_of(folder, "train")
    write_regions_of(folder / "train_regions.json", split)
    return folder


@pytest.fixture
def make_steps(folder):
    """Gives steps of batches of 3, with regions of 2 images, for a number of processes."""

    def make(
        processes: int = 1,
        with_regions: bool = True,
        size: int = 3,
        seed: int = 0,
        regions_file: str = "train_regions.json",
        own_images: bool = False,
    ):
        split, images = make_split(N_IMAGES), ImagesFile(folder / "train_images.h5")
        tokens = masker(folder)
        regions = RegionsFile(folder / regions_file)
        of = None if own_images else split
        return PretrainingSteps(
            clean_captions(split, tokens.tokenizer, CONFIG),
            images,
            PIXELS,
            tokens,
            RegionImages(regions, images, of, reader(folder)) if with_regions else None,
            Batches(size, 2, processes),
            pad_id=0,
            seed=seed,
        )

    return make


def kinds(steps: PretrainingSteps, epoch: int = 0) -> list[bool]:
    """Which of the items of an epoch are of regions."""
    steps.start_epoch(epoch)
    return ["image_of" in steps[number] for number in range(len(steps))]


def shown(steps: PretrainingSteps, epoch: int) -> list[float]:
    """A number for each image that the image batches of an epoch show, by its caption."""
    steps.start_epoch(epoch)
    items = [steps[number] for number in range(len(steps))]
    return [n for item in items if "image_of" not in item for n in item["text_number"].tolist()]


def test_of_three_steps_two_are_of_images(make_steps):
    steps = make_steps()
    assert len(steps) == 6  # of 13 images 4 batches of 3, and half as many of regions
    orders = [kinds(steps, epoch) for epoch in range(6)]
    assert all(sum(order) == 2 for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_without_regions_all_steps_are_of_images(make_steps):
    assert kinds(make_steps(with_regions=False)) == [False] * 4


def test_processes_have_steps_of_the_same_kind_and_other_images(make_steps):
    steps = make_steps(processes=2)
    assert len(steps) == 2 * (2 + 1)
    found = kinds(steps)
    assert found[::2] == found[1::2]
    assert len(set(shown(steps, 0))) == 12


def test_an_epoch_shows_each_image_once_and_leaves_out_others_each_time(make_steps):
    steps = make_steps(with_regions=False)
    left_out = set()
    for epoch in range(8):
        rows = steps._order(epoch)[: 4 * 3]
        assert len(set(rows.tolist())) == 12
        left_out |= set(range(N_IMAGES)) - set(rows.tolist())
    assert len(left_out) > 3


def test_an_images_captions_take_turns(make_steps):
    steps = make_steps(with_regions=False)
    found = Counter(number for epoch in range(12) for number in shown(steps, epoch))
    n_captions = len(steps.captions.texts)
    assert n_captions - 4 <= len(found) <= n_captions


def test_images_with_regions_are_shown_once_before_any_is_shown_again(make_steps):
    steps = make_steps()
    rows = [
        example.image_index
        for epoch in range(4)
        for batch in range(2)
        for example in steps.region_examples(epoch, batch)
    ]
    assert len(rows) == 16
    assert sorted(rows[:N_IMAGES]) == list(range(N_IMAGES))


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_an_item_depends_on_seed_epoch_and_number_alone(make_steps):
    first, again, other = make_steps(), make_steps(), make_steps(seed=1)
    for steps in (first, again, other):
        steps.start_epoch(3)
    items = [first[number] for number in range(6)]
    for number in (5, 0, 3):
        assert_same(again[number], items[number])
    pixels = [item["pixel_values"] for item in items]
    others = [other[number]["pixel_values"] for number in range(6)]
    assert not any(
        p.shape == o.shape and torch.equal(p, o) for p, o in zip(pixels, others, strict=True)
    )


def test_a_region_batch_has_whole_rows(make_steps):
    steps = make_steps()
    item = steps[kinds(steps).index(True)]
    n = len(item["input_ids"])
    assert 2 <= n <= 3
    assert len(item["pixel_values"]) <= 2
    assert item["boxes"].shape == (n, 4)
    assert item["image_mask"].shape == (n, 17)
    assert set(item["image_of"].tolist()) == set(range(len(item["pixel_values"])))


def wordless(n: int, generator: np.random.Generator) -> tuple[Region, ...]:
    return (Region((0.0, 0.0, 20.0, 20.0), ("?!",)),) * n


def mostly_wordless(n: int, generator: np.random.Generator) -> tuple[Region, ...]:
    """Of one image in four, regions with words."""
    return (regions_of if generator.random() < 0.25 else wordless)(n, generator)


def test_images_without_a_text_are_passed_over_alike_in_all_processes(make_steps, folder):
    write_regions_of(folder / "few.json", make_split(N_IMAGES), regions=mostly_wordless)
    options = {"regions_file": "few.json", "own_images": True}
    steps, again = make_steps(**options), make_steps(**options)
    drawn = [steps._region_example(position) for position in range(N_IMAGES)]
    have_text = [position for position, example in enumerate(drawn) if example.texts]
    assert 2 <= len(have_text) < N_IMAGES / 2
    for epoch in range(6):
        for batch in range(2):
            examples = steps.region_examples(epoch, batch)
            assert [len(example.texts) > 0 for example in examples] == [True, True]
            rows = [example.image_index for example in again.region_examples(epoch, batch)]
            assert [example.image_index for example in examples] == rows
    first = [drawn[position].image_index for position in have_text[:2]]
    assert [example.image_index for example in steps.region_examples(0, 0)] == first
    for number in range(len(steps)):
        assert len(steps[number]["input_ids"])


def test_a_region_file_without_any_text_is_refused_before_training(make_steps, folder):
    write_regions_of(folder / "none.json", make_split(N_IMAGES), regions=wordless)
    with pytest.raises(InputError, match=r"none.json: none of its 13 images"):
        make_steps(regions_file="none.json", own_images=True)
    assert len(make_steps(regions_file="none.json"))  # with captions of the split


def test_fewer_images_than_a_batch_are_refused(make_steps):
    with pytest.raises(InputError, match="a batch of all processes has, 14, found 13"):
        make_steps(size=7, processes=2)


def test_a_worker_reads_the_same(make_steps):
    steps = make_steps()
    loader = torch.utils.data.DataLoader(
        steps, batch_size=1, collate_fn=lambda items: items[0], num_workers=1
    )
    for number, item in enumerate(loader):
        assert_same(item, steps[number])
    assert np.isfinite(item["pixel_values"].numpy()).all()
