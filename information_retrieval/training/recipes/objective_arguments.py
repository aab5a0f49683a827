"""The options of fine-tuning; their defaults are the paper's."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from information_retrieval.models.sx3hre.arms import Alignment, Compared
from preprocess.base.command_line import check_at_least
from preprocess.base.errors import InputError

Formulation = Literal["binary", "contrastive", "matching", "pretraining", "distillation"]


@dataclass
class ObjectiveArguments:
    """What is learnt, and from which pairs."""

    formulation: Formulation | None = field(
        default=None,
        metadata={
            "help": "binary: aligned or unaligned, by the matching head (LXMERT's default); "
            "contrastive: of a batch, the right pairs before the others: LXMERT by a hinge loss, "
            "a dual encoder (its default) by symmetric cross entropy; of an X-VLM, matching (its "
            "default): contrastive, and by the matching head with hard negatives; pretraining: "
            "masked words besides, and with --regions, regions and their boxes; distillation: an "
            "Sx3HRe's only one"
        },
    )
    prob_unaligned: float = field(
        default=0.3,
        metadata={"help": "binary: share of the training pairs made unaligned, in [0, 1)"},
    )
    hard_negatives: Path | None = field(
        default=None,
        metadata={
            "help": "binary: top rankings of the training split (`rank_top`), from which "
            "unaligned pairs are drawn"
        },
    )
    hard_share: float = field(
        default=0.5, metadata={"help": "share of the unaligned pairs drawn from --hard_negatives"}
    )
    margin: float = field(
        default=0.2,
        metadata={"help": "LXMERT, contrastive: by how much the right pair's score is to lead"},
    )
    top_k_violations: int = field(
        default=1,
        metadata={"help": "LXMERT, contrastive: wrong pairs of a query that count, worst first"},
    )
    matching_score: Literal["head", "cosine"] = field(
        default="head",
        metadata={
            "help": "LXMERT, contrastive: the matching head's logit, every pair of the batch "
            "through the cross layers; or, as the original defines it, the cosine of mean visual "
            "and pooled language output"
        },
    )
    freeze: Literal["none", "image", "text"] = field(
        default="none", metadata={"help": "dual encoder: the tower that is kept as it is"}
    )
    regions: Path | None = field(
        default=None,
        metadata={"help": "pretraining: regions of images (`preprocess.regions`)"},
    )
    region_images: Path | None = field(
        default=None,
        metadata={
            "help": "HDF5 of the images of --regions, where they are not of the training split. "
            "Default: train_images.h5"
        },
    )
    max_regions: int = field(
        default=5,
        metadata={"help": "texts of an image in a batch of regions, its caption among them"},
    )
    images_per_region_batch: int | None = field(
        default=None,
        metadata={
            "help": "images of a batch of regions, which has at most per_device_train_batch_size "
            "texts. Default: 3/8 of that, as the published 48 and 128"
        },
    )
    box_loss: bool = field(
        default=True, metadata={"help": "with --regions: learn their boxes (L1 and GIoU)"}
    )
    new_lr_multiplier: float = field(
        default=2.0,
        metadata={
            "help": "pretraining: of --learning_rate, for cross-attention, projections and heads"
        },
    )

    alignment: Alignment | None = field(
        default=None,
        metadata={
            "help": "Sx3HRe: what brings images and texts together, besides the teacher's vector: "
            "itc, contrastive losses on two layers; none; cosine, each image with its caption and "
            "one other"
        },
    )
    teacher: str | None = field(
        default=None,
        metadata={
            "help": "Sx3HRe: HF folder or hub id of the image encoder that it is distilled from, "
            "asked for each batch (with --targets: only checked to be theirs)"
        },
    )
    targets: Path | None = field(
        default=None,
        metadata={
            "help": "Sx3HRe: the teacher's vectors of the training images, by "
            "`preprocess.encode_images`"
        },
    )
    image_views: Literal["random", "fixed"] | None = field(
        default=None,
        metadata={
            "help": "Sx3HRe: images cropped to 0.9 of their area or more and half of them flipped; "
            "or whole. A --teacher sees what the student sees; --targets are what they are. "
            "Default: fixed with --targets, else random"
        },
    )
    compared: Compared = field(
        default="normed",
        metadata={
            "help": "Sx3HRe, none and cosine: the vector that is compared, the shared block's "
            "output after its norm, as it is regressed; or before it, as in the original's code"
        },
    )
    cosine_margin: float = field(
        default=0.0,
        metadata={"help": "cosine: in [-1, 1], the cosine up to which a wrong pair costs nothing"},
    )
    cosine_weight: float = field(
        default=1.0, metadata={"help": "cosine: of its loss, where the distillation counts 1"}
    )

    def __post_init__(self) -> None:
        check_at_least("--top_k_violations", self.top_k_violations, 1)
        if not self.margin > 0:
            raise InputError(f"--margin: expected a value above 0, found {self.margin}")
        if not -1 <= self.cosine_margin <= 1:
            raise InputError(
                f"--cosine_margin: expected a value in [-1, 1], found {self.cosine_margin}"
            )
        if not 0 <= self.cosine_weight < math.inf:
            raise InputError(
                f"--cosine_weight: expected a value of at least 0, found {self.cosine_weight}"
            )
        check_at_least("--max_regions", self.max_regions, 1)
        if self.images_per_region_batch is not None:
            check_at_least("--images_per_region_batch", self.images_per_region_batch, 2)
        if not self.new_lr_multiplier > 0:
            raise InputError(
                f"--new_lr_multiplier: expected a value above 0, found {self.new_lr_multiplier}"
            )
