"""Wrong and missing details: the right objects, with another number or colour, or less told.

What an image's own captions agree on (at least two of them say it, and none says what the retrieved
caption does) is held against the retrieved captions that name its main objects and nothing else
that the own captions do not name. What most own captions say, and no retrieved one, is missing,
where the retrieved captions are about the same: many say another word that most own captions say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from error_analysis.queries.query import Query
from error_analysis.reasons.images.base_rates import BaseRates, exceeds
from error_analysis.reasons.images.salient_object import MAIN_SHARE, own_captions, wrong_captions
from error_analysis.reasons.mentions import Mention, Vocabulary, named_often, opposites
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.said_words import with_wider
from error_analysis.reasons.words import GENERAL_STEMS, content_words, whole_words

NAME, MISSING_NAME = "wrong details", "missing details"
AGREEING = 2  # of an image's own captions, or all of them where it has fewer
# Of the retrieved captions: 3 of 10, as for confusions.
LEAST_SHARE = 0.3
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A detail of a thing that a caption has otherwise than an image's own captions.

    Attributes:
        category: the thing.
        kind: "number", "colour" or "attribute".
        said: what the caption says.
        agreed: what the image's own captions say.
    """

    category: str
    kind: str
    said: str
    agreed: str


@dataclass(frozen=True)
class AgreedDetails:
    """What an image's own captions say of its things.

    Attributes:
        named: all categories that any of them may name.
        main: those that many of them name.
        numbers: for each category, how many captions say which number.
        colours, attributes: for each category, how many captions say which word.
        least: captions that must agree.
    """

    named: frozenset[str]
    main: frozenset[str]
    numbers: dict[str, Counter] = field(default_factory=dict)
    colours: dict[str, Counter] = field(default_factory=dict)
    attributes: dict[str, Counter] = field(default_factory=dict)
    least: int = AGREEING


def agreed_details(captions: Sequence[str], vocabulary: Vocabulary) -> AgreedDetails:
    """Collect what an image's own captions say of its things."""
    named: set[str] = set()
    tables: dict[str, dict[str, Counter]] = {"number": {}, "colour": {}, "attribute": {}}
    for caption in captions:
        mentions = vocabulary.mentions(caption)
        named |= {category for m in mentions for category in m.categories}
        for kind, said in said_details(mentions).items():
            for category, values in said.items():
                tables[kind].setdefault(category, Counter()).update(values)
    main = frozenset(named_often(vocabulary, captions, MAIN_SHARE))
    least = min(AGREEING, len(captions))
    return AgreedDetails(
        frozenset(named), main, tables["number"], tables["colour"], tables["attribute"], least
    )


def said_details(mentions: Sequence[Mention]) -> dict[str, dict[str, set]]:
    """Return what one caption says of each category: its number, its colours, its attributes.

    The number is None where the caption speaks of several without telling how many.
    """
    of: dict[str, list[Mention]] = {}
    for mention in mentions:
        if len(mention.categories) == 1:
            of.setdefault(mention.categories[0], []).append(mention)
    numbers = {category: _count(own) for category, own in of.items()}
    return {
        "number": {category: {n} for category, n in numbers.items()},
        "colour": {c: {colour for m in own for colour in m.colours} for c, own in of.items()},
        "attribute": {c: {word for m in own for word in m.attributes} for c, own in of.items()},
    }


def _count(mentions: Sequence[Mention]) -> int | None:
    """Return how many of a category a caption speaks of; None where it does not tell.

    "A dog next to a dog" are two. A "the" thing after the first is taken for one of those before.
    """
    total = 0
    for index, mention in enumerate(mentions):
        if index and mention.again:
            continue
        if mention.number is None:
            return None
        total += mention.number
    return total


def contradictions(
    caption: str, agreed: AgreedDetails, vocabulary: Vocabulary
) -> list[Contradiction]:
    """Find the details that a caption has otherwise than agreed, whatever else it says.

    A number is contradicted by a greater one, and by a smaller one that is said: "a dog" may be
    one of two, "one dog" and "two dogs" are not three.
    """
    mentions = vocabulary.mentions(caption)
    counted = {m.categories[0] for m in mentions if len(m.categories) == 1 and m.counted}
    found = []
    for category, values in said_details(mentions)["number"].items():
        number, most = next(iter(values)), _agreed(agreed.numbers, category, agreed.least)
        # "Zebras" of one own caption may be as many as the retrieved caption says.
        several = None in agreed.numbers.get(category, ())
        if number and most and not several and number not in agreed.numbers[category]:
            expected = max(most)
            if number > expected or category in counted:
                found.append(Contradiction(category, "number", str(number), str(expected)))
    for category, values in said_details(mentions)["colour"].items():
        most = _agreed(agreed.colours, category, agreed.least)
        for colour in sorted(values):
            if most and colour not in agreed.colours[category]:
                found.append(Contradiction(category, "colour", colour, " and ".join(most)))
    for category, values in said_details(mentions)["attribute"].items():
        said = agreed.attributes.get(category, Counter())
        for word in sorted(values):
            against = [w for w in opposites(word) if w in said]
            if word not in said and sum(said[w] for w in against) >= agreed.least:
                agreed_word = max(sorted(against), key=said.__getitem__)
                found.append(Contradiction(category, "attribute", word, agreed_word))
    return found


def _agreed(table: dict[str, Counter], category: str, least: int) -> list:
    """Return what at least `least` captions say of a category, ascending."""
    said = table.get(category, Counter()).items()
    return sorted(value for value, n in said if value is not None and n >= least)


def names_main_objects(caption: str, agreed: AgreedDetails, vocabulary: Vocabulary) -> bool:
    """Tell whether a caption names a main object, and nothing that the own captions do not."""
    named = vocabulary.named(caption)
    return bool(named & agreed.main) and named <= agreed.named


def missing_words(query: Query, rates: BaseRates) -> list[str]:
    """Return what most own captions of an image query say and no retrieved one, as they say it."""
    own = own_captions(query)
    said = Counter(word for caption in own for word in _said(caption))
    shown = whole_words(own)  # not the wider nouns, which nobody may say in so many words
    agreed = [word for word, n in said.items() if 2 * n > len(own) and word in shown]
    retrieved = [found.item.as_caption().caption for found in query.retrieved]
    counts = Counter(word for caption in retrieved for word in _said(caption))
    same_scene = any(
        2 * counts[word] >= len(retrieved)
        and exceeds(counts[word], len(retrieved), rates.said.get(word, 0.0))
        for word in agreed
    )
    if not same_scene or len(own) < AGREEING:
        return []
    return sorted(shown[word] for word in agreed if not counts[word])


@lru_cache(maxsize=200_000)
def _said(caption: str) -> frozenset[str]:
    return frozenset(with_wider(content_words(caption)) - GENERAL_STEMS)


def missing_reason(query: Query, rates: BaseRates) -> Reason | None:
    """Return the reason of an image query of which no retrieved caption says what most own do."""
    missing = missing_words(query, rates)
    named = ", ".join(f'"{word}"' for word in missing[:SHOWN])
    return Reason(MISSING_NAME, f"no retrieved caption says {named}") if missing else None


def details_reason(query: Query, vocabulary: Vocabulary) -> Reason | None:
    """Return the reason of an image query whose retrieved captions have other details.

    Evidence such as "colour of cat: red, for orange (4 of 10 captions)".
    """
    agreed = agreed_details(own_captions(query), vocabulary)
    retrieved = wrong_captions(query)
    counts: Counter[Contradiction] = Counter()
    n_contradicting = 0
    for caption in retrieved:
        if names_main_objects(caption, agreed, vocabulary):
            wrong = contradictions(caption, agreed, vocabulary)
            n_contradicting += bool(wrong)
            counts.update(wrong)
    if not counts or n_contradicting < LEAST_SHARE * len(retrieved):
        return None
    shown = [
        f"{c.kind} of {c.category}: {c.said}, for {c.agreed} ({n} of {len(retrieved)} captions)"
        for c, n in counts.most_common(SHOWN)
    ]
    return Reason(NAME, "; ".join(shown))
