"""Batches of regions: texts of several images, and each image once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from information_retrieval.training.examples.masking import pad_masked
from information_retrieval.training.regions.example import RegionExample


def text_number(token_ids: Sequence[int]) -> int:
    """Return a number that equal texts have in common, in any process; others have not."""
    digest = hashlib.blake2b(np.array(token_ids, "<i8").tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


@dataclass(frozen=True)
class RegionCollator:
    """Makes examples the arguments of a pre-training step, at most `batch_texts` texts.

    Where there are more, those of the lowest `order` stay, which is a random choice. Where there
    are fewer, the batch is smaller: the published code repeats texts until it is full, which then
    are wrong answers to each other.

    Attributes:
        pad_id: the token that pads a text.
    """

    pad_id: int
    batch_texts: int = 128

    def __call__(self, examples: Sequence[RegionExample]) -> dict[str, torch.Tensor]:
        """Collate examples, of which one has a text.

        Returns:
            what `pad_masked` gives of n texts, in random order, and
            pixel_values: (n_images, 3, side, side) float32, of those with a text that stayed.
            image_of: (n,) int64, a text's row in `pixel_values` (idx_to_group_img).
            image_mask: (n, 1 + grid * grid) int64, 1 for an image token that the text is of.
            boxes: (n, 4) float32: centre x and y, width, height as shares of the side.
            is_image: (n,) bool, whether the text is a caption of the image.
            image_index: (n,) int64, the image's position in the split, equal for its texts.
            text_number: (n,) int64, equal for equal texts ("window" of two images, or of two
                regions), which are not wrong answers to each other.
        """
        texts = [text for example in examples for text in example.texts]
        assert texts, "examples without a text are passed over before"
        order = np.concatenate([example.order for example in examples])
        chosen = np.argsort(order, kind="stable")[: self.batch_texts]  # of all texts
        example_of = np.repeat(np.arange(len(examples)), [len(e.texts) for e in examples])[chosen]
        image_index = np.array([example.image_index for example in examples])
        kept, image_of = np.unique(example_of, return_inverse=True)

        def of_texts(arrays: list[np.ndarray]) -> torch.Tensor:
            return torch.from_numpy(np.concatenate(arrays)[chosen])

        return {
            **pad_masked([texts[row] for row in chosen], self.pad_id),
            "pixel_values": torch.stack([examples[row].pixel_values for row in kept]),
            "image_of": torch.from_numpy(image_of),
            "image_mask": of_texts([example.image_mask for example in examples]),
            "boxes": of_texts([example.boxes for example in examples]),
            "is_image": of_texts([example.is_image for example in examples]),
            "image_index": torch.from_numpy(image_index[example_of]),
            "text_number": torch.tensor([text_number(texts[row].token_ids) for row in chosen]),
        }
