"""How usual things and words are among a gallery's captions: what random captions would name."""

from collections import Counter
from dataclasses import dataclass

from scipy.stats import binom

from error_analysis.reasons.mentions import Vocabulary
from error_analysis.reasons.said_words import with_wider
from error_analysis.reasons.words import content_words
from preprocess.captions.split_file import Split

# As surprising as chance is once in a hundred times.
LEAST_SURPRISE = 0.01


@dataclass(frozen=True)
class BaseRates:
    """The share of a gallery's captions, in [0, 1], that name each category and say each stem."""

    named: dict[str, float]
    said: dict[str, float]


def base_rates(gallery: Split, vocabulary: Vocabulary) -> BaseRates:
    """Count what the captions of a gallery name and say, wider nouns included."""
    named: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for caption in gallery.captions:
        named.update(vocabulary.named(caption))
        said.update(with_wider(content_words(caption)))
    n_captions = len(gallery.captions)
    shares = ({key: n / n_captions for key, n in counts.items()} for counts in (named, said))
    return BaseRates(*shares)


def exceeds(count: int, n_captions: int, rate: float) -> bool:
    """Tell whether more captions have something than chance gives (binomial, one-sided)."""
    return bool(binom.sf(count - 1, n_captions, rate) <= LEAST_SURPRISE)
