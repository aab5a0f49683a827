"""A change of a caption that leaves its meaning: what a change alone does to a rank."""

import re

HARMLESS = "a leading a, an or the exchanged, or else the final full stop"
_ARTICLE = re.compile(r"(\s*)(an?|the)(?=\s)", re.IGNORECASE)


def harmless_edit(caption: str) -> str:
    """Return the caption with one small change that no image could tell.

    A leading "a" or "an" becomes "the", and "the" becomes "a", so that one word is another, as
    after most repairs; where there is none, the final full stop is dropped, or added. Case is no
    change: the tokenizers of LXMERT and CLIP know none.
    """
    article = _ARTICLE.match(caption)
    if article:
        other = "a" if article[2].lower() == "the" else "the"
        if article[2][0].isupper():
            other = other.capitalize()
        return f"{article[1]}{other}{caption[article.end() :]}"
    bare = caption.rstrip()
    return bare.rstrip(".").rstrip() if bare.endswith(".") and bare.strip(". ") else f"{bare}."
