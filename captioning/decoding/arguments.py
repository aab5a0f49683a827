"""The options of decoding, of every command that makes captions."""

from dataclasses import dataclass, field, fields

from captioning.decoding.settings import OF_METHOD, Decoding, Method
from preprocess.base.errors import InputError

OF_METHODS = tuple(name for names in OF_METHOD.values() for name in names)


@dataclass(kw_only=True)
class SearchArguments:
    """How captions are said, by a method that draws none; the names are those of `Decoding`.

    What is of one method alone is None where it is not given, and `Decoding` has the default.
    """

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
    num_beams: int | None = field(
        default=None, metadata={"help": "beam: captions that are kept. Default: 3"}
    )
    length_penalty: float | None = field(
        default=None,
        metadata={
            "help": "beam: captions are compared by log-probability / words to this power; by 0, "
            "the best is often the empty caption. Default: 1"
        },
    )
    say_unknown: bool = field(
        default=True, metadata={"help": "whether <unk> may be said; false forbids it"}
    )

    def decoding(self) -> Decoding:
        """Return the options as a value.

        Raises:
            InputError: as `Decoding`; an option of another method was given.
        """
        values = {name: getattr(self, name, None) for name in OF_METHODS}
        given = {name: value for name, value in values.items() if value is not None}
        for name in given:
            check_of_method(name, self.method, OF_METHOD[self.method])
        return Decoding(self.method, self.max_tokens, say_unknown=self.say_unknown, **given)

    def words(self) -> list[str]:
        """Return the options that were given, or have a default, as words of a command line."""
        values = {option.name: getattr(self, option.name) for option in fields(self)}
        pairs = ((f"--{name}", str(v)) for name, v in values.items() if v is not None)
        return [word for pair in pairs for word in pair]


@dataclass(kw_only=True)
class DecodingArguments(SearchArguments):
    """How captions are said, by any method."""

    top_p: float | None = field(
        default=None,
        metadata={
            "help": "nucleus: drawn among the fewest words that have this together. Default: 0.9"
        },
    )


def check_of_method(option: str, method: Method, heeded: tuple[str, ...]) -> None:
    """Raise InputError for an option that was given, and that a method does not heed."""
    if option not in heeded:
        raise InputError(f"--{option}: no option of --method {method}; leave it out")
