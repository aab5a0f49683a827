"""What a captioner said of a split, as a split: its images, each with the one caption.

Written as a split file, it is read by all that reads one: the captions are scored, ranked and
looked at as those that people wrote are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from captioning.results.results_file import Results, image_name, listed
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, Split, read_split, write_split

# What stands for a caption without a sign, which no split has: punctuation says as little.
NOTHING = "."
# Said with the data set's name: numbers of these captions are none of its benchmark.
MADE_BY_MACHINE = "captions by machine"


@dataclass(frozen=True)
class GeneratedSplit:
    """The split of a captioner's captions.

    Attributes:
        generated: the images that have a caption, each with that one alone, whose id is the
            image's.
        human: the same images with the captions of the split that was captioned.
        empty: images whose caption is empty, as their source names them: `NOTHING` is asked.
    """

    generated: Split
    human: Split
    empty: tuple[str, ...]

    def told(self) -> list[str]:
        """Return a line for each oddity that was worked around."""
        if not self.empty:
            return []
        return [
            f"{self.generated.source}: {len(self.empty):,} captions are empty, and are asked as "
            f"{NOTHING!r}: images {listed(self.empty)}"
        ]


def generated_split(split: Split, results: Results) -> GeneratedSplit:
    """Return the split of a captioner's captions, images in the order of `split`.

    Args:
        split: that was captioned.
        results: its captions; images that it has none of are left out.
    """
    captions = results.captions
    kept = tuple(image for image in split.images if image.image_id in captions)
    said = tuple(
        replace(image, captions=(Caption(image.image_id, captions[image.image_id] or NOTHING),))
        for image in kept
    )
    return GeneratedSplit(
        Split(f"{split.dataset}, {MADE_BY_MACHINE}", split.split, str(results.path), said),
        replace(split, images=kept),
        tuple(image_name(image) for image in kept if not captions[image.image_id]),
    )


def keep_split(path: Path, split: Split, options: Sequence[str]) -> None:
    """Write a split file, or leave the one that is there and has the same images and captions.

    Args:
        options: that would name another file, for the error.

    Raises:
        InputError: a file is there with others: what was made of them lies beside it.
    """
    if not path.exists():
        write_split(path, split)
    elif read_split(path).sha256 != split.sha256:
        raise InputError(
            f"{path}: holds other captions than {split.source}; what was scored with them lies "
            f"beside it: delete {path.parent}, or choose another {' or '.join(options)}"
        )
