"""A judgement: the tags and the note that one person gave one query.

The tag "none" says that the query was looked at and no tag fits; without tags it is not judged.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError

NONE = "none"
SEPARATOR = ";"


def one_line(text: str) -> str:
    """Return a text with one space where it has any others."""
    return " ".join(text.split())


def tag_key(tag: str) -> str:
    """Return what is the same of tags that differ in case and spaces alone."""
    return one_line(tag).casefold()


def distinct_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return each tag as it is first written, its spaces put in order; "none" in lower case."""
    found: dict[str, str] = {}
    for tag in tags:
        key = tag_key(tag)
        found.setdefault(key, NONE if key == NONE else one_line(tag))
    found.pop("", None)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person says of one query.

    Attributes:
        query: the direction and the id of the caption or image: "t2i-5003", "i2t-103".
        caption_id: None of an image query.
        text: the caption, or the name of the image's file.
        tags: distinct (see `distinct_tags`), none with a semicolon; () where it is not judged.

    Raises:
        InputError: these do not fit together.
    """

    query: str
    direction: Direction
    image_id: int
    caption_id: int | None
    text: str
    tags: tuple[str, ...]
    note: str = ""

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise InputError(f"direction: expected i2t or t2i, found {self.direction!r}")
        if (self.caption_id is None) != (self.direction == "i2t"):
            raise InputError(f"caption_id: found {self.caption_id} of a query {self.direction}")
        own = self.image_id if self.caption_id is None else self.caption_id
        if self.query != f"{self.direction}-{own}":
            raise InputError(f"query: expected {self.direction}-{own}, found {self.query!r}")
        for tag in self.tags:
            if SEPARATOR in tag:
                raise InputError(f"tags: expected none with {SEPARATOR!r}, found {tag!r}")
        if distinct_tags(self.tags) != self.tags:
            raise InputError(f"tags: expected distinct ones, found {self.tags!r}")
        if NONE in self.tags and len(self.tags) > 1:
            raise InputError(f"tags: expected {NONE!r} alone, found {self.tags!r}")
