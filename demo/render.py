"""Render the miniature COCO: a few hundred drawn scenes in the real data set's layout.

Reads nothing. Writes, under ``--output_dir``, what COCO 2014 and Karpathy's splits consist of:
``images/{train2014,val2014}/COCO_*.jpg``, ``annotations/{captions,instances}_*2014.json`` and
``dataset_coco.json``; and beside them ``annotations/caption_kinds.json`` (the kind of each
caption, and what a misspelt one was meant to be), ``annotations/regions_*2014.json`` (boxes and
their phrases, as X-VLM reads them) and ``demo_settings.json``. The same seed and numbers give the
same bytes, so running it again changes nothing.

    python -m demo.render --output_dir datasets/demo

Takes 10 s for the default 740 images on one CPU core.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from demo.drawing.painting import draw_scene
from demo.scenes.annotations import (
    Record,
    captions_json,
    instances_json,
    karpathy_json,
    kinds_json,
    regions_lines,
)
from demo.scenes.captions import caption_scene
from demo.scenes.complaints import with_complaints
from demo.scenes.scenes import random_scene
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, read_json, write_json

SETTINGS_NAME = "demo_settings.json"
_LARGEST_ID = 580_000
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class RenderArguments:
    """Where to render how many scenes."""

    output_dir: Path = field(metadata={"help": "folder to write; new, or of the same settings"})
    seed: int = field(default=0, metadata={"help": "seed of scenes, captions and ids"})
    n_train: int = field(default=400, metadata={"help": "images of train2014, split train"})
    n_restval: int = field(default=40, metadata={"help": "images of val2014, split restval"})
    n_val: int = field(default=60, metadata={"help": "images of val2014, split val"})
    n_test: int = field(default=240, metadata={"help": "images of val2014, split test"})


def render(settings: RenderArguments) -> None:
    """Write the data set; see the module's docstring.

    Raises InputError where the folder holds anything but a demo of the same settings.
    """
    claim(settings)
    records = make_records(settings)
    for record in tqdm(records, desc="rendering", unit="image"):
        folder = settings.output_dir / "images" / record.folder
        with atomic_path(folder / record.file_name) as partial:
            draw_scene(record.scene).save(partial, "JPEG", quality=_JPEG_QUALITY)
    contents = {
        "annotations/caption_kinds.json": kinds_json(records),
        "dataset_coco.json": karpathy_json(records),
    }
    for folder in ("train2014", "val2014"):
        held = [record for record in records if record.folder == folder]
        contents[f"annotations/captions_{folder}.json"] = captions_json(held, settings.seed)
        contents[f"annotations/instances_{folder}.json"] = instances_json(held, settings.seed)
        lines = "".join(json.dumps(line) + "\n" for line in regions_lines(held))
        with atomic_path(settings.output_dir / f"annotations/regions_{folder}.json") as partial:
            partial.write_text(lines, "utf-8")
    for name, content in contents.items():
        write_json(settings.output_dir / name, content, indent=None)


def make_records(settings: RenderArguments) -> list[Record]:
    """Return the images to be, in file order.

    Each depends on the seed and its position alone, but for the few captions that are complaints.
    """
    splits = ["train"] * settings.n_train + ["restval"] * settings.n_restval
    splits += ["val"] * settings.n_val + ["test"] * settings.n_test
    if len(splits) > _LARGEST_ID // 5 or min(_counts(settings)) < 0 or not splits:
        raise InputError(
            f"--n_train to --n_test ask for {len(splits)} images; expected none negative and "
            f"1 to {_LARGEST_ID // 5} together"
        )
    ids = np.random.default_rng(settings.seed).permutation(_LARGEST_ID) + 1
    records, used = [], 0
    for index, split in enumerate(splits):
        generator = np.random.default_rng([settings.seed, index])
        scene = random_scene(generator)
        captions = tuple(caption_scene(scene, generator))
        caption_ids = tuple(ids[used : used + len(captions)].tolist())
        used += len(captions)
        records.append(Record(int(ids[-1 - index]), split, scene, captions, caption_ids))
    return with_complaints(records, settings.seed)


def _counts(settings: RenderArguments) -> list[int]:
    """Return the four numbers of images asked for."""
    return [settings.n_train, settings.n_restval, settings.n_val, settings.n_test]


def claim(settings: RenderArguments) -> None:
    """Mark the folder as a demo of these settings, or refuse to touch someone else's files."""
    wanted = {name: value for name, value in asdict(settings).items() if name != "output_dir"}
    marker = settings.output_dir / SETTINGS_NAME
    if marker.exists():
        found = read_json(marker, "remove the folder")
        if found != wanted:
            raise InputError(
                f"{marker} says that the folder was rendered with {found}, not {wanted}: "
                "give another --output_dir, or remove the folder"
            )
        return
    if settings.output_dir.exists() and any(settings.output_dir.iterdir()):
        raise InputError(
            f"{settings.output_dir} is not empty and holds no {SETTINGS_NAME}, so it may be real "
            "data: give another --output_dir"
        )
    write_json(marker, wanted)


def main() -> None:
    settings = parse_arguments(RenderArguments, description=__doc__)
    render(settings)
    print(f"wrote {settings.output_dir}")


if __name__ == "__main__":
    run_command(main)
