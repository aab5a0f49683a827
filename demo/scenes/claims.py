"""What a caption of the grammar claims of a scene, and whether that is true of another scene.

Read from the grammar's own phrases, and from what a misspelt caption was meant to be: the truth
against which the rules of error_analysis.reasons are measured, which have neither.
"""

import re
from dataclasses import dataclass
from itertools import permutations

from demo.scenes.captions import Caption
from demo.scenes.phrases import (
    ABSTRACT,
    BACKGROUNDS,
    HEADS,
    NOUNS,
    NUMBERS,
    PLACES,
    PLURALS,
    SIZE_WORDS,
    VAGUE_NOUNS,
    WORN_CLAUSES,
    WORN_WORDS,
)
from demo.scenes.scenes import CATEGORIES, COLOURS, Scene, Thing


@dataclass(frozen=True)
class ClaimedThing:
    """One thing that a caption speaks of; None and False where the caption does not say."""

    categories: frozenset[str]
    colour: str | None = None
    size: str | None = None
    worn: bool = False

    def is_of_category(self, thing: Thing) -> bool:
        return thing.category in self.categories

    def has_details(self, thing: Thing) -> bool:
        """Tell whether colour and size are right, where they are said."""
        return self.colour in (None, thing.colour) and self.size in (None, thing.size)


@dataclass(frozen=True)
class Claims:
    """What a caption claims.

    Attributes:
        things: those it speaks of, each another one.
        counts: how many of a category there are, where it says so.
        backgrounds: those that its place may be; None: no place is said.
        side: "left", "right", "above" or "below" of the first thing to the second; None likewise.
    """

    things: tuple[ClaimedThing, ...]
    counts: dict[str, int]
    backgrounds: frozenset[str] | None
    side: str | None = None

    @property
    def categories(self) -> frozenset[str]:
        """The categories that are named for certain ("vehicle" is none)."""
        sure = [thing.categories for thing in self.things if len(thing.categories) == 1]
        return frozenset(name for names in sure for name in names)

    def kinds_in(self, scene: Scene) -> bool:
        """Tell whether each thing is in the scene, whatever its details, number and place."""
        return all(any(t.is_of_category(thing) for thing in scene.things) for t in self.things)

    def details_of(self, scene: Scene) -> bool:
        """Tell whether things, colours, sizes and numbers are the scene's, wherever it is."""
        return self._counts_of(scene) and any(self._assignments(scene))

    def true_of(self, scene: Scene) -> bool:
        """Tell whether all is true of the scene."""
        here = self.backgrounds is None or scene.background in self.backgrounds
        return (
            here
            and self._counts_of(scene)
            and any(
                all(thing.worn for t, thing in zip(self.things, held, strict=True) if t.worn)
                and _lies(self.side, held)
                for held in self._assignments(scene)
            )
        )

    def _counts_of(self, scene: Scene) -> bool:
        held = [thing.category for thing in scene.things]
        return all(held.count(category) == n for category, n in self.counts.items())

    def _assignments(self, scene: Scene):
        """Yield each way to find the claimed things in the scene with the right details."""
        for held in permutations(scene.things, len(self.things)):
            pairs = list(zip(self.things, held, strict=True))
            if all(t.is_of_category(thing) and t.has_details(thing) for t, thing in pairs):
                yield held


def _lies(side: str | None, held: tuple[Thing, ...]) -> bool:
    if side is None:
        return True
    (x1, y1), (x2, y2) = held[0].centre, held[1].centre
    return {"left": x1 < x2, "right": x1 > x2, "above": y1 < y2, "below": y1 > y2}[side]


def claims_of(caption: Caption) -> Claims:
    """Read what a caption was meant to claim."""
    text = caption.intended.lower().rstrip(".")
    if caption.kind == "no_visual_content":
        # True of no scene, wherever it is.
        return Claims((), {}, frozenset())
    if caption.kind == "underspecified":
        return _underspecified(text)
    if caption.kind == "long_modifier" or (caption.kind == "typo" and " that " in text):
        return _long_modifier(text)
    place = next((p for p in _PLACE_OF if text.endswith(" " + p) or text.startswith(p + " ")), None)
    text = text.replace(place, "") if place else text
    things, counts = _noun_phrases(next((text.removeprefix(h) for h in HEADS if h in text), text))
    side = _SIDE.search(text)
    return Claims(
        things,
        counts,
        frozenset([_PLACE_OF[place]]) if place else None,
        {"over": "above", "under": "below"}.get(side[0].strip(), side[0].strip()) if side else None,
    )


def _underspecified(text: str) -> Claims:
    inside = any(re.search(rf"\b{place}$", text) for place in PLACES["room"])
    things: tuple[ClaimedThing, ...] = ()
    for family, (singular, plural) in VAGUE_NOUNS.items():
        members = frozenset(n for n, c in CATEGORIES.items() if c.supercategory == family)
        for phrase, number in (
            (f"a {singular} ", 1),
            (f"an {singular} ", 1),
            (f"some {plural} ", 2),
        ):
            if phrase in text and not things:
                things = (ClaimedThing(members),) * number
    backgrounds = frozenset(name for name in BACKGROUNDS if (name == "room") == inside)
    return Claims(things, {}, backgrounds)


def _long_modifier(text: str) -> Claims:
    head, _, clause = text.partition(" that ")
    things, _ = _noun_phrases(head)
    backgrounds = None
    others = _THE_OTHER.search(clause)
    if others:
        things += (ClaimedThing(_CATEGORIES_OF[others[2]], colour=others[1]),)
    elif any(clause in clauses for clauses in WORN_CLAUSES.values()):
        things = (ClaimedThing(things[0].categories, worn=True),)
    else:
        backgrounds = frozenset(name for name, clauses in ABSTRACT.items() if clause in clauses)
    return Claims(things, {}, backgrounds)


def _noun_phrases(text: str) -> tuple[tuple[ClaimedThing, ...], dict[str, int]]:
    things: list[ClaimedThing] = []
    counts: dict[str, int] = {}
    for number, modifiers, noun in _PHRASE.findall(text):
        categories = _CATEGORIES_OF[noun]
        words = modifiers.split()
        if number in _NUMBERS:
            counts[next(iter(categories))] = _NUMBERS[number]
            things += [ClaimedThing(categories)] * _NUMBERS[number]
            continue
        colour = next((word for word in words if word in COLOURS), None)
        size = next((name for name, said in SIZE_WORDS.items() if set(words) & set(said)), None)
        things.append(ClaimedThing(categories, colour, size, bool(_WORN & set(words))))
    return tuple(things), counts


_NUMBERS = {word: number for number, word in NUMBERS.items()}
_WORN = {word for words in WORN_WORDS.values() for word in words}
_PLACE_OF = {phrase: name for name, phrases in BACKGROUNDS.items() for phrase in phrases}
_CATEGORIES_OF = {
    noun: frozenset([name]) for name in CATEGORIES for noun in (name, PLURALS[name], *NOUNS[name])
}
# A vehicle is a car or a boat, and a plant (of an underspecified caption) a tree or a flower.
_CATEGORIES_OF["vehicle"] = frozenset(["car", "boat"])
_NOUN = "|".join(sorted(_CATEGORIES_OF, key=len, reverse=True))
_PHRASE = re.compile(rf"\b(an?|two|three|four) ((?:[a-z-]+ )*?)({_NOUN})\b")
_THE_OTHER = re.compile(rf"\bthe ({'|'.join(COLOURS)}) ({_NOUN})\b")
_SIDE = re.compile(r"\b(left|right|above|below|over|under)(?= of | an? )")
