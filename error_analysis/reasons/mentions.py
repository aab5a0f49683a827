"""What a caption names: categories, with their numbers, colours and other attributes.

Found by a list of names (nouns.py) and a short walk over the words before each: no tagger. What
that misses is stated where it matters: "the red of the car" gives the car no colour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from error_analysis.reasons.nouns import (
    COCO_CATEGORIES,
    COLLECTIVE,
    HYPERNYMS,
    IRREGULAR_PLURALS,
    SYNONYMS,
    plurals,
)
from error_analysis.reasons.words import FUNCTION_WORDS, tokenize

NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "couple": 2, "pair": 2, "trio": 3, "both": 2,
}  # fmt: skip
ONE = ("one", "single", "lone", "solitary", "1")
# Shades that annotators use for one another count as one colour.
COLOURS = {
    "red": "red", "maroon": "red", "orange": "orange", "yellow": "yellow", "gold": "yellow",
    "golden": "yellow", "green": "green", "blue": "blue", "navy": "blue", "purple": "purple",
    "violet": "purple", "pink": "pink", "white": "white", "black": "black", "grey": "grey",
    "gray": "grey", "silver": "grey", "brown": "brown", "tan": "brown", "beige": "brown",
}  # fmt: skip
# Words of one attribute, and of its opposite; an attribute is called by its first word.
OPPOSITES = (
    (("small", "little", "tiny"), ("large", "big", "huge", "giant", "enormous")),
    (("young",), ("old", "elderly", "older")),
    (("new", "modern"), ("old", "antique", "vintage")),
    (("open", "opened"), ("closed", "shut", "folded")),
    (("clean",), ("dirty", "filthy", "messy")),
    (("empty",), ("full", "crowded")),
    (("tall",), ("short",)),
    (("wet",), ("dry",)),
)


# Where the walk from a noun over its modifiers ends: these two say how many, and are looked at.
_ENDS = FUNCTION_WORDS - {"one", "both"}
MAX_MODIFIERS = 5


@dataclass(frozen=True, slots=True)
class Mention:
    """One naming of a thing in a caption.

    Attributes:
        categories: what it may be: one category, or those that a word such as "animal" covers.
        words: as written, in lower case.
        start, stop: the noun's place among the caption's tokens.
        number: how many; None of a plural without a number.
        counted: the number is said ("two", "one"), and not only that of "a dog".
        again: a "the" thing, perhaps one that was named before.
        colours: by their common names (`COLOURS`).
        attributes: words of `OPPOSITES`.
    """

    categories: tuple[str, ...]
    words: str
    start: int
    stop: int
    number: int | None = 1
    counted: bool = False
    again: bool = False
    colours: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


def tokens(caption: str) -> list[str]:
    """Return the words, numbers and punctuation marks of a caption, in lower case."""
    return [token.lower for token in tokenize(caption)]


@dataclass(frozen=True)
class Vocabulary:
    """The categories that are looked for.

    Attributes:
        categories: their names; of a name such as "stop sign,stopsign" all parts are names, and
            the first is the category.
    """

    categories: tuple[str, ...] = COCO_CATEGORIES

    @cached_property
    def names(self) -> dict[tuple[str, ...], tuple[tuple[str, ...], bool]]:
        """What each name (its words) may be, and whether it is a plural."""
        known = {label.partition(",")[0].strip().lower() for label in self.categories}
        found: dict[tuple[str, ...], tuple[tuple[str, ...], bool]] = {}

        def add(noun: str, categories: tuple[str, ...]) -> None:
            found[tuple(noun.split())] = (categories, noun in COLLECTIVE)
            for plural in plurals(noun):
                found[tuple(plural.split())] = (categories, True)

        # What comes later prevails: a category's own name over a synonym of another.
        for word, members in HYPERNYMS.items():
            held = tuple(member for member in members if member in known)
            if held:
                add(word, held)
        for category in sorted(known & SYNONYMS.keys()):
            for noun in SYNONYMS[category]:
                add(noun, (category,))
        for label in self.categories:
            category, *others = (part.strip().lower() for part in label.split(","))
            for noun in (category, *others):
                add(noun, (category,))
        return found

    @cached_property
    def _longest(self) -> int:
        return max((len(name) for name in self.names), default=0)

    def mentions(self, caption: str) -> tuple[Mention, ...]:
        """Find what a caption names, in its order; the longest name wins ("hot dog", no dog)."""
        return _mentions(self, caption)

    def _find(self, caption: str) -> tuple[Mention, ...]:
        words = tokens(caption)
        spans, start = [], 0
        while start < len(words):
            length = self._length_of_name(words, start)
            if length and not _is_place(words, start, start + length):
                spans.append((start, start + length))
            start += length or 1
        found, first = [], 0
        for index, (start, stop) in enumerate(spans):
            # The first of two nouns in a row only tells the kind of the second: "a dog bed".
            if index + 1 == len(spans) or spans[index + 1][0] != stop:
                found.append(self._describe(words, first, start, stop))
                first = stop
        return tuple(found)

    def _length_of_name(self, words: Sequence[str], start: int) -> int:
        for length in range(min(self._longest, len(words) - start), 0, -1):
            if tuple(words[start : start + length]) in self.names:
                return 0 if length == 1 and self._is_colour(words, start) else length
        return 0

    def _is_colour(self, words: Sequence[str], at: int) -> bool:
        """Tell the colour orange from the fruit: a colour has its noun behind it."""
        following = words[at + 1 : at + 2]
        return words[at] in COLOURS and bool(following) and _modifies(following[0])

    def _describe(self, words: Sequence[str], first: int, start: int, stop: int) -> Mention:
        categories, plural = self.names[tuple(words[start:stop])]
        begin = _first_modifier(words, first, start)
        modifiers = list(words[begin:start])
        before = list(words[max(first, begin - 3) : begin])
        own = words[stop - 1]
        if own in IRREGULAR_PLURALS.get(own, ()) and before[-1:] in (["a"], ["an"]):
            plural = False  # "a fish", other than "fish"
        number, counted = _number(before, modifiers, plural)
        said = _stated_colours(words, stop)
        return Mention(
            categories,
            " ".join(words[begin:stop]),
            start,
            stop,
            number,
            counted,
            "the" in (*before[-1:], *modifiers),
            frozenset(COLOURS[word] for word in modifiers if word in COLOURS) | said,
            frozenset(word for word in modifiers if word in _ATTRIBUTES),
        )

    def named(self, caption: str) -> set[str]:
        """Return the categories that a caption surely names: those of no "animal" or "vehicle"."""
        return {m.categories[0] for m in self.mentions(caption) if len(m.categories) == 1}

    def perhaps_named(self, caption: str) -> set[str]:
        """Return the categories that a caption names or may mean."""
        return {category for m in self.mentions(caption) for category in m.categories}


_ATTRIBUTES = frozenset(word for pair in OPPOSITES for side in pair for word in side)


def canonical(label: str) -> str:
    """Return the category whose synonym a label is ("man": person), or the label in lower case."""
    label = label.partition(",")[0].strip().lower()
    return _CANONICAL.get(label, label)


_CANONICAL = {
    noun: category
    for category, synonyms in SYNONYMS.items()
    for synonym in (category, *synonyms)
    for noun in (synonym, *plurals(synonym))
} | {category: category for category in SYNONYMS}


def _is_place(words: Sequence[str], start: int, stop: int) -> bool:
    """Tell whether a noun says where the scene is and no thing in it: "in a building"."""
    return (
        stop - start == 1
        and words[start] in ("building", "house", "home")
        and start >= 2
        and words[start - 2] in ("in", "inside")
        and words[start - 1] in ("a", "the", "an")
    )


def _modifies(word: str) -> bool:
    # A verb's form in -ing after a noun ("an orange sitting on ...") is none of its modifiers.
    return word[0].isalpha() and word not in _ENDS and not word.endswith("ing")


def _first_modifier(words: Sequence[str], first: int, start: int) -> int:
    """Return where the modifiers of the noun at `start` begin, not before `first`."""
    at = start
    while at > max(first, start - MAX_MODIFIERS):
        word = words[at - 1]
        joins = word == "and" and at - 2 >= first and at < start
        if joins and words[at - 2] in COLOURS and words[at] in COLOURS:  # "black and white"
            at -= 2
        elif word in _ENDS or not word[0].isalnum():
            break
        else:
            at -= 1
    return at


def _number(
    before: Sequence[str], modifiers: Sequence[str], plural: bool
) -> tuple[int | None, bool]:
    """Return the number that is said of a thing, and whether it is said in a word of its own."""
    near = list(modifiers)
    if before[-1:] == ["of"]:  # "a couple of dogs"
        near = [*before[-2:-1], *near]
    for word in near:
        value = NUMBERS.get(word) or (int(word) if word.isdecimal() and len(word) < 4 else None)
        # "Two zebra" are two; "a two story house" is one.
        if value and value > 1 and (plural or word == near[-1]):
            return value, True
        if not plural and word in ONE:
            return 1, True
    return (None, False) if plural else (1, False)


def _stated_colours(words: Sequence[str], stop: int) -> frozenset[str]:
    """Return the colour of "the car is red", and none of "the car is red hot"."""
    said, after = words[stop : stop + 2], words[stop + 2 : stop + 3]
    colour = len(said) == 2 and said[0] in ("is", "are") and said[1] in COLOURS
    if not colour or (after and _modifies(after[0])):
        return frozenset()
    return frozenset([COLOURS[said[1]]])


def opposites(attribute: str) -> frozenset[str]:
    """Return the words that contradict an attribute's word."""
    found: set[str] = set()
    for one, other in OPPOSITES:
        found.update(other if attribute in one else one if attribute in other else ())
    return frozenset(found)


def named_often(vocabulary: Vocabulary, captions: Iterable[str], share: float) -> dict[str, int]:
    """Return the categories that at least a share of the captions name, most often named first."""
    captions = list(captions)
    counts: dict[str, int] = {}
    for caption in captions:
        for category in sorted(vocabulary.named(caption)):
            counts[category] = counts.get(category, 0) + 1
    often = {c: n for c, n in counts.items() if n >= share * len(captions)}
    return dict(sorted(often.items(), key=lambda item: -item[1]))


# Captions are looked at once for each query that retrieves them, and 5,000 images have 25,000.
@lru_cache(maxsize=200_000)
def _mentions(vocabulary: Vocabulary, caption: str) -> tuple[Mention, ...]:
    return vocabulary._find(caption)
