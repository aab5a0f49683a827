"""What teaches Sx3HRe: a teacher that is asked for each batch, or what it made of the images."""

import warnings
from dataclasses import dataclass

import torch

from information_retrieval.models.sx3hre.model import Sx3hreModel
from information_retrieval.training.examples.augmentation import PixelFormat
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from preprocess.base.errors import InputError, InputWarning
from preprocess.base.hub import revision_of_weights
from preprocess.encoders.image_encoder import ImageEncoder, load_image_encoder
from preprocess.encoders.towers import load_tower_config
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.images_file import ImagesFile

MADE_AGAIN = "make them again with `python -m preprocess.encode_images`"


@dataclass(frozen=True)
class AskedTeacher:
    """Adds to a batch what the teacher makes of its images.

    The teacher is no part of the model that is trained: it is in no checkpoint and no optimiser.
    """

    teacher: ImageEncoder

    def __call__(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        pixels = batch["pixel_values"]
        self.teacher.model.to(pixels.device)
        return {**batch, "targets": self.teacher.encode(pixels)}


@dataclass(frozen=True)
class Teaching:
    """One of the two.

    Attributes:
        revision: what identifies the teacher's weights.
        asked: None where the targets are cached.
        targets: None where the teacher is asked.
    """

    revision: str
    asked: AskedTeacher | None = None
    targets: EncodingsFile | None = None


def read_teaching(
    objective: ObjectiveArguments, images: ImagesFile, pixels: PixelFormat, student: Sx3hreModel
) -> Teaching:
    """Open cached targets or load the teacher, and check that they fit images and student.

    Warns of another teacher than the student was trained with before.

    Args:
        pixels: that the student reads.

    Raises:
        InputError: vectors of another width than the student's, targets of other images or by
            another teacher, or a teacher that reads other pixels.
    """
    if objective.targets is not None:
        targets = EncodingsFile(objective.targets)
        targets.check_made_by("vector")
        where, by = str(targets.path), f"by {targets.attributes['encoder']}"
        teaching = Teaching(str(targets.attributes["weights_sha256"]), targets=targets)
        _check_images(targets, images)
        _check_width(where, targets.width, student)
        _check_named(teaching, where, by, objective.teacher)
    else:
        assert objective.teacher is not None, "`check_options_fit` asks for one of the two"
        teacher = load_image_encoder(objective.teacher)
        where, by = f"--teacher {objective.teacher}", "this one"
        teaching = Teaching(teacher.revision, AskedTeacher(teacher))
        _check_width(where, teacher.width, student)
        _check_pixels(where, teacher, pixels)
    if student.config.teacher not in (None, teaching.revision):
        warnings.warn(
            f"{where}: the student was trained with another teacher, {student.config.teacher}, and "
            f"goes on with {by} ({teaching.revision})",
            InputWarning,
            stacklevel=2,
        )
    return teaching


def _check_images(targets: EncodingsFile, images: ImagesFile) -> None:
    targets.check_covers(images.image_ids)
    if targets.attributes["images_sha256"] != images.sha256():
        raise InputError(
            f"{targets.path}: expected targets of {images.path}, found those of other images by "
            f"the same ids; {MADE_AGAIN}"
        )


def _check_named(teaching: Teaching, where: str, by: str, name: str | None) -> None:
    """Raise InputError where targets are not by the teacher that is named."""
    if name is None:
        return
    expected = revision_of_weights(name, load_tower_config(name))
    if teaching.revision != expected:
        raise InputError(
            f"{where}: expected targets by --teacher {name} ({expected}), found those {by} "
            f"({teaching.revision}); {MADE_AGAIN}"
        )


def _check_pixels(where: str, teacher: ImageEncoder, pixels: PixelFormat) -> None:
    pairs = zip((*teacher.mean, *teacher.std), (*pixels.mean, *pixels.std), strict=True)
    alike = all(abs(one - other) < 1e-6 for one, other in pairs)
    if teacher.side != pixels.side or not alike:
        raise InputError(
            f"{where}: reads {teacher.side} pixels a side, normalised by {teacher.mean} and "
            f"{teacher.std}, the student {pixels.side}, by {pixels.mean} and {pixels.std}, and "
            "both are given one view; cache its targets (`python -m preprocess.encode_images`) and "
            "pass --targets"
        )


def _check_width(where: str, width: int, student: Sx3hreModel) -> None:
    if width != student.config.hidden_size:
        raise InputError(
            f"{where}: expected vectors of the student's {student.config.hidden_size} numbers, "
            f"found {width}; give a teacher of that width, or encoders of the teacher's to "
            "`python -m information_retrieval.init_sx3hre`"
        )
