"""HF checkpoints: a local folder or a hub id, to a model whose weights are all there."""

import pickle
from pathlib import Path

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoProcessor,
    AutoTokenizer,
    CLIPModel,
    PreTrainedConfig,
    PreTrainedModel,
)

from information_retrieval import training_run
from information_retrieval.lxmert import LxmertForImageTextMatching
from preprocess.errors import InputError
from preprocess.files import sha256_of_file

MODEL_CLASSES = {"lxmert": LxmertForImageTextMatching, "clip": CLIPModel}
NEW_IN_FINE_TUNING = "matching_head."
# What reading a damaged .safetensors or .bin file can raise.
DAMAGED_WEIGHTS = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    EOFError,
    SafetensorError,
    pickle.UnpicklingError,
)


def load_config(name_or_path: str) -> PreTrainedConfig:
    """Read a checkpoint's configuration.

    Raises:
        InputError: nothing there, or a model type that this project cannot score.
    """
    try:
        config = AutoConfig.from_pretrained(name_or_path)
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        if (Path(name_or_path) / training_run.FILE_NAME).exists():
            raise InputError(
                f"{name_or_path}: training is not finished; repeat its command, and it goes on"
            ) from error
        raise InputError(
            f"{name_or_path}: expected an HF checkpoint folder or hub id ({error})"
        ) from error
    if config.model_type not in MODEL_CLASSES:
        raise InputError(
            f"{name_or_path}: unknown model type {config.model_type!r}; expected one of "
            f"{', '.join(MODEL_CLASSES)}"
        )
    return config


def load_model(name_or_path: str, new_head: bool = False) -> PreTrainedModel:
    """Load a model in float32, in eval mode.

    Args:
        new_head: accept a checkpoint without LXMERT's matching head, which then is initialised
            randomly: where fine-tuning begins.

    Raises:
        InputError: no such checkpoint, an unknown model type, or weights that are missing or
            of another architecture.
    """
    model_class = MODEL_CLASSES[load_config(name_or_path).model_type]
    try:
        model, loading = model_class.from_pretrained(
            name_or_path, dtype="float32", output_loading_info=True
        )
    except DAMAGED_WEIGHTS as error:
        raise InputError(f"{name_or_path}: the weights cannot be loaded ({error!r})") from error
    missing = sorted(loading["missing_keys"])
    if new_head:
        missing = [key for key in missing if not key.startswith(NEW_IN_FINE_TUNING)]
    if missing:
        names = ", ".join(missing[:3])
        hint = "; fine-tune first" if missing[0].startswith(NEW_IN_FINE_TUNING) else ""
        raise InputError(
            f"{name_or_path}: {len(missing)} weights of {model_class.__name__} are not in the "
            f"checkpoint ({names}, ...){hint}"
        )
    return model.eval()


def load_tokenizer(name_or_path: str, vocabulary_size: int):
    """Load the checkpoint's tokenizer.

    Args:
        vocabulary_size: entries of the model's table of words. Without the tokenizer's files,
            `AutoTokenizer` gives one of a few special tokens, to which every caption is alike.

    Raises:
        InputError: the checkpoint has no tokenizer, or one of another vocabulary.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name_or_path)
    except (OSError, ValueError) as error:
        raise InputError(f"{name_or_path}: no tokenizer ({error})") from error
    # A table may be padded to a round size, so it may have a few entries more.
    if not 0.9 * vocabulary_size <= len(tokenizer) <= vocabulary_size:
        raise InputError(
            f"{name_or_path}: expected a tokenizer of the model's {vocabulary_size:,} entries, "
            f"found {len(tokenizer):,}; are its files (vocab.txt, tokenizer.json, ...) there?"
        )
    return tokenizer


def load_image_processor(name_or_path: str):
    """Load the checkpoint's own image preprocessing. Raises InputError when it has none."""
    try:
        return AutoProcessor.from_pretrained(name_or_path).image_processor
    except (OSError, ValueError) as error:
        raise InputError(f"{name_or_path}: no image processor ({error})") from error


def weights_revision(name_or_path: str) -> str:
    """Return what identifies the weights: "sha256:..." of a folder, "commit:..." of a hub id."""
    folder = Path(name_or_path)
    if folder.is_dir():
        weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
        return "sha256:" + ",".join(sha256_of_file(path) for path in weights)
    return f"commit:{load_config(name_or_path)._commit_hash}"
