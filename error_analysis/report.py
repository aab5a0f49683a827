"""Make a folder of HTML pages of metrics, failures and their reasons, to open in a browser.

Reads one or more rankings files of one gallery, their split file and its images HDF5; where given,
the reasons of error_analysis.explain, the groups of error_analysis.slices and the region features.
Writes a folder that needs neither
network nor server:

    index.html           metrics with 95 % intervals, tests between models, failures, reasons, ranks
    hard_*, wins_*       hard queries of each model and direction, and where one beats another:
                         the query, its ground truth with its rank, and the top 10 of each model
    reason_*             hard queries of one reason
    search.html          search over all of them; search.html#lxmert-t2i-123 opens a query
    figures/             the figures of index.html as PNG and PDF

    python -m error_analysis.report --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --images datasets/demo/test_images.h5 \\
        --features datasets/demo/test_features.h5 --reasons runs/demo/reasons.json \\
        --output runs/demo/report

An earlier report in the folder is replaced once the new one is whole; a folder that is no report is
refused. No page has more than 200 KB; thumbnails are files that a page loads when they are scrolled
to. The demo takes 5 s; two models on 5,000 images and 25,000 captions take 40 s, 1.4 GB of memory
and 60 MB of disk on 2 CPU cores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from error_analysis.arguments import RankingsArguments
from error_analysis.explaining.explanations import (
    ModelExplanation,
    explanations_of,
    read_explanations,
)
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.reasons.images.objects import read_labels
from error_analysis.site.boxes import BoxSource
from error_analysis.site.folder import check_replaceable, replaced_folder
from error_analysis.site.galleries import Galleries
from error_analysis.site.writing import Report, write_report
from error_analysis.slicing.slice_findings import read_findings
from error_analysis.statistics.rank_plots import TITLES
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile

MAX_QUERIES = 200


@dataclass(kw_only=True)
class ReportArguments(RankingsArguments):
    images: Path = field(metadata={"help": "{split}_images.h5 of preprocess.write_images"})
    output: Path = field(metadata={"help": "the folder to write; index.html in it is the start"})
    reasons: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.explain, of these rankings"}
    )
    slices: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.slices, of these rankings"}
    )
    features: Path | None = field(
        default=None,
        metadata={"help": "{split}_features.h5: the detector's boxes can be shown"},
    )
    object_labels: Path | None = field(
        default=None,
        metadata={"help": "objects_vocab.txt of the detector, for --features that name none"},
    )
    max_queries: int = field(
        default=MAX_QUERIES, metadata={"help": "queries shown in each gallery, worst first"}
    )


def read_boxes(arguments: ReportArguments, image_ids: Iterable[int]) -> BoxSource | None:
    """Open --features; None where it is not given."""
    if arguments.features is None:
        return None
    features = FeaturesFile(arguments.features)
    features.check_covers(image_ids)
    labels = read_labels(arguments.object_labels) if arguments.object_labels else None
    return BoxSource.of(features, labels)


def read_reasons(
    path: Path | None, models: Sequence[ModelRankings]
) -> tuple[Mapping[str, ModelExplanation], int]:
    """Read --reasons.

    Returns:
        why queries are hard, by the names of the models, empty where it is not given; and the
        rank from which on they are.
    """
    if path is None:
        return {}, HARD_RANK
    explanations = read_explanations(path)
    hard_rank = explanations.metadata.get("hard_rank", HARD_RANK)
    return explanations_of(path, explanations, models), hard_rank


def _progress(steps: Sequence, what: str) -> Iterable:
    return tqdm(steps, desc=what, unit=f" {what}", disable=not steps)


def main() -> None:
    arguments = parse_arguments(ReportArguments, description=__doc__)
    check_at_least("--max_queries", arguments.max_queries, 1)
    check_replaceable(arguments.output)
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    images = ImagesFile(arguments.images)
    image_ids = models[0].rankings.image_ids
    images.check_covers(image_ids)
    boxes = read_boxes(arguments, image_ids)
    explained, hard_rank = read_reasons(arguments.reasons, models)
    maker = Galleries(models, arguments.max_queries, explained)
    galleries = [*maker.hard(hard_rank), *maker.wins(), *maker.reasons()]
    slices = read_findings(arguments.slices, models) if arguments.slices else None
    report = Report(models, galleries, explained, images, boxes, hard_rank, slices)
    with replaced_folder(arguments.output) as folder:
        n_pages = write_report(report, folder, _progress)
    print(f"wrote {arguments.output}: {n_pages:,} pages; open {arguments.output / 'index.html'}")
    for gallery in galleries:
        print(f"{gallery.title}, {TITLES[gallery.direction]}: {gallery.n_found:,}")


if __name__ == "__main__":
    run_command(main)
