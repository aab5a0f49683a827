"""Writing all files of a report into a folder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.boxes import BoxSource
from error_analysis.site.environment import TEMPLATES, data_script, template_environment
from error_analysis.site.figures import rank_figures
from error_analysis.site.galleries import FailureGallery, shown_image_ids
from error_analysis.site.overview import copy_assets, render_overview
from error_analysis.site.pages import GalleryPages, PageMaker, gallery_index, whole_index
from error_analysis.site.thumbnails import write_thumbnails
from error_analysis.slicing.slice_findings import Finding
from preprocess.storage.images_file import ImagesFile

# Wraps steps of a kind, to show how far they are: the steps, and what they are.
Progress = Callable[[Sequence, str], Iterable]
FOLDERS = ("assets", "data", "figures", "thumbnails")


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        models: 1..n models that scored one gallery.
        galleries: their failures.
        explained: why queries are hard, by the name of the model; empty: unknown.
        images: has every image that the galleries show.
        boxes: of the detector; None: unknown.
        hard_rank: from which 0-based rank on a query is hard.
        slices: groups of queries in which models differ, by question, and their false discovery
            rate; None: not looked for.
    """

    models: Sequence[ModelRankings]
    galleries: Sequence[FailureGallery]
    explained: Mapping[str, ModelExplanation]
    images: ImagesFile
    boxes: BoxSource | None
    hard_rank: int
    slices: tuple[Mapping[str, Sequence[Finding]], float] | None = None


def write_report(report: Report, folder: Path, progress: Progress) -> int:
    """Write the files of a report into an existing, empty folder; return the number of pages."""
    for name in FOLDERS:
        (folder / name).mkdir()
    environment = template_environment()
    gallery = report.models[0].gallery
    about = f"{gallery.dataset} {gallery.split}"
    maker = PageMaker(environment, report.models, report.boxes is not None, about)
    copy_assets(environment, TEMPLATES, folder / "assets")
    spreads = [maker.spread(one) for one in progress(report.galleries, "galleries")]
    for spread in spreads:
        for name, content in maker.pages(spread):
            _write(folder / name, content)
        _write(folder / "data" / f"{spread.gallery.anchor}.js", gallery_index(spread))
    _write_search(environment, spreads, folder, about)
    figures = rank_figures(report.models)
    for figure in progress(figures, "figures"):
        figure.write_svg(folder / "figures")
        figure.write(folder / "figures")
    overview = render_overview(
        environment,
        report.models,
        report.galleries,
        report.explained,
        report.hard_rank,
        report.slices,
        figures,
        about,
    )
    _write(folder / "index.html", overview)
    image_ids = shown_image_ids(report.galleries)
    write_thumbnails(report.images, progress(image_ids, "thumbnails"), folder / "thumbnails")
    if report.boxes is not None:
        _write_boxes(report.boxes, progress(image_ids, "boxes"), folder)
    return 2 + sum(len(spread.names) for spread in spreads)


def _write_search(
    environment: jinja2.Environment, spreads: Sequence[GalleryPages], folder: Path, about: str
) -> None:
    script, n_cards, reasons = whole_index(spreads)
    _write(folder / "data" / "all.js", script)
    page = environment.get_template("search.html.jinja")
    _write(folder / "search.html", page.render(n_cards=n_cards, reasons=reasons, about=about))


def _write_boxes(boxes: BoxSource, image_ids: Iterable[int], folder: Path) -> None:
    (folder / "boxes").mkdir()
    for image_id in image_ids:
        script = data_script(f"boxes-{image_id}", boxes.of_image(image_id))
        _write(folder / "boxes" / f"{image_id}.js", script)


def _write(path: Path, content: str) -> None:
    path.write_text(content, "utf-8")
