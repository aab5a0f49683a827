"""What an X-VLM is made of."""

from typing import Any

from transformers import BertConfig, PreTrainedConfig, SwinConfig

# The published sizes; the window is 7 at 224 pixels, 12 at 384.
SWIN_BASE = {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32]}


class XvlmConfig(PreTrainedConfig):
    """Configuration of `XvlmModel`.

    Args:
        vision_config: of HF's Swin; `SwinConfig` or its values.
        text_config: of HF's BERT, all layers counted; `BertConfig` or its values.
        n_text_layers: layers that see the text alone; the others are fusion layers.
        embedding_dim: width of the features that are compared by cosine.
        temperature: what the cosines are divided by, before it is learnt.
        has_box_head, has_mlm_head: whether the model predicts boxes, and masked words. Official
            checkpoints lose both in fine-tuning.
        max_words: of a cleaned caption; the words after them are left out.
        max_tokens: of a caption, [CLS] included.
    """

    model_type = "xvlm"
    sub_configs = {"vision_config": SwinConfig, "text_config": BertConfig}  # noqa: RUF012 (HF's)

    vision_config: Any = None  # a SwinConfig and a BertConfig, whatever was given
    text_config: Any = None
    n_text_layers: int = 6
    embedding_dim: int = 256
    temperature: float = 0.07
    has_box_head: bool = True
    has_mlm_head: bool = True
    max_words: int = 30
    max_tokens: int = 40
    tie_word_embeddings: bool = True
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs) -> None:
        vision: Any = SWIN_BASE if self.vision_config is None else self.vision_config
        text: Any = {} if self.text_config is None else self.text_config
        # From config.json, they say what they are.
        if not isinstance(vision, SwinConfig):
            self.vision_config = SwinConfig.from_dict({**vision})
        if not isinstance(text, BertConfig):
            self.text_config = BertConfig.from_dict({**text})
        super().__post_init__(**kwargs)

    @property
    def patch_size(self) -> int:
        """Pixels of a side of what one image token stands for: 32 for four stages."""
        vision = self.vision_config
        return vision.patch_size * 2 ** (len(vision.depths) - 1)

    @property
    def grid_size(self) -> int:
        """Image tokens in a row, and in a column."""
        return self.vision_config.image_size // self.patch_size
