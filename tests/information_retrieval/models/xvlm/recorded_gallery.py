"""The pictures and captions of the recorded evaluation, as a checkpoint, a split and images."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from transformers import BertTokenizer

from information_retrieval.models.loaded_gallery import (
    EncoderOptions,
    GalleryFiles,
    LoadedGallery,
)
from information_retrieval.models.loading import load_gallery
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.information_retrieval.models.xvlm.official import save_tokenizer
from tests.information_retrieval.models.xvlm.reference import Reference
from tests.information_retrieval.models.xvlm.tiny import processor_of


@dataclass(frozen=True)
class RecordedGallery:
    """What is evaluated: the fine-tuned small model's folder, 8 pictures and 40 captions."""

    checkpoint: Path
    split: Split
    images: ImagesFile

    def load(self, **options) -> LoadedGallery:
        files = GalleryFiles(features=Path("none"), images=self.images.path)
        chosen = EncoderOptions(**options)
        return load_gallery(str(self.checkpoint), self.split, files, torch.device("cpu"), chosen)


def recorded_gallery(reference: Reference, fine_tuned, folder: Path) -> RecordedGallery:
    """Write the recorded evaluation to a folder."""
    tokenizer_folder = save_tokenizer(folder / "bert", reference.shapes["vocab"])
    tokenizer = BertTokenizer.from_pretrained(tokenizer_folder)
    checkpoint = folder / "xvlm"
    fine_tuned.save_pretrained(checkpoint)
    processor_of(tokenizer, side=192).save_pretrained(checkpoint)
    encoded, entries = [], []
    texts, number = reference.shapes["eval_captions"], 100
    for row, (height, width) in enumerate(reference.shapes["eval_image_sizes_hw"]):
        file = io.BytesIO()
        Image.fromarray(reference.seeded.image_u8(f"image{row}", height, width)).save(file, "png")
        encoded.append(file.getvalue())
        captions = tuple(Caption(number + place, text) for place, text in enumerate(texts[row]))
        number += len(captions)
        entries.append(CaptionedImage(row, f"{row}.png", captions))
    split = Split("recorded", "test", "the published code's evaluation", tuple(entries))
    write_images_file(folder / "images.h5", split.image_ids, encoded)
    return RecordedGallery(checkpoint, split, ImagesFile(folder / "images.h5"))
