"""Captions with varied views of their images, which X-VLM is fine-tuned on."""

import numpy as np

from information_retrieval.training.examples.augmentation import PixelFormat, random_view
from information_retrieval.training.examples.clean_captions import CleanCaptions
from information_retrieval.training.examples.dataset import CaptionItems, Item
from preprocess.storage.images_file import ImagesFile

LEAST_AREA = 0.5  # share of an image that a view shows at least


class VariedPairs(CaptionItems):
    """One item a caption that has words: its image cropped, perhaps flipped, and varied.

    An item depends on (seed, epoch, caption) only.

    Args:
        images: of the captions' split, by image id.
        pixels: that the model reads.

    Raises:
        InputError: an image is not in the file.
    """

    def __init__(self, captions: CleanCaptions, images: ImagesFile, pixels: PixelFormat, seed: int):
        images.check_split(captions.split)
        super().__init__(captions.split, captions.tokens.token_ids)
        self.captions = captions
        self.images = images
        self.pixels = pixels
        self.seed = seed

    def __getitem__(self, row: int) -> Item:
        caption = int(self.captions.rows[row])
        image = int(self.split.caption_image_index[caption])
        generator = np.random.default_rng((self.seed, int(self.epoch), caption))
        decoded = self.images.read(self.split.images[image].image_id)
        # All of them: others in the batch are right answers to this view too.
        texts = [caption.caption for caption in self.split.images[image].captions]
        view = random_view(decoded, texts, self.pixels, LEAST_AREA, generator)
        return Item(self.token_ids[row], {"pixel_values": view}, image, aligned=True)
