"""What a captioner says of a batch of given captions."""

from dataclasses import dataclass

from torch import Tensor
from transformers.utils import ModelOutput


@dataclass
class CaptionerOutput(ModelOutput):
    """What a captioner says of a batch of captions.

    Attributes:
        loss: of the words, and of the attention where there is one.
        logits: (n, length, vocab_size), at each of the labels.
        alphas: (n, length, n_tokens), how much each token was looked at; 0 where no target is.
        start_logits: (n, vocab_size), at the step that reads the image; of the decoder lstm.
        word_loss, attention_loss: the parts of the loss; the latter before its factor.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    alphas: Tensor | None = None
    start_logits: Tensor | None = None
    word_loss: Tensor | None = None
    attention_loss: Tensor | None = None
