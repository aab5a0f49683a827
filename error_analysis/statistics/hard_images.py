"""Images that are hard to find by what people wrote, or by what a captioner said of them.

Four kinds of images, under one model. Hard by the human captions alone: the *captions* are the
reason. Hard by both: the *image* is, or the model's image side, or the captioner sees no more in it
than people wrote. Hard by the generated one alone: the captioner says too little, or what is wrong.

An image is hard by its human captions where more than half of them are hard (rank >= 10), by its
generated caption where that one is. Of several captions and of one these are not the same measure:
the test of recalls beside McNemar's takes all captions as they are.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.paired_tests import N_PERMUTATIONS, mcnemar_p, sign_flip_p

Kind = Literal["hard by both", "by human captions alone", "by the generated alone", "by neither"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class HardImages:
    """The images of a gallery, by which captions they are hard.

    Attributes:
        hard_rank: from which 0-based rank on a caption query is hard.
        human: (n_images,) bool, more than half of an image's human captions are hard.
        generated: (n_images,) bool, the generated caption is.
        human_rank: (n_images,) float64, the median rank of an image's human captions.
        generated_rank: (n_images,) float64.
        human_recall, generated_recall: percent of the captions found above `hard_rank`: of ties the
            mean, human captions first averaged by image.
        by_image_p: of their difference, from permutations by image.
    """

    hard_rank: int
    human: np.ndarray
    generated: np.ndarray
    human_rank: np.ndarray
    generated_rank: np.ndarray
    human_recall: float
    generated_recall: float
    by_image_p: float

    @property
    def mcnemar_p(self) -> float:
        """Exact, of the images that are hard by one of the two alone."""
        alone = (self.rows("by human captions alone"), self.rows("by the generated alone"))
        return mcnemar_p(*map(len, alone))

    def rows(self, kind: Kind) -> np.ndarray:
        """Return the images of a kind, the plainest first: (n,) int64.

        Those hard by one alone by how far the two ranks are apart; those hard by both, or by
        neither, by how hard they are by the less hard, or how easy by the less easy.
        """
        human, generated = self.human, self.generated
        lower = np.minimum(self.human_rank, self.generated_rank)
        higher = np.maximum(self.human_rank, self.generated_rank)
        apart = self.human_rank - self.generated_rank
        of_kind: dict[Kind, tuple[np.ndarray, np.ndarray]] = {
            "hard by both": (human & generated, -lower),
            "by human captions alone": (human & ~generated, -apart),
            "by the generated alone": (~human & generated, apart),
            "by neither": (~human & ~generated, higher),
        }
        is_of_kind, order = of_kind[kind]
        rows = np.flatnonzero(is_of_kind)
        return rows[np.argsort(order[rows], kind="stable")]

    def counts(self) -> dict[Kind, int]:
        """Return how many images are of each kind."""
        return {kind: len(self.rows(kind)) for kind in KINDS}


def hard_images(
    human: ModelRankings,
    generated: ModelRankings,
    generator: np.random.Generator,
    hard_rank: int = HARD_RANK,
    n_permutations: int = N_PERMUTATIONS,
) -> HardImages:
    """Tell by which captions each image is hard to find.

    Args:
        human, generated: rankings by one model of the same images in the same order; in
            `generated` each image has one caption.
    """
    image, n_images = human.rankings.caption_image_index, len(human.rankings.image_ids)
    queries, said = human.query_ranks("t2i"), generated.query_ranks("t2i")
    ranks, generated_rank = queries.ranks(), said.ranks()
    n_captions = np.bincount(image, minlength=n_images)
    n_hard = np.bincount(image, ranks >= hard_rank, n_images)
    found = np.bincount(image, queries.found(hard_rank), n_images) / n_captions
    generated_found = said.found(hard_rank)
    starts = np.searchsorted(image, np.arange(1, n_images))  # `image` ascends
    return HardImages(
        hard_rank=hard_rank,
        human=n_hard > n_captions / 2,
        generated=generated_rank >= hard_rank,
        human_rank=np.array([np.median(own) for own in np.split(ranks, starts)]),
        generated_rank=generated_rank,
        human_recall=100 * float(found.mean()),
        generated_recall=100 * float(generated_found.mean()),
        by_image_p=sign_flip_p(found - generated_found, generator, n_permutations),
    )
