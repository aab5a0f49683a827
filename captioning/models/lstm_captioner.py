"""The paper's three captioners as one HF model: an image's encoding, an LSTM, a word at a time."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers import initialization as init

from captioning.models.attention_decoder import AttentionDecoder, AttentionState
from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.losses import NO_TARGET, attention_penalty, without_last, word_loss
from captioning.models.output import CaptionerOutput
from captioning.models.pooled_decoder import PooledDecoder, PooledState
from preprocess.base.errors import InputError

UNIFORM = 0.1  # of the attention's words and logits at first, as the original's
UNTAUGHT = 2  # targets that the original's attention omits: the last word, and the end


class LstmCaptioner(PreTrainedModel):
    """CNN+LSTM, CLIP+LSTM, or CLIP and attention, by the configuration.

    Source: Saleem, Rohan and Ehghaghi, Analysis of Multi-Modal Feature Representations by CLIP for
    Image Captioning (2021).
    """

    config_class = LstmCaptionerConfig
    config: LstmCaptionerConfig
    base_model_prefix = "captioner"
    main_input_name = "encodings"
    most_tokens = None

    def __init__(self, config: LstmCaptionerConfig):
        super().__init__(config)
        layers: list[nn.Module] = []
        if config.projection != "none":
            layers.append(nn.Linear(config.image_width, config.word_width))
        if config.projection == "norm":
            layers.append(nn.LayerNorm(config.word_width))
        self.projection = nn.Sequential(*layers)
        self.embedding = nn.Embedding(config.vocab_size, config.word_width)
        attends = config.decoder == "attention"
        self.decoder: Any = AttentionDecoder(config) if attends else PooledDecoder(config)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Draw weights as torch does by itself, and as the original those of its attention."""
        attends = self.config.decoder == "attention"
        if isinstance(module, nn.Embedding) and not attends:
            init.normal_(module.weight)
        elif isinstance(module, nn.Embedding):
            init.uniform_(module.weight, -UNIFORM, UNIFORM)
        elif module is self.output and attends:
            init.uniform_(module.weight, -UNIFORM, UNIFORM)
            init.zeros_(module.bias)
        elif isinstance(module, nn.Linear | nn.LSTM | nn.LSTMCell):
            fan = module.in_features if isinstance(module, nn.Linear) else module.hidden_size
            for parameter in module.parameters():
                init.uniform_(parameter, -(fan**-0.5), fan**-0.5)
        else:
            super()._init_weights(module)

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def project(self, encodings: Tensor) -> Tensor:
        """Return images as the decoder reads them.

        Args:
            encodings: (n, image_width), or (n, n_tokens, image_width) for attention; of any dtype.

        Raises:
            InputError: they are of another shape, and so of another encoder or output of it.
        """
        n_axes = 3 if self.config.decoder == "attention" else 2
        width, shape = self.config.image_width, tuple(encodings.shape)
        if len(shape) != n_axes or shape[-1] != width:
            expected = f"(images, tokens, {width})" if n_axes == 3 else f"(images, {width})"
            made_by = f" of {self.config.encoder}" if self.config.encoder else ""
            raise InputError(
                f"the captioner (decoder {self.config.decoder}) expects encodings{made_by} of "
                f"shape {expected}, found {shape}; give those of the encoder that it was trained on"
            )
        return self.projection(encodings.to(self.dtype))

    def begin(self, images: Tensor) -> tuple[Tensor, PooledState | AttentionState]:
        """Read images' encodings and the word of the beginning (see `StepwiseCaptioner`)."""
        _, state = self.decoder.start(self.project(images))
        start = torch.full((len(images),), self.config.bos_token_id, device=images.device)
        return self.advance(start, state)

    def advance(
        self, words: Tensor, state: PooledState | AttentionState
    ) -> tuple[Tensor, PooledState | AttentionState]:
        """Read one word more of each row, (n,) int64 (see `StepwiseCaptioner`)."""
        hidden, _, state = self.decoder.read(self.embedding(words)[:, None], state)
        return self.output(self.dropout(hidden[:, 0])), state

    def target_logits(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the logits at each word of given captions (see `StepwiseCaptioner`)."""
        return self(images, labels).logits

    def forward(self, encodings: Tensor, labels: Tensor) -> CaptionerOutput:
        """Read images and captions, each word given those before it.

        Args:
            encodings: as `project` takes them.
            labels: (n, length) int64: words and the end of each caption, without the word of the
                beginning; `NO_TARGET` after the end. A row without any fills up a batch, and counts
                in no loss.

        Raises:
            InputError: encodings of another shape.
        """
        config = self.config
        at_image, state = self.decoder.start(self.project(encodings))
        read = torch.where(labels == NO_TARGET, config.pad_token_id, labels)[:, :-1]
        start = torch.full_like(labels[:, :1], config.bos_token_id)
        hidden, alphas, _ = self.decoder.read(self.embedding(torch.cat([start, read], 1)), state)
        logits = self.output(self.dropout(hidden))
        start_logits = None if at_image is None else self.output(self.dropout(at_image))
        # Of the loss alone: a caption is read, and judged by `target_logits`, to its end.
        targets = without_last(labels, UNTAUGHT) if config.omit_last_targets else labels
        said, of_loss = logits, targets
        if config.learn_start:
            assert start_logits is not None, "the configuration refuses it of attention"
            said = torch.cat([start_logits[:, None], logits], 1)  # (n, 1 + length, vocab_size)
            is_caption = (labels != NO_TARGET).any(1, keepdim=True)
            of_loss = torch.cat([start.where(is_caption, NO_TARGET), targets], 1)
        loss = of_words = word_loss(said, of_loss, config.label_smoothing)
        penalty = None
        if alphas is not None:
            alphas = alphas * (targets != NO_TARGET)[:, :, None]
            penalty = attention_penalty(alphas, config.penalty_over)
            loss = of_words + config.attention_penalty * penalty
        return CaptionerOutput(loss, logits, alphas, start_logits, of_words, penalty)


AutoModel.register(LstmCaptionerConfig, LstmCaptioner)
