"""A tiny X-VLM with random weights, as a checkpoint folder."""

from pathlib import Path

import torch
from transformers import BertTokenizer, BlipImageProcessorPil, BlipProcessor

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.conversion import MEAN, STD
from information_retrieval.models.xvlm.model import XvlmModel
from tests.conftest import bert_tokenizer

SIDE = 64  # pixels: 4 x 4 image tokens


def make_xvlm(vocab_size: int, seed: int = 0, **config) -> XvlmModel:
    """The model; all weights but the temperature are perturbed, so that each moves the outputs."""
    torch.manual_seed(seed)
    vision = {"image_size": SIDE, "patch_size": 4, "window_size": 4, "embed_dim": 16}
    vision |= {"depths": [2, 2, 2], "num_heads": [2, 2, 4]}
    text = {"vocab_size": vocab_size, "hidden_size": 32, "intermediate_size": 48}
    text |= {"num_hidden_layers": 4, "num_attention_heads": 4, "max_position_embeddings": 64}
    sizes = {"vision_config": vision, "text_config": text, "n_text_layers": 2, "embedding_dim": 24}
    model = XvlmModel(XvlmConfig(**{**sizes, **config})).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name != "temperature":
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def save_xvlm(folder: Path, seed: int = 0, **config) -> Path:
    """A checkpoint folder with its processor; the words are those of tests/conftest.py."""
    bert = bert_tokenizer(folder)
    make_xvlm(len(bert), seed, **config).save_pretrained(folder)
    processor_of(bert).save_pretrained(folder)
    return folder


def processor_of(bert: BertTokenizer, side: int = SIDE) -> BlipProcessor:
    """The processor of images of `side` pixels and of captions, by BERT's tokenizer."""
    size = {"height": side, "width": side}
    image_processor = BlipImageProcessorPil(size=size, image_mean=[*MEAN], image_std=[*STD])
    return BlipProcessor(image_processor, single_sequence_tokenizer(bert))
