"""Words of a caption with their places, and the closed classes of English words."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(r"[^\W_]+(?:['’\-/&.][^\W_]+)*|[.,;:!?()\"]")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text that white space parts."""
    return frozenset(text.split())


ARTICLES = word_set("a an the")
PRONOUNS = word_set(
    "i me my mine we us our you your he him his she her hers it its they them their theirs this "
    "that these those who whom whose which what each other another one ones itself himself "
    "herself themselves someone somebody anyone anybody everyone everybody nobody something "
    "anything everything nothing none both all some any few several many much more most"
)
PREPOSITIONS = word_set(
    "of in on at by for with from to into onto over under above below behind beside besides "
    "between among across through during before after near around along against inside outside "
    "within without toward towards upon off up down out past beneath underneath atop about "
    "amongst alongside like as than via"
)
CONJUNCTIONS = word_set("and or but nor so yet if because while when where since until")
AUXILIARIES = word_set(
    "is are was were be been being am has have had having do does did can could will would "
    "shall should may might must ought"
)
NUMBERS = word_set("two three four five six seven eight nine ten dozen hundred")
_ADVERBS = word_set(
    "there here not no very also just only too together next front top left right side back "
    "well then now"
)
FUNCTION_WORDS = ARTICLES | PRONOUNS | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | _ADVERBS
# What captions call themselves.
PICTURE_WORDS = word_set("image photo photograph picture view")

_IRREGULAR = {
    "men": "man", "women": "woman", "people": "person", "children": "child", "kids": "kid",
    "feet": "foot", "teeth": "tooth", "mice": "mouse", "geese": "goose", "knives": "knife",
    "shelves": "shelf", "leaves": "leaf", "sheep": "sheep", "sat": "sit", "stood": "stand",
    "ate": "eat", "eaten": "eat", "held": "hold", "rode": "ride", "ridden": "ride",
    "lying": "lie", "lay": "lie", "lays": "lie", "laid": "lie", "laying": "lie",
    "worn": "wear", "wore": "wear", "ran": "run", "flew": "fly", "flown": "fly",
}  # fmt: skip


# Half of the words of English captions are function words; of German or Spanish ones, a twentieth
# happens to be spelt like one.
_LEAST_ENGLISH, _READ = 0.25, 1000


class Token(NamedTuple):
    """A word, a number or a punctuation mark; `text` is caption[start:end].

    No dataclass, as a tuple is made in a third of the time, and captions have millions.
    """

    text: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        return self.text.lower().replace("’", "'")

    @property
    def is_word(self) -> bool:
        """Letters, with inner hyphens, apostrophes or digits; at least one letter."""
        return self.text.isalpha() or any(map(str.isalpha, self.text))

    @property
    def is_plain(self) -> bool:
        """Only the letters a to z, in either case: a word that a dictionary may hold."""
        return self.text.isascii() and self.text.isalpha()


# As many as are looked at together; tokens of all captions would take much memory.
@lru_cache(maxsize=1000)
def tokenize(caption: str) -> tuple[Token, ...]:
    """Return the words, numbers and punctuation marks; other characters part tokens."""
    return tuple(Token(m[0], *m.span()) for m in _TOKEN.finditer(caption))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return a rough stem of a lower-case word: "boats" and "boat", "sitting" and "sits" agree."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("'s"):
        word = word[:-2]
    for ending, least, replacement in (
        ("ies", 3, "y"),
        ("sses", 2, "ss"),
        ("ches", 2, "ch"),
        ("shes", 2, "sh"),
        ("xes", 2, "x"),
        ("ings", 3, ""),
        ("ing", 3, ""),
        ("ed", 3, ""),
        ("s", 3, ""),
    ):
        if word.endswith(ending) and len(word) >= len(ending) + least:
            if ending == "s" and word[-2] in "su":
                break
            word = word[: -len(ending)] + replacement
            break
    else:
        ending = ""
    if ending in ("ings", "ing", "ed") and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    # "riding", "rides" and "ride" agree without the e.
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


_GENERAL_WORDS = word_set(
    "picture image photo photograph pic shot view scene close closeup display shown show taken "
    "take took see seen look there thing object item stuff something somebody someone somewhere "
    "anything piece part kind type sort variety various different other certain place area spot "
    "setting outside outdoors outdoor inside indoors indoor open group bunch couple pair number "
    "lot several set nice good beautiful useful great pretty interesting another near next "
    "beside sit sitting stand standing located made"
)
# Stems of what fits every picture: words of the medium, of place and amount, nouns for anything.
GENERAL_STEMS = frozenset(map(stem, _GENERAL_WORDS))


# A caption is read again by every rule, and for each query that retrieves it.
@lru_cache(maxsize=200_000)
def content_words(
    text: str, little: frozenset[str] = FUNCTION_WORDS | PICTURE_WORDS
) -> tuple[str, ...]:
    """Return the stems of the words that tell one caption from another, in order.

    Args:
        little: words, and others of their stems, that do not.
    """
    stems = (stem(token.lower) for token in tokenize(text) if token.is_word)
    untelling = _stems(little)
    return tuple(word for word in stems if word not in untelling)


@lru_cache
def _stems(words: frozenset[str]) -> frozenset[str]:
    return frozenset(map(stem, words))


def whole_words(texts: Iterable[str]) -> dict[str, str]:
    """Return for each stem in some texts the word that is most common there, in lower case."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for token in (token for text in texts for token in tokenize(text) if token.is_word):
        forms[stem(token.lower)][token.lower] += 1
    return {own: counts.most_common(1)[0][0] for own, counts in forms.items()}


def are_english(captions: Sequence[str]) -> bool:
    """Tell whether captions are in English, by the share of its function words; none are."""
    words = [token.lower for text in captions[:_READ] for token in tokenize(text) if token.is_word]
    return sum(word in FUNCTION_WORDS for word in words) >= _LEAST_ENGLISH * len(words)
