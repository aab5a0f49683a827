"""An LSTM that looks at the tokens of the image before each word: Show, Attend and Tell, soft."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from captioning.models.configuration import LstmCaptionerConfig


@dataclass(frozen=True)
class AttentionState:
    """What the LSTM has read so far, and what it looks at.

    Attributes:
        h, c: (rows, hidden_size).
        tokens: (rows, n_tokens, read_width).
        keys: of the tokens, (rows, n_tokens, attention_width): they do not change.
    """

    h: Tensor
    c: Tensor
    tokens: Tensor
    keys: Tensor

    def select(self, rows: Tensor) -> "AttentionState":
        return AttentionState(self.h[rows], self.c[rows], self.tokens[rows], self.keys[rows])


class AttentionDecoder(nn.Module):
    """An LSTM cell whose input is the word before, and a gated mean of the image's tokens.

    Source: Xu et al., Show, Attend and Tell (2015), sections 3.1.2 and 4.2.
    """

    def __init__(self, config: LstmCaptionerConfig):
        super().__init__()
        seen, hidden, width = config.read_width, config.hidden_size, config.attention_width
        self.key = nn.Linear(seen, width)
        self.query = nn.Linear(hidden, width)
        self.score = nn.Linear(width, 1)
        self.initial_h = nn.Linear(seen, hidden)
        self.initial_c = nn.Linear(seen, hidden)
        self.gate = nn.Linear(hidden, seen)
        self.cell = nn.LSTMCell(config.word_width + seen, hidden)

    def start(self, image: Tensor) -> tuple[None, AttentionState]:
        """Begin at the mean of the tokens, (n, n_tokens, read_width): no output, and a state."""
        mean = image.mean(1)
        return None, AttentionState(
            self.initial_h(mean), self.initial_c(mean), image, self.key(image)
        )

    def attend(self, state: AttentionState) -> Tensor:
        """Return how much each token is looked at, (n, n_tokens), of sum 1."""
        compared = torch.relu(state.keys + self.query(state.h)[:, None])  # (n, n_tokens, width)
        return self.score(compared).squeeze(-1).softmax(-1)

    def read(self, words: Tensor, state: AttentionState) -> tuple[Tensor, Tensor, AttentionState]:
        """Read embedded words, (n, length, word_width).

        Returns:
            The output after each word, (n, length, hidden_size); what was looked at before it was
            read, (n, length, n_tokens), of sum 1; the state.
        """
        outputs, alphas = [], []
        for word in words.unbind(1):
            alpha = self.attend(state)
            seen = (alpha[:, :, None] * state.tokens).sum(1)  # (n, read_width)
            gated = torch.sigmoid(self.gate(state.h)) * seen
            h, c = self.cell(torch.cat([word, gated], 1), (state.h, state.c))
            state = replace(state, h=h, c=c)
            outputs.append(h)
            alphas.append(alpha)
        return torch.stack(outputs, 1), torch.stack(alphas, 1), state
