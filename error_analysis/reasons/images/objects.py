"""The objects of images: COCO's instances, or what a detector saw."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from error_analysis.reasons.images.annotated_images import join_by_image
from error_analysis.reasons.mentions import Vocabulary, canonical
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id
from preprocess.storage.features_file import FeaturesFile

INSTANCES_SOURCE = "it is in COCO's annotations_trainval2014.zip (instances_val2014.json)"
# Regions of lower scores have labels that are mostly guesses; LXMERT takes them all the same.
MIN_SCORE = 0.2


@dataclass(frozen=True, slots=True)
class ImageObject:
    """An object in an image: its category, and its box's share of the image's area, in [0, 1]."""

    category: str
    share: float


@dataclass(frozen=True)
class Objects:
    """The objects of some images.

    Attributes:
        source: the file, or files, that they are from.
        categories: all that could be there, in the order of the source.
        supercategories: of each category; empty where the source has none (a detector).
        by_image: the objects by image id, largest first.
    """

    source: Path | str
    categories: tuple[str, ...]
    supercategories: dict[str, str]
    by_image: dict[int, tuple[ImageObject, ...]]

    @property
    def vocabulary(self) -> Vocabulary:
        """The names by which captions call these categories."""
        return Vocabulary(self.categories)

    def of(self, image_id: int) -> tuple[ImageObject, ...]:
        """Return an image's objects, largest first.

        Raises:
            InputError: the image is not among those that were read.
        """
        if image_id not in self.by_image:
            raise InputError(f"{self.source}: has no image {image_id}; give those of its gallery")
        return self.by_image[image_id]

    def shares(self, image_id: int) -> dict[str, float]:
        """Return each category of an image with the area of its boxes, largest first.

        Areas are shares of the image's; boxes over one another count twice.
        """
        sums: dict[str, float] = {}
        for found in self.of(image_id):
            sums[found.category] = sums.get(found.category, 0.0) + found.share
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


def read_instances(paths: Path | Sequence[Path], image_ids: Iterable[int]) -> Objects:
    """Read the objects of images from COCO's instances; crowds count as objects.

    Args:
        paths: one file, or several that have images of their own (those of train and of val).
        image_ids: those of the gallery; others in the files are left out.

    Raises:
        InputError: a file is missing or of another format, the files have an image twice or
            number categories otherwise, or they are of other images.
    """
    paths = [paths] if isinstance(paths, Path) else list(paths)
    wanted = [int(image_id) for image_id in image_ids]
    parts = [_read_file(path, set(wanted)) for path in paths]
    one, *others = parts
    for path, other in zip(paths[1:], others, strict=True):
        if (other.categories, other.supercategories) != (one.categories, one.supercategories):
            raise InputError(
                f"{path}: has other categories than {one.source}; give files of one data set"
            )
    of_files = [(path, part.by_image) for path, part in zip(paths, parts, strict=True)]
    joined = join_by_image(of_files, wanted, "instances")
    return replace(one, source=" and ".join(map(str, paths)), by_image=joined)


def _read_file(path: Path, wanted: set[int]) -> Objects:
    """Read the objects of those of the wanted images that one file has."""
    content = read_json(path, INSTANCES_SOURCE)
    try:
        areas = {
            as_id(image["id"], "image id"): image["width"] * image["height"]
            for image in content["images"]
        }
        names = {
            as_id(category["id"], "category id"): category["name"]
            for category in content["categories"]
        }
        groups = {c["name"]: c.get("supercategory", "") for c in content["categories"]}
        found: dict[int, list[ImageObject]] = {image_id: [] for image_id in wanted & areas.keys()}
        for annotation in content["annotations"]:
            image_id = as_id(annotation["image_id"], "image id")
            if image_id not in areas:
                raise InputError(f"annotations of image {image_id}, which the file does not list")
            if image_id in found:
                share = _share_of_box(annotation, areas[image_id])
                category = names[as_id(annotation["category_id"], "category id")]
                found[image_id].append(ImageObject(category, share))
    except InputError as error:
        raise InputError(f"{path}: {error}; {INSTANCES_SOURCE}") from error
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"{path}: not a COCO instances file ({error!r}); {INSTANCES_SOURCE}"
        ) from error
    return Objects(path, tuple(names.values()), groups, _largest_first(found))


def _share_of_box(annotation: dict, area: float) -> float:
    """Return the share of an image's area (pixels) that an annotation's box has, in [0, 1]."""
    _, _, width, height = annotation["bbox"]
    share = width * height / area
    if not math.isfinite(share):
        raise InputError(
            f"annotation {annotation.get('id')} of image {annotation['image_id']}: expected a box "
            f"of finite numbers, found {annotation['bbox']}"
        )
    return min(1.0, max(0.0, share))


def _largest_first(found: dict[int, list[ImageObject]]) -> dict[int, tuple[ImageObject, ...]]:
    return {
        image_id: tuple(sorted(objects, key=lambda item: -item.share))
        for image_id, objects in found.items()
    }


def read_labels(path: Path) -> tuple[str, ...]:
    """Read a detector's vocabulary, a label a line, such as `objects_vocab.txt`.

    Raises:
        InputError: the file cannot be read, or has an empty line between labels.
    """
    try:
        labels = tuple(line.strip() for line in path.read_text("utf-8-sig").rstrip().splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a label a line, found {error}") from error
    if not labels or not all(labels):
        raise InputError(f"{path}: expected a label on each line, found an empty line")
    return labels


def detector_labels(features: FeaturesFile, labels: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the labels that a features file's `object_ids` stand for.

    Args:
        labels: those of the detector, for a file that does not name them.

    Raises:
        InputError: neither the file nor `labels` names them.
    """
    if labels is None:
        labels = json.loads(str(features.attributes["settings"])).get("object_labels")
    if not labels:
        raise InputError(
            f"{features.path}: does not name its objects; give the detector's objects_vocab.txt"
        )
    return tuple(labels)


def read_detected(
    features: FeaturesFile,
    image_ids: Iterable[int],
    labels: Sequence[str] | None = None,
    min_score: float = MIN_SCORE,
) -> Objects:
    """Read the objects that a detector saw in images, from their features file.

    Labels that the list of names knows are called by their category there: a "man" is a person.
    Regions that only fill up an image's are left out.

    Args:
        image_ids: those to read.
        labels: of the detector; None: those that the file names.
        min_score: probability from which on a region's label counts.

    Raises:
        InputError: an image is not in the file, or the labels are of another detector.
    """
    labels = detector_labels(features, labels)
    names = [canonical(label) for label in labels]
    found: dict[int, list[ImageObject]] = {}
    for image_id in map(int, image_ids):
        rows = features.read(image_id)
        n_own = len(rows["object_ids"]) - int(rows["n_fillers"])
        if rows["object_ids"].max(initial=0) >= len(names):
            raise InputError(
                f"{features.path}: object {rows['object_ids'].max()} of image {image_id}, where "
                f"the vocabulary has {len(names):,} labels; give that of the detector of the file"
            )
        sides = rows["visual_pos"][:, 2:] - rows["visual_pos"][:, :2]
        found[image_id] = [
            ImageObject(names[object_id], float(share))
            for object_id, score, share in zip(
                rows["object_ids"][:n_own].tolist(),
                rows["object_scores"][:n_own].tolist(),
                sides.prod(axis=1).tolist(),
                strict=False,
            )
            if score >= min_score and object_id >= 0
        ]
    return Objects(features.path, tuple(dict.fromkeys(names)), {}, _largest_first(found))
