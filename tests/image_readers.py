"""Tiny models that read images, saved as HF saves them, and images of different sizes."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (
    AlignConfig,
    AlignModel,
    AlignProcessor,
    AltCLIPConfig,
    AltCLIPModel,
    AltCLIPProcessor,
    BlipConfig,
    BlipForImageTextRetrieval,
    BlipImageProcessor,
    BlipProcessor,
    CLIPImageProcessor,
    EfficientNetImageProcessor,
    PreTrainedModel,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipProcessor,
    ViltConfig,
    ViltForImageAndTextRetrieval,
    ViltImageProcessor,
    ViltProcessor,
)

from information_retrieval.models.loading import EncoderOptions, GalleryFiles, load_gallery
from information_retrieval.scoring.all_pairs import score_all
from preprocess.captions.split_file import Split
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import bert_tokenizer
from tests.information_retrieval.models.sx3hre import tiny as tiny_sx3hre
from tests.information_retrieval.models.xvlm.tiny import make_xvlm, processor_of

LAYERS = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
}
VISION = {**LAYERS, "image_size": 32, "patch_size": 8}
SQUARE = {"height": 32, "width": 32}
SIZES = [(48, 64), (64, 48), (40, 40), (30, 90), (64, 50)]  # height, width


def perturb(model: PreTrainedModel, size: float = 0.1) -> PreTrainedModel:
    """Move biases and norms too, so that every weight moves the scores."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(size * torch.randn_like(parameter))
    return model.eval()


def text_config(vocab_size: int, **changes) -> dict:
    """The text part of a tiny configuration, for the tokenizer of `bert_tokenizer`."""
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    return {
        **LAYERS,
        "vocab_size": vocab_size,
        "max_position_embeddings": 80,
        **special,
        **changes,
    }


def _siglip(tokenizer):
    text = text_config(len(tokenizer), projection_size=32)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=VISION))
    return model, SiglipProcessor(SiglipImageProcessor(size=SQUARE), tokenizer)


def _altclip(tokenizer):
    text = text_config(len(tokenizer), project_dim=24)
    config = AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=24)
    image_processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SQUARE)
    return AltCLIPModel(config), AltCLIPProcessor(image_processor, tokenizer)


def _align(tokenizer):
    vision = {
        "image_size": 32,
        "width_coefficient": 0.2,
        "depth_coefficient": 0.2,
        "hidden_dim": 64,
        "initializer_range": 0.5,  # with the default's, all images are embedded alike
    }
    config = AlignConfig(
        text_config=text_config(len(tokenizer)), vision_config=vision, projection_dim=64
    )
    image_processor = EfficientNetImageProcessor(size=SQUARE, do_center_crop=False)
    return AlignModel(config), AlignProcessor(image_processor, tokenizer)


def _vilt(tokenizer, **changes):
    config = ViltConfig(**{**VISION, **text_config(len(tokenizer)), **changes})
    image_processor = ViltImageProcessor(size={"shortest_edge": 32}, size_divisor=8)
    return ViltForImageAndTextRetrieval(config), ViltProcessor(image_processor, tokenizer)


def _blip(tokenizer, **text_changes):
    text = text_config(len(tokenizer), **text_changes)
    vision = {**VISION, "hidden_size": 40}  # another than the text's
    config = BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=24)
    processor = BlipProcessor(BlipImageProcessor(size=SQUARE), tokenizer)
    return BlipForImageTextRetrieval(config), processor


def _xvlm(tokenizer, **changes):
    return make_xvlm(len(tokenizer), **changes), processor_of(tokenizer)


def _sx3hre(tokenizer, **changes):
    model = tiny_sx3hre.make_sx3hre(vocab_size=len(tokenizer), **changes)
    return model, tiny_sx3hre.processor_of(tokenizer, tiny_sx3hre.SIDE)


MAKERS = {
    "siglip": _siglip,
    "altclip": _altclip,
    "align": _align,
    "vilt": _vilt,
    "blip": _blip,
    "xvlm": _xvlm,
    "sx3hre": _sx3hre,
}


def save_image_reader(folder: Path, kind: str, seed: int = 0, **changes) -> Path:
    """A tiny checkpoint folder with its processor; `kind` is one of `MAKERS`."""
    torch.manual_seed(seed)
    model, processor = MAKERS[kind](bert_tokenizer(folder), **changes)
    perturb(model).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_images_of_sizes(folder: Path, split: Split) -> tuple[list[Path], ImagesFile]:
    """A random image of each of `SIZES` in turn, as PNG files and as an images file."""
    generator = np.random.default_rng(0)
    paths = []
    for number, image_id in enumerate(split.image_ids):
        height, width = SIZES[number % len(SIZES)]
        pixels = generator.integers(0, 256, (6, 8, 3), np.uint8)
        paths.append(folder / f"{image_id}.png")
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        image.save(paths[-1])
    encoded = [path.read_bytes() for path in paths]
    write_images_file(folder / "images.h5", split.image_ids, encoded)
    return paths, ImagesFile(folder / "images.h5")


def all_scores(
    checkpoint: Path, split: Split, images: ImagesFile, rows: np.ndarray | None = None, **options
) -> np.ndarray:
    """The scores of a split by our scorer, or of some of its images."""
    defaults = {
        "dtype": torch.float32,
        "batch_size": 64,
        "num_workers": 0,
        "show_progress": False,
    }
    files = GalleryFiles(features=Path("none"), images=images.path)
    encoder_options = EncoderOptions(**{**defaults, **options})
    loaded = load_gallery(str(checkpoint), split, files, torch.device("cpu"), encoder_options)
    rows = np.arange(len(split.images)) if rows is None else rows
    shape = len(rows), len(split.captions)
    return score_all(loaded.encode(rows), loaded.column_blocks, *shape, show_progress=False)
