"""What captions look like before any score: how many are distinct, how long they are, <unk>.

No image is needed, nor any reference. A captioner that says one sentence of every image, or one
that never ends, is seen here, where a table of scores hides it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from captioning.metrics.words import Tokenization, caption_words
from captioning.results.results_file import listed

UNKNOWN_WORD = "<unk>"
# Captions of more words have not ended where they should. The longest of VizWiz' 7,750 first
# captions by people has 63.
LONG = 80
SHOWN = 100  # characters of a caption in a line


@dataclass(frozen=True)
class CaptionCounts:
    """Numbers of a list of captions.

    Attributes:
        captions: how many there are.
        distinct: different texts among them.
        commonest, commonest_share: the most frequent text, and its share in [0, 1].
        empty: captions without a word.
        words, words_mean, words_median, words_most: in words of the tokenization.
        unknown_share: of the captions, those with <unk>, in [0, 1].
        long: captions of more than `long_limit` words, by name, with their words.
        long_share: their share of the captions, in [0, 1].
        long_words_share: their share of all words, in [0, 1].
    """

    captions: int
    distinct: int
    commonest: str
    commonest_share: float
    empty: int
    words: int
    words_mean: float
    words_median: float
    words_most: int
    unknown_share: float
    long_limit: int
    long: dict[str, int]
    long_share: float
    long_words_share: float

    def told(self) -> list[str]:
        """Return a line for each thing that makes scores mean something else."""
        lines = []
        if self.distinct == 1 < self.captions:
            lines.append(f"all {self.captions:,} captions are {self.commonest[:SHOWN]!r}")
        if self.empty:
            lines.append(f"{self.empty:,} of {self.captions:,} captions have no word")
        if self.long:
            lines.append(
                f"{len(self.long):,} of {self.captions:,} captions have more than "
                f"{self.long_limit} words, the longest {self.words_most:,}, together "
                f"{100 * self.long_words_share:.0f} % of all words, which BLEU counts: "
                f"{listed([*self.long])}; --max_words cuts captions"
            )
        return lines


def count_captions(
    names: Sequence[object],
    captions: Sequence[str],
    tokenization: Tokenization = "ptb",
    long_limit: int = LONG,
) -> CaptionCounts:
    """Count.

    Args:
        names: of the captions, such as image ids; none twice.
        captions: 1..n, in one line, with single spaces.
        long_limit: words; captions of more are named.
    """
    lengths = [len(caption_words(caption, tokenization)) for caption in captions]
    n, n_words = len(captions), sum(lengths)
    text, times = Counter(captions).most_common(1)[0]
    long = {str(k): count for k, count in zip(names, lengths, strict=True) if count > long_limit}
    return CaptionCounts(
        captions=n,
        distinct=len(set(captions)),
        commonest=text,
        commonest_share=times / n,
        empty=lengths.count(0),
        words=n_words,
        words_mean=mean(lengths),
        words_median=median(lengths),
        words_most=max(lengths),
        unknown_share=sum(UNKNOWN_WORD in caption for caption in captions) / n,
        long_limit=long_limit,
        long=long,
        long_share=len(long) / n,
        long_words_share=sum(long.values()) / max(1, n_words),
    )
