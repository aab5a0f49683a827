"""HF checkpoints: a local folder or a hub id, to a model whose weights are all there."""

import pickle
import warnings
from collections.abc import Iterable
from pathlib import Path

from transformers import (
    MODEL_MAPPING,
    AutoProcessor,
    AutoTokenizer,
    BlipForImageTextRetrieval,
    PreTrainedConfig,
    PreTrainedModel,
    ViltForImageAndTextRetrieval,
)

from information_retrieval.models.dual_encoder import is_dual_encoder
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.sx3hre.model import Sx3hreModel
from information_retrieval.models.xvlm.model import XvlmModel
from preprocess.base.errors import InputError, InputWarning, lack_of_machine
from preprocess.base.hub import (
    DAMAGED_WEIGHTS,
    quiet_transformers,
    read_config,
    revision_of_weights,
)

# Any other type is a dual encoder.
CROSS_ENCODERS = {
    "lxmert": LxmertForImageTextMatching,
    "vilt": ViltForImageAndTextRetrieval,
    "blip": BlipForImageTextRetrieval,
    "xvlm": XvlmModel,
}
# HF's AIMv2 lets words read later ones unless its batch has padding: no score is a pair's own.
DEPENDENT_ON_BATCH = {"aimv2"}
# Trained on what Pillow's bicubic resize gives; of torchvision's, HF's default, some pixels are a
# grey level off.
RESIZED_BY_PILLOW = {"xvlm", "sx3hre"}
# Tables that follow from the configuration, and are no longer saved.
SAVED_BUFFERS = {"position_ids", "token_type_ids", "relative_position_index"}
NEW_IN_FINE_TUNING = "matching_head."
RUN_BEGUN = "training_run.json"  # in the folder of a run, finished or not


def load_config(name_or_path: str) -> PreTrainedConfig:
    """Read a checkpoint's configuration.

    Raises:
        InputError: nothing there, or a model type that this project cannot score.
    """
    try:
        config = read_config(name_or_path)
    except InputError as error:
        if (Path(name_or_path) / RUN_BEGUN).exists():
            raise InputError(
                f"{name_or_path}: training is not finished; repeat its command, and it goes on"
            ) from error
        raise
    if config.model_type in DEPENDENT_ON_BATCH:
        raise InputError(
            f"{name_or_path}: {config.model_type} models cannot be scored: in transformers a "
            "pair's score depends on the padding of the other captions in its batch"
        )
    if _model_class(config) is None:
        raise InputError(
            f"{name_or_path}: unknown model type {config.model_type!r}; expected one of lxmert, "
            "clip, siglip, altclip, align, vilt, blip, xvlm, sx3hre, or another dual encoder, "
            "whose AutoModel has get_text_features and get_image_features"
        )
    return config


def _model_class(config: PreTrainedConfig) -> type[PreTrainedModel] | None:
    """Return the class of a model type; None where it is not supported."""
    if config.model_type in CROSS_ENCODERS:
        return CROSS_ENCODERS[config.model_type]
    if config.model_type == "sx3hre":
        return Sx3hreModel
    found = MODEL_MAPPING.get(type(config), None)
    return found if isinstance(found, type) and is_dual_encoder(found) else None


def load_model(
    name_or_path: str, to_fine_tune: type[PreTrainedModel] | None = None
) -> PreTrainedModel:
    """Load a model in float32, in eval mode.

    Args:
        to_fine_tune: a class with LXMERT's matching head, which the checkpoint may lack: it then
            is initialised randomly. None for the class that is scored with, all weights there.

    Warns of weights that the class has no use for, such as heads of pre-training.

    Raises:
        InputError: no such checkpoint, an unknown model type, or weights that are missing or
            of another architecture.
    """
    model_class = to_fine_tune or _model_class(load_config(name_or_path))
    assert model_class is not None, "load_config refuses a type without a class"
    try:
        with quiet_transformers():
            # Of another shape: HF's own error refers to a report that `quiet_transformers` hides.
            model, loading = model_class.from_pretrained(
                name_or_path,
                dtype="float32",
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except DAMAGED_WEIGHTS as error:
        raise InputError(
            f"{name_or_path}: the weights cannot be loaded ({_reason(error)})"
        ) from error
    _check_shapes(name_or_path, loading["mismatched_keys"])
    _check_unused(name_or_path, model, loading["unexpected_keys"])
    missing = sorted(loading["missing_keys"])
    if to_fine_tune:
        missing = [key for key in missing if not key.startswith(NEW_IN_FINE_TUNING)]
    if missing:
        names = ", ".join(missing[:3])
        hint = "; fine-tune first" if missing[0].startswith(NEW_IN_FINE_TUNING) else ""
        raise InputError(
            f"{name_or_path}: {len(missing)} weights of {model_class.__name__} are not in the "
            f"checkpoint ({names}, ...){hint}"
        )
    return model.eval()


def _reason(error: Exception) -> str:
    """Say in a line why weights cannot be loaded."""
    # Not torch's own reason, which advises to run what code the file holds.
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
        return "not a file of tensors that torch.save wrote"
    return lack_of_machine(error) or repr(error)


def _check_shapes(name: str, mismatched: Iterable[tuple]) -> None:
    """Raise InputError where weights have another shape than the configuration gives them."""
    found = sorted(mismatched)
    if found:
        key, in_file, in_model = found[0]
        shapes = [" x ".join(map(str, shape)) for shape in (in_file, in_model)]
        others = f", and so are {len(found) - 1} more" * (len(found) > 1)
        raise InputError(
            f"{name}: {key} is {shapes[0]} in the checkpoint, and {shapes[1]} by config.json"
            f"{others}; give the config.json that belongs to the weights"
        )


def _check_unused(name: str, model: PreTrainedModel, unexpected: Iterable[str]) -> None:
    """Look at weights of the checkpoint that no module of the model takes.

    Those of a module that the model has are the checkpoint's own architecture: with a layer fewer
    in config.json, say, a model would score, and badly. Others are heads for other tasks, which
    warn; so do poolers. Tables of positions, which older versions of HF saved, are nothing.
    """
    unused = [key for key in unexpected if key.rpartition(".")[2] not in SAVED_BUFFERS]
    parts = {part for part, _ in model.named_children()}
    of_towers = sorted(
        key for key in unused if key.partition(".")[0] in parts and ".pooler." not in key
    )
    if of_towers:
        listed = ", ".join(of_towers[:3]) + ", ..." * bool(of_towers[3:])
        raise InputError(
            f"{name}: {len(of_towers)} weights of the checkpoint have no place in the model that "
            f"config.json describes ({listed}); give the config.json that belongs to the weights"
        )
    heads = sorted({key.partition(".")[0] for key in unused})
    if heads:
        warnings.warn(
            f"{name}: weights that are not needed are left out: {', '.join(heads)}",
            InputWarning,
            stacklevel=2,
        )


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
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{name_or_path}: no tokenizer ({error})") from error
    # A table may be padded to a round size, so it may have a few entries more.
    if not 0.9 * vocabulary_size <= len(tokenizer) <= vocabulary_size:
        raise InputError(
            f"{name_or_path}: expected a tokenizer of the model's {vocabulary_size:,} entries, "
            f"found {len(tokenizer):,}; are its files (vocab.txt, tokenizer.json, ...) there?"
        )
    return tokenizer


def load_processor(name_or_path: str):
    """Load the checkpoint's processor of images and texts.

    Raises:
        InputError: it has none, or one without an image processor.
    """
    by_pillow = load_config(name_or_path).model_type in RESIZED_BY_PILLOW
    options = {"backend": "pil"} if by_pillow else {}
    try:
        processor = AutoProcessor.from_pretrained(name_or_path, **options)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{name_or_path}: no image processor ({error})") from error
    if not hasattr(processor, "image_processor"):
        raise InputError(f"{name_or_path}: no image processor (found {type(processor).__name__})")
    return processor


def load_image_processor(name_or_path: str):
    """Load the checkpoint's own image preprocessing. Raises InputError when it has none."""
    return load_processor(name_or_path).image_processor


def weights_revision(name_or_path: str) -> str:
    """Return what identifies the weights: "sha256:..." of a folder, "commit:..." of a hub id."""
    return revision_of_weights(name_or_path, load_config(name_or_path))
