"""The split file without the images that were skipped, which training and evaluation can use."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from preprocess.captions.split_file import Split, write_split


def write_without_skipped(
    split_file: Path, split: Split, output: Path, skipped: Collection[int], what: str
) -> str:
    """Write {split}_without_skipped.json beside an HDF5 file, without the skipped images.

    Args:
        split_file, split: what the HDF5 file was made with.
        skipped: ids of the images that it lacks.
        what: what it has of the others: "features", "pixels".

    Returns:
        A line that says where it is, and how it is used.

    Raises:
        InputError: no image is left, or the file cannot be written.
    """
    left = tuple(image for image in split.images if image.image_id not in skipped)
    source = f"{split.source}, without {len(split.images) - len(left)} damaged images"
    path = output.with_name(f"{split_file.stem}_without_skipped.json")
    write_split(path, replace(split, source=source, images=left))
    return (
        f"wrote {path}: the {len(left):,} images with {what}; to train or evaluate on them, put "
        f"it in the place of {split_file}"
    )
