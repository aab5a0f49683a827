"""The first layers of a pretrained image or text Transformer, without what follows its last one."""

from transformers import AutoModel, PreTrainedConfig, PreTrainedModel

from preprocess.base.errors import InputError

IMAGE_ENCODERS = ("data2vec-vision", "beit")
TEXT_ENCODERS = ("bert", "data2vec-text", "roberta")


def cut(config: PreTrainedConfig, depth: int | None) -> PreTrainedConfig:
    """Return the configuration of an encoder's first layers.

    A final norm belongs to the last layer, and is left out. So are drop path, which blurs the
    images of the student alone, and the token of masked patches, which nothing here reads.

    Args:
        depth: layers to keep; None for all.

    Raises:
        InputError: the encoder has fewer.
    """
    layers = config.num_hidden_layers
    if depth is not None and not 1 <= depth <= layers:
        raise InputError(f"--depth: expected 1 to {layers}, the encoder's layers, found {depth}")
    values = {**config.to_dict(), "num_hidden_layers": depth or layers}
    if config.model_type in IMAGE_ENCODERS:
        # HF's name for "without a final norm", which would be that of the pooled patches.
        values |= {"use_mean_pooling": True, "drop_path_rate": 0.0, "use_mask_token": False}
        # Of backbones, by layer.
        for name in ("out_features", "out_indices", "stage_names"):
            values.pop(name, None)
    return type(config).from_dict(values)


def build(config: PreTrainedConfig) -> PreTrainedModel:
    """Return an encoder with random weights, whose output (batch, length, width) is its layers'."""
    return AutoModel.from_config(config, add_pooling_layer=False)
