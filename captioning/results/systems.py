"""Captioners on the same images: all that can be computed of each, beside a constant caption."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from captioning.metrics.java import NotComputedError
from captioning.metrics.meteor import meteor_counts
from captioning.metrics.resampling import Interval, differences, intervals, resample
from captioning.metrics.scores import ImageScores, PreparedReferences, score_captions
from captioning.metrics.spice import spice_scores
from captioning.metrics.words import caption_words

ONE_IMAGE = (
    "of one image alone it is always 0: its n-grams are weighed by how few of the images have them"
)


@dataclass(frozen=True)
class JavaPrograms:
    """What METEOR and SPICE run with.

    Attributes:
        java: its path, or a name on the PATH.
        corenlp: the folder of CoreNLP's jars, for SPICE; None for no SPICE.
    """

    java: str = "java"
    corenlp: Path | None = None


@dataclass(frozen=True)
class SystemScores:
    """The scores of several systems on the same images.

    Attributes:
        scores: of each system, in their order.
        not_computed: by metric, why it is not there.
    """

    scores: list[ImageScores]
    not_computed: Mapping[str, str]


def score_systems(
    systems: Sequence[Sequence[str]], references: PreparedReferences, programs: JavaPrograms
) -> SystemScores:
    """Score the captions of each system: one process of Java a metric for all of them.

    Args:
        systems: of each, one caption an image.
    """
    scores = [score_captions(captions, references) for captions in systems]
    words = [[caption_words(c, references.tokenization) for c in captions] for captions in systems]
    not_computed: dict[str, str] = {}
    counts = _unless(
        not_computed, "METEOR", lambda: meteor_counts(words, references.words, programs.java)
    )
    if counts is not None:
        scores = [replace(one, meteor=own) for one, own in zip(scores, counts, strict=True)]
    spice = _unless(
        not_computed,
        "SPICE",
        lambda: spice_scores(words, references.words, programs.corenlp, programs.java),
    )
    if spice is not None:
        scores = [one.with_means({"SPICE": own}) for one, own in zip(scores, spice, strict=True)]
    if len(references.words) == 1:
        not_computed["CIDEr"] = ONE_IMAGE
        scores = [
            replace(one, means={k: v for k, v in one.means.items() if k != "CIDEr"})
            for one in scores
        ]
    return SystemScores(scores, not_computed)


def _unless(
    not_computed: dict[str, str], metric: str, compute: Callable[[], list[np.ndarray]]
) -> list[np.ndarray] | None:
    """Compute a metric; where that is not possible, say why, and return None."""
    try:
        return compute()
    except NotComputedError as reason:
        not_computed[metric] = str(reason)
        return None


def estimate(
    first: ImageScores, others: Sequence[ImageScores], seed: int, n_resamples: int
) -> tuple[list[dict[str, Interval]], dict[str, Interval] | None]:
    """Return systems' metrics, and what the first's are above the other's, with intervals.

    Of one image there is nothing to draw: the intervals are the values.

    Args:
        others: one system, or none.

    Returns:
        the metrics of each; the differences, None without another.
    """
    resampled = resample(first, seed, n_resamples)
    own = intervals(first, resampled)
    for second in others:
        drawn = resample(second, seed, n_resamples)
        return [own, intervals(second, drawn)], differences(first, second, resampled, drawn)
    return [own], None
