"""Captioners' results and the references of the same images, in one order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from captioning.results.results_file import first_words, image_name, read_results
from preprocess.base.errors import InputError
from preprocess.captions.split_file import CaptionedImage, Split
from preprocess.captions.white_space import in_one_line

# Below, CIDEr-D's weights say little.
FEW_IMAGES = 50


@dataclass(frozen=True)
class Matched:
    """The images that every system has a caption of, in the order of the references.

    Attributes:
        images: the n_images.
        references: of each image, with single spaces.
        systems: of each file of results, one caption an image.
        files: the files' names.
        told: a line for each oddity that was worked around.
    """

    images: list[CaptionedImage]
    references: list[list[str]]
    systems: list[list[str]]
    files: list[str]
    told: list[str]

    @property
    def names(self) -> list[str]:
        """What the source of the references calls each image."""
        return [image_name(image) for image in self.images]


def match_results(
    paths: Sequence[Path], split: Split, partial: bool = False, max_words: int | None = None
) -> Matched:
    """Read files of results and match them with the references, by image id.

    Args:
        partial: whether images may be missing; those that one file lacks are left out of all.
        max_words: what is kept of each caption, cut at white space; None for all.

    Raises:
        InputError: see `read_results`; or no image is in all files.
    """
    read = [read_results(path, split, partial) for path in paths]
    images = [i for i in split.images if all(i.image_id in one.captions for one in read)]
    if not images:
        raise InputError(f"{' and '.join(map(str, paths))}: no image has a caption in both")
    told = [line for one in read for line in one.told()]
    if len(images) < FEW_IMAGES:
        told.append(
            f"{len(images)} images are few: CIDEr-D weighs words by these images alone, and does "
            "not compare with its values on other sets"
        )
    return Matched(
        images,
        [[in_one_line(one.caption) for one in image.captions] for image in images],
        [[first_words(one.captions[i.image_id], max_words) for i in images] for one in read],
        [str(path) for path in paths],
        told,
    )
