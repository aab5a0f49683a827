"""Make a folder of HTML pages of metrics, queries and why they fail, to open in a browser.

Reads one or more rankings files of one gallery, their split file and its images HDF5; and, where
given, what other commands found. Writes a folder that needs neither network nor server:

    index.html      metrics with 95 % intervals, tests between models, failures, rank against rank,
                    reasons, groups, hubs, false negatives, difficulty, probes
    queries.html    all queries: filters that combine, the top 10 of each model side by side, tags
                    and notes; queries.html#a=clip&has=reason:typo&a_from=10 opens those that pass
    figures/        figures of the ranks, as PNG and PDF

    python -m error_analysis.report --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --images datasets/demo/test_images.h5 \\
        --features datasets/demo/test_features.h5 --reasons runs/demo/reasons.json \\
        --output runs/demo/report

With --cascades, the recalls of information_retrieval.cascade stand below the models' metrics; ranks
beyond their shortlists are not known, so they are in no other section.

With --generated_captions, a query also tells what a captioner says of its own image, and of the one
that stands first. `python -m error_analysis.all` makes all that it can show, and the report. What
people tag in it is exported as a file that error_analysis.labels reads.

An earlier report in the folder is replaced once the new one is whole; a folder that is no report is
refused. The size is told before anything is written: 3 models on 5,000 images and 25,000 captions
take 114 MB, 85 s and 1.9 GB of memory on 2 CPU cores (docs/report.md).
"""

import sys
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
from error_analysis.reasons.images.objects import read_instances, read_labels
from error_analysis.site.base.boxes import BoxSource
from error_analysis.site.base.pictures import PAGE_SIDE
from error_analysis.site.folder import check_replaceable, replaced_folder
from error_analysis.site.query_page.generated import GeneratedTexts, read_generated
from error_analysis.site.query_page.numbers import QueryNumbers
from error_analysis.site.sections.findings import read_findings_files
from error_analysis.site.size import check_room, size_of
from error_analysis.site.writing import Report, write_report
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


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
    instances: list[Path] = field(
        default_factory=list,
        metadata={"help": "COCO's instances JSON of the split's images: a filter by objects"},
    )
    comparison: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.comparison: the noise floor"}
    )
    false_negatives: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.false_negatives"}
    )
    difficulty: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.difficulty"}
    )
    probes: list[Path] = field(
        default_factory=list, metadata={"help": "JSON of error_analysis.probe, of these models"}
    )
    caption_or_image: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.caption_or_image"}
    )
    cascades: list[Path] = field(
        default_factory=list,
        metadata={"help": ".npz of information_retrieval.cascade, of this gallery: their recalls"},
    )
    generated_captions: Path | None = field(
        default=None,
        metadata={"help": "captions of these images by a captioner, in COCO's results format"},
    )
    self_retrieval: list[Path] = field(
        default_factory=list,
        metadata={"help": "JSON of captioning.self_retrieval, of captioners of these images"},
    )
    longest_side: int = field(
        default=PAGE_SIDE, metadata={"help": "of the pictures, in pixels; an enlarged one has it"}
    )


def read_boxes(arguments: ReportArguments, gallery: Split) -> BoxSource | None:
    """Open --features; None where it is not given."""
    if arguments.features is None:
        return None
    features = FeaturesFile(arguments.features)
    features.check_split(gallery)
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


def generated_texts(path: Path | None, split: Split, gallery: Split) -> GeneratedTexts | None:
    """Read --generated_captions; None where it is not given."""
    if path is None:
        return None
    generated, told = read_generated(path, split, gallery)
    for line in told:
        print(f"warning: {line}", file=sys.stderr)
    return generated


def read_report(arguments: ReportArguments) -> Report:
    """Read all that the report shows."""
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    images = ImagesFile(arguments.images)
    image_ids = models[0].rankings.image_ids
    images.check_split(models[0].gallery)
    explained, hard_rank = read_reasons(arguments.reasons, models)
    findings = read_findings_files(
        models,
        arguments.slices,
        arguments.comparison,
        arguments.false_negatives,
        arguments.difficulty,
        arguments.probes,
        arguments.caption_or_image,
        arguments.cascades,
        arguments.self_retrieval,
    )
    return Report(
        models,
        images,
        hard_rank,
        explained,
        findings,
        read_instances(arguments.instances, image_ids) if arguments.instances else None,
        read_boxes(arguments, models[0].gallery),
        arguments.longest_side,
        generated_texts(arguments.generated_captions, split, models[0].gallery),
    )


def _progress(steps: Iterable, n_steps: int, what: str) -> Iterable:
    return tqdm(steps, what, n_steps, unit=f" {what}")


def main() -> None:
    arguments = parse_arguments(ReportArguments, description=__doc__)
    check_at_least("--longest_side", arguments.longest_side, 32)
    check_replaceable(arguments.output)
    report = read_report(arguments)
    size = size_of(report)
    check_room(arguments.output, size)
    n_queries = QueryNumbers(report.models[0].gallery).n_queries
    print(f"{arguments.output}: {n_queries:,} queries, {len(report.models)} models, {size}")
    with replaced_folder(arguments.output) as folder:
        write_report(report, folder, _progress)
    print(f"wrote {arguments.output}; open {arguments.output / 'index.html'}")


if __name__ == "__main__":
    run_command(main)
