"""The words and word pairs of general English that symspellpy ships, in both spellings.

Google's n-gram counts of the words of a British word list; American spellings are added.
"""

import re
from functools import cache
from importlib import resources

# symspellpy's word pairs are counted 64 times over: its rarest pair has 6,400,000, where the
# source leaves out pairs below 100,000.
_PAIR_SCALE = 64
# Words of two letters that its list of words leaves out; as frequent as "ax".
_SHORT_WORDS = (
    "ad", "ox", "tv", "pc", "pj", "dj", "ok", "id", "rv", "suv", "cd", "dvd", "atv", "mom", "nyc",
)  # fmt: skip
_SHORT_WORD_COUNT = 10_000_000
_AMERICAN = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=[a-z]{2})our(?=$|s$|ed|ing|ful|less|able|hood|ite)", "or"),
        (r"([aeiou][a-z]*[aeiou])ll(?=ed$|ing$|ers?$)", r"\1l"),
        (r"(?<=[a-z]{2}[tb])re(?=s?$|d$)", "er"), (r"logue(?=s?$)", "log"),
        (r"(?<=[a-z]{3})is(?=e$|es$|ed$|ing$|ation$)", "iz"), (r"lys(?=e$|ed$|ing$)", "lyz"),
        (r"(?<=[a-z]{2}[fl]en)ce(?=s?$)", "se"), (r"^aero(?=plane)", "air"),
        (r"^pyj", "paj"), (r"^doughnut", "donut"), (r"^mould", "mold"), (r"^plough", "plow"),
        (r"^moustache", "mustache"), (r"^jewellery", "jewelry"), (r"^tyre", "tire"),
        (r"^grey", "gray"), (r"^sceptic", "skeptic"), (r"^cosy", "cozy"), (r"^omelette", "omelet"),
        (r"^marvell", "marvel"), (r"^skilful", "skillful"),
        (r"^practis", "practic"), (r"^chilli", "chili"),
    )
)  # fmt: skip


def _lines(name: str) -> list[list[str]]:
    text = (resources.files("symspellpy") / name).read_text("utf-8-sig")
    return [line.split() for line in text.splitlines()]


@cache
def general_counts() -> tuple[dict[str, int], int]:
    """Return the counts of about 84,000 lower-case words, and their sum."""
    counts = {word: int(n) for word, n in _lines("frequency_dictionary_en_82_765.txt")}
    for word in _SHORT_WORDS:
        counts.setdefault(word, _SHORT_WORD_COUNT)
    for word in list(counts):
        for pattern, replacement in _AMERICAN:
            american = pattern.sub(replacement, word)
            if american != word:
                counts.setdefault(american, counts[word])
    return counts, sum(counts.values())


@cache
def general_pairs() -> dict[tuple[str, str], float]:
    """Return the counts of the word pairs, on the scale of the words'; absent: under 100,000."""
    lines = _lines("frequency_bigramdictionary_en_243_342.txt")
    return {(left, right): int(n) / _PAIR_SCALE for left, right, n in lines}
