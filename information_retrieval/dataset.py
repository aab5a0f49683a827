"""Training pairs: every image-caption pair once an epoch, a share of them made unaligned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from information_retrieval.lxmert import LxmertForImageTextMatching
from information_retrieval.tokenization import pad_tokens
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from preprocess.split_file import Split


@dataclass(frozen=True)
class Pair:
    """An image and a caption by their positions in the split, and whether they belong together."""

    image: int
    caption: int
    aligned: bool


class PairSampler:
    """Draws the pair that stands for each caption of a split in an epoch.

    With probability `prob_unaligned` the caption's own pair is replaced by an unaligned one: half
    of the time by another image, half by a caption of another image, uniformly, never by one of
    the image's own captions. A draw depends on (seed, epoch, caption) only: it is the same for
    any number of workers and processes, and after a restart.

    Raises:
        InputError: `prob_unaligned` outside [0, 1), or fewer than two images.
    """

    def __init__(self, split: Split, prob_unaligned: float, seed: int):
        if not 0 <= prob_unaligned < 1:
            raise InputError(
                f"--prob_unaligned: expected a value in [0, 1), found {prob_unaligned}"
            )
        if len(split.images) < 2:
            raise InputError(
                f"split {split.split!r} of {split.source}: expected at least two images, for "
                "unaligned pairs, found one"
            )
        self.image_of = split.caption_image_index  # (n_captions,)
        self.n_images = len(split.images)
        self.prob_unaligned = prob_unaligned
        self.seed = seed

    def draw(self, caption: int, epoch: int) -> Pair:
        """Return the pair of `caption` (its position in the split) in `epoch` (from 0)."""
        generator = np.random.default_rng((self.seed, epoch, caption))
        image = int(self.image_of[caption])
        if generator.random() >= self.prob_unaligned:
            return Pair(image, caption, aligned=True)
        if generator.random() < 0.5:
            # The images other than this one, numbered without it.
            other = int(generator.integers(self.n_images - 1))
            return Pair(other + (other >= image), caption, aligned=False)
        # An image's captions stand side by side: number the captions without them.
        first, last = np.searchsorted(self.image_of, (image, image + 1))
        other = int(generator.integers(len(self.image_of) - (last - first)))
        return Pair(image, int(other + (other >= first) * (last - first)), aligned=False)


class MatchingDataset(Dataset):
    """One item a caption: token ids, region features and label of the pair drawn for it.

    Args:
        split: the images and captions.
        token_ids: of each caption, see `tokenize_captions`.
        features: has every image of the split.
        sampler: draws the pairs.
    """

    def __init__(
        self,
        split: Split,
        token_ids: list[list[int]],
        features: FeaturesFile,
        sampler: PairSampler,
    ):
        features.check_covers(split.image_ids)
        self.split_sha256 = split.sha256
        self.image_ids = split.image_ids
        self.token_ids = token_ids
        self.features = features
        self.sampler = sampler
        # Shared, so that workers that live longer than an epoch see it change.
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()

    def start_epoch(self, epoch: int) -> None:
        """Draw from now on the pairs of `epoch` (from 0)."""
        self.epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, caption: int) -> dict:
        pair = self.sampler.draw(caption, int(self.epoch))
        visual_feats, visual_pos = self.features.read_regions(self.image_ids[pair.image])
        return {
            "token_ids": self.token_ids[pair.caption],
            "visual_feats": visual_feats,
            "visual_pos": visual_pos,
            "label": float(pair.aligned),
        }


@dataclass(frozen=True)
class MatchingCollator:
    """Stacks items of `MatchingDataset` into the arguments of the model's forward."""

    pad_id: int

    def __call__(self, items: list[dict]) -> dict[str, torch.Tensor]:
        """Return input_ids, attention_mask, visual_feats, visual_pos (float32) and labels."""
        return {
            **pad_tokens([item["token_ids"] for item in items], self.pad_id),
            "visual_feats": stack_float32([item["visual_feats"] for item in items]),
            "visual_pos": stack_float32([item["visual_pos"] for item in items]),
            "labels": torch.tensor([item["label"] for item in items]),
        }


def check_feature_dim(features: FeaturesFile, model: LxmertForImageTextMatching) -> None:
    """Raise InputError unless the features have the dimension that the model reads."""
    expected = model.config.visual_feat_dim
    if features.feature_dim != expected:
        raise InputError(
            f"{features.path}: expected features of {expected} dimensions for this model, found "
            f"{features.feature_dim}; extract them with the detector that the model was made for"
        )


def stack_float32(arrays: Sequence[np.ndarray]) -> torch.Tensor:
    """Stack equal shapes along a new first axis, as float32."""
    return torch.from_numpy(np.stack(arrays).astype(np.float32, copy=False))
