"""The files that the demo's X-VLM is trained on: splits, images and regions of drawn scenes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from demo.training.training_scenes import read_test_split, read_training_split
from preprocess.captions.split_file import write_split

N_MINIVAL = 300  # of the scenes kept apart: images that are ranked after training


def write_xvlm_data(data_dir: Path, scene_dir: Path) -> None:
    """Write `train` and `minival` with their images, and `train_regions.json`, unless all is there.

    Args:
        scene_dir: of `render_training_scenes`.
    """
    train, test = read_training_split(scene_dir), read_test_split(scene_dir)
    minival = replace(test, split="minival", images=test.images[:N_MINIVAL])
    for split in (train, minival):
        path = data_dir / f"{split.split}.json"
        write_split(path, split)
        run(
            *("preprocess.write_images", "--split_file", path),
            *("--image_root", scene_dir / "images"),
            *("--output", data_dir / f"{split.split}_images.h5"),
        )
    regions = data_dir / "train_regions.json"
    if not regions.exists():
        run(
            *(
                "preprocess.regions",
                "--json_lines",
                scene_dir / "annotations/regions_train2014.json",
            ),
            *("--image_root", scene_dir / "images"),
            *("--split_file", data_dir / "train.json", "--output", regions),
        )


def run(*command: object) -> None:
    """Show and run a command of this project. Raises SystemExit with its status if it fails."""
    words = list(map(str, command))
    print("\n$ python -m", *words, flush=True)
    status = subprocess.run([sys.executable, "-m", *words], check=False).returncode
    if status:
        sys.exit(status)
