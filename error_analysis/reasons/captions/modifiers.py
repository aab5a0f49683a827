"""Long modifiers and abstract concepts of a caption, found by rules; no tagger, no model.

Found, in this order, and shown as the reason's evidence:

1. a relative clause ("a bathroom that needs to be fixed up") whose words go beyond the picture: a
   modal, a negation, an indefinite pronoun, a word of mind or time, a perfect tense, a clause
   inside the clause; or one that is merely very long. "That is sitting on a horse" is neither.
2. a comparison or a purpose: "as if", "as though", "in order to", "so that", "needs to".
3. a noun that names an idea: "the future", "efficiency".
4. a long participial clause, or a long chain of prepositional phrases, behind one noun.

The clause is what stands between the word that opens it and the next punctuation mark.
"""

from collections.abc import Sequence

from error_analysis.reasons.captions.abstract_words import (
    MODALS,
    is_abstract,
    is_idea,
    is_modal_verb,
)
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import (
    ARTICLES,
    AUXILIARIES,
    CONJUNCTIONS,
    NUMBERS,
    PREPOSITIONS,
    PRONOUNS,
    Token,
    tokenize,
    word_set,
)

NAME = "long modifier"
# Captions have about eleven words: a modifier nearly as long as a caption is long.
_LONG_RELATIVE = 9
# "That is riding ..." and "that has a ..." still describe what is seen.
_LONG_VISUAL_RELATIVE = 12
_LONG_PARTICIPIAL = 13
# "A boy on a horse in a field near a house" has three; one caption in a hundred has six.
_LONG_CHAIN = 6
_RELATIVES = word_set("that which who whom whose")
_INDEFINITE_SUBJECTS = word_set(
    "somebody someone nobody everybody everyone anybody anyone i we you he she they it"
)
_SUBORDINATORS = word_set("because although though since until before after when as if")
_PHRASES = (
    ("as", "if"), ("as", "though"), ("in", "order", "to"), ("so", "that"), ("so", "as", "to"),
    ("for", "no", "reason"), ("for", "the", "sake"), ("instead", "of"), ("rather", "than"),
)  # fmt: skip
_COMPOUND_PREPOSITIONS = frozenset(
    (("top", "of"), ("front", "of"), ("next", "to"), ("side", "of"), ("out", "of"), ("off", "of"),
     ("middle", "of"), ("close", "to"), ("inside", "of"), ("back", "of"), ("edge", "of"))
)  # fmt: skip
_PARTICIPLES = word_set(
    "been got gone given found seen left lost made taken put come become kept had done begun "
    "built caught cut fallen grown held hung laid lain led lit met paid run said sat shut sold "
    "spent stood told thrown won worn written broken chosen driven eaten flown frozen hidden "
    "ridden"
)
_NOT_VERBS = word_set("building ceiling string king ring wing thing morning evening bring")


def long_modifier(caption: str) -> Reason | None:
    """Return the reason with the modifying clause as its evidence, or None."""
    tokens = tokenize(caption)
    words = [token.lower for token in tokens]
    for find in (_relative_clause, _comparison, _idea, _participial_clause, _chain):
        found = find(words)
        if found is not None:
            return Reason(NAME, _text(caption, tokens, *found))
    return None


def _text(caption: str, tokens: Sequence[Token], start: int, end: int) -> str:
    return caption[tokens[start].start : tokens[end - 1].end]


def _clause_end(words: Sequence[str], start: int) -> int:
    """Return the place after the clause's last word."""
    for place in range(start, len(words)):
        if not words[place][0].isalnum():
            return place
    return len(words)


def _relative_clause(words: Sequence[str]) -> tuple[int, int] | None:
    for place in range(1, len(words) - 1):
        if not (_may_be_noun(words[place - 1]) and _opens_relative(words, place)):
            continue
        end = _clause_end(words, place)
        inside = words[place + 1 : end]
        visual = inside[0] in ("is", "are", "has", "have")
        if (
            any(map(is_abstract, inside))
            or _has_perfect(inside)
            or any(word in _SUBORDINATORS for word in inside[1:])
            or end - place >= (_LONG_VISUAL_RELATIVE if visual else _LONG_RELATIVE)
        ):
            return place, end
    return None


def _opens_relative(words: Sequence[str], place: int) -> bool:
    """Whether a clause about the word before begins here: "that ...", "somebody has ..."."""
    word, following = words[place], words[place + 1]
    if word in _RELATIVES:
        return following[0].isalnum()
    return word in _INDEFINITE_SUBJECTS and (following in AUXILIARIES or is_modal_verb(following))


def _may_be_noun(word: str) -> bool:
    closed = ARTICLES | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | NUMBERS
    things = word in ("one", "ones", "those", "something", "someone", "somebody")
    return word[0].isalpha() and (things or word not in closed | PRONOUNS)


def _has_perfect(words: Sequence[str]) -> bool:
    """Whether "has", "have" or "had" comes with a participle: "has just batted"."""
    for place, word in enumerate(words):
        if word in ("has", "have", "had"):
            following = [w for w in words[place + 1 : place + 4] if not w.endswith("ly")]
            following = [w for w in following if w not in ("just", "only", "not", "also", "all")]
            if following and _is_participle(following[0]):
                return True
    return False


def _is_participle(word: str) -> bool:
    return word in _PARTICIPLES or (len(word) > 4 and word.endswith("ed"))


def _comparison(words: Sequence[str]) -> tuple[int, int] | None:
    for place, word in enumerate(words):
        if any(tuple(words[place : place + len(phrase)]) == phrase for phrase in _PHRASES):
            return place, _clause_end(words, place)
        following = words[place + 1 : place + 3]
        if is_modal_verb(word) and following[:1] == ["to"] and len(following) == 2:
            return place, _clause_end(words, place)
        if word in MODALS - {"can", "will", "may", "must"} and following and following[0].isalpha():
            return place, _clause_end(words, place)
    return None


def _idea(words: Sequence[str]) -> tuple[int, int] | None:
    for place, word in enumerate(words):
        if word.isalpha() and is_idea(word):
            start = place
            while start and words[start - 1] in PREPOSITIONS | ARTICLES:
                start -= 1
            return start, place + 1
    return None


def _participial_clause(words: Sequence[str]) -> tuple[int, int] | None:
    """Return a long clause that begins with a participle straight behind a noun."""
    for place in range(1, len(words)):
        word = words[place]
        participle = word.endswith("ing") and len(word) > 4 and word not in _NOT_VERBS
        # "A boat sailing on", not "a sailing boat".
        following = words[place + 1 : place + 2]
        verb = bool(following) and following[0] in PREPOSITIONS | ARTICLES | PRONOUNS | NUMBERS
        if participle and verb and _may_be_noun(words[place - 1]):
            end = _clause_end(words, place)
            stops = AUXILIARIES | {"and", "while"}
            end = next((i for i in range(place, end) if words[i] in stops), end)
            if end - place >= _LONG_PARTICIPIAL:
                return place, end
    return None


def _chain(words: Sequence[str]) -> tuple[int, int] | None:
    """Return a run of prepositional phrases that no verb, conjunction or comma parts."""
    start, count = 0, 0
    for place, word in enumerate([*words, "."]):
        before = words[place - 1] if place else ""
        if not word[0].isalnum() or word in CONJUNCTIONS - {"where"} or word in AUXILIARIES:
            if count >= _LONG_CHAIN:
                return start, place
            count = 0
        elif word in PREPOSITIONS and (before, word) not in _COMPOUND_PREPOSITIONS:
            start = place if count == 0 else start
            count += 1
    return None
