"""Small images and a small detector for the commands that extract or convert features."""

from pathlib import Path

import pytest
from PIL import Image

from preprocess import convert_features
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from tests.preprocess.conversion.foreign_features import HEIGHT, IDS, WIDTH, coco_name
from tests.preprocess.detector.tiny_detector import save_random_detector, save_random_image
from tests.preprocess.small_extraction import write_split_file

SIZES = [(48, 64), (64, 48), (48, 64), (90, 60)]  # height, width


@pytest.fixture(autouse=True)
def _no_array(monkeypatch):
    """The tests may themselves run in a Slurm array."""
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)


@pytest.fixture
def weights(tmp_path) -> Path:
    return save_random_detector(tmp_path / "detector")


@pytest.fixture
def images(tmp_path) -> Path:
    """A folder of four images, whose ids are 10, 11, 12, 13, and the split file test.json."""
    for index, (height, width) in enumerate(SIZES):
        save_random_image(tmp_path / "images" / f"{10 + index}.jpg", index, height, width)
    write_split_file(tmp_path / "test.json", [10, 11, 12, 13])
    return tmp_path / "images"


@pytest.fixture
def more_images(tmp_path) -> Path:
    """A folder of ten images of two sizes, whose ids are 20 to 29, and the split file test.json."""
    for index in range(10):
        size = (64, 48) if index % 3 == 1 else (48, 64)
        save_random_image(tmp_path / "images" / f"{20 + index}.jpg", index, *size)
    write_split_file(tmp_path / "test.json", list(range(20, 30)))
    return tmp_path / "images"


@pytest.fixture
def convert(tmp_path, run_main):
    """Convert inputs to f.h5, six regions an image; return the exit status or error line.

    The three images of the split, `IDS`, are below images/.
    """
    images = tuple(
        CaptionedImage(i, f"val2014/{coco_name(i)}.jpg", (Caption(i, "a caption"),)) for i in IDS
    )
    write_split(tmp_path / "test.json", Split("coco", "test", "a test", images))
    for image in images:
        path = tmp_path / "images" / image.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(path)

    def run(*inputs: Path, n_regions: int = 6, **options) -> str | int:
        words = ["--n_regions", n_regions, "--split_file", tmp_path / "test.json"]
        for name, value in options.items():
            words += [f"--{name}", value]
        output = ("--output", tmp_path / "f.h5")
        return run_main(convert_features.main, "--input", *inputs, *words, *output)

    return run
