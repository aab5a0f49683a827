"""How captions are made of a captioner's probabilities."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from preprocess.base.errors import InputError

Method = Literal["greedy", "beam", "nucleus"]
OF_METHOD: dict[str, tuple[str, ...]] = {
    "greedy": (),
    "beam": ("num_beams", "length_penalty"),
    "nucleus": ("top_p",),
}


@dataclass(frozen=True)
class Decoding:
    """How to decode.

    Attributes:
        method: "greedy" takes the most probable word each time, "beam" keeps several captions and
            takes the best whole one, "nucleus" draws among the most probable words.
        max_tokens: at most so many words (of a GPT-2 or BLIP, pieces of words), the end counted; a
            caption that has not ended by then is cut.
        num_beams: captions that are kept by "beam".
        length_penalty: "beam" compares captions by their log-probability over their length to this
            power: 1 is the mean of a word. By 0, the sum, the best is often the empty caption.
        top_p: "nucleus" draws among the fewest words that have this probability together.
        say_unknown: whether `<unk>` may be said.

    Raises:
        InputError: a value out of its range.
    """

    method: Method = "beam"
    max_tokens: int = 20
    num_beams: int = 3
    length_penalty: float = 1.0
    top_p: float = 0.9
    say_unknown: bool = True

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InputError(f"--max_tokens: expected 1 or more, found {self.max_tokens}")
        if self.num_beams < 1:
            raise InputError(f"--num_beams: expected 1 or more, found {self.num_beams}")
        if not math.isfinite(self.length_penalty):
            raise InputError(f"--length_penalty: expected a number, found {self.length_penalty}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"--top_p: expected more than 0, at most 1, found {self.top_p}")

    def used(self) -> dict[str, Any]:
        """Return what acts: the settings of all methods, and those of this one."""
        names = ("method", "max_tokens", *OF_METHOD[self.method], "say_unknown")
        return {name: getattr(self, name) for name in names}
