"""What a model that reads images is given of a split, checked, and what identifies it."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from information_retrieval.models.checkpoint import load_image_processor, load_tokenizer
from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.known_answers import (
    check_answers,
    image_answers,
    pixel_answers,
    token_answers,
)
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.tokenization import (
    READ_PADDING,
    TokenizedCaptions,
    caption_positions,
    max_words,
    tokenize_captions,
)
from preprocess.captions.split_file import Split
from preprocess.storage.hdf5 import SplitHdf5
from preprocess.storage.images_file import ImagesFile


@dataclass(frozen=True)
class ImageInputs:
    """Captions as token ids, and images that the checkpoint's processor makes pixels of.

    Attributes:
        pad_id: of the tokenizer.
        identity: what the scores depend on, as text by name.
    """

    tokens: TokenizedCaptions
    pad_id: int
    images: ImagesFile
    image_processor: BaseImageProcessor
    identity: dict[str, str]

    def pixels(self, image_ids: np.ndarray, negative_images: bool) -> GalleryImages:
        return GalleryImages(self.images, image_ids, self.image_processor, negative_images)


def read_inputs(
    name: str,
    model: PreTrainedModel,
    gallery: Split,
    files: GalleryFiles,
    options: EncoderOptions,
) -> ImageInputs:
    """Tokenise a gallery's captions, open its images, and ask what has a known answer.

    Raises:
        InputError: no tokenizer, image processor or file, an image that is not in the file, a
            caption that is too long where that is an error, or an answer that is surely wrong.
    """
    tokenizer = load_tokenizer(name, model.config.get_text_config().vocab_size)
    tokens = tokenize_captions(
        gallery,
        tokenizer,
        caption_positions(model),
        model.config.model_type in READ_PADDING,
        options.long_captions,
        max_words(model.config),
    )
    image_processor = load_image_processor(name)
    images = ImagesFile(files.images)
    images.check_split(gallery)
    check_answers(token_answers(tokenizer, model.config), name, options.wrong_answers)
    check_answers(pixel_answers(image_processor, model.config), name, options.wrong_answers)
    check_answers(
        image_answers(images, gallery.image_ids), str(files.images), options.wrong_answers
    )
    identity = {
        "tokens_sha256": sha256_of(tokens.token_ids),
        "image_processor_sha256": sha256_of(image_processor.to_dict()),
        "images_sha256": data_sha256(images, gallery.image_ids),
        "negative_images": str(options.negative_images),
    }
    return ImageInputs(tokens, tokenizer.pad_token_id, images, image_processor, identity)


def sha256_of(content: object) -> str:
    """Return the hash of what JSON can hold."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def data_sha256(file: SplitHdf5, image_ids: np.ndarray) -> str:
    """Return what identifies the data of a gallery's images: the hash of their checksums."""
    rows = [file.row_of(image_id) for image_id in image_ids]
    return hashlib.sha256(file.checksums[rows].tobytes()).hexdigest()
