"""What the literature calls a number's gallery: "Flickr30k 1K" is not any 1,000 images.

A name is given to the test splits of Karpathy & Fei-Fei 2015 alone, whole, in the order of his
file, with five captions an image. What is compared:

- COCO: the 5,000 numbers that the files' names end with, in order, by their SHA-256.
- Flickr30k: that there are 1,000 images in the order of their files' names as text, the first and
  last of which are Karpathy's. The 998 between are not compared. Tokenised captions have no name.

Otherwise the captions' words are not compared, in either.
"""

import hashlib
from pathlib import PurePosixPath

import numpy as np

from information_retrieval.ranking.protocols import (
    CAPTIONS_PER_IMAGE,
    FLICKR30K_TEST_IMAGES,
    GALLERY_IMAGES,
    Protocol,
)
from information_retrieval.ranking.rankings import Rankings
from preprocess.captions.flickr_tables import TOKENISED, are_tokenised
from preprocess.captions.split_file import Split

# Flickr30k's 1,000 are all its test images: `1k` and `full` are the same gallery.
NAMES: dict[tuple[str, Protocol], str] = {
    ("coco", "1k"): "COCO 1K, the first 1,000",
    ("coco", "5fold"): "COCO 1K, mean of five folds",
    ("coco", "5k"): "COCO 5K",
    ("flickr30k", "1k"): "Flickr30k 1K",
    ("flickr30k", "full"): "Flickr30k 1K",
}
TEST_IMAGES = {"coco": 5000, "flickr30k": FLICKR30K_TEST_IMAGES}
# Of the image ids of Karpathy's test in the order of dataset_coco.json ("391895 60623 483108 ...").
COCO_TEST_SHA256 = "203ac417d83f9daeaa4e041453b76d9ff25f6c96730a6dda61383fb3916df81e"
# The first of Karpathy's test, which is not in Flickr30k Entities' other 1,000; and the last.
FIRST_OF_FLICKR30K = "1007129816"
LAST_OF_FLICKR30K = "97234558"


def with_benchmark(result: dict, split: Split, rankings: Rankings) -> dict:
    """Return `protocol_metrics` of `rankings` with the name of what was measured.

    Args:
        split: of which images and captions were scored, whole.

    Returns:
        also "benchmark", a name, where it has one; of another test of Flickr30k "no_benchmark", the
        reason.
    """
    why_not = why_no_benchmark(split, rankings)
    name = NAMES.get((split.dataset, result["protocol"]))
    if why_not is None and name is not None:
        return {**result, "benchmark": name}
    if (split.dataset, split.split) == ("flickr30k", "test"):
        return {**result, "no_benchmark": why_not or "it has no such protocol"}
    return result


def why_no_benchmark(split: Split, rankings: Rankings) -> str | None:
    """Return why numbers of a known data set have no name; None where they may have one.

    A split other than test, or one that is not Karpathy's; images that were left out, or captions;
    of Flickr30k, captions that are tokenised.
    """
    expected = TEST_IMAGES.get(split.dataset)
    if expected is None:
        return f"the data set is called {split.dataset!r}"
    if split.split != "test":
        return f"the split is {split.split!r}, not the test"
    if len(split.images) != expected:
        return f"the split has {len(split.images):,} images, Karpathy's test {expected:,}"
    why_not = _why_other_images(split)
    if why_not is not None:
        return why_not
    if split.dataset == "flickr30k" and are_tokenised(split.captions):
        return f"its {TOKENISED}; published numbers are of these"
    n_images = len(rankings.image_ids)
    if not np.array_equal(rankings.image_ids, split.image_ids[:n_images]):
        return "not the first images of the split were scored, or in another order"
    if n_images not in (expected, GALLERY_IMAGES["1k"]):
        return f"{n_images:,} images of {expected:,} were scored"
    counts = np.bincount(rankings.caption_image_index, minlength=n_images)
    wrong = counts != CAPTIONS_PER_IMAGE if split.dataset == "flickr30k" else counts < 5
    if wrong.any():
        return f"{int(wrong.sum()):,} images have not five captions"
    return None


def _why_other_images(split: Split) -> str | None:
    """Return how the images of a test of the right size are not Karpathy's, or not in his order."""
    names = [PurePosixPath(image.file_name).stem for image in split.images]
    if split.dataset == "coco":
        if order_sha256(names) == COCO_TEST_SHA256:
            return None
        return "its images are not those of Karpathy's test, or not in the order of his file"
    for place, name in (("first", FIRST_OF_FLICKR30K), ("last", LAST_OF_FLICKR30K)):
        if name not in names:
            return (
                f"{name}.jpg, the {place} of Karpathy's test, is not in the split; that of "
                "Flickr30k Entities is of other images"
            )
    if names != sorted(names) or (names[0], names[-1]) != (FIRST_OF_FLICKR30K, LAST_OF_FLICKR30K):
        return (
            "its images are not in the order of Karpathy's test, by their files' names as text, "
            f"from {FIRST_OF_FLICKR30K}.jpg to {LAST_OF_FLICKR30K}.jpg"
        )
    return None


def order_sha256(names: list[str]) -> str:
    """Return the hash of COCO's image numbers in order.

    Args:
        names: of the files, without ending: COCO_val2014_000000391895, or 2017's 000000391895.
    """
    numbers = [name.rpartition("_")[2].lstrip("0") for name in names]
    return hashlib.sha256(" ".join(numbers).encode()).hexdigest()
