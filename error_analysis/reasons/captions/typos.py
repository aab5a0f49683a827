"""Typos of a caption, with their repair: a noisy-channel check, for non-words and real words.

A typed word is taken for a slip when the sentence with another word in its place, times the
probability that this word comes out as typed, is much likelier than the sentence as typed. The
rule looks at one word on each side, and at the other captions of the same image (siblings.py); that
one slip in a caption makes others likelier told nothing on COCO's. Left alone: names (capitalised
words inside a sentence), numbers, acronyms, words with hyphens or apostrophes, and other forms or
spellings of the same word.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from error_analysis.reasons.captions.general_english import general_counts
from error_analysis.reasons.captions.language_model import BOUNDARY, LanguageModel
from error_analysis.reasons.captions.siblings import Siblings
from error_analysis.reasons.captions.slips import LEAST_WORD, WORD_SLIP, Vocabulary, log_slip
from error_analysis.reasons.captions.spacing import respaced
from error_analysis.reasons.captions.spellings import is_form_of
from error_analysis.reasons.nouns import COCO_CATEGORIES, SYNONYMS, plurals
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import FUNCTION_WORDS, Token, stem, tokenize
from preprocess.captions.split_file import Split

NAME = "typo"
# Odds of 5 to 1 that a non-word is a slip. In place of a word of the dictionary another one is
# taken to be meant at odds of 1.6 to 1 where most captions of the image have it, and of 1 to 5
# where three have it and none has the typed one. Elsewhere pairs of words alone tell, and that a
# word is rare is a weak sign: odds of 5 to 1, and the other word must be bound to this place, 7
# times likelier in it than elsewhere; 1.6 times are enough where one caption has it, or at odds
# of 50 to 1. Chosen on the 1K test's captions
# (tests/error_analysis/reasons/captions/typo_labels.json) and on slips put into COCO's images
# 2,001 to 3,000.
_FAIR_ODDS, _CONTEXT_ODDS, _HIGH_ODDS = math.log(5), math.log(5), math.log(50)
_BACKED_ODDS, _ALL_ODDS = math.log(1.6), -math.log(5)
# Lower odds are never enough; less what a sum in another order rounds.
_LEAST_ODDS = _ALL_ODDS - 1e-9
_BOUND, _SOMEWHAT_BOUND = math.log(7), math.log(1.6)
# A slip in a word of the dictionary makes another one of it once in 150,000 words, or oftener.
_LEAST_SLIP = math.log(1 / 150_000)
_NO_SLIP = math.log1p(-math.exp(WORD_SLIP))
# The share of two words' product that a compound of both gets: "lapdogs" is likelier than chance.
_COMPOUND, _DERIVED = 1e-1, 1e-2
_PREFIXES = ("un", "re", "de", "non", "over", "under")
_SUFFIXES = ("s", "es", "ed", "d", "ing", "er", "ers", "r", "y", "ish", "like", "less", "wise")
_PASSES = 2
# How often each name of a thing is added to the training captions, so that few or none of these
# leave the check with an idea of what captions are about. Seen once would count for half.
_NAME_TIMES = 3


@dataclass(frozen=True, slots=True)
class _Slip:
    place: int
    typed: str
    intended: str


class TypoCheck:
    """Finds typos; made once for many captions.

    Args:
        training_captions: of other images, may be none.
        gallery_captions: those that will be checked, if known: what they say tells of captions too.
    """

    def __init__(
        self, training_captions: Iterable[str], gallery_captions: Iterable[str] = ()
    ) -> None:
        captions = chain(_captions_of_things(), training_captions)
        self._model = LanguageModel(captions, self._close_words, gallery_captions)
        self._vocabulary = Vocabulary(self._model.words)
        self._rivals_of: dict[str, list[tuple[str, str, float]]] = {}

    def __call__(self, caption: str, siblings: Iterable[str] = ()) -> Reason | None:
        """Return the typos of a caption as one reason with the repaired caption, or None.

        Args:
            siblings: the other captions of the same image, where there are any.
        """
        spaced, evidence = respaced(caption, self._model)
        tokens = tokenize(spaced)
        slips = self._slips(tokens, siblings)
        evidence += [f"{slip.typed}, for {slip.intended}" for slip in slips]
        if not evidence:
            return None
        return Reason(NAME, "; ".join(evidence), _repaired(spaced, tokens, slips))

    def _slips(self, tokens: Sequence[Token], siblings: Iterable[str]) -> list[_Slip]:
        """Return the words that were not meant; a repaired word is context for its neighbours."""
        words = [token.lower if token.text[0].isalnum() else BOUNDARY for token in tokens]
        others = Siblings(siblings, words, self._model.word)
        checked = _checked_places(tokens)
        context = [BOUNDARY, *words, BOUNDARY]
        for _ in range(_PASSES):
            before = context.copy()
            for place in checked:
                left, right = context[place], context[place + 2]
                context[place + 1] = self._meant(words[place], left, right, others)
            if context == before:
                break
        return [
            _Slip(place, words[place], context[place + 1])
            for place in checked
            if context[place + 1] != words[place]
        ]

    def _meant(self, typed: str, left: str, right: str, others: Siblings) -> str:
        """Return what was meant by a typed word: the likeliest rival where it is enough, or it."""
        rivals = self._rivals(typed)
        if not rivals:
            return typed
        as_typed = self._log_typed(typed, left, right)
        # What the others do not say, and without a neighbour is too unlikely, is not looked at.
        least = as_typed + _LEAST_ODDS - others.log_odds_of_unsaid(typed)
        found = [
            (log_p + others.log_odds(w, typed) + self._log_context(w, left, right) - as_typed, w)
            for w, root, log_p in rivals
            if root in others.stems
            or (log_p > least and log_p + self._model.log_pair(left, w) > least)
        ]
        if not found:
            return typed
        log_odds, rival = max(found)
        return rival if self._is_enough(log_odds, typed, rival, left, right, others) else typed

    def _log_typed(self, typed: str, left: str, right: str) -> float:
        """Return the log probability of a word between two others, if it was meant."""
        model = self._model
        as_typed = _NO_SLIP + self._log_context(typed, left, right)
        if model.is_known(typed):
            return as_typed + max(0.0, math.log(model.rarest_word / model.word(typed)))
        return max(as_typed, self._log_new_word(typed) + math.log(model.word(right)))

    def _is_enough(
        self, log_odds: float, typed: str, rival: str, left: str, right: str, others: Siblings
    ) -> bool:
        """Tell whether the signs are enough that a rival was meant."""
        if not self._model.is_known(typed):
            return log_odds > _FAIR_ODDS
        if log_slip(typed, rival) < _LEAST_SLIP:
            return False
        said = others.number_who_say(rival)
        if said >= 2 and 2 * said >= len(others) and typed not in FUNCTION_WORDS:
            nearly_all = said >= 3 and not others.someone_says(typed)
            return log_odds > (_ALL_ODDS if nearly_all else _BACKED_ODDS)
        least = _SOMEWHAT_BOUND if said or log_odds > _HIGH_ODDS else _BOUND
        return log_odds > _CONTEXT_ODDS and self._log_bound(rival, left, right) > least

    def _log_bound(self, word: str, left: str, right: str) -> float:
        """Return how much likelier a word is between two others than elsewhere (log)."""
        model = self._model
        by_chance = math.log(model.word(word)) + math.log(model.word(right))
        return self._log_context(word, left, right) - by_chance

    def _log_context(self, word: str, left: str, right: str) -> float:
        return self._model.log_pair(left, word) + self._model.log_pair(word, right)

    def _log_new_word(self, word: str) -> float:
        """Return the log probability of an unknown word as a compound or a derived word."""
        best = 0.0
        for i in range(4, len(word) - 3):
            one, two = word[:i], word[i:]
            if self._model.is_known(one) and self._model.is_known(two):
                best = max(best, self._model.word(one) * self._model.word(two) * _COMPOUND)
        stems = [word.removesuffix(suffix) for suffix in _SUFFIXES]
        stems += [word.removeprefix(prefix) for prefix in _PREFIXES]
        for one in stems:
            if one != word and len(one) > 2 and self._model.is_known(one):
                best = max(best, self._model.word(one) * _DERIVED)
        return math.log(best) if best else -math.inf

    def _rivals(self, typed: str) -> list[tuple[str, str, float]]:
        """Return the words that may have been meant, their stems, and the log of how likely so.

        A function word has no stem: that others say it tells nothing.
        """
        if typed not in self._rivals_of:
            self._rivals_of[typed] = [
                (word, "" if word in FUNCTION_WORDS else stem(word), log_slip(typed, word))
                for word in self._candidates(typed)
            ]
        return self._rivals_of[typed]

    def _candidates(self, typed: str) -> list[str]:
        known = self._model.is_known(typed)
        if not known and typed.endswith("in") and self._model.is_known(typed + "g"):
            return []  # "chillin" was meant so
        # Within two edits of a short word lies half of the dictionary.
        distance = 2 if len(typed) > (6 if known else 4) else 1
        found = {*self._vocabulary.near(typed, distance)}
        found.update(self._vocabulary.sounding_like(typed))
        return [
            word
            for word in sorted(found)
            if self._model.word(word) > LEAST_WORD
            and self._model.is_known(word)
            and not (known and is_form_of(typed, word))
        ]

    def _close_words(self, word: str) -> list[str]:
        """Return the words of captions that a slip parts from one, other forms of it left out."""
        return [near for near in self._vocabulary.own_near(word, 1) if not is_form_of(word, near)]


def typos(gallery: Split, training_captions: Iterable[str]) -> list[Reason | None]:
    """Return for each caption of the gallery, in order, the reason or None.

    A caption is checked beside the others of its image.
    """
    check = TypoCheck(training_captions, gallery.captions)
    found = []
    for image in gallery.images:
        texts = [caption.caption for caption in image.captions]
        for place, text in enumerate(texts):
            found.append(check(text, texts[:place] + texts[place + 1 :]))
    return found


def _captions_of_things() -> Iterator[str]:
    """Yield "a traffic light is", "two traffic lights" and so on for COCO's categories."""
    general = general_counts()[0]
    others = [name for names in SYNONYMS.values() for name in names if " " not in name]
    for name in chain(COCO_CATEGORIES, others):
        article = "an" if name[0] in "aeiou" else "a"
        for phrase in (f"{article} {name} is", f"the {name}", *(f"two {p}" for p in plurals(name))):
            if all(word in general for word in phrase.split()):
                yield from [phrase] * _NAME_TIMES


def _checked_places(tokens: Sequence[Token]) -> list[int]:
    """Return the places of the words to check: not of names, acronyms and numbers."""
    words = [token for token in tokens if token.is_word]
    # A title, or a caption in capitals, has no names to tell apart.
    cased = sum(not word.text[0].islower() for word in words) > len(words) / 2
    places, starts_sentence = [], True
    for place, token in enumerate(tokens):
        alone = len(token.text) == 1 and token.lower != "i"
        if token.is_plain and not alone and (token.text.islower() or cased or starts_sentence):
            places.append(place)
        starts_sentence = token.text in ".!?" if not token.is_word else False
    return places


def _repaired(caption: str, tokens: Sequence[Token], slips: Sequence[_Slip]) -> str:
    for slip in reversed(slips):
        token = tokens[slip.place]
        word = slip.intended
        if token.text.isupper() and len(token.text) > 1:
            word = word.upper()
        elif token.text[0].isupper():
            word = word[0].upper() + word[1:]
        caption = caption[: token.start] + word + caption[token.end :]
    return caption
