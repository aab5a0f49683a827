"""Plausible retrieval: a wrong document that fits the query as far as captions can tell.

A caption fits an image when the image's own captions cover its content words, weighted by how rare
they are in the gallery; when it names nothing that they do not; and when it contradicts none of
their details. Words for one category ("puppy", "dogs") are one word.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from error_analysis.queries.query import Query
from error_analysis.reasons.images.details import said_details
from error_analysis.reasons.images.salient_object import own_captions
from error_analysis.reasons.mentions import (
    COLOURS,
    DETERMINERS,
    FUNCTION_WORDS,
    OPPOSITES,
    Mention,
    Vocabulary,
    tokens,
)
from error_analysis.reasons.places import IMPLIED, PHRASES, PLACE_OF
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import word_set
from preprocess.captions.split_file import Split

NAME = "plausible retrieval"
LEAST_COVERED = 0.8
# Words that tell nothing of an image.
EMPTY_WORDS = (
    FUNCTION_WORDS
    | DETERMINERS
    | word_set(
        "am i you we he him them me my your our not no so some any all each both other such very "
        "among somewhere somehow rest resting wait waiting "
        "just only too also can could will would should may might one two three four five six "
        "seven eight nine ten do does did doing done get gets got getting make makes made take "
        "takes took taken taking picture pictures photo photograph image images view scene shot "
        "thing things something somebody someone object objects here there where when while how "
        "nice set sits sit sitting stand stands standing stood lie lies lying seen see seeing "
        "shown shows showing show left right top side front back middle next alone s couple pair "
        "group bunch"
    )
)
_SIDE_OF = {word: side[0] for pair in OPPOSITES for side in pair for word in side}
_WEIGHTLESS_IDF = 1.0  # of every word, where no caption of the gallery has any


@dataclass(frozen=True, slots=True)
class Terms:
    """The content words of a caption, words of one meaning as one.

    Attributes:
        words: categories, colours, sizes, places and stems of all others.
        general: for each word such as "animal" or "vehicle", the categories that it may mean.
    """

    words: frozenset[str]
    general: tuple[tuple[str, frozenset[str]], ...]

    @property
    def all(self) -> list[str]:
        """Every term, general ones by their word."""
        return [*sorted(self.words), *(word for word, _ in self.general)]


@dataclass(frozen=True)
class CaptionSet:
    """What an image's own captions tell together.

    Attributes:
        words: their terms.
        named: the categories that any of them may name.
        numbers, colours, attributes: of each category, all that any of them says.
    """

    words: frozenset[str]
    named: frozenset[str]
    numbers: dict[str, set[int | None]]
    colours: dict[str, set[str]]
    attributes: dict[str, set[str]]


# As `Vocabulary.mentions`: of many queries, the same captions.
@lru_cache(maxsize=200_000)
def _terms(vocabulary: Vocabulary, caption: str) -> Terms:
    text = caption.lower()
    for phrase, place in sorted(PHRASES.items(), reverse=True):  # the longer one first
        text = text.replace(phrase, place)
    words = tokens(text)
    mentions = vocabulary.mentions(text)
    inside = {at for m in mentions for at in range(m.start, m.stop)}
    found = {m.categories[0] for m in mentions if len(m.categories) == 1}
    general = tuple(
        (words[m.stop - 1], frozenset(m.categories)) for m in mentions if len(m.categories) > 1
    )
    for at, word in enumerate(words):
        if at in inside or not word[0].isalpha():
            continue
        if word in ("inside", "outside") and (words[at + 1 : at + 2] or ["."])[0].isalpha():
            continue  # a preposition: the place comes behind it
        if word in PLACE_OF:
            found.add(PLACE_OF[word])
        elif word not in EMPTY_WORDS:
            found.add(COLOURS.get(word) or _SIDE_OF.get(word) or _stem(word))
    return Terms(frozenset(found), general)


class Plausibility:
    """Tells whether captions fit images, by the rarity of words in a gallery."""

    def __init__(self, gallery: Split, vocabulary: Vocabulary):
        """Count in how many captions of the gallery each term is."""
        self.vocabulary = vocabulary
        captions = gallery.captions
        counts = Counter(term for caption in captions for term in set(self.terms(caption).all))
        self._idf = {
            term: math.log((1 + len(captions)) / (1 + n)) + 1 for term, n in counts.items()
        }
        self._rarest = max(self._idf.values(), default=_WEIGHTLESS_IDF)
        self._captions = {
            image.image_id: [c.caption for c in image.captions] for image in gallery.images
        }

    def terms(self, caption: str) -> Terms:
        """Return the content words of a caption."""
        return _terms(self.vocabulary, caption)

    def own(self, captions: Sequence[str]) -> CaptionSet:
        """Join what an image's own captions tell."""
        words = {word for caption in captions for word in self.terms(caption).words}
        words |= {IMPLIED[word] for word in words if word in IMPLIED}
        named: set[str] = set()
        said: dict[str, dict[str, set]] = {"number": {}, "colour": {}, "attribute": {}}
        for caption in captions:
            mentions = self.vocabulary.mentions(caption)
            named |= {category for m in mentions for category in m.categories}
            for kind, of in said_details(mentions).items():
                for category, values in of.items():
                    said[kind].setdefault(category, set()).update(values)
        return CaptionSet(frozenset(words), frozenset(named), *said.values())

    def of_image(self, image_id: int) -> CaptionSet:
        """Join what the gallery's captions of an image tell."""
        return self.own(self._captions[image_id])

    def covered(self, caption: str, own: CaptionSet) -> float:
        """Return the share of a caption's content that own captions have, in [0, 1].

        Terms count by their inverse document frequency; a caption without content has 0.
        """
        terms = self.terms(caption)
        has = {word: word in own.words for word in terms.words}
        has |= {word: bool(members & own.named) for word, members in terms.general}
        weights = {word: self._idf.get(word, self._rarest) for word in has}
        total = sum(weights.values())
        return sum(weights[word] for word in has if has[word]) / total if total else 0.0

    def fits(self, caption: str, own: CaptionSet) -> bool:
        """Tell whether a caption is plausible for the image of the own captions."""
        return self.covered(caption, own) >= LEAST_COVERED and self._details_fit(caption, own)

    def _details_fit(self, caption: str, own: CaptionSet) -> bool:
        """Tell whether own captions say of each thing all that a caption does.

        A number that is said must be the greatest of theirs, as captions may pass things over.
        """
        mentions = self.vocabulary.mentions(caption)
        said = said_details(mentions)
        counted = {c for m in mentions if m.counted for c in m.categories}
        return (
            self.vocabulary.named(caption) <= own.named
            and all(
                _number_fits(number, own.numbers.get(category, set()), category in counted)
                for category, (number,) in said["number"].items()
            )
            and all(said <= own.colours.get(c, set()) for c, said in said["colour"].items())
            and all(_enough(m, own) for m in mentions if len(m.categories) > 1)
            and all(
                m.colours <= set().union(*(own.colours.get(c, ()) for c in m.categories))
                for m in mentions
            )
            and not self._elsewhere(caption, own)
            and all(
                {_SIDE_OF[w] for w in words} <= {_SIDE_OF[w] for w in own.attributes.get(c, ())}
                for c, words in said["attribute"].items()
            )
        )

    def _elsewhere(self, caption: str, own: CaptionSet) -> bool:
        """Tell whether a caption is indoors and the image only outdoors, or the other way round."""
        here, there = (
            {IMPLIED.get(word, word) for word in words} & set(IMPLIED.values())
            for words in (self.terms(caption).words, own.words)
        )
        return bool(here and there) and not here & there

    def plausible_places(self, query: Query) -> list[int]:
        """Return the 0-based places of the wrong documents that fit a query, either direction."""
        if query.direction == "i2t":
            own = self.own(own_captions(query))
            fitting = (self.fits(r.item.as_caption().caption, own) for r in query.retrieved)
        else:
            asked = query.item.as_caption().caption
            fitting = (self.fits(asked, self.of_image(r.item.image_id)) for r in query.retrieved)
        return [
            place
            for place, (fits, document) in enumerate(zip(fitting, query.retrieved, strict=True))
            if fits and not document.is_ground_truth
        ]

    def reason(self, query: Query) -> Reason | None:
        """Return the reason of a query that has a plausible wrong document, the best one shown.

        Evidence such as "place 0: A red dog in a field. (and 2 more)", places 0-based.
        """
        places = self.plausible_places(query)
        if not places:
            return None
        item = query.retrieved[places[0]].item
        if query.direction == "i2t":
            shown = item.as_caption().caption
        else:
            asked = query.item.as_caption().caption
            best = max(
                self._captions[item.image_id],
                key=lambda own: self.covered(asked, self.own([own])),
            )
            shown = f"image {item.image_id}, {best}"
        more = f" (and {len(places) - 1} more)" if places[1:] else ""
        return Reason(NAME, f"place {places[0]}: {shown.strip()}{more}")


def _enough(mention: Mention, own: CaptionSet) -> bool:
    """Tell whether an image has as many things as a word such as "animals" says: at least two."""
    most = [_most(own.numbers[c]) for c in mention.categories if c in own.numbers]
    return sum(most) >= (mention.number or 2)


def _number_fits(number: int | None, own: set[int | None], counted: bool) -> bool:
    """Tell whether a number may be that of an image; None of either is any number of several."""
    if number is None or not own:
        return True
    most = _most(own)
    return most == math.inf or number == most or (number < most and not counted)


def _most(numbers: set[int | None]) -> float:
    """Return the largest number that is said; infinity where one says that there are several."""
    return max(math.inf if number is None else number for number in numbers)


def _stem(word: str) -> str:
    """Take the commonest endings off: "parked" and "parking", "signs" and "sign" are one word."""
    for ending, least in (("ing", 6), ("ed", 5), ("es", 6), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            word = word[: -len(ending)]
            if ending in ("ing", "ed") and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]  # "running"
            break
    return word.removesuffix("e")
