"""Images as examples of regions: which texts, and that boxes follow the pixels."""

import json
from dataclasses import replace
from math import trunc

import numpy as np
import pytest
import torch

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.region_tokens import region_mask
from information_retrieval.training.examples.augmentation import Crop, PixelFormat
from information_retrieval.training.examples.masking import WordMasker
from information_retrieval.training.regions.example import (
    RegionExample,
    RegionReader,
    RegionText,
    draw_crop_around,
    draw_phrase,
)
from information_retrieval.training.regions.geometry import crop_ranges
from preprocess.region_phrases.region_file import Region
from tests.conftest import bert_tokenizer

SIDE = 128
NO_CHANGE = PixelFormat(SIDE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> RegionReader:
    tokenizer = single_sequence_tokenizer(bert_tokenizer(tmp_path_factory.mktemp("tokenizer")))
    return RegionReader(NO_CHANGE, WordMasker(tokenizer))


def region(box, *phrases: str, attributes: tuple[str, ...] = ()) -> Region:
    return Region(box, phrases, attributes)


def decoded(reader: RegionReader, example: RegionExample) -> list[str]:
    return [reader.masker.tokenizer.decode(text.token_ids[1:]) for text in example.texts]


IMAGE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
REGIONS = [
    region((10, 10, 50, 40), "red cat"),
    region((40.5, 20, 60, 60), "big dog", "dog"),
    region((0, 0, 120, 90), "house", attributes=("blue", "small")),
    region((70, 50, 20, 20), "car"),
    region((100, 2, 15, 80), "tree"),
    region((5, 60, 30, 25), "two tree"),
]


def test_texts_boxes_and_masks_of_the_record_follow_from_crop_and_flip(shared_data, reader):
    recorded = json.loads((shared_data / "xvlm_reference" / "data_vectors.json").read_text())
    for sample in recorded["region_samples"]:
        elements = recorded["region_images"][sample["image"]]["elems"]
        crop = Crop(*sample["crop_xywh"])
        texts = []
        for element, text in zip(sample["elem"], sample["text"], strict=True):
            if element < 0:
                caption = recorded["region_images"][sample["image"]]["caption"]
                drawn = reader.draw_texts(crop, [], caption, np.random.default_rng(0))
            else:
                made = recorded_region(elements[element])
                seen = [(made.box, made)]
                drawn = reader.draw_texts(crop, seen, (), np.random.default_rng(0))
            assert [found.text for found in drawn] == [text]
            texts += drawn
        boxes, masks = reader.targets(texts, crop, sample["flip"])
        np.testing.assert_allclose(boxes, sample["target_cxcywh"], atol=1e-6)
        assert ["".join(map(str, mask)) for mask in masks] == sample["image_atts"]
        assert [text.box is None for text in texts] == sample["is_image"]


def recorded_region(element: dict) -> Region:
    def several(values) -> tuple[str, ...]:
        return (values,) if isinstance(values, str) else tuple(values)

    box = tuple(map(trunc, element["bb"]))  # as the published code reads it
    return Region(box, several(element["caption"]), several(element.get("attributes", ())))


def test_an_example_has_its_shapes_and_its_caption_first(reader):
    generator = np.random.default_rng(0)
    for _ in range(20):
        example = reader.draw(IMAGE, REGIONS, ["A house, and a tree."], 7, generator)
        n = len(example.texts)
        assert 2 <= n <= 5
        assert example.pixel_values.shape == (3, SIDE, SIDE)
        assert example.boxes.shape == (n, 4)
        assert example.boxes.dtype == np.float32
        assert example.image_mask.shape == (n, 17)
        assert example.is_image.tolist() == [True] + [False] * (n - 1)
        assert example.boxes[0].tolist() == [0.5, 0.5, 1, 1]
        assert example.image_mask[0].all()
        assert decoded(reader, example)[0] == "a house and a tree"
        assert example.order.shape == (n,)
        assert example.image_index == 7


def test_masks_are_those_of_the_boxes(reader):
    example = reader.draw(IMAGE, REGIONS, (), 0, np.random.default_rng(1))
    assert not example.is_image.any()
    for (x, y, width, height), mask in zip(example.boxes * SIDE, example.image_mask, strict=True):
        box = (float(x - width / 2), float(y - height / 2), float(width), float(height))
        assert mask.tolist() == region_mask(box, SIDE).tolist()


def test_boxes_follow_the_pixels_through_crop_flip_and_resize(reader):
    """A bright rectangle on black, which nothing covers, is where its box says."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[30:60, 40:80] = 200
    places = set()
    for seed in range(30):
        generator = np.random.default_rng(seed)
        example = reader.draw(image, [region((40, 30, 40, 30), "car")], (), 0, generator)
        ((x, y, width, height),) = example.boxes * SIDE
        rows, columns = np.nonzero(example.pixel_values[0].numpy() > 0.35)
        edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        expected = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        np.testing.assert_allclose(edges, expected, atol=2.5)
        places.add(round(float(x)))
    assert len(places) > 10


def test_crops_hold_their_box_and_reach_both_ends_of_their_ranges():
    box, size = (3.5, 2, 4.2, 5), (10, 12)
    generator = np.random.default_rng(0)
    crops = [draw_crop_around(box, size, generator) for _ in range(3000)]
    edges = np.array([(c.left, c.top, c.left + c.width, c.top + c.height) for c in crops])
    for drawn, (lowest, highest) in zip(edges.T, crop_ranges(box, size), strict=True):
        values, counts = np.unique(drawn, return_counts=True)
        assert values.tolist() == list(range(lowest, highest + 1))
        np.testing.assert_allclose(counts / 3000, 1 / len(values), atol=0.05)


def test_a_phrase_is_one_of_the_regions_after_one_of_its_attributes():
    generator = np.random.default_rng(0)
    made = region((0, 0, 1, 1), "dog", "animal", attributes=("black", "small"))
    drawn = {draw_phrase(made, generator) for _ in range(100)}
    assert drawn == {"black dog", "small dog", "black animal", "small animal"}
    assert draw_phrase(region((0, 0, 1, 1), "dog"), generator) == "dog"


def test_at_most_five_texts_in_any_order(reader):
    generator = np.random.default_rng(0)
    seen = [((0, 0, 120, 90), region((0, 0, 120, 90), word)) for word in "abcdefgh"]
    orders = set()
    for _ in range(200):
        texts = [text.text for text in reader.draw_texts(Crop(0, 0, 120, 90), seen, (), generator)]
        assert len(set(texts)) == 5
        orders.add(texts[0])
    assert orders == set("abcdefgh")
    with_caption = reader.draw_texts(Crop(0, 0, 120, 90), seen, ["caption"], generator)
    assert len(with_caption) == 5
    assert with_caption[0] == RegionText("caption", None)


def test_odd_regions_are_left_out_and_the_others_stay(reader):
    odd = [
        region((10, 10, 0, 5), "no area"),
        region((200, 10, 5, 5), "outside"),
        region((100, 70, 40, 40), "car"),  # reaches out of the image
        region((10, 10, 20, 20), "..."),  # empty when cleaned
    ]
    found = set()
    for seed in range(40):
        example = reader.draw(IMAGE, odd, (), 0, np.random.default_rng(seed))
        found |= set(decoded(reader, example))
        assert ((example.boxes >= 0) & (example.boxes <= 1)).all()
    assert found == {"car"}


def test_texts_in_pieces_are_joined_and_not_cleaned_again(reader):
    joined = replace(reader, tokenized=True)
    assert joined.clean("two skate ##board ##s , left") == "two skateboards , left"
    assert reader.clean("two skate-boards, left") == "two skate boards left"


def test_an_image_without_any_text_is_an_example_of_none(reader):
    example = reader.draw(IMAGE, [], [" ... "], 0, np.random.default_rng(0))
    assert example.texts == ()
    assert example.boxes.shape == (0, 4)
    assert example.image_mask.shape == (0, 17)
    assert example.order.shape == example.is_image.shape == (0,)


def test_an_image_whose_texts_name_a_side_is_not_flipped(reader):
    image = np.zeros((64, 64, 3), np.uint8) + np.linspace(0, 255, 64).astype(np.uint8)[:, None]
    for phrase, flipped in (("car", True), ("left car", False)):
        regions = [region((0, 0, 64, 64), phrase)]
        draws = [
            reader.draw(image, regions, (), 0, np.random.default_rng(seed)).pixel_values
            for seed in range(40)
        ]
        darker = [bool(view[..., :64].mean() > view[..., 64:].mean()) for view in draws]
        assert any(darker) == flipped


def test_an_example_depends_on_its_generator_alone(reader):
    def draw(seed) -> RegionExample:
        return reader.draw(IMAGE, REGIONS, ["house"], 7, np.random.default_rng(seed))

    first = draw((3, 1, 7))
    draw(0)
    torch.manual_seed(5)
    again, other = draw((3, 1, 7)), draw((3, 2, 7))
    assert torch.equal(first.pixel_values, again.pixel_values)
    assert first.texts == again.texts
    for name in ("boxes", "image_mask", "order"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.pixel_values, other.pixel_values)
