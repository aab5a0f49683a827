"""An official X-VLM file as an HF folder: model, tokenizer and image processor."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor
from transformers import BertTokenizer, BlipImageProcessorPil, BlipProcessor

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.official_names import renamed
from preprocess.base.errors import InputError
from preprocess.base.pickles import load_pickle

# CLIP's, though Swin was trained with ImageNet's.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
LISTED = 5  # names in a line


def read_official(path: Path) -> dict[str, Tensor]:
    """Read the weights of an official file, {"model": state dict, ...}; what else it holds is left.

    Nothing of the pickle is run but what makes tensors.

    Raises:
        InputError: no such file, or not one of tensors under "model".
    """
    content = load_pickle(path, "an official X-VLM checkpoint")
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f'{path}: expected a dictionary with the weights under "model"')
    return state


def convert(state: dict[str, Tensor], config: XvlmConfig) -> XvlmModel:
    """Return the model with official weights.

    Raises:
        InputError: weights are missing, have another shape, or have no place in the model.
    """
    model = XvlmModel(config)
    weights = renamed(state, config.vision_config.window_size)
    expected = model.state_dict()
    tied = set(model.all_tied_weights_keys)
    _check_none(expected.keys() - weights.keys() - tied, "are missing")
    _check_none(weights.keys() - expected.keys(), "have no place in the model")
    shapes = {name for name, value in weights.items() if value.shape != expected[name].shape}
    _check_none(shapes, "have another shape than the others tell")
    model.load_state_dict(weights, strict=False)
    model.tie_weights()
    return model.eval()


def _check_none(names: Iterable[str], what: str) -> None:
    found = sorted(names)
    if found:
        listed = ", ".join(found[:LISTED]) + ", ..." * bool(found[LISTED:])
        raise InputError(f"{len(found)} weights {what}: {listed}")


def make_processor(
    tokenizer_name: str,
    config: XvlmConfig,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> BlipProcessor:
    """Return what is saved beside the weights: [CLS] and word pieces, and the normalisation.

    Args:
        tokenizer_name: folder or hub id of BERT's tokenizer.
        mean, std: of red, green and blue in [0, 1], what pixels are normalised by.

    Raises:
        InputError: no such tokenizer, or one of another vocabulary.
    """
    try:
        tokenizer = BertTokenizer.from_pretrained(tokenizer_name)
    except (OSError, ValueError) as error:
        raise InputError(f"--tokenizer {tokenizer_name}: no tokenizer ({error})") from error
    words = config.text_config.vocab_size
    if len(tokenizer) != words:
        raise InputError(
            f"--tokenizer {tokenizer_name}: expected {words:,} entries, found {len(tokenizer):,}"
        )
    tokenizer = single_sequence_tokenizer(tokenizer)
    tokenizer.model_max_length = config.max_tokens
    side = config.vision_config.image_size
    # As load_processor loads it again: HF's default, by torchvision, resizes otherwise.
    image_processor = BlipImageProcessorPil(
        size={"height": side, "width": side}, image_mean=list(mean), image_std=list(std)
    )
    return BlipProcessor(image_processor, tokenizer)
