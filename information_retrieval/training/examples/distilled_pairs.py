"""Captions with a view of their images and the teacher's vector of these: Sx3HRe's examples."""

from typing import Literal

import numpy as np
import torch
from PIL import Image

from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.tokenization import TokenizedCaptions
from information_retrieval.training.examples.augmentation import PixelFormat, draw_crop, draw_flip
from information_retrieval.training.examples.dataset import CaptionItems, Item
from preprocess.captions.split_file import Split
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.images_file import ImagesFile

View = Literal["random", "fixed"]
LEAST_AREA = 0.9  # share of an image that a random view shows at least


class DistilledPairs(CaptionItems):
    """One item a caption: its image, a random number, and the teacher's vector where it is cached.

    An item depends on (seed, epoch, caption) only.

    Args:
        images: of the split, by image id.
        image_processor: gives the fixed view, a plain resize.
        pixels: the same for random views: a crop of 0.9 to all of the area, half of them flipped
            (but where a caption names a side).
        targets: of the same images; None where the teacher is asked for each batch.

    Raises:
        InputError: an image is not in a file.
    """

    def __init__(
        self,
        split: Split,
        tokens: TokenizedCaptions,
        images: ImagesFile,
        image_processor,
        pixels: PixelFormat,
        view: View,
        targets: EncodingsFile | None,
        seed: int,
    ):
        super().__init__(split, tokens.token_ids)
        images.check_names(split)
        self.fixed = GalleryImages(images, split.image_ids, image_processor)
        self.pixels = pixels
        self.view = view
        self.targets = targets
        self.seed = seed
        if targets is not None:
            targets.check_split(split)

    def __getitem__(self, caption: int) -> Item:
        image = int(self.split.caption_image_index[caption])
        generator = np.random.default_rng((self.seed, int(self.epoch), caption))
        # Drawn first, so that arms whose views differ draw the same.
        read = {"draws": torch.tensor(generator.random(dtype=np.float32))}
        if self.targets is not None:
            target = self.targets.read(self.split.images[image].image_id)
            read["targets"] = torch.from_numpy(target)
        if self.view == "fixed":
            read["pixel_values"] = self.fixed[image]
        else:
            read["pixel_values"] = self._random_view(image, generator)
        return Item(self.token_ids[caption], read, image, aligned=True)

    def _random_view(self, image: int, generator: np.random.Generator) -> torch.Tensor:
        shown = self.split.images[image]
        decoded = self.fixed.images.read(shown.image_id)
        crop = draw_crop(decoded.shape[:2], LEAST_AREA, generator)
        is_flipped = draw_flip((caption.caption for caption in shown.captions), generator)
        return self.pixels.to_tensor(
            crop.cut(Image.fromarray(decoded), self.pixels.side, is_flipped)
        )
