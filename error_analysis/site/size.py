"""How large a report will be: told before it is written, from samples of its parts."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.base.environment import data_script
from error_analysis.site.base.pictures import picture
from error_analysis.site.query_findings import findings_of_models
from error_analysis.site.query_page.details import PART_QUERIES, Details
from error_analysis.site.query_page.numbers import QueryNumbers
from error_analysis.site.writing import Report
from preprocess.base.errors import InputError
from preprocess.storage.images_file import ImagesFile

SAMPLED = 24  # images
# What is neither pictures nor of a query: figures, scripts, the first page.
REST = 1_500_000
BLOCK = 4096  # a file takes whole blocks of the disk
# Of a query in the index: its id, and a rank, a margin and labels of each model.
INDEX_BYTES, INDEX_MODEL_BYTES = 20, 20


@dataclass(frozen=True)
class ReportSize:
    """What a report will take on the disk, in bytes, about."""

    pictures: int
    queries: int

    @property
    def total(self) -> int:
        return self.pictures + self.queries + REST

    def __str__(self) -> str:
        return (
            f"about {_megabytes(self.total)} ({_megabytes(self.pictures)} of pictures, "
            f"{_megabytes(self.queries)} of queries)"
        )


def size_of(report: Report) -> ReportSize:
    """Estimate the size of a report from a few of its images and queries.

    Raises:
        InputError: an image is not in the images file, or its data are damaged.
    """
    n_images = len(report.models[0].gallery.images)
    boxes = n_images * BLOCK if report.boxes else 0
    pictures = _picture_bytes(report.images, report.models[0], report.longest_side)
    return ReportSize(pictures + boxes, _query_bytes(report.models, report))


def _picture_bytes(images: ImagesFile, model: ModelRankings, longest_side: int) -> int:
    image_ids = model.gallery.image_ids.tolist()
    sample = image_ids[:: max(1, len(image_ids) // SAMPLED)]
    sizes = [len(picture(images.read(image_id), longest_side)) for image_id in sample]
    blocks = sum(-(-size // BLOCK) * BLOCK for size in sizes)
    return round(blocks / len(sample) * len(image_ids))


def _query_bytes(models: Sequence[ModelRankings], report: Report) -> int:
    """Return the bytes of index and details: one part of the images', one of the captions'."""
    of = QueryNumbers(models[0].gallery)
    found = findings_of_models(models, report.explained, report.findings)
    describe = [Details(model, own, of) for model, own in zip(models, found, strict=True)]
    n_captions = of.n_queries - of.n_images
    n_bytes = 0.0
    for start, n in ((0, of.n_images), (of.n_images, n_captions)):
        sampled = range(start, start + min(PART_QUERIES, n))
        for details in describe:
            n_bytes += len(data_script("", details.of_queries(sampled))) * n / len(sampled)
    generated = report.generated.texts if report.generated else ()
    texts = sum(len(json.dumps(text)) for text in (*models[0].gallery.captions, *generated))
    index = of.n_queries * (INDEX_BYTES + INDEX_MODEL_BYTES * len(models))
    return round(n_bytes) + texts + index


def check_room(folder: Path, size: ReportSize) -> None:
    """Raise InputError where the disk of a folder, which may not be there yet, is too small."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < size.total:
        raise InputError(
            f"{folder}: the report takes {size}, found {_megabytes(free)} free there; make room, "
            "choose another --output, or a smaller --longest_side"
        )


def _megabytes(n_bytes: int) -> str:
    return f"{max(1, round(n_bytes / 1e6)):,} MB"
