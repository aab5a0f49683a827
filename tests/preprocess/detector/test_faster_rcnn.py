import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from preprocess import extract_features
from preprocess.base.errors import InputError
from preprocess.base.files import write_json
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from preprocess.detector.blob import make_blob
from preprocess.detector.boxes import cell_anchors
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.regions import detect, detect_in_blobs
from preprocess.storage.features_file import FeaturesFile
from tests.preprocess.detector.tiny_detector import TINY, random_detector, random_image

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
REFERENCE = SHARED / "data" / "frcnn_reference"
COCO90 = SHARED / "data" / "coco90" / "images"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="needs the recorded outputs in ../shared/data/frcnn_reference"
)

# The settings of each recorded case, where they differ from the defaults.
CASES = {
    "lx": {},
    "bgr": {"min_size": 800, "max_size": 1333, "nms_thresholds": (0.5, 0.6, 0.7)},
    "loop": {"rpn_n_after_nms": 38, "nms_thresholds": (0.5, 0.6, 0.7)},
}


@pytest.fixture(scope="module")
def published_shapes() -> dict[str, list[int]]:
    return json.loads((REFERENCE / "state_dict_shapes.json").read_text())


@pytest.fixture(scope="module")
def published_state(published_shapes):
    spec = importlib.util.spec_from_file_location("seeded", REFERENCE / "seeded_weights.py")
    seeded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seeded)
    arrays = seeded.seeded_state_dict(published_shapes)
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def recorded():
    with np.load(REFERENCE / "reference_outputs.npz") as outputs:
        return dict(outputs)


def published_detector(state: dict, case: str) -> FasterRCNN:
    with torch.device("meta"):
        detector = FasterRCNN(dataclasses.replace(DetectorConfig(), **CASES[case]))
    detector.load_state_dict(state, assign=True)  # shares the 65 million numbers
    return detector.eval()


def recorded_path(recorded: dict, index: int) -> Path:
    return next(COCO90.rglob(f"*{recorded['files'][index]}"))


def recorded_image(recorded: dict, index: int) -> np.ndarray:
    with Image.open(recorded_path(recorded, index)) as image:
        return np.asarray(image.convert("RGB"))


def relative_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest over rows of the norm of the difference over the norm."""
    difference = np.linalg.norm(found - expected, axis=-1)
    return float((difference / np.linalg.norm(expected, axis=-1)).max())


@needs_reference
def test_the_default_detector_has_the_published_names_and_shapes(published_shapes):
    with torch.device("meta"):
        state = FasterRCNN(DetectorConfig()).state_dict()
    assert {name: list(tensor.shape) for name, tensor in state.items()} == published_shapes
    assert len(state) == 640


@needs_reference
def test_the_default_anchors_are_the_published_ones(published_state):
    config = DetectorConfig()
    expected = published_state["proposal_generator.anchor_generator.cell_anchors.0"]
    assert torch.equal(cell_anchors(config.anchor_sizes, config.anchor_ratios), expected)


@pytest.mark.long
@needs_reference
@pytest.mark.parametrize(("case", "index"), [("lx", 0), ("bgr", 1)])
@torch.inference_mode()
def test_each_stage_equals_the_published_detector(published_state, recorded, case, index):
    expected = {
        key.removeprefix(f"{case}_stage_"): array[index]
        for key, array in recorded.items()
        if key.startswith(f"{case}_stage_")
    }
    detector = published_detector(published_state, case)
    blob = make_blob(recorded_image(recorded, index), detector.config).pixels
    assert (1, *blob.shape) == tuple(expected["input_shape"])
    assert np.abs(blob[:, 100:104, 100:104].numpy() - expected["input_patch"]).max() < 1e-4
    assert np.allclose([blob.mean(), blob.std()], expected["input_mean_std"], rtol=1e-5)

    features = detector.backbone(blob[None])
    assert tuple(features.shape) == tuple(expected["res4_shape"])
    patch = features[0, :16, 10:14, 10:14].numpy()
    assert relative_difference(patch.reshape(1, -1), expected["res4_patch"].reshape(1, -1)) < 1e-4

    generator = detector.proposal_generator
    logits, deltas = generator(features)
    proposals, logits = generator.propose(
        logits[0], deltas[0], generator.anchor_generator(features), tuple(blob.shape[1:])
    )
    # Near ties may swap places with the number of threads: each proposal is somewhere among ours.
    apart = np.abs(proposals.numpy()[:, None] - expected["proposals"]).max(axis=2)  # (300, 300)
    assert apart.min(axis=0).max() < 0.05
    assert np.abs(logits.numpy() - expected["proposal_logits"]).max() < 1e-3

    first8 = torch.from_numpy(expected["proposals"][:8])
    pooled = detector.roi_heads.pool(features, [first8])
    assert relative_difference(pooled.numpy(), expected["pooled_first8"]) < 1e-3
    logits = detector.roi_heads.box_predictor(pooled).object_logits
    probabilities, classes = logits.softmax(dim=1)[:, :-1].max(dim=1)
    assert np.array_equal(classes, expected["max_classes"][:8])
    assert np.abs(probabilities.numpy() - expected["max_probs"][:8]).max() < 1e-3


def assert_published(found: dict, recorded: dict, case: str, index: int) -> None:
    """The regions are the recorded ones, in the same order."""
    expected = {
        key.removeprefix(f"{case}_"): array[index]
        for key, array in recorded.items()
        if key.startswith(f"{case}_")
    }
    assert np.abs(found["visual_pos"] - expected["normalized_boxes"]).max() < 5e-5
    assert relative_difference(found["visual_feats"], expected["roi_features"]) < 1e-3
    assert np.array_equal(found["object_ids"], expected["obj_ids"])
    assert np.array_equal(found["attribute_ids"], expected["attr_ids"])
    assert np.abs(found["object_scores"] - expected["obj_probs"]).max() < 1e-3
    assert np.abs(found["attribute_scores"] - expected["attr_probs"]).max() < 1e-3
    assert found["n_fillers"] == 0


@pytest.mark.long
@needs_reference
@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("case", ["bgr", "loop"])
def test_regions_equal_the_published_detector(published_state, recorded, case, index):
    detector = published_detector(published_state, case)
    regions = detect(detector, recorded_image(recorded, index))
    assert np.abs(regions.boxes_xyxy - recorded[f"{case}_boxes"][index]).max() < 0.05
    assert_published(dataclasses.asdict(regions), recorded, case, index)


@pytest.mark.long
@needs_reference
def test_the_command_with_its_defaults_writes_the_published_features(
    published_state, recorded, tmp_path, run_main
):
    torch.save(published_state, tmp_path / "pytorch_model.bin")
    write_json(tmp_path / "config.json", dataclasses.asdict(DetectorConfig()))
    paths = [recorded_path(recorded, index) for index in range(3)]
    images = tuple(
        CaptionedImage(index, str(path.relative_to(COCO90)), (Caption(index, "a caption"),))
        for index, path in enumerate(paths)
    )
    write_split(tmp_path / "test.json", Split("coco", "test", "coco90", images))
    files = ("--split_file", tmp_path / "test.json", "--image_root", COCO90)
    output = ("--weights", tmp_path, "--output", tmp_path / "f.h5")
    assert run_main(extract_features.main, *files, *output, "--device", "cpu") == 0
    features = FeaturesFile(tmp_path / "f.h5")
    for index in range(3):
        assert_published(features.read(index), recorded, "lx", index)


def test_regions_have_the_shapes_and_ranges_of_the_schema():
    regions = detect(random_detector(), random_image(0, height=48, width=80))
    assert regions.visual_feats.shape == (6, 24)
    assert regions.visual_feats.dtype == np.float32
    assert regions.visual_pos.shape == regions.boxes_xyxy.shape == (6, 4)
    assert ((regions.visual_pos >= 0) & (regions.visual_pos <= 1)).all()
    np.testing.assert_allclose(regions.visual_pos * [80, 48, 80, 48], regions.boxes_xyxy, rtol=1e-5)
    assert (np.diff(regions.object_scores[: 6 - regions.n_fillers]) <= 0).all()
    assert set(regions.object_ids) <= set(range(5))
    assert set(regions.attribute_ids) <= set(range(3))


def test_features_belong_to_the_proposals_and_boxes_to_the_refined_regions():
    detector = random_detector()
    image = random_image(1)
    before = detect(detector, image)
    torch.nn.init.constant_(detector.roi_heads.box_predictor.bbox_pred.bias, 0.5)
    after = detect(detector, image)
    shared = {feature.tobytes() for feature in before.visual_feats}
    assert shared & {feature.tobytes() for feature in after.visual_feats}
    assert np.abs(before.boxes_xyxy - after.boxes_xyxy).max() > 0.5


def test_an_image_with_too_few_proposals_is_bad_input():
    config = dataclasses.replace(TINY, rpn_n_after_nms=20, n_regions=20, rpn_nms_threshold=0.01)
    detector = random_detector(config=config)
    with pytest.raises(InputError, match=r"yields \d+ proposals, expected at least 20"):
        detect(detector, random_image(0))


def test_the_regions_of_an_image_are_the_same_again_after_another_image():
    detector = random_detector()
    blobs = [make_blob(random_image(seed), TINY) for seed in (0, 1)]
    first, _, again = (detect_in_blobs(detector, [blobs[i]])[0] for i in (0, 1, 0))
    assert np.array_equal(first.visual_feats, again.visual_feats)
    assert np.array_equal(first.visual_pos, again.visual_pos)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_size": 700, "max_size": 600}, "min_size <= max_size"),
        ({"n_regions": 301}, "n_regions: expected 1 to 300"),
        ({"nms_thresholds": ()}, "nms_thresholds"),
        ({"nms_thresholds": (0.5, 0.3)}, "ascending"),
        ({"nms_thresholds": (0.5, 1.3)}, "up to 1"),
        ({"stage_blocks": (3, 4, 23)}, "stage_blocks: expected 4 numbers"),
        ({"channel_order": "grb"}, "channel_order: expected bgr or rgb, found 'grb'"),
        ({"pooling": "crop"}, "pooling: expected roi_pool or roi_align, found 'crop'"),
        ({"inclusive_boxes": 1}, "inclusive_boxes: expected true or false, found 1"),
        ({"selection": "each_class"}, "each_class takes 1 threshold"),
        ({"min_score": 0.2}, "min_score: selection all_classes takes none"),
    ],
)
def test_contradictory_settings_are_bad_input(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(DetectorConfig(), **changes)
