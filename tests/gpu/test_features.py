"""Region features on a GPU are those of the CPU, and an interrupted extraction goes on."""

from pathlib import Path

import numpy as np
import pytest

from preprocess import extract_features
from preprocess.captions.split_file import write_split
from preprocess.extracting import extraction
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import make_split
from tests.preprocess.detector.tiny_detector import save_random_detector, save_random_image

pytestmark = pytest.mark.gpu

SPLIT = make_split(7, "test")
TOLERANCE = 1e-4  # of features, relative to their deviation; boxes in shares of the image


@pytest.fixture
def extract(tmp_path, run_main):
    """Runs the command on images of two sizes; returns its status and its file."""
    write_split(tmp_path / "test.json", SPLIT)
    for row, image in enumerate(SPLIT.images):
        height, width = ((48, 64), (64, 48))[row % 2]
        save_random_image(tmp_path / image.file_name, row, height, width)
    detector = save_random_detector(tmp_path / "detector")

    def run(name: str, device: str, *options) -> tuple[str | int, Path]:
        output = tmp_path / f"{name}.h5"
        arguments = ["--split_file", tmp_path / "test.json", "--image_root", tmp_path]
        arguments += ["--weights", detector, "--output", output, "--device", device]
        return run_main(extract_features.main, *arguments, "--num_workers", 0, *options), output

    return run


def rows_of(path: Path) -> dict[str, np.ndarray]:
    file = FeaturesFile(path)
    rows = [file.read(image_id) for image_id in SPLIT.image_ids]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_features_are_those_of_the_cpu(card, extract, batch_size):
    (status, ours), (_, cpu) = (
        extract(name, device, "--batch_size", batch_size)
        for name, device in (("ours", card.type), ("exact", "cpu"))
    )
    assert status == 0
    found, expected = rows_of(ours), rows_of(cpu)
    np.testing.assert_array_equal(found["object_ids"], expected["object_ids"])
    np.testing.assert_allclose(found["visual_pos"], expected["visual_pos"], atol=TOLERANCE)
    deviation = expected["visual_feats"].std()
    np.testing.assert_allclose(
        found["visual_feats"], expected["visual_feats"], rtol=0, atol=TOLERANCE * deviation
    )


def test_an_interrupted_extraction_goes_on_to_the_same_features(card, extract, monkeypatch):
    _, whole = extract("whole", card.type, "--batch_size", 2)
    written = []

    def write_three(writer, image, regions):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(image.row)
        return write_row(writer, image, regions)

    write_row = extraction.write_row
    with monkeypatch.context() as patch:
        patch.setattr(extraction, "write_row", write_three)
        status, _ = extract("cut", card.type, "--batch_size", 2)
    assert status == 130
    status, cut = extract("cut", card.type, "--batch_size", 2)
    assert status == 0
    for name, expected in rows_of(whole).items():
        np.testing.assert_array_equal(rows_of(cut)[name], expected)
