"""Training pairs as a dataset, and the batches that the models' forwards take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch.utils.data import Dataset

from information_retrieval.training.examples.pairs import PairSampler
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class Item:
    """A training pair, read.

    Attributes:
        token_ids: of the caption, special tokens included.
        image: what the model reads of the image, as its dataset gives it.
        image_index: the image's position in the split.
        aligned: whether the caption describes the image.
    """

    token_ids: list[int]
    image: Any
    image_index: int
    aligned: bool


class DrawnAnew(Dataset):
    """Items of a split that are drawn anew in each epoch.

    Args:
        split: the images and captions.

    Attributes:
        gives_batches: whether an item is a whole batch.
    """

    gives_batches: ClassVar[bool] = False

    def __init__(self, split: Split):
        self.split = split
        # Shared, so that workers that live longer than an epoch see it change.
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        raise NotImplementedError

    def start_epoch(self, epoch: int) -> None:
        """Draw from now on the items of `epoch` (from 0)."""
        self.epoch.fill_(epoch)


class CaptionItems(DrawnAnew):
    """Items of which each stands for a caption.

    Args:
        token_ids: of each of them, see `tokenize_captions`.

    Attributes:
        lengths: tokens of each caption; the one that an unaligned pair takes may have others.
    """

    def __init__(self, split: Split, token_ids: list[list[int]]):
        super().__init__(split)
        self.token_ids = token_ids
        self.lengths = [len(ids) for ids in token_ids]

    def __len__(self) -> int:
        return len(self.token_ids)


class TrainingPairs(CaptionItems):
    """One item a caption: the pair that is drawn for it.

    Args:
        images: gives what the model reads of each image of the split, by position.
        sampler: draws the pairs.
    """

    def __init__(
        self,
        split: Split,
        token_ids: list[list[int]],
        images: Dataset,
        sampler: PairSampler,
    ):
        super().__init__(split, token_ids)
        self.images = images
        self.sampler = sampler

    def __getitem__(self, caption: int) -> Item:
        pair = self.sampler.draw(caption, int(self.epoch))
        image = self.images[pair.image]
        return Item(self.token_ids[pair.caption], image, pair.image, pair.aligned)


@dataclass(frozen=True)
class Collator:
    """Makes items the arguments of a model's forward.

    Attributes:
        pad: token ids of the captions -> `input_ids` and, where the model takes one, a mask.
        stack: what the model reads of the images -> its arguments, by name.
        target: "labels", (batch,) float32, 1 for an aligned pair; or "image_index", (batch,)
            int64, by which a contrastive loss knows the captions of one image.
    """

    pad: Callable[[Sequence[Sequence[int]]], dict[str, torch.Tensor]]
    stack: Callable[[list], dict[str, torch.Tensor]]
    target: Literal["labels", "image_index"]

    def __call__(self, items: list[Item]) -> dict[str, torch.Tensor]:
        if self.target == "labels":
            target = torch.tensor([float(item.aligned) for item in items])
        else:
            target = torch.tensor([item.image_index for item in items])
        return {
            **self.pad([item.token_ids for item in items]),
            **self.stack([item.image for item in items]),
            self.target: target,
        }
