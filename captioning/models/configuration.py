"""What an LSTM captioner is made of."""

from typing import Literal

from transformers import AutoConfig, PreTrainedConfig

from preprocess.storage.encodings_file import Kind

# One LSTM whose first input is the image's vector, or one that looks at the image's tokens anew
# before each word.
Decoder = Literal["lstm", "attention"]
# What stands between the encoder and the decoder: nothing, a linear layer, or that and a norm.
Projection = Literal["none", "linear", "norm"]
# How the penalty of the attention goes over the tokens of an image: the original code takes their
# mean, the paper's equation their sum.
PenaltyOver = Literal["mean", "sum"]


class LstmCaptionerConfig(PreTrainedConfig):
    """Configuration of `LstmCaptioner`.

    Args:
        decoder: "lstm" reads one vector an image, "attention" its tokens.
        vocab_size: words, the special ones among them.
        image_width: numbers of an image's vector, or of each of its tokens.
        projection: to `word_width` numbers. Without one, "lstm" needs an encoder of that width.
        word_width: numbers of a word's embedding.
        hidden_size: of the LSTM's state.
        num_layers: of the LSTM; attention has one.
        attention_width: in which the attention compares tokens with the state.
        dropout: before the layer that gives the words' logits, in training.
        label_smoothing: share of each target that is spread over all words, in [0, 1).
        attention_penalty: what the doubly stochastic term is multiplied by.
        penalty_over: whether that term is the mean or the sum over an image's tokens: with 50 of
            them, 1.0 of the mean is 0.02 of the sum.
        learn_start: train the step at which the image is read to say the word of the beginning, as
            the original does; of "lstm" alone.
        omit_last_targets: never train the last word of a caption and its end, which the original's
            attention omits by wrong lengths: such a model does not stop.
        pad_token_id, bos_token_id, eos_token_id, unk_token_id: of padding, of the beginning, of the
            end, and of any word that is not in the vocabulary.
        vocabulary_sha256: of the words in their order, against which a tokenizer is checked; None
            where none was recorded.
        encoder, encoder_weights, encoder_kind: which image encoder gives what the model reads,
            what identifies its weights, and which of its outputs that is, as the encodings file
            tells; None where none was recorded.
    """

    model_type = "lstm_captioner"

    decoder: Decoder = "lstm"
    vocab_size: int = 6295
    image_width: int = 512
    projection: Projection = "norm"
    word_width: int = 512
    hidden_size: int = 512
    num_layers: int = 1
    attention_width: int = 512
    dropout: float = 0.5
    label_smoothing: float = 0.0
    attention_penalty: float = 1.0
    penalty_over: PenaltyOver = "mean"
    learn_start: bool = False
    omit_last_targets: bool = False
    pad_token_id: int = 0
    bos_token_id: int = 1
    eos_token_id: int = 2
    unk_token_id: int = 3
    vocabulary_sha256: str | None = None
    encoder: str | None = None
    encoder_weights: str | None = None
    encoder_kind: Kind | None = None

    def __post_init__(self, **kwargs) -> None:
        super().__post_init__(**kwargs)
        if self.decoder == "attention" and self.num_layers != 1:
            raise ValueError(f"attention has one layer, num_layers is {self.num_layers}")
        if self.decoder == "attention" and self.learn_start:
            raise ValueError("learn_start is of the decoder lstm: attention has no image step")
        if self.decoder == "lstm" and self.read_width != self.word_width:
            raise ValueError(
                f"without a projection, the decoder lstm reads images of word_width "
                f"{self.word_width} numbers, image_width is {self.image_width}"
            )

    def get_text_config(self, *args, **kwargs) -> "LstmCaptionerConfig":
        """Return this configuration: HF would take `decoder` for one within it."""
        return self

    @property
    def read_width(self) -> int:
        """Numbers of an image's vector, or of each token, as the decoder reads them."""
        return self.image_width if self.projection == "none" else self.word_width


AutoConfig.register(LstmCaptionerConfig.model_type, LstmCaptionerConfig)
