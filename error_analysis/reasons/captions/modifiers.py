"""Modifiers of a caption that ask for what a picture does not simply show; no tagger, no model.

Six kinds, found by their words: what is about to happen ("getting geared up to do"), what somebody
means to do ("waiting to board"), what has happened ("that just got married"), what a thing looks
like and is not ("made to look like a plant"), what may or must be ("needs to be fixed up"), and
ideas ("in the middle of nowhere"). What stands written in the picture ("that says ...") is left
out. A long description of things that are seen is no such modifier, however long.
"""

import re

from error_analysis.reasons.reason import Reason

NAME = "long modifier"

_TEXT = re.compile(
    r"\b(?:says?|saying|reads|reading|titled|labell?ed|spells?|spelling|written)\b|``|\""
)
_CLAUSE_END = re.compile(r"[.,;:!?()]|$")
# A word that is no verb after "about to" and "is to": "next to the", "up to two".
_VERB = (
    r"(?!(?:the|an?|his|her|their|its|my|our|your|this|that|these|those|another|some|one|two|each|"
    r"him|them|me|us|it|left|right|side|top|front|back|town|school|work|bed|scale)\b)[a-z]+"
)
_SEEN = r"(?!(?:not )?(?:be )?(?:see|seen|found|viewed)\b)"
_IDEAS = (
    r"(?:life|death|peace|joy|beauty|idea|reason|purpose|opportunity|memory|culture|tradition|"
    r"freedom|danger|luck|faith|truth|mood|spirit|reality|fantasy|effort|advice|concept|goodness|"
    r"future|history|nostalgia|poverty|wealth|health|success|failure|humou?r|hope|fear|anger|"
    r"sadness|sorrow|happiness|pride|shame|trust|doubt|wisdom|politics|religion|justice|chaos|"
    r"harmony|victory|defeat|fate|destiny|courage|anticipation|sentiment|irony|romance|mystery|"
    r"loneliness|captivity|nowhere|[a-z]{4,}(?:liness|fulness|lessness|iciency|ality))"
)
_MODIFIERS = {
    what: tuple(map(re.compile, patterns))
    for what, patterns in {
        "about to happen": (
            rf"\babout to {_VERB}",
            r"\b(?:get|gets|getting|got) (?:\w+ ){0,2}?(?:ready|set|prepared|geared up)\b(?! of\b)",
            rf"\b(?:ready|poised|geared up) (?:to (?:be )?{_VERB}|for\b)",
            r"\bprepar(?:es?|ed|ing) (?:to|for) ",
            rf"\b(?:is|are) (?:going to|gonna) {_VERB}",
            rf"\b(?:is|are) to {_VERB}",
            r"\b(?:soon|won't|will|upcoming) [a-z]+",
        ),
        "meant to be done": (
            r"\b(?:want|hop|wish|plann|intend|try|tri|attempt|decid)(?:e|es|ed|s|ing)? to\b",
            r"\bhoping\b|\beager to\b|\bin order to\b|\bso (?:that|as to)\b|\bon purpose\b",
            rf"\bwaiting to (?:be )?{_VERB}",
            r"\bfor (?:the|no) (?:sake|purpose|reason|benefit)\b",
            r"\bin (?:hopes?|search|anticipation) of\b|\bfor advice\b|\bno reason\b",
        ),
        "may or must be": (
            rf"\b(?:could|would|should|might|must|may|ought|\w+n't) {_SEEN}[a-z]+ (?!\w*ing\b)",
            rf"\b(?:can|cannot|can't|cant) (?:not )?{_SEEN}[a-z]+ "
            r"(?:it|them|an?|the|any\w*|quite|by|be|in)\b",
            r"\b(?:un)?able to\b|\bneed(?:s|ed|ing)? (?:to|of)\b",
            # "A truck which nobody has washed for years": more than a picture shows, in a clause.
            r"\b(?:that|which|who|whom|whose)\b[^.,;!?]*?\b(?:\w+body|any|ever|never|always|enough|"
            r"again|years|ago|once|still|else|nowhere|whoever|whatever|wish\w*|need\w*|know\w*|"
            r"belong\w*|deserv\w*|remember\w*|forgot\w*|happen\w*|minds?|think|thought|dream\w*|"
            r"surviv\w*|given up|company|lonely|going to)\b",
            r"(?<=\w )(?:no|any|some|every)(?:body|one) (?:has|will|ever|can|could|would|needs?)\b",
        ),
        "has happened": (
            r"\b(?:has|have|had|having) (?:\w+ly |just |also |now |all )?(?:been|already|recently|"
            r"just|lost|gone|left|fallen|broken|eaten|seen|taken|made|come|become|gotten|got)\b"
            r"(?! (?:an?|two|some) )",
            # "Has dressed her dog", and no "has powdered sugar".
            r"\b(?:has|have|had) (?:\w+ly |just )?\w{3,}ed(?=$|[.,;]| (?:by|in|on|into|onto|over|"
            r"up|down|out|off|from|with|at|to|the|his|her|their|its|it|an?|everywhere|around)\b)",
            r"\b(?:just|recently|already) (?:\w+ed|got|gotten|caught|hit|thrown|made|been)\b",
            r"\bafter \w{3,}ing\b",
            r"\bthat (?:was|were|got) \w+|\bused to (?:be|have)\b|\bno longer\b|\byears ago\b",
        ),
        "looks like": (
            r"\bas (?:if|though)\b",
            r"\b(?:looks?|looking|looked|made|appears?|shaped) (?:to (?:be|have|look) )?"
            r"(?:like|as)\b(?! (?:a|the) camera)",
            r"\b(?:appears?|seems?|pretend\w*|supposed|meant|designed) to\b|\bresembl\w+|\bseems\b",
        ),
        "an idea": (
            rf"(?:\b(?:of|about|with|for|in|the|full|pure|own) (?:[a-z]+ )?|^|\band ){_IDEAS}"
            r"(?=$| (?:of|in|on|and|at|is|are|meet|for|to|with)\b|[.,;!?])",
        ),
    }.items()
}


def long_modifier(caption: str) -> Reason | None:
    """Return the reason, with the kind and the words from the modifier on, or None."""
    text = caption.lower().replace("’", "'")
    written = _TEXT.search(text)
    text = text[: written.start()] if written else text
    for what, patterns in _MODIFIERS.items():
        for pattern in patterns:
            found = pattern.search(text)
            if found:
                end = _CLAUSE_END.search(text, found.end())
                whole = caption if len(caption) == len(caption.lower()) else caption.lower()
                clause = whole[found.start() : end.start() if end else None].strip()
                return Reason(NAME, f"{what}: {clause}")
    return None
