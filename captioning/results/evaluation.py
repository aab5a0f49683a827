"""A captioner evaluated: its scores with intervals, beside a constant caption and another one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from captioning.metrics.constant_caption import constant_caption
from captioning.metrics.resampling import N_RESAMPLES, Interval
from captioning.metrics.scores import ImageScores, prepare_references
from captioning.metrics.words import Tokenization
from captioning.results.caption_counts import LONG, CaptionCounts, count_captions
from captioning.results.matched import Matched
from captioning.results.metrics_json import (
    counts_table,
    intervals_to_json,
    metrics_table,
    per_image_to_json,
)
from captioning.results.systems import JavaPrograms, estimate, score_systems

# Of systems' captions to further metrics of each image, by name, of each system.
MoreScores = Callable[[Sequence[Sequence[str]]], Sequence[Mapping[str, np.ndarray]]]


@dataclass(frozen=True)
class EvaluationOptions:
    """How captions are evaluated.

    Attributes:
        tokenization: the words that are compared.
        programs: what METEOR and SPICE run with.
        long_words: captions of more are counted and named.
        n_resamples, seed: of the intervals.
    """

    tokenization: Tokenization = "ptb"
    programs: JavaPrograms = field(default_factory=JavaPrograms)
    long_words: int = LONG
    n_resamples: int = N_RESAMPLES
    seed: int = 0


@dataclass(frozen=True)
class Compared:
    """Another captioner on the same images.

    Attributes:
        metrics: its own.
        differences: the first captioner's metrics less these.
    """

    metrics: dict[str, float]
    differences: dict[str, Interval]
    counts: CaptionCounts


@dataclass(frozen=True)
class Evaluation:
    """What is known of a captioner.

    Attributes:
        constant, constant_metrics: one sentence said of all images, and what it scores.
        without_long: metrics of the images whose captions are not long; None where none is.
        not_computed: by metric, why it is not there.
        compared: with another captioner; None without one.
    """

    matched: Matched
    scores: ImageScores
    metrics: dict[str, Interval]
    constant: str
    constant_metrics: dict[str, float]
    counts: CaptionCounts
    without_long: dict[str, float] | None
    not_computed: Mapping[str, str]
    compared: Compared | None

    def to_json(self) -> dict:
        """Return everything, the values of each image last."""
        content = {
            "metrics": intervals_to_json(self.metrics),
            "constant_caption": {"caption": self.constant, "metrics": self.constant_metrics},
            "counts": asdict(self.counts),
            "not_computed": dict(self.not_computed),
            "odd": self.matched.told,
        }
        if self.without_long is not None:
            content["without_long_captions"] = self.without_long
        if self.compared is not None:
            content["compared"] = {
                "metrics": self.compared.metrics,
                "differences": intervals_to_json(self.compared.differences),
                "counts": asdict(self.compared.counts),
            }
        per_image = per_image_to_json(self.matched.images, self.matched.systems[0], self.scores)
        return {**content, "images": per_image}

    def table(self) -> str:
        """Return the metrics and the counts, to print."""
        differences = None if self.compared is None else self.compared.differences
        metrics = metrics_table(
            self.metrics, self.constant_metrics, self.without_long, self.not_computed, differences
        )
        return f"{metrics}\nconstant caption: {self.constant!r}\n\n{counts_table(self.counts)}"

    def warnings(self) -> list[str]:
        """Return a line for each thing that makes the scores mean something else."""
        return [*self.matched.told, *self.counts.told()]


def evaluate_captions(
    matched: Matched, options: EvaluationOptions, more_scores: MoreScores | None = None
) -> Evaluation:
    """Score a captioner beside a constant caption and, where there are two, the other captioner.

    Args:
        matched: of one or two files of results.
        more_scores: metrics that need a model, such as CLIPScore; None for none.
    """
    prepared = prepare_references(matched.references, options.tokenization)
    sentence = constant_caption(prepared)
    own, *others = matched.systems
    systems = [own, [sentence] * len(own), *others]
    scored = score_systems(systems, prepared, options.programs)
    scores = scored.scores
    if more_scores is not None:
        more = zip(scores, more_scores(systems), strict=True)
        scores = [one.with_means(means) for one, means in more]
    first, constant, *second = scores
    metrics, differences = estimate(first, second, options.seed, options.n_resamples)
    counts, *other_counts = [
        count_captions(matched.names, captions, options.tokenization, options.long_words)
        for captions in matched.systems
    ]
    compared = None
    if differences is not None:
        compared = Compared(second[0].values(), differences, other_counts[0])
    kept = [row for row, name in enumerate(matched.names) if name not in counts.long]
    return Evaluation(
        matched=matched,
        scores=first,
        metrics=metrics,
        constant=sentence,
        constant_metrics=constant.values(),
        counts=counts,
        without_long=first.chosen(kept).values() if counts.long and kept else None,
        not_computed=scored.not_computed,
        compared=compared,
    )
