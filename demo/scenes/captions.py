"""A grammar of captions, with the kinds of caption that retrieval finds hard."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from demo.scenes.phrases import (
    ABSTRACT,
    BACKGROUNDS,
    CLAUSES,
    HEADS,
    NOUNS,
    NUMBERS,
    PLACES,
    PLURALS,
    SIZE_WORDS,
    UNDERSPECIFIED,
    VAGUE_NOUNS,
    VERBS,
    WORN_CLAUSES,
    WORN_WORDS,
)
from demo.scenes.scenes import ANIMALS, CATEGORIES, Scene, Thing
from demo.scenes.typos import misspell

Kind = Literal["plain", "typo", "long_modifier", "underspecified", "no_visual_content"]
# Of the captions of a scene; those without visual content are put in their place afterwards.
KIND_SHARES: dict[Kind, float] = {
    "plain": 0.85,
    "typo": 0.05,
    "long_modifier": 0.05,
    "underspecified": 0.05,
}
CAPTIONS_PER_IMAGE = 5


@dataclass(frozen=True)
class Caption:
    """A caption, its kind, and the text it was meant to be (other than `text` for typos only)."""

    text: str
    kind: Kind
    intended: str


def caption_scene(scene: Scene, generator: np.random.Generator) -> list[Caption]:
    """Return five different captions of a scene."""
    captions: list[Caption] = []
    while len(captions) < CAPTIONS_PER_IMAGE:
        kind = generator.choice(list(KIND_SHARES), p=list(KIND_SHARES.values()))
        caption = _caption(scene, str(kind), generator)
        if _bare(caption) not in [_bare(other) for other in captions]:
            captions.append(caption)
    return captions


def _bare(caption: Caption) -> str:
    return caption.text.lower().rstrip(".")


def _caption(scene: Scene, kind: str, generator: np.random.Generator) -> Caption:
    if kind == "long_modifier":
        text = _sentence(_long_modifier(scene, generator), generator)
    elif kind == "underspecified":
        text = _sentence(_underspecified(scene, generator), generator)
    else:
        text = _sentence(_plain(scene, generator), generator)
    written = misspell(text, generator) if kind == "typo" else text
    return Caption(written, kind, text)


def _plain(scene: Scene, generator: np.random.Generator) -> str:
    things = list(scene.things)
    place = _pick(BACKGROUNDS[scene.background], generator)
    order = [things[i] for i in generator.permutation(len(things))]
    named = [_noun_phrase(thing, generator) for thing in order]
    forms = ["all", "all", "all", "place_first"]
    forms += ["pair"] * 3 if len(things) > 1 else ["one", "one"]
    categories = [thing.category for thing in order]
    repeated = [name for name in categories if categories.count(name) > 1]
    if repeated:
        forms += ["count"] * 3
    match _pick(forms, generator):
        case "count":
            number = NUMBERS[categories.count(repeated[0])]
            others = [
                phrase
                for phrase, name in zip(named, categories, strict=True)
                if name != repeated[0]
            ]
            return f"{_join([f'{number} {PLURALS[repeated[0]]}', *others])} {place}"
        case "all":
            start = _pick(HEADS, generator) if generator.random() < 0.25 else ""
            return f"{start}{_join(named)} {place}"
        case "place_first":
            verb = "are" if len(named) > 1 else "is"
            return f"{place} there {verb} {_join(named)}"
        case "pair":
            relation = _relation(order[0], order[1], generator)
            ending = f" {place}" if generator.random() < 0.6 else ""
            verb = _pick(("", "", "is "), generator)
            return f"{named[0]} {verb}{relation} {named[1]}{ending}"
        case _:
            verb = _pick(VERBS["animal" if order[0].category in ANIMALS else "thing"], generator)
            return f"{named[0]} {verb} {place}"


def _long_modifier(scene: Scene, generator: np.random.Generator) -> str:
    """Return a common head noun with a clause that tells the image from its like."""
    worn = [thing for thing in scene.things if thing.worn]
    if worn:
        thing = worn[generator.integers(len(worn))]
        clause = _pick(WORN_CLAUSES[thing.category], generator)
    elif len(scene.things) > 1:
        first, second = generator.permutation(len(scene.things))[:2]
        thing, other = scene.things[first], scene.things[second]
        family = "animal" if thing.category in ANIMALS else "thing"
        clause = _pick(CLAUSES[family], generator)
        clause = clause.format(other=f"the {other.colour} {_noun(other, generator)}")
    else:
        thing = scene.things[0]
        clause = _pick(ABSTRACT[scene.background], generator)
    return f"{_with_article(_noun(thing, generator))} that {clause}"


def _underspecified(scene: Scene, generator: np.random.Generator) -> str:
    families = [CATEGORIES[thing.category].supercategory for thing in scene.things]
    one = families[generator.integers(len(families))]
    vague = VAGUE_NOUNS[one]
    if families.count(one) > 1:
        what = f"some {vague[1]}"
    elif len(families) > 1 and generator.random() < 0.6:
        what = "a few things"
    else:
        what = _with_article(vague[0])
    text = _pick(UNDERSPECIFIED, generator)
    where = _pick(PLACES["room" if scene.background == "room" else "outdoors"], generator)
    return text.format(what=what, where=where)


def _noun_phrase(thing: Thing, generator: np.random.Generator) -> str:
    """Return for instance "a big red house"; colour and size may go unsaid."""
    words = []
    if thing.size != "medium" and generator.random() < 0.6:
        words.append(_pick(SIZE_WORDS[thing.size], generator))
    if thing.worn and generator.random() < 0.4:
        words.append(_pick(WORN_WORDS[thing.category], generator))
    if generator.random() < 0.85:
        words.append(thing.colour)
    return _with_article(" ".join([*words, _noun(thing, generator)]))


def _noun(thing: Thing, generator: np.random.Generator) -> str:
    """Return the category's own name, or now and then a synonym."""
    if generator.random() < 0.7:
        return thing.category
    return _pick(NOUNS[thing.category], generator)


def _relation(one: Thing, other: Thing, generator: np.random.Generator) -> str:
    """Return how `one` lies to `other`, as the viewer of the picture sees it."""
    (x1, y1), (x2, y2) = one.centre, other.centre
    wide, tall = (one.box[2] + other.box[2]) / 2, (one.box[3] + other.box[3]) / 2
    relations = ["next to", "near", "together with"]
    if abs(y1 - y2) > 0.9 * tall:
        relations += ["above", "over"] if y1 < y2 else ["below", "under"]
    if abs(x1 - x2) > 0.7 * wide:
        left = ["to the left of", "on the left of"]
        relations += left if x1 < x2 else ["to the right of", "on the right of"]
    return _pick(relations, generator)


def _join(phrases: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    if len(phrases) == 1:
        return phrases[0]
    return ", ".join(phrases[:-1]) + " and " + phrases[-1]


def _with_article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _sentence(text: str, generator: np.random.Generator) -> str:
    """Return the text capitalised and ended as annotators do: mostly, not always."""
    capital = text[0].upper() + text[1:] if generator.random() < 0.9 else text
    return capital + ("." if generator.random() < 0.8 else "")


def _pick(options: list[str] | tuple[str, ...], generator: np.random.Generator) -> str:
    return options[generator.integers(len(options))]
