"""White space in captions: of every kind, also what breaks a line for some programs only."""

import re

# As `str.isspace`: besides blanks, \n and \t also \r, \x0b, \x0c, \x1c - \x1f, \x85, the
# no-break space, U+2028, U+3000 and the like.
WHITE_SPACE = re.compile(r"\s+")


def in_one_line(text: str) -> str:
    """Return a text with one blank in the place of each white space, and none at its ends."""
    return WHITE_SPACE.sub(" ", text).strip()


def breaks_line(text: str) -> bool:
    """Return whether a program that writes one caption a line may find several in it."""
    return len(text.strip().splitlines()) > 1
