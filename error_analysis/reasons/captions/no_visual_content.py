"""Captions that describe no picture: "Image not available", "I cannot see this.", "...".

A caption has no visual content when it has no words, or when all its words are function words or
speak of seeing and describing, and one of them says that this fails. Any other noun, verb or
adjective ("There is no picture on the wall") makes it a description.
"""

from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import FUNCTION_WORDS, tokenize, word_set

NAME = "no visual content"
_FAILURES = word_set(
    "no not none nothing never cannot cant can't cann't don't dont doesn't doesnt didn't isn't "
    "isnt aren't wasn't won't wouldn't couldn't couldnt unable unavailable missing blank "
    "invisible error broken corrupted n/a unsure unclear unknown without failed "
    "fails impossible too empty deleted removed dropped"
)
_MEDIUM_WORDS = word_set(
    "picture pictures image images photo photos photograph photographs pic pics screen link url "
    "file page caption captions description sentence text content task work job hit see seen "
    "seeing look looks looking view viewed viewing visible show shows showing shown display "
    "displays displayed displaying describe describes described describing write say tell make "
    "made figure identify recognize recognise understand know think find found load loads "
    "loaded loading open appear appears appearing available provided works working exist exists "
    "given get clear clearly well really quite actually even sorry please able enough else "
    "what's it's i'm there's that's im its black white dark blurry blurred blank small bad poor "
    "quality exactly due problem thing website site browser server click clicked check idea clue "
    "guess supposed going happening come comes came coming give gives gave return returns returned "
    "instead sure upload connection"
)
# Pronouns that stand for what is seen: "She is not looking."
_SEEN = word_set("he she him her his hers someone somebody")
_EMPTY = (_FAILURES | _MEDIUM_WORDS | FUNCTION_WORDS) - _SEEN


def no_visual_content(caption: str) -> Reason | None:
    """Return the reason, or None for a caption that describes something."""
    words = [token.lower for token in tokenize(caption) if token.is_word]
    if not words:
        return Reason(NAME, "no words")
    failures = [word for word in words if word in _FAILURES]
    described = [word for word in words if word not in _EMPTY]
    if described or not failures:
        return None
    return Reason(NAME, f'"{failures[0]}", and nothing is described')
