"""The scenes that the demo's models are trained on: rendered apart, and spelt correctly."""

from dataclasses import replace
from pathlib import Path

from demo.render import RenderArguments, claim, render
from preprocess.base.files import read_json
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.split_file import Split

# Not the seed of the demo data, whose pictures no model may have seen.
SEED = 1000
N_TRAIN = 10_000
N_TEST = 500
WRITTEN_LAST = Path("annotations/instances_val2014.json")


def render_training_scenes(scene_dir: Path) -> None:
    """Render into `scene_dir`: split `train` to learn from, split `test` to see how well.

    Not again where it was rendered to the end: delete the folder after a change of the drawing.

    Raises:
        InputError: the folder holds something else.
    """
    settings = RenderArguments(scene_dir, SEED, N_TRAIN, n_restval=0, n_val=0, n_test=N_TEST)
    claim(settings)
    if not (scene_dir / WRITTEN_LAST).exists():
        render(settings)


def read_training_split(scene_dir: Path) -> Split:
    """Return the split `train`, each misspelt caption as it was meant.

    So the models know misspelt words no better than a model of the real world does, and fail on
    them for the same reason.
    """
    split = read_karpathy(scene_dir / "dataset_coco.json").splits["train"]
    kinds = read_json(scene_dir / "annotations" / "caption_kinds.json", "`python -m demo.render`")
    images = tuple(
        replace(
            image,
            captions=tuple(
                replace(caption, caption=kinds[str(caption.caption_id)]["intended"])
                for caption in image.captions
            ),
        )
        for image in split.images
    )
    return replace(split, images=images)


def read_test_split(scene_dir: Path) -> Split:
    """Return the split `test`, misspelt captions and all."""
    return read_karpathy(scene_dir / "dataset_coco.json").splits["test"]
