"""Draw hard caption queries: each with its own image, and the images ranked first instead.

Reads a rankings file, its split file and its images HDF5; writes a picture whose format is told by
the name of the output (.png, .pdf, .svg).

    python -m error_analysis.figure --rankings runs/demo/lxmert/test.npz \\
        --split_file datasets/demo/test.json --images datasets/demo/test_images.h5 \\
        --output images/demo_hard_queries.png

The worst ranks are shown; with --reasons, the worst of each reason before further ones. Seconds on
one CPU core.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from error_analysis.explaining.explanations import (
    ExplainedQuery,
    explanations_of,
    read_explanations,
)
from error_analysis.queries.hard_queries import HARD_RANK, hard_indices, worst_first
from error_analysis.queries.model_rankings import read_model_rankings
from error_analysis.queries.query import Query, describe_queries
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, check_writable
from preprocess.captions.split_file import read_split
from preprocess.storage.images_file import ImagesFile

GROUND_TRUTH_COLOR = "#228833"
FORMATS = (".png", ".pdf", ".svg")


@dataclass
class FigureArguments:
    rankings: Path = field(metadata={"help": "rankings .npz of information_retrieval.evaluate"})
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    images: Path = field(metadata={"help": "{split}_images.h5 of preprocess.write_images"})
    output: Path = field(metadata={"help": "the picture to write: .png, .pdf or .svg"})
    reasons: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.explain: shows different reasons"}
    )
    n_queries: int = field(default=5, metadata={"help": "captions shown, worst rank first"})
    n_retrieved: int = field(default=4, metadata={"help": "retrieved images shown of each"})


def hard_caption_figure(queries: Sequence[Query], images: ImagesFile) -> Figure:
    """Draw a row a query: the caption above its ground truth (framed), then what was retrieved.

    Args:
        queries: caption queries (t2i), at least one, with as many retrieved images as to show.
        images: has every image to show.
    """
    n_columns = 1 + max(len(query.retrieved) for query in queries)
    figure = Figure(figsize=(2.0 * n_columns, 2.1 * len(queries)), layout="constrained")
    rows = figure.subfigures(len(queries), 1, squeeze=False)[:, 0]
    for row, query in zip(rows, queries, strict=True):
        caption = textwrap.fill(query.item.as_caption().caption, 28 * n_columns)
        # A "$" in a caption is no formula.
        row.suptitle(caption, x=0.01, ha="left", fontsize=10, parse_math=False)
        first, *others = row.subplots(1, n_columns)
        _show(first, images, query.item.image_id, f"rank {query.rank:g}", framed=True)
        for place, (axes, document) in enumerate(zip(others, query.retrieved, strict=True)):
            _show(axes, images, document.item.image_id, f"retrieved {place}")
    return figure


def varied_first(queries: Sequence[ExplainedQuery], n: int) -> list[int]:
    """Return the ids of n queries, worst rank first: those that bring a new reason, then others."""
    seen: set[str] = set()
    new: list[ExplainedQuery] = []
    others: list[ExplainedQuery] = []
    for query in queries:
        names = {reason.name for reason in query.reasons}
        (others if names <= seen else new).append(query)
        seen |= names
    chosen = [*new, *others][:n]
    return [query.query_id for query in sorted(chosen, key=lambda query: -query.rank)]


def _show(axes: Axes, images: ImagesFile, image_id: int, label: str, framed: bool = False) -> None:
    axes.imshow(images.read(image_id))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(label, fontsize=7, color=GROUND_TRUTH_COLOR if framed else "#555555")
    for spine in axes.spines.values():
        spine.set(visible=framed, color=GROUND_TRUTH_COLOR, linewidth=2.5)


def main() -> None:
    arguments = parse_arguments(FigureArguments, description=__doc__)
    if arguments.output.suffix not in FORMATS:
        raise InputError(f"{arguments.output}: expected a name that ends in {', '.join(FORMATS)}")
    for option in ("n_queries", "n_retrieved"):
        value = getattr(arguments, option)
        if value < 1:
            raise InputError(f"--{option}: expected at least 1, found {value}")
    check_writable(arguments.output)
    split = read_split(arguments.split_file)
    (model,) = read_model_rankings([arguments.rankings], split)
    ranks = model.query_ranks("t2i").ranks()
    chosen = worst_first(hard_indices(ranks, HARD_RANK), ranks)[: arguments.n_queries]
    if arguments.reasons:
        explained = explanations_of(
            arguments.reasons, read_explanations(arguments.reasons), [model]
        )
        hard = explained[model.name].directions["t2i"].hard
        column = {caption: i for i, caption in enumerate(model.rankings.caption_ids.tolist())}
        chosen = np.array([column[i] for i in varied_first(hard, arguments.n_queries)], np.int64)
    if not len(chosen):
        raise InputError(f"{arguments.rankings}: no caption query is hard; nothing to draw")
    queries = describe_queries(model, "t2i", chosen, arguments.n_retrieved)
    images = ImagesFile(arguments.images)
    images.check_split(model.gallery)
    figure = hard_caption_figure(queries, images)
    with atomic_path(arguments.output) as partial:
        figure.savefig(partial, format=arguments.output.suffix[1:], dpi=80)
    print(f"wrote {arguments.output}: {len(queries)} hard caption queries of {model.name}")
    if model.protocol == "5fold":
        print(f"ranks are those in the one gallery of all {len(model.gallery.images):,} images")


if __name__ == "__main__":
    run_command(main)
