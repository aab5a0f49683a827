"""The options of decoding, of every command that makes captions."""

from dataclasses import dataclass, field, fields

from captioning.decoding.settings import Decoding, Method


@dataclass(kw_only=True)
class DecodingArguments:
    """How captions are said; the names and defaults are those of `Decoding`."""

    method: Method = field(
        default="beam",
        metadata={
            "help": "greedy: the most probable word each time; beam: several captions are kept, "
            "and the best whole one is taken; nucleus: drawn among the most probable words"
        },
    )
    max_tokens: int = field(
        default=20,
        metadata={"help": "most words of a caption (of a GPT-2 or BLIP, pieces), the end counted"},
    )
    num_beams: int = field(default=3, metadata={"help": "beam: captions that are kept"})
    length_penalty: float = field(
        default=1.0,
        metadata={
            "help": "beam: captions are compared by log-probability / words to this power; by 0, "
            "the best is often the empty caption"
        },
    )
    top_p: float = field(
        default=0.9,
        metadata={"help": "nucleus: drawn among the fewest words that have this together"},
    )
    say_unknown: bool = field(
        default=True, metadata={"help": "whether <unk> may be said; false forbids it"}
    )

    def decoding(self) -> Decoding:
        """Return the options as a value. Raises InputError as `Decoding`."""
        return Decoding(
            self.method,
            self.max_tokens,
            self.num_beams,
            self.length_penalty,
            self.top_p,
            self.say_unknown,
        )

    def words(self) -> list[str]:
        """Return the options as words of a command line."""
        pairs = ((f"--{option.name}", str(getattr(self, option.name))) for option in fields(self))
        return [word for pair in pairs for word in pair]
