"""Both detectors' regions as they were recorded when the code agreed with the published ones.

The first detector was then equal to the recorded outputs that test_faster_rcnn.py reads where it
finds them, the second to slow_faster_rcnn.py. Weights and image are NumPy's random numbers, which
are the same everywhere. `python -m tests.preprocess.detector.test_recorded_regions` records anew.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from preprocess.detector.blob import make_blob
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.faster_rcnn_checkpoint import PUBLISHED
from preprocess.detector.regions import detect
from tests.preprocess.detector.tiny_detector import TINY, random_image

RECORDED = Path(__file__).with_name("recorded_regions.npz")
SIZES = (
    *("min_size", "max_size", "stem_channels", "stage_blocks", "stage_widths", "stage_channels"),
    *("anchor_sizes", "rpn_channels", "rpn_n_after_nms", "n_objects", "n_regions"),
)
TINY_PUBLISHED = dataclasses.replace(PUBLISHED, **{name: getattr(TINY, name) for name in SIZES})
DETECTORS = {"frcnn-vg-finetuned": TINY, "faster_rcnn_res101_vg": TINY_PUBLISHED}


def seeded_detector(config: DetectorConfig) -> FasterRCNN:
    """A detector whose weights depend on NumPy alone."""
    detector = FasterRCNN(config).eval().requires_grad_(False)
    generator = np.random.default_rng(0)
    for name, tensor in detector.state_dict().items():
        if "anchors" in name or "num_batches" in name:
            continue
        numbers = torch.from_numpy(generator.standard_normal(tensor.shape))
        if name.endswith(("running_var", "norm.weight")):
            tensor.copy_(1 + 0.2 * numbers.abs())
        else:
            fan_in = max(1, tensor[0].numel()) if tensor.dim() > 1 else 25
            scale = 0.01 if "deltas" in name or "bbox" in name else 1  # of boxes, which stay boxes
            tensor.copy_(numbers * scale * (2 / fan_in) ** 0.5)
    return detector


@torch.inference_mode()
def stages(config: DetectorConfig) -> dict[str, np.ndarray]:
    """What each stage gives for one image, by name."""
    detector = seeded_detector(config)
    image = random_image(3, height=72, width=96)
    blob = make_blob(image, config).pixels
    features = detector.backbone(blob[None])
    logits, deltas = detector.proposal_generator(features)
    anchors = detector.proposal_generator.anchor_generator(features)
    size = tuple(blob.shape[1:])
    proposals, _ = detector.proposal_generator.propose(logits[0], deltas[0], anchors, size)
    regions = detect(detector, image)
    return {
        "blob": blob[:, ::8, ::8].numpy(),
        "res4": features[0].numpy(),
        "proposals": proposals.numpy(),
        "pooled": detector.roi_heads.pool(features, [proposals]).numpy(),
        "boxes_xyxy": regions.boxes_xyxy,
        "visual_feats": regions.visual_feats,
        "object_ids": regions.object_ids,
        "attribute_ids": regions.attribute_ids,
    }


@pytest.mark.parametrize("name", DETECTORS)
def test_each_stage_is_as_it_was_recorded(name):
    found = stages(DETECTORS[name])
    with np.load(RECORDED) as recorded:
        for stage, array in found.items():
            expected = recorded[f"{name}/{stage}"]
            assert array.shape == expected.shape, stage
            if stage.endswith("_ids"):
                np.testing.assert_array_equal(array, expected, err_msg=stage)
            elif stage in ("proposals", "boxes_xyxy"):
                np.testing.assert_allclose(array, expected, atol=0.05, err_msg=stage)
            else:
                difference = np.linalg.norm(array - expected) / np.linalg.norm(expected)
                assert difference < 1e-3, (stage, difference)


if __name__ == "__main__":
    arrays = {
        f"{name}/{stage}": array
        for name, config in DETECTORS.items()
        for stage, array in stages(config).items()
    }
    np.savez_compressed(RECORDED, **arrays)
