"""How a captioner is driven word by word, whatever it is made of."""

from typing import Any, Protocol

from torch import Tensor


class SearchState(Protocol):
    """What a captioner has read so far, in rows: one or more of each image."""

    def select(self, rows: Tensor) -> Any:
        """Return the state of these rows, (m,) int64, in this order; a row may come twice.

        The state itself is not used again: what it holds may be changed.
        """


class StepwiseCaptioner(Protocol):
    """A model that reads images and then words, and says how probable each next word is.

    Attributes:
        most_tokens: words of a caption, the end counted, that it has positions for; None: any.
    """

    most_tokens: int | None

    def begin(self, images: Tensor) -> tuple[Tensor, Any]:
        """Read images: the logits of the first word, (n, vocabulary), and the `SearchState`."""

    def advance(self, words: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read a word of each row, (n,) int64: logits of the next, (n, vocabulary), and a state."""

    def target_logits(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the logits at each word of given captions, (n, length, vocabulary).

        Args:
            images: one for each caption.
            labels: (n, length) int64: words and the end, `NO_TARGET` after it.
        """
