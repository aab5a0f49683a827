"""A caption as the words that metrics compare.

`ptb`, what published numbers are made with: the Penn Treebank's words, by rules of our own in place
of the Java program that coco-caption calls (Stanford CoreNLP 3.4.1). Clitics are words ("man 's",
"ca n't"), hyphens stay, brackets become -lrb- and -rrb-, and punctuation is dropped; of doubled
marks, "!!" stays, as do the brackets, which coco-caption means to drop and does not. Of 25,000
captions of COCO all but 2 give the same words ("plan b."), of 5,000 of Flickr30k all, and of the
first captions of VizWiz' 7,750 val images, real spam and capitals among them, all but one (dunkin'
donuts). As by that program, names like AT&T are one word in capitals and three in the small letters
that come out: cut again, they are other words. Where that program joins words by a no-break space
("1 1/2"), they are two.

`plain`: lower case, cut at white space.
"""

import re
from typing import Literal

Tokenization = Literal["ptb", "plain"]

CLEANED = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": " -- ",
        "—": " -- ",
        "…": " ... ",
        "(": " -lrb- ",
        ")": " -rrb- ",
        "[": " -lsb- ",
        "]": " -rsb- ",
        "{": " -lcb- ",
        "}": " -rcb- ",
        # As CoreNLP writes them.
        "€": "$",
        "£": "#",
        "½": "1/2",
    }
)
# CoreNLP has no word for what lies there: emoji above all.
UNKNOWN = re.compile(r"[\U00010000-\U0010ffff]")
LETTER, SIGN = r"[^\W\d_]", r"[^\W_]"
CLITIC = r"(?:s|re|ve|ll|d|m)\b"
ABBREVIATIONS = (
    "mr|mrs|ms|dr|drs|prof|st|ste|ave|blvd|rd|mt|ft|jr|sr|inc|co|corp|ltd|dept|est|vs|etc|al|bros|"
    "jan|feb|apr|aug|sep|sept|oct|nov|dec|lt|sgt|capt|gen|rev|gov|sen|rep"
)
WORD = re.compile(
    rf"""
    <[^\s<>]+>                                          # <unk>
    | (?:https?://|www\.)\S+[^\s.,;:!?'")]
    | \w[\w.+-]*@[\w-]+(?:\.[\w-]+)+
    | [a-z0-9][\w-]*(?:\.[a-z0-9][\w-]*)*\.(?:com|org|net|edu|gov)\b
    | -[lr][rsc]b-
    | {LETTER}(?:\.{LETTER})+\b\.?                      # u.s.
    | (?:{ABBREVIATIONS})\.(?=\s|$)
    | (?-i:[A-Z]+(?:&[A-Z])+)                           # AT&T
    | can(?=not\b) | gon(?=na\b) | wan(?=na\b) | got(?=ta\b) | gim(?=me\b) | lem(?=me\b)
    | {LETTER}+(?=n't\b) | n't\b
    | '{CLITIC}
    | '(?:\d\ds|em|til|cause|n')(?!\w)                  # '90s, 'em
    | (?>[+-]?(?:\d+(?:[.,:]\d+)+|\.\d+))(?![/-]\w)     # 1,000; 10:30; 12.5 of 12.5oz
    | [+-]\d+(?!\w)
    | [\#@]{LETTER}\w*
    | {SIGN}+(?:[-_/.]{SIGN}+|'(?!{CLITIC}){SIGN}+)*    # walk-in, and/or, o'clock
    | [!?]{{2,}} | --+ | __+ | '' | ``
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
DROPPED = frozenset([*"""'"`.?!,:-;""", "''", "``", "--", "---"])


def caption_words(caption: str, tokenization: Tokenization = "ptb") -> list[str]:
    """Return a caption's words; none of an empty one, or one of punctuation alone.

    White space of every kind, line breaks included, separates words.
    """
    if tokenization == "plain":
        return caption.lower().split()
    cleaned = UNKNOWN.sub("", caption.translate(CLEANED))
    return [word for found in WORD.findall(cleaned) if (word := found.lower()) not in DROPPED]
