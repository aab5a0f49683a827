"""A tiny Sx3HRe with random weights, as a checkpoint folder, and the encoders it may begin as."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    BeitConfig,
    BertConfig,
    Data2VecTextConfig,
    Data2VecVisionConfig,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaTokenizer,
)

from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, cut
from information_retrieval.models.sx3hre.initialisation import processor_of
from information_retrieval.models.sx3hre.model import Sx3hreModel
from tests.conftest import bert_tokenizer

WIDTH, HEADS, LAYERS, HIDDEN = 24, 3, 2, 48
SIDE, PATCH = 24, 8  # pixels; the teacher of tests/preprocess/encoders/tiny_beit.py has these, too
POSITIONS = 128
SIZES = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": HIDDEN,
}
ROBERTAS = {"data2vec-text": Data2VecTextConfig, "roberta": RobertaConfig}


def image_config(kind: str = "data2vec-vision", **config) -> PreTrainedConfig:
    """An image encoder, not cut: with its final norm, drop path and mask token."""
    sizes = {**SIZES, "image_size": SIDE, "patch_size": PATCH, "layer_scale_init_value": 0.5}
    own = {"use_mean_pooling": False, "use_mask_token": True, "drop_path_rate": 0.1}
    own["use_shared_relative_position_bias"] = True
    config_class = {"data2vec-vision": Data2VecVisionConfig, "beit": BeitConfig}[kind]
    return config_class(**{**sizes, **own, **config})


def text_config(kind: str = "bert", vocab_size: int = 50, **config) -> PreTrainedConfig:
    """A text encoder; RoBERTa's two first positions are none."""
    sizes = {**SIZES, "vocab_size": vocab_size}
    if kind == "bert":
        return BertConfig(**{**sizes, "max_position_embeddings": POSITIONS, **config})
    own = {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1, "pad_token_id": 1}
    return ROBERTAS[kind](**{**sizes, **own, **config})


def tokenizer_for(kind: str, folder: Path) -> PreTrainedTokenizerBase:
    """BERT's of the words of tests/conftest.py, or one of letters by byte-pair encoding."""
    if kind == "bert":
        return bert_tokenizer(folder)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *"abcdefghijklmnopqrstuvwxyz"]
    return RobertaTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}, merges=[])


def perturb(model: nn.Module, seed: int = 0) -> None:
    """Move all weights but the scales of cosines, so that each moves the outputs."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith("logit_scale"):
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))


def save_encoder(folder: Path, kind: str, **config) -> Path:
    """An uncut encoder of 3 layers, as a hub's: with norm, pooler and mask token or tokenizer."""
    config = {"num_hidden_layers": 3, **config}
    if kind in IMAGE_ENCODERS:
        encoder = AutoModel.from_config(image_config(kind, **config))
    else:
        tokenizer = tokenizer_for(kind, folder)
        tokenizer.save_pretrained(folder)
        config = {"vocab_size": len(tokenizer), **config}
        encoder = AutoModel.from_config(text_config(kind, **config))
    perturb(encoder)
    encoder.save_pretrained(folder)
    return folder


def make_config(
    image: str = "data2vec-vision", text: str = "bert", vocab_size: int = 50, **config
) -> Sx3hreConfig:
    own = {"num_attention_heads": HEADS, "intermediate_size": HIDDEN}
    return Sx3hreConfig(
        vision_config=cut(image_config(image), None),
        text_config=text_config(text, vocab_size),
        **{**own, **config},
    )


def make_sx3hre(
    image: str = "data2vec-vision",
    text: str = "bert",
    vocab_size: int = 50,
    seed: int = 0,
    **config,
) -> Sx3hreModel:
    torch.manual_seed(seed)
    model = Sx3hreModel(make_config(image, text, vocab_size, **config)).eval()
    perturb(model, seed)
    return model


def save_sx3hre(
    folder: Path, seed: int = 0, image: str = "data2vec-vision", text: str = "bert", **config
) -> Path:
    """A checkpoint folder with its processor; the words are those of tests/conftest.py."""
    tokenizer = tokenizer_for(text, folder)
    make_sx3hre(image, text, len(tokenizer), seed, **config).save_pretrained(folder)
    processor_of(tokenizer, SIDE).save_pretrained(folder)
    return folder


def random_pixels(n: int = 3, side: int = SIDE, seed: int = 0) -> Tensor:
    """(n, 3, side, side) float32 as after normalisation."""
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def random_texts(lengths: list[int], vocab_size: int = 30, pad_id: int = 0) -> dict[str, Tensor]:
    """Ids from 5 to the vocabulary's size, padded, and their mask."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.full((len(lengths), max(lengths)), pad_id)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(5, vocab_size, (length,), generator=generator)
        mask[row, :length] = 1
    return {"input_ids": ids, "attention_mask": mask}
