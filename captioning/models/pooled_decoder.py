"""An LSTM whose first input is the image's vector: Show and Tell."""

from dataclasses import dataclass

from torch import Tensor, nn

from captioning.models.configuration import LstmCaptionerConfig


@dataclass(frozen=True)
class PooledState:
    """What the LSTM has read so far.

    Attributes:
        h, c: (num_layers, rows, hidden_size).
    """

    h: Tensor
    c: Tensor

    def select(self, rows: Tensor) -> "PooledState":
        return PooledState(self.h[:, rows], self.c[:, rows])


class PooledDecoder(nn.Module):
    """An LSTM that begins with a state of zeros and reads the image as if it were a word.

    Source: Vinyals et al., Show and Tell (2015).
    """

    def __init__(self, config: LstmCaptionerConfig):
        super().__init__()
        self.lstm = nn.LSTM(
            config.word_width, config.hidden_size, config.num_layers, batch_first=True
        )

    def start(self, image: Tensor) -> tuple[Tensor, PooledState]:
        """Read images, (n, word_width): the output at that step, (n, hidden_size), and a state."""
        output, (h, c) = self.lstm(image[:, None])
        return output[:, 0], PooledState(h, c)

    def read(self, words: Tensor, state: PooledState) -> tuple[Tensor, None, PooledState]:
        """Read embedded words, (n, length, word_width).

        Returns:
            The output after each word, (n, length, hidden_size); no attention; the state.
        """
        output, (h, c) = self.lstm(words, (state.h.contiguous(), state.c.contiguous()))
        return output, None, PooledState(h, c)
