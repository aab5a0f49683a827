"""Random crops, flips, and RandAugment's operations."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from information_retrieval.training.examples.augmentation import (
    COLOUR,
    GEOMETRIC,
    Crop,
    PixelFormat,
    draw_crop,
    draw_flip,
    names_a_side,
    rand_augment,
    random_view,
    vary,
)

PIXELS = PixelFormat(32, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
RECORDED_NAMES = {
    "shear_x": "ShearX",
    "shear_y": "ShearY",
    "translate_x": "TranslateX",
    "translate_y": "TranslateY",
    "rotate": "Rotate",
}


@pytest.fixture(scope="module")
def recorded(shared_data):
    return np.load(shared_data / "xvlm_reference" / "xvlm_reference.npz")


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Blocks of colours, none of them 0 or 255."""
    blocks = np.random.default_rng(0).integers(20, 230, (5, 7, 3), np.uint8)
    return np.repeat(np.repeat(blocks, 8, axis=0), 8, axis=1)  # (40, 56, 3)


def difference(image: Image.Image, expected: np.ndarray) -> np.ndarray:
    return np.abs(np.asarray(image).astype(int) - expected.astype(int))


@pytest.mark.parametrize("operation", ["identity", "equalize", "brightness"])
def test_these_are_the_recorded_ones_to_the_bit(recorded, operation):
    image = Image.fromarray(recorded["augment_input"])
    expected = recorded[f"augment_{operation.capitalize()}"]
    np.testing.assert_array_equal(vary(image, operation), expected)


@pytest.mark.parametrize("operation", ["translate_x", "translate_y"])
@pytest.mark.parametrize("sign", [1, -1])
def test_pictures_move_as_recorded_to_the_bit(recorded, operation, sign):
    image = Image.fromarray(recorded["augment_input"])
    name = f"augment_{RECORDED_NAMES[operation]}{'_negative' if sign < 0 else ''}"
    np.testing.assert_array_equal(vary(image, operation, sign), recorded[name])


@pytest.mark.parametrize("operation", ["shear_x", "shear_y", "rotate"])
@pytest.mark.parametrize("sign", [1, -1])
def test_pictures_lean_and_turn_as_recorded_but_for_half_a_pixel(recorded, operation, sign):
    image = Image.fromarray(recorded["augment_input"])
    name = f"augment_{RECORDED_NAMES[operation]}{'_negative' if sign < 0 else ''}"
    assert difference(vary(image, operation, sign), recorded[name]).mean() < 4
    assert difference(vary(image, operation, -sign), recorded[name]).mean() > 30


def test_sharpness_is_the_recorded_one_where_that_did_not_wrap_around(recorded):
    found = vary(Image.fromarray(recorded["augment_input"]), "sharpness")
    wrong = difference(found, recorded["augment_Sharpness"])
    wrapped = wrong > 128
    assert wrapped.any()
    assert wrong[~wrapped].max() <= 1
    assert set(np.asarray(found)[wrapped]) <= {0, 255}


def test_autocontrast_stretches_each_channel_and_whitens_none(picture):
    found = np.asarray(vary(Image.fromarray(picture), "autocontrast"), float)
    low, high = picture.min((0, 1)).astype(float), picture.max((0, 1)).astype(float)
    np.testing.assert_allclose(found, 255 * (picture - low) / (high - low), atol=1)


def test_what_comes_from_outside_is_grey(picture):
    for operation in GEOMETRIC:
        found = np.asarray(vary(Image.fromarray(picture), operation))
        edges = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
        assert (edges == 128).all(axis=1).any(), operation
    assert (np.asarray(vary(Image.fromarray(picture), "translate_x"))[:, -7:] == 128).all()


def test_half_of_two_operations_are_carried_out():
    """Of a grey picture, the brightness tells how often it was raised."""
    image = Image.fromarray(np.full((8, 8, 3), 100, np.uint8))
    generator = np.random.default_rng(0)
    levels = [
        rand_augment(image, ("brightness",), generator).getpixel((0, 0))[0] for _ in range(4000)
    ]
    shares = [np.mean(np.isclose(levels, level, atol=1)) for level in (100, 136, 185)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.03)


def test_both_signs_and_all_operations_are_drawn():
    generator = np.random.default_rng(0)
    image = Image.fromarray(generator.integers(20, 230, (24, 24, 3), np.uint8))
    drawn = {rand_augment(image, COLOUR + GEOMETRIC, generator).tobytes() for _ in range(2000)}
    for operation in COLOUR + GEOMETRIC:
        for sign in (1, -1):
            assert vary(image, operation, sign).tobytes() in drawn, (operation, sign)


@pytest.mark.parametrize("least_area", [0.2, 0.5])
@pytest.mark.parametrize("size", [(480, 640), (300, 200), (50, 400)])
def test_crops_are_torchvisions_in_size_shape_and_place(least_area, size):
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    transform = v2.RandomResizedCrop(32, (least_area, 1))
    image = torch.zeros(3, *size)
    found, expected = [], []
    for _ in range(4000):
        crop = draw_crop(size, least_area, generator)
        found.append((crop.left, crop.top, crop.width, crop.height))
        theirs = transform.make_params([image])
        expected.append([theirs[name] for name in ("left", "top", "width", "height")])
    found, expected = np.array(found, float), np.array(expected, float)
    assert (found[:, :2] >= 0).all()
    assert (found[:, :2] + found[:, 2:] <= (size[1], size[0])).all()
    np.testing.assert_allclose(found.mean(0), expected.mean(0), rtol=0.05, atol=1.5)
    np.testing.assert_allclose(found.std(0), expected.std(0), rtol=0.08, atol=1.5)


def test_a_crop_is_cut_resized_and_flipped(picture):
    image, crop = Image.fromarray(picture), Crop(5, 3, 30, 20)
    part = image.crop((5, 3, 35, 23)).resize((16, 16), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(crop.cut(image, 16), part)
    flipped = crop.cut(image, 16, flipped=True)
    np.testing.assert_array_equal(flipped, np.asarray(part)[:, ::-1])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a man on the left", True),
        ("Left of the door", True),
        ("left/right", True),
        ("the right-hand door", True),
        ("leftmost man", True),
        ("a bright day", False),
        ("cleft rock, an upright piano", False),
        ("", False),
    ],
)
def test_a_side_is_named_by_a_word_of_its_own(text, named):
    assert names_a_side(["a dog", text]) == named


def test_half_of_the_images_are_flipped_but_none_whose_text_names_a_side():
    generator = np.random.default_rng(0)
    flips = [draw_flip(["a bright day"], generator) for _ in range(4000)]
    assert np.mean(flips) == pytest.approx(0.5, abs=0.03)
    assert not any(draw_flip(["a dog", "the left door"], generator) for _ in range(100))


def test_a_view_depends_on_its_generator_alone(picture):
    def view(seed) -> torch.Tensor:
        return random_view(picture, ["a dog"], PIXELS, 0.5, np.random.default_rng(seed))

    first = view((3, 1, 7))
    assert first.shape == (3, 32, 32)
    assert first.dtype == torch.float32
    view(0)
    torch.manual_seed(5)
    assert torch.equal(view((3, 1, 7)), first)
    assert not torch.equal(view((3, 2, 7)), first)


def test_a_text_that_names_a_side_keeps_a_view_from_being_flipped():
    """Dark to the left, bright to the right, whatever is done to it."""
    picture = np.zeros((64, 64, 3), np.uint8) + np.linspace(0, 255, 64).astype(np.uint8)[:, None]
    generator = np.random.default_rng(0)
    flipped = {}
    for text in ("a dog", "the dog to the right"):
        views = [random_view(picture, [text], PIXELS, 0.8, generator) for _ in range(60)]
        flipped[text] = [bool(v[:, 8:24, 8:15].mean() > v[:, 8:24, 17:24].mean()) for v in views]
    assert 10 < sum(flipped["a dog"]) < 50
    assert not any(flipped["the dog to the right"])


def test_pixels_are_normalised_by_mean_and_standard_deviation(picture):
    image = Image.fromarray(picture).resize((32, 32))
    expected = (np.asarray(image) / 255 - PIXELS.mean) / PIXELS.std
    found = PIXELS.to_tensor(image).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
