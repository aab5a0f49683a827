"""Training captions: each an item, with its image's encoding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedConfig

from captioning.models.losses import NO_TARGET, without_last
from captioning.models.lstm_captioner import UNTAUGHT
from captioning.models.vocabulary import Vocabulary, padded
from captioning.results.results_file import listed
from information_retrieval.training.examples.dataset import CaptionItems
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.encodings_file import EncodingsFile

FILLER = -1  # in the place of a caption's number: an item without a caption


@dataclass(frozen=True)
class CaptionTargets:
    """The captions of a split that are trained on.

    Attributes:
        token_ids: of each, the end included unless it was cut.
        image_ids: of each, the image that it is of.
        without_words: ids of captions that are left out, without a word to be learnt.
        cut: ids of captions that were cut.
        unknown_share: of all words, those that the vocabulary does not have, in [0, 1].
    """

    token_ids: list[list[int]]
    image_ids: list[int]
    without_words: tuple[int, ...]
    cut: tuple[int, ...]
    unknown_share: float

    def told(self) -> list[str]:
        """Return a line for each oddity that was worked around."""
        lines = []
        if self.without_words:
            lines.append(
                f"{len(self.without_words):,} captions without words are left out: caption ids "
                f"{listed(self.without_words)}"
            )
        if self.cut:
            lines.append(
                f"{len(self.cut):,} captions are cut by --max_words: caption ids {listed(self.cut)}"
            )
        return lines


def caption_targets(
    split: Split, vocabulary: Vocabulary, max_words: int, least_words: int = 1
) -> CaptionTargets:
    """Cut the captions of a split into words.

    Args:
        max_words: most ids of a caption, the end counted.
        least_words: captions of fewer are left out.

    Raises:
        InputError: no caption has a word.
    """
    encoded = vocabulary.encode(split.captions)
    is_kept = [len(ids) >= least_words for ids in encoded]
    kept = [n for n, is_one in enumerate(is_kept) if is_one]
    if not kept:
        raise InputError(
            f"split {split.split!r} of {split.source}: none of {len(encoded):,} captions has a "
            "word to be learnt"
        )
    caption_ids, image_of = split.caption_ids.tolist(), split.caption_image_index
    unknown = sum(one == vocabulary.unknown_id for ids in encoded for one in ids)
    return CaptionTargets(
        token_ids=[[*encoded[n], vocabulary.end_id][:max_words] for n in kept],
        image_ids=split.image_ids[image_of[kept]].tolist(),
        without_words=tuple(caption_ids[n] for n, is_one in enumerate(is_kept) if not is_one),
        cut=tuple(caption_ids[n] for n in kept if len(encoded[n]) >= max_words),
        unknown_share=unknown / sum(map(len, encoded)),
    )


class EncodedCaptions(CaptionItems):
    """One item a caption: (its image's encoding, its ids). `FILLER` is one without ids.

    Raises:
        InputError: an image that is not in the file.
    """

    def __init__(self, split: Split, targets: CaptionTargets, encodings: EncodingsFile):
        super().__init__(split, targets.token_ids)
        encodings.check_covers(targets.image_ids)
        encodings.check_names(split)
        self.image_ids = targets.image_ids
        self.encodings = encodings

    def __getitem__(self, caption: int) -> tuple[np.ndarray, list[int]]:
        if caption == FILLER:
            return self.encodings.read(self.image_ids[0]), []
        return self.encodings.read(self.image_ids[caption]), self.token_ids[caption]


def collate(items: Sequence[tuple[np.ndarray, list[int]]]) -> dict[str, Tensor]:
    """Make items the arguments of a captioner's forward: captions of any lengths, padded."""
    encodings = np.stack([encoding for encoding, _ in items])
    labels = padded([ids for _, ids in items])
    return {"encodings": torch.from_numpy(encodings), "labels": labels}


def count_captions(labels: Tensor) -> Tensor:
    """Return how many captions a batch has, (), without what fills it up."""
    return (labels != NO_TARGET).any(1).sum()


def count_targets(labels: Tensor, config: PreTrainedConfig) -> Tensor:
    """Return over how many targets the loss of a batch is the mean, ().

    Args:
        labels: (n, length), as `collate` makes them.
    """
    starts = count_captions(labels) if getattr(config, "learn_start", False) else 0
    if getattr(config, "omit_last_targets", False):
        labels = without_last(labels, UNTAUGHT)
    return (labels != NO_TARGET).sum() + starts


def least_words(config: PreTrainedConfig) -> int:
    """Return how many words a caption must have for a target to be left."""
    return UNTAUGHT if getattr(config, "omit_last_targets", False) else 1
