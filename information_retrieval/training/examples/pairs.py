"""The pair that stands for each caption in an epoch: its own, or an unaligned one."""

from dataclasses import dataclass

import numpy as np

from information_retrieval.training.examples.hard_negatives import HardNegatives
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class Pair:
    """An image and a caption, by their positions in the split, and whether they belong together."""

    image: int
    caption: int
    aligned: bool


class PairSampler:
    """Draws the pair that stands for each caption of a split in an epoch.

    With probability `prob_unaligned` the caption's own pair is replaced by an unaligned one: half
    of the time by another image, half by a caption of another image, uniformly, never by one of
    the image's own captions. A draw depends on (seed, epoch, caption) only: it is the same for
    any number of workers and processes, and after a restart.

    Args:
        hard_negatives: of the unaligned pairs, these take a share `hard_share`: uniformly one of
            the wrong documents that another model ranks high; where it ranks none, any.

    Raises:
        InputError: `prob_unaligned` outside [0, 1), `hard_share` outside [0, 1], or fewer than
            two images.
    """

    def __init__(
        self,
        split: Split,
        prob_unaligned: float,
        seed: int,
        hard_negatives: HardNegatives | None = None,
        hard_share: float = 0.5,
    ):
        if not 0 <= prob_unaligned < 1:
            raise InputError(
                f"--prob_unaligned: expected a value in [0, 1), found {prob_unaligned}"
            )
        if not 0 <= hard_share <= 1:
            raise InputError(f"--hard_share: expected a value in [0, 1], found {hard_share}")
        if len(split.images) < 2:
            raise InputError(
                f"split {split.split!r} of {split.source}: expected at least two images, for "
                f"unaligned pairs, found {len(split.images)}"
            )
        self.image_of = split.caption_image_index  # (n_captions,)
        self.n_images = len(split.images)
        self.prob_unaligned = prob_unaligned
        self.seed = seed
        self.hard_negatives = hard_negatives
        self.hard_share = hard_share

    def draw(self, caption: int, epoch: int) -> Pair:
        """Return the pair of `caption` (its position in the split) in `epoch` (from 0)."""
        generator = np.random.default_rng((self.seed, epoch, caption))
        image = int(self.image_of[caption])
        if generator.random() >= self.prob_unaligned:
            return Pair(image, caption, aligned=True)
        if generator.random() < 0.5:
            return Pair(self._other_image(caption, generator), caption, aligned=False)
        return Pair(image, self._other_caption(image, generator), aligned=False)

    def _hard(self, generator: np.random.Generator) -> HardNegatives | None:
        """Return the hard negatives for a share of the draws, None for the others."""
        if self.hard_negatives is not None and generator.random() < self.hard_share:
            return self.hard_negatives
        return None

    def _other_image(self, caption: int, generator: np.random.Generator) -> int:
        own = int(self.image_of[caption])
        if hard := self._hard(generator):
            ranked = hard.images[caption]  # (k,)
            wrong = ranked[ranked != own]
            if len(wrong):
                return int(generator.choice(wrong))
        # The images other than this one, numbered without it.
        other = int(generator.integers(self.n_images - 1))
        return other + (other >= own)

    def _other_caption(self, image: int, generator: np.random.Generator) -> int:
        if hard := self._hard(generator):
            ranked = hard.captions[image]  # (k,)
            wrong = ranked[self.image_of[ranked] != image]
            if len(wrong):
                return int(generator.choice(wrong))
        # An image's captions stand side by side: number the captions without them.
        first, last = np.searchsorted(self.image_of, (image, image + 1))
        other = int(generator.integers(len(self.image_of) - (last - first)))
        return int(other + (other >= first) * (last - first))
