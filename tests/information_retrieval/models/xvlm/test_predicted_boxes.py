"""Boxes of captions in images, in batches, against the plain model."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_convert

from information_retrieval.models.xvlm.predicted_boxes import predicted_boxes
from preprocess.base.errors import InputError
from tests.information_retrieval.models.xvlm.tiny import SIDE, make_xvlm

PAIRS = np.array([(4, 1), (0, 0), (4, 3), (2, 2), (0, 3), (4, 0)])  # images 1 and 3 are in none
TEXTS = [[2, 7, 9], [2, 8], [2], [2, 5, 6, 7, 8, 9, 10]]


class Pixels(torch.utils.data.Dataset):
    """Five images; tells which were read."""

    def __init__(self, side: int = SIDE):
        self.read: list[int] = []
        self.side = side

    def __len__(self) -> int:
        return 5

    def __getitem__(self, row: int) -> torch.Tensor:
        self.read.append(row)
        generator = torch.Generator().manual_seed(row)
        return torch.randn(3, self.side, self.side, generator=generator)


@pytest.fixture(scope="module")
def model():
    return make_xvlm(20)


@pytest.fixture(scope="module")
@torch.inference_mode()
def one_by_one(model) -> np.ndarray:
    """Each pair alone, unpadded, from its centre, width and height to corners."""
    found = []
    for row, column in PAIRS.tolist():
        ids = torch.tensor([TEXTS[column]])
        encoded = model(ids, torch.ones_like(ids), Pixels()[row][None])
        mask = torch.ones_like(ids)
        fused = model.text_encoder.fuse(encoded.text_hidden, mask, encoded.image_tokens)
        x, y, width, height = model.boxes(fused)[0].tolist()
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found.append([min(max(share, 0), 1) for share in corners])
    return np.float32(found)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_boxes_are_those_of_the_plain_model_whatever_the_batches(model, one_by_one, batch_size):
    images = Pixels()
    boxes = predicted_boxes(model, TEXTS, images, PAIRS, batch_size=batch_size)
    np.testing.assert_allclose(boxes, one_by_one, atol=1e-5)
    assert images.read == [0, 2, 4]  # each once, those of no pair never
    assert len(np.unique(boxes, axis=0)) == len(PAIRS)


def test_boxes_are_those_of_the_published_code(reference, pretrained):
    texts = [
        ids[mask.bool()].tolist()
        for ids, mask in zip(
            reference["region_text_ids"], reference["region_text_atts"], strict=True
        )
    ]
    pairs = np.stack([reference["region_group"].numpy(), np.arange(len(texts))], axis=1)
    boxes = predicted_boxes(pretrained, texts, reference.pixels("A", 4, 128), pairs)
    expected = box_convert(reference["bbox_cxcywh"], "cxcywh", "xyxy").clamp(0, 1)
    np.testing.assert_allclose(boxes, expected, atol=1e-5)


def test_boxes_stay_within_the_image(model):
    pairs = np.array([(image, text) for image in range(5) for text in range(4)])
    boxes = predicted_boxes(model, TEXTS, Pixels(), pairs)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()


def test_in_bfloat16_they_are_about_the_same_and_still_many_values(model, one_by_one):
    boxes = predicted_boxes(model, TEXTS, Pixels(), PAIRS, dtype=torch.bfloat16)
    np.testing.assert_allclose(boxes, one_by_one, atol=0.03)
    rounded = torch.from_numpy(boxes).bfloat16().float().numpy()
    assert (rounded != boxes).any()


def test_without_pairs_there_is_nothing_to_predict(model):
    images = Pixels()
    none = np.empty((0, 2), np.int64)
    assert predicted_boxes(model, TEXTS, images, none).shape == (0, 4)
    assert images.read == []


def test_images_of_another_size_are_refused(model):
    with pytest.raises(InputError, match="64 x 64 pixels, found 32 x 32"):
        predicted_boxes(model, TEXTS, Pixels(32), PAIRS)
