"""The metrics of captions as JSON, and as a table to print."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from captioning.metrics.resampling import Interval
from captioning.metrics.scores import METRICS, ImageScores
from captioning.results.caption_counts import CaptionCounts
from preprocess.captions.split_file import CaptionedImage

# As tables of papers call them.
SHOWN = {
    **{f"Bleu_{n}": f"BLEU-{n}" for n in range(1, 5)},
    "ROUGE_L": "ROUGE-L",
    "CIDEr": "CIDEr-D",
}


def intervals_to_json(metrics: Mapping[str, Interval]) -> dict:
    """Return {"Bleu_1": {"value", "low", "high"}, ...}."""
    return {name: asdict(one) for name, one in metrics.items()}


def per_image_to_json(
    images: Sequence[CaptionedImage], captions: Sequence[str], scores: ImageScores
) -> list[dict]:
    """Return {"image_id", "caption", "Bleu_1", ...} of each image.

    With "source_id" where its source has a name in the id's place.
    """
    columns = {name: values.tolist() for name, values in scores.per_image().items()}
    return [
        {
            "image_id": image.image_id,
            **({} if image.source_id is None else {"source_id": image.source_id}),
            "caption": caption,
            **{name: values[row] for name, values in columns.items()},
        }
        for row, (image, caption) in enumerate(zip(images, captions, strict=True))
    ]


def metrics_table(
    metrics: Mapping[str, Interval],
    constant: Mapping[str, float],
    without_long: Mapping[str, float] | None,
    not_computed: Mapping[str, str],
    differences: Mapping[str, Interval] | None,
) -> str:
    """Return a line for each metric, computed or not.

    Args:
        constant: of the constant caption.
        without_long: of the images whose captions are not long; None: not to be shown.
        differences: from another system; None without one.
    """
    header = f"{'':13}{'value':>8}{'95 % interval':>20}{'constant caption':>18}"
    header += f"{'without long':>14}" if without_long else ""
    header += f"{'difference':>12}{'95 % interval':>20}" if differences else ""
    lines = [header]
    for name in METRICS:
        shown = f"{SHOWN.get(name, name):13}"
        if name in metrics:
            line = f"{shown}{_numbers(metrics[name], '8.4f')}{constant[name]:18.4f}"
            line += f"{without_long[name]:14.4f}" if without_long else ""
            lines.append(line + (_numbers(differences[name], "+12.4f") if differences else ""))
        elif name in not_computed:
            lines.append(f"{shown} not computed: {not_computed[name]}")
    return "\n".join(lines)


def _numbers(found: Interval, form: str) -> str:
    sign = "+" if "+" in form else ""
    interval = f"{found.low:{sign}.4f} to {found.high:{sign}.4f}"
    return f"{found.value:{form}}{interval:>20}"


def counts_table(counts: CaptionCounts) -> str:
    """Return lines on how many captions are distinct, how long they are, and <unk>."""
    rows = {
        "captions": f"{counts.captions:,}, {counts.distinct:,} distinct",
        "most frequent": f"{100 * counts.commonest_share:.1f} % are {counts.commonest[:80]!r}",
        "words": f"{counts.words:,}; of a caption {counts.words_mean:.1f} in the mean, "
        f"{counts.words_median:g} in the median, {counts.words_most:,} at most",
        f"over {counts.long_limit} words": f"{100 * counts.long_share:.2f} %, "
        f"{100 * counts.long_words_share:.1f} % of all words",
        "with <unk>": f"{100 * counts.unknown_share:.1f} %",
        "without a word": f"{counts.empty:,}",
    }
    return "\n".join(f"{name:15}{value}" for name, value in rows.items())
