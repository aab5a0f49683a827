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
        file: its captions'.
        metrics: its own.
        differences: the first captioner's metrics less these.
        without_long: as of `Evaluation`.
    """

    file: str
    metrics: dict[str, Interval]
    differences: dict[str, Interval]
    counts: CaptionCounts
    without_long: dict[str, float] | None

    def to_json(self) -> dict:
        """Return everything."""
        content = {
            "file": self.file,
            "metrics": intervals_to_json(self.metrics),
            "differences": intervals_to_json(self.differences),
            "counts": asdict(self.counts),
        }
        return content | _named(self.without_long)


@dataclass(frozen=True)
class Evaluation:
    """What is known of a captioner.

    Attributes:
        constant, constant_metrics: one sentence said of all images, and what it scores.
        without_long: metrics of the images that have a long caption by neither captioner; None
            where no image has one, or all have.
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
        content |= _named(self.without_long)
        if self.compared is not None:
            content["compared"] = self.compared.to_json()
        per_image = per_image_to_json(self.matched.images, self.matched.systems[0], self.scores)
        return {**content, "images": per_image}

    def table(self) -> str:
        """Return the metrics and the counts, to print; those of the other captioner below."""
        other, constant = self.compared, self.constant_metrics
        metrics = metrics_table(
            self.metrics,
            constant,
            self.without_long,
            self.not_computed,
            None if other is None else other.differences,
        )
        table = f"{metrics}\nconstant caption: {self.constant!r}\n\n{counts_table(self.counts)}"
        if other is None:
            return table
        metrics = metrics_table(other.metrics, constant, other.without_long, {}, None)
        return f"{table}\n\ncompared with {other.file}\n{metrics}\n\n{counts_table(other.counts)}"

    def warnings(self) -> list[str]:
        """Return a line for each thing that makes the scores mean something else."""
        if self.compared is None:
            return [*self.matched.told, *self.counts.told()]
        pairs = zip(self.matched.files, (self.counts, self.compared.counts), strict=True)
        of_each = [f"{file}: {line}" for file, counts in pairs for line in counts.told()]
        return [*self.matched.told, *of_each]


def _named(without_long: dict[str, float] | None) -> dict:
    return {} if without_long is None else {"without_long_captions": without_long}


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
    (metrics, *other_metrics), differences = estimate(
        first, second, options.seed, options.n_resamples
    )
    counts, *other_counts = [
        count_captions(matched.names, captions, options.tokenization, options.long_words)
        for captions in matched.systems
    ]
    long = {name for one in (counts, *other_counts) for name in one.long}
    kept = [row for row, name in enumerate(matched.names) if name not in long]

    def without_long(one: ImageScores) -> dict[str, float] | None:
        return one.chosen(kept).values() if long and kept else None

    compared = None
    if differences is not None:
        compared = Compared(
            matched.files[1],
            other_metrics[0],
            differences,
            other_counts[0],
            without_long(second[0]),
        )
    return Evaluation(
        matched=matched,
        scores=first,
        metrics=metrics,
        constant=sentence,
        constant_metrics=constant.values(),
        counts=counts,
        without_long=without_long(first),
        not_computed=scored.not_computed,
        compared=compared,
    )
