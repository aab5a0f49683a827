"""What an Sx3HRe is made of."""

from typing import Any, get_args

from transformers import AutoConfig, PreTrainedConfig

from information_retrieval.models.sx3hre.arms import Alignment, Compared


class Sx3hreConfig(PreTrainedConfig):
    """Configuration of `Sx3hreModel`.

    Args:
        vision_config, text_config: of the image and the text encoder, with as many layers as are
            kept; HF configurations or their values, "model_type" among them.
        num_attention_heads, intermediate_size: of the shared block.
        layer_norm_eps: of the shared block and of the norm on its output.
        layer_scale: what the block's two branches are multiplied by at first.
        alignment: the arm that the model is trained in. Only that of "itc" has a linear head, which
            the teacher's vector is regressed with, and two learnt scales of cosines.
        compared: the vector that captions and images are compared by: the block's output, or that
            after its norm.
        max_tokens: of a caption, special tokens included.
        teacher: what identifies the weights of the teacher that it was trained with, if it was.
    """

    model_type = "sx3hre"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}  # noqa: RUF012 (HF's)

    vision_config: Any = None
    text_config: Any = None
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    layer_norm_eps: float = 1e-6
    layer_scale: float = 0.2
    alignment: Alignment = "none"
    compared: Compared = "normed"
    max_tokens: int = 64
    teacher: str | None = None
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs) -> None:
        if self.alignment not in get_args(Alignment) or self.compared not in get_args(Compared):
            raise ValueError(
                f"alignment and compared: expected one of {get_args(Alignment)} and one of "
                f"{get_args(Compared)}, found {self.alignment!r} and {self.compared!r}"
            )
        self.vision_config = _configuration(self.vision_config, "data2vec-vision")
        self.text_config = _configuration(self.text_config, "bert")
        super().__post_init__(**kwargs)

    @property
    def hidden_size(self) -> int:
        """Width of both encoders, of the shared block, and of the teacher's vector."""
        return self.text_config.hidden_size


def _configuration(given: Any, default_type: str) -> PreTrainedConfig:
    """Return an encoder's configuration from what it is given as."""
    if isinstance(given, PreTrainedConfig):
        return given
    values = dict(given or {})
    return AutoConfig.for_model(values.pop("model_type", default_type), **values)
