"""Images that are hard to find by what people wrote, or by what a captioner said of them.

Four kinds of images, under one model. Hard by the human captions alone: the *captions* are the
reason. Hard by both: the *image* is, or the model's image side, or the captioner sees no more in it
than people wrote. Hard by the generated one alone: the captioner says too little, or what is wrong.

An image is hard by its human captions where more than half of them are hard (rank >= 10), by its
generated caption where that one is. The majority of several captions is rarely hard where one of
them is now and then: counts of these images are for looking at them, and no test is of them, as a
human caption in the generated one's place would "differ" as well. Compared are the generated
caption and one human caption of the image, drawn at random: how many images of each kind that gives
is expected, and permutations by image test it.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.paired_tests import N_PERMUTATIONS, sign_flip_p

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
        human_share: (n_images,) float64, the share of hard ones among an image's human captions, in
            [0, 1]: the probability that one of them, drawn at random, is hard. Of ties the mean.
        generated_share: (n_images,) float64, 0 or 1, or between them of ties.
        by_image_p: two-sided, of the difference of the two shares, from permutations by image.
    """

    hard_rank: int
    human: np.ndarray
    generated: np.ndarray
    human_rank: np.ndarray
    generated_rank: np.ndarray
    human_share: np.ndarray
    generated_share: np.ndarray
    by_image_p: float

    @property
    def human_recall(self) -> float:
        """Percent of the human captions that are not hard, the mean over images."""
        return 100 * float((1 - self.human_share).mean())

    @property
    def generated_recall(self) -> float:
        """Percent of the generated captions that are not hard."""
        return 100 * float((1 - self.generated_share).mean())

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

    def expected_counts(self) -> dict[Kind, float]:
        """Return how many images are of each kind by one human caption, drawn at random.

        The two that are hard by one alone differ as the recalls do: `by_image_p` is of them.
        """
        human, generated = self.human_share, self.generated_share
        return {
            "hard by both": float(human @ generated),
            "by human captions alone": float(human @ (1 - generated)),
            "by the generated alone": float((1 - human) @ generated),
            "by neither": float((1 - human) @ (1 - generated)),
        }


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
    human_share = 1 - np.bincount(image, queries.found(hard_rank), n_images) / n_captions
    generated_share = 1 - said.found(hard_rank)
    starts = np.searchsorted(image, np.arange(1, n_images))  # `image` ascends
    return HardImages(
        hard_rank=hard_rank,
        human=n_hard > n_captions / 2,
        generated=generated_rank >= hard_rank,
        human_rank=np.array([np.median(own) for own in np.split(ranks, starts)]),
        generated_rank=generated_rank,
        human_share=human_share,
        generated_share=generated_share,
        by_image_p=sign_flip_p(generated_share - human_share, generator, n_permutations),
    )
