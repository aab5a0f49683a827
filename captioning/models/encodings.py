"""The encodings that a captioner reads: remembered when it is made, checked when it is used."""

from typing import Any

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.prefix_captioner import PrefixCaptionerConfig
from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile


def config_of(encodings: EncodingsFile) -> dict[str, Any]:
    """Return the fields of a new captioner's configuration that say what it will read."""
    return {
        "image_width": encodings.width,
        "encoder": encodings.encoder,
        "encoder_weights": encodings.revision,
        "encoder_kind": encodings.kind,
    }


def check_encodings(
    encodings: EncodingsFile, config: LstmCaptionerConfig | PrefixCaptionerConfig
) -> None:
    """Raise InputError unless a captioner can read a file's encodings, and was trained on such.

    Where its configuration does not say on what, only their shape is looked at.
    """
    attends = getattr(config, "decoder", "lstm") == "attention"
    shape, n_axes = encodings.shape, 2 if attends else 1
    if len(shape) != n_axes or shape[-1] != config.image_width:
        tokens = "tokens x " if attends else ""
        raise InputError(
            f"{encodings.path}: the captioner reads {tokens}{config.image_width} numbers an image, "
            f"found {' x '.join(map(str, shape))} by {encodings.encoder}; give the file of the "
            f"encoder that it was trained on{_named(config)}"
        )
    if config.encoder_kind is not None:
        encodings.check_made_by(config.encoder_kind, config.encoder_weights)


def _named(config: LstmCaptionerConfig | PrefixCaptionerConfig) -> str:
    return f" ({config.encoder_kind} by {config.encoder})" if config.encoder else ""
