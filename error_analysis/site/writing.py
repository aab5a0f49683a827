"""Writing all files of a report into a folder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.reasons.images.objects import Objects
from error_analysis.site.base.boxes import BoxSource
from error_analysis.site.base.environment import (
    ASSETS,
    TEMPLATES,
    data_script,
    template_environment,
)
from error_analysis.site.base.pictures import PAGE_SIDE, write_pictures
from error_analysis.site.figures import rank_figures
from error_analysis.site.overview import Overview, render_overview
from error_analysis.site.query_findings import findings_of_models, label_queries
from error_analysis.site.query_page.details import PART_QUERIES, details_of
from error_analysis.site.query_page.generated import GeneratedTexts
from error_analysis.site.query_page.index import index_of
from error_analysis.site.query_page.numbers import QueryNumbers
from error_analysis.site.sections.findings import Findings
from error_analysis.site.sections.hubs import ModelHubs, find_hubs
from preprocess.storage.images_file import ImagesFile

# Wraps steps of a kind, to show how far they are: the steps, how many, and what they are.
Progress = Callable[[Iterable, int, str], Iterable]
FOLDERS = ("assets", "data", "figures", "pictures")
GENERATED = "generated.js"  # loaded where a captioner's captions are given
# The scripts of the queries' page, each after those that it uses.
SCRIPTS = (
    "elements.js",
    "numbers.js",
    "downloads.js",
    "labels.js",
    "words.js",
    "data.js",
    "address.js",
    "combinations.js",
    "filters.js",
    "boxes.js",
    "box_layers.js",
    "pictures.js",
    "judgements.js",
    "judgement_files.js",
    "judging.js",
    "judging_panel.js",
    "query_list.js",
    "query_table.js",
    "answers.js",
    "side_by_side.js",
    GENERATED,
    "query_view.js",
    "filter_form.js",
    "keys.js",
    "queries.js",
)
STYLES = ("page.css", "overview.css", "queries.css")


@dataclass(frozen=True)
class Report:
    """What a report shows.

    Attributes:
        models: 1..n models that scored one gallery.
        images: has every image of the gallery.
        hard_rank: from which 0-based rank on a query is hard.
        explained: why queries are hard, by the name of the model; empty: unknown.
        findings: what other commands found.
        objects: in the images; None: unknown.
        boxes: of the detector; None: unknown.
        longest_side: of the pictures, in pixels.
        generated: what a captioner says of the images; None: not given.
    """

    models: Sequence[ModelRankings]
    images: ImagesFile
    hard_rank: int
    explained: Mapping[str, ModelExplanation] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    objects: Objects | None = None
    boxes: BoxSource | None = None
    longest_side: int = PAGE_SIDE
    generated: GeneratedTexts | None = None

    @property
    def about(self) -> str:
        """The line at the foot of each page."""
        gallery = self.models[0].gallery
        return f"{gallery.dataset} {gallery.split}"


def write_report(report: Report, folder: Path, progress: Progress) -> None:
    """Write the files of a report into an existing, empty folder.

    Raises:
        InputError: data of an image or of its regions are damaged, or the gallery is too small for
            intervals.
    """
    for name in FOLDERS:
        (folder / name).mkdir()
    environment, hubs = template_environment(), find_hubs(report.models)
    write_assets(environment, folder / "assets")
    _write_queries(report, hubs, environment, folder, progress)
    _write_overview(report, hubs, environment, folder, progress)
    image_ids = report.models[0].gallery.image_ids.tolist()
    steps = progress(image_ids, len(image_ids), "pictures")
    write_pictures(report.images, steps, folder / "pictures", report.longest_side)
    if report.boxes is not None:
        (folder / "boxes").mkdir()
        for image_id in progress(image_ids, len(image_ids), "boxes"):
            script = data_script(f"boxes-{image_id}", report.boxes.of_image(image_id))
            _write(folder / "boxes" / f"{image_id}.js", script)


def write_assets(environment: jinja2.Environment, assets: Path) -> None:
    """Write the styles and scripts of the pages into an existing folder."""
    # Its macros are attributes, of which no type tells.
    cards: Any = environment.get_template("cards.html.jinja").module
    base = (TEMPLATES / "base.css").read_text("utf-8")
    _write(assets / "base.css", f"{base}\n{cards.model_colors_style()}")
    for name in (*SCRIPTS, *STYLES):
        _write(assets / name, (ASSETS / name).read_text("utf-8"))


def _write_queries(
    report: Report,
    hubs: Sequence[ModelHubs],
    environment: jinja2.Environment,
    folder: Path,
    progress: Progress,
) -> None:
    """Write the page of all queries, and what it loads."""
    models = report.models
    found = findings_of_models(models, report.explained, report.findings)
    n_parts = -(-QueryNumbers(models[0].gallery).n_queries // PART_QUERIES)
    for number, part in enumerate(progress(details_of(models, found), n_parts, "queries")):
        _write(folder / "data" / f"part_{number}.js", data_script(f"part-{number}", part))
    labels = label_queries(
        models, report.hard_rank, report.explained, report.findings, hubs, report.objects
    )
    has_boxes, generated = report.boxes is not None, report.generated
    index = index_of(models, labels, report.hard_rank, has_boxes, generated)
    _write(folder / "data" / "queries.js", data_script("queries", index))
    template = environment.get_template("queries.html.jinja")
    scripts = [name for name in SCRIPTS if name != GENERATED or generated is not None]
    _write(folder / "queries.html", template.render(scripts=scripts, about=report.about))


def _write_overview(
    report: Report,
    hubs: Sequence[ModelHubs],
    environment: jinja2.Environment,
    folder: Path,
    progress: Progress,
) -> None:
    """Write the first page, and its figures."""
    figures = rank_figures(report.models)
    for figure in progress(figures, len(figures), "figures"):
        if figure.pair is None:  # a page has a table of the others
            figure.write_svg(folder / "figures")
        figure.write(folder / "figures")
    overview = Overview(
        report.models,
        report.hard_rank,
        report.explained,
        hubs,
        report.findings,
        figures,
        report.about,
    )
    _write(folder / "index.html", render_overview(environment, overview))


def _write(path: Path, content: str) -> None:
    path.write_text(content, "utf-8")
