"""Words that no picture shows: a short vocabulary, and word endings, of abstract English.

The lists hold general classes (modality, mind, time, ideas), not phrases.
"""

from functools import lru_cache

from error_analysis.reasons.words import word_set

MODALS = word_set("could would should might may must ought shall will can cannot can't")
_NEGATIONS = word_set(
    "no not never nobody nothing nowhere neither nor no-one didn't doesn't don't isn't wasn't "
    "won't wouldn't couldn't shouldn't hasn't haven't cant dont"
)
_INDEFINITE = word_set(
    "somebody someone anybody anyone everybody everyone everything anything whoever whatever "
    "whichever whenever wherever however else enough too rather"
)
_MIND_VERBS = word_set(
    "think thought want wish hope believe know known knew remember remind forget forgot dream "
    "imagine expect decide understand consider wonder plan intend mean meant need try seem feel "
    "felt love hate enjoy prefer fear worry regret learn realize realise pretend suppose guess "
    "matter belong deserve lack require prove happen become remain survive mind tempt promise "
    "refuse manage tend appear"
)
_TIME = word_set(
    "ago today yesterday tomorrow yet still already soon later once again always forever ever "
    "morning evening week month year season winter holiday future moment century"
)
# Verbs that with "to" say how things might be: "needs to be painted".
_MODAL_VERBS = word_set("need want seem intend hope wish expect happen deserve tend appear")
_IDEAS = word_set(
    "life death peace joy beauty idea reason purpose opportunity memory culture tradition "
    "freedom danger luck faith truth mood spirit reality fantasy effort mind advice concept "
    "goodness future history nostalgia poverty wealth health success failure humor humour hope "
    "fear anger sadness sorrow happiness pride shame love hate trust doubt wisdom politics "
    "religion justice chaos harmony victory defeat fate destiny courage comfort company trouble "
    "anticipation sentiment irony romance mystery"
)
_ENDINGS = (
    "tion", "sion", "ness", "ity", "ism", "hood", "ance", "ence", "ancy", "ency", "dom",
)  # fmt: skip
# Things, places, people and picture words that only look like ideas.
_CONCRETE = word_set(
    "caption station television intersection construction reflection decoration section city "
    "facility university community celebration illustration collection selection vegetation "
    "plantation kingdom fence ambulance audience residence appliance harness wilderness witness "
    "lioness neighborhood neighbourhood motion action position direction condition portion "
    "competition exhibition conversation presentation preparation junction location destination "
    "concession mansion extension distance appearance entrance conference random electricity "
    "utility variety quantity activity majority vicinity stallion accordion lotion "
    "transportation formation foundation insulation combination configuration attention "
    "vacation operation demonstration convention auction population animation composition "
    "generation recreation compartment instruction information invitation reception cushion "
    "mission session immersion performance clearance balance dance fragrance hydration "
    "installation celebrity proximity security capacity exposition business fitness ordinance "
    "furnace stance circumstance mention substance concoction pavilion"
)


def _forms(words: frozenset[str]) -> frozenset[str]:
    """Return the words with their regular inflections."""
    forms = set(words)
    for word in words:
        base = word.removesuffix("e")
        plural = word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
        forms.update((plural, base + "ed", base + "ing"))
        if word.endswith("y"):
            forms.update((word[:-1] + "ies", word[:-1] + "ied"))
    return frozenset(forms)


_MODAL_FORMS = _forms(_MODAL_VERBS)
_IDEA_FORMS = _forms(_IDEAS)
_ABSTRACT = MODALS | _NEGATIONS | _INDEFINITE | _TIME | _forms(_MIND_VERBS)


def is_abstract(word: str) -> bool:
    """Whether a lower-case word, inside a modifier, says what no picture shows."""
    return word in _ABSTRACT or is_idea(word)


@lru_cache(maxsize=100_000)
def is_idea(word: str) -> bool:
    """Whether a lower-case word is an abstract noun, by a short list or by its ending."""
    if word in _IDEA_FORMS:
        return True
    singular = word if word.endswith("ss") else word.removesuffix("s")
    concrete = any(singular.endswith(thing) for thing in _CONCRETE)
    return len(word) > 6 and singular.endswith(_ENDINGS) and not concrete


def is_modal_verb(word: str) -> bool:
    """Whether a verb with "to" says how things might be, as in "needs to" and "seem to"."""
    return word in _MODAL_FORMS
