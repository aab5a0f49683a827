"""An Sx3HRe that begins as the first layers of an image and a text encoder."""

from dataclasses import dataclass

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BlipImageProcessorPil,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    VisionTextDualEncoderProcessor,
)

from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, TEXT_ENCODERS, cut
from information_retrieval.models.sx3hre.model import Sx3hreModel
from preprocess.base.errors import InputError
from preprocess.base.hub import DAMAGED_WEIGHTS, quiet_transformers, use_cache_if_unreachable
from preprocess.encoders.beit_conversion import MEAN, STD


@dataclass(frozen=True)
class Encoders:
    """What an Sx3HRe begins as, cut to the same depth and of one width."""

    image: PreTrainedModel
    text: PreTrainedModel


def load_encoders(image_name: str, text_name: str, depth: int | None) -> Encoders:
    """Load the first layers of an image and of a text encoder, each from a folder or hub id.

    Args:
        depth: layers to keep of each; None for all.

    Raises:
        InputError: nothing there, another kind of model, weights that are missing, fewer layers,
            or two widths.
    """
    image = _load("--image_encoder", image_name, IMAGE_ENCODERS, depth)
    text = _load("--text_encoder", text_name, TEXT_ENCODERS, depth)
    widths = [encoder.config.hidden_size for encoder in (image, text)]
    if len(set(widths)) > 1:
        raise InputError(
            f"--text_encoder {text_name}: expected the width of --image_encoder {image_name}, "
            f"{widths[0]}, as both pass through one block; found {widths[1]}"
        )
    return Encoders(image, text)


def _load(option: str, name: str, types: tuple[str, ...], depth: int | None) -> PreTrainedModel:
    use_cache_if_unreachable()
    try:
        config = AutoConfig.from_pretrained(name)
        if config.model_type not in types:
            raise InputError(
                f"{option} {name}: expected a model of type {' or '.join(types)}, found "
                f"{config.model_type}"
            )
        with quiet_transformers():
            model, loading = AutoModel.from_pretrained(
                name,
                config=_cut(option, name, config, depth),
                dtype="float32",
                output_loading_info=True,
                add_pooling_layer=False,
            )
    except DAMAGED_WEIGHTS as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{option} {name}: expected an HF checkpoint folder or hub id ({reason})"
        ) from error
    missing = sorted(loading["missing_keys"])
    if missing:
        raise InputError(
            f"{option} {name}: {len(missing)} weights are not in the checkpoint ({missing[0]}, ...)"
        )
    return model


def _cut(option: str, name: str, config: PreTrainedConfig, depth: int | None) -> PreTrainedConfig:
    try:
        return cut(config, depth)
    except InputError as error:
        raise InputError(f"{option} {name}: {error}") from error


def initialised(encoders: Encoders, seed: int) -> Sx3hreModel:
    """Return an Sx3HRe that begins as two encoders; block and norm are drawn by the seed."""
    of_text = encoders.text.config
    config = Sx3hreConfig(
        vision_config=encoders.image.config,
        text_config=of_text,
        num_attention_heads=of_text.num_attention_heads,
        intermediate_size=of_text.intermediate_size,
        max_tokens=min(Sx3hreConfig.max_tokens, _positions(of_text)),
    )
    torch.manual_seed(seed)
    model = Sx3hreModel(config)
    model.vision_encoder.load_state_dict(encoders.image.state_dict())
    model.text_encoder.load_state_dict(encoders.text.state_dict())
    return model.eval()


def _positions(text: PreTrainedConfig) -> int:
    """Return how many tokens a text encoder has positions for."""
    # RoBERTa's begin after that of the padding.
    taken = 0 if text.model_type == "bert" else text.pad_token_id + 1
    return text.max_position_embeddings - taken


def make_processor(text_name: str, config: Sx3hreConfig) -> VisionTextDualEncoderProcessor:
    """Return what is saved beside the weights: the text encoder's tokenizer, and the pixels.

    Images are resized to a square, bicubic, and normalised with ImageNet's mean and deviation.

    Raises:
        InputError: no such tokenizer, or one of more words than the text encoder has.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(text_name)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"--text_encoder {text_name}: no tokenizer ({error})") from error
    words = config.text_config.vocab_size
    if not 0.9 * words <= len(tokenizer) <= words:
        raise InputError(
            f"--text_encoder {text_name}: expected a tokenizer of the model's {words:,} entries, "
            f"found {len(tokenizer):,}; are its files (vocab.txt, tokenizer.json, ...) there?"
        )
    tokenizer.model_max_length = config.max_tokens
    return processor_of(tokenizer, config.vision_config.image_size)


def processor_of(tokenizer: PreTrainedTokenizerBase, side: int) -> VisionTextDualEncoderProcessor:
    """Return the processor of a tokenizer and of images of `side` x `side` pixels.

    As the author's and BEiT-2's, also where HF's encoder was trained with a mean of 0.5.
    """
    # As load_processor loads it again: HF's default, by torchvision, resizes otherwise.
    image_processor = BlipImageProcessorPil(
        size={"height": side, "width": side}, image_mean=list(MEAN), image_std=list(STD)
    )
    return VisionTextDualEncoderProcessor(image_processor, tokenizer)
