"""Make one self-contained HTML page of metrics and failures.

Reads one or more rankings files of one gallery, their split file and its images HDF5; writes a
static page that needs no network: metrics with tie bounds, a rank histogram, and galleries of the
hard queries of each model and of the queries where one model beats another, each with its ground
truth and the top 10 of every model.

    python -m error_analysis.report --rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --split_file datasets/coco/test.json --images datasets/coco/test_images.h5 \\
        --output runs/report.html

Two models on 5,000 images and 25,000 captions take 30 s and 1.6 GB on one CPU core; the page has
at most `--max_queries` cards a gallery and 15 MB.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import jinja2
import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from tqdm import tqdm

from error_analysis.galleries import FailureGallery, hard_galleries, shown_image_ids, win_galleries
from error_analysis.model_rankings import ModelRankings, read_model_rankings
from error_analysis.plots import TITLES, model_color, rank_histogram
from error_analysis.thumbnails import thumbnail_uris
from information_retrieval.metrics import CUTOFFS, DIRECTIONS, Direction
from preprocess.command_line import parse_arguments, run_command
from preprocess.errors import InputError
from preprocess.files import atomic_path
from preprocess.images_file import ImagesFile
from preprocess.split_file import read_split

MAX_QUERIES = 40
# Stands for the page's text colour in the figure: matplotlib cannot write `currentColor`.
TEXT_COLOR = "#010203"


@dataclass
class ReportArguments:
    rankings: list[Path] = field(metadata={"help": "rankings .npz files of one gallery, 1 or more"})
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    images: Path = field(metadata={"help": "{split}_images.h5 of preprocess.write_images"})
    output: Path = field(metadata={"help": "the HTML file to write"})
    names: list[str] | None = field(
        default=None,
        metadata={"help": "one name a rankings file; default: the name it has, or its folder's"},
    )
    max_queries: int = field(
        default=MAX_QUERIES, metadata={"help": "queries shown in each gallery, worst first"}
    )


def figure_svg(figure: Figure, name: str) -> Markup:
    """Return a figure as inline SVG.

    Args:
        name: begins the ids in the SVG, so that they are unique in the page.
    """
    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(
            content,
            format="svg",
            transparent=True,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :].replace(TEXT_COLOR, "currentColor")
    for reference in ('id="', 'href="#', "url(#"):
        svg = svg.replace(reference, f"{reference}{name}-")
    return Markup(svg)


def histogram_svg(models: Sequence[ModelRankings], direction: Direction) -> Markup:
    """Return the histogram of the models' ranks, whose text takes the colour of the page."""
    colors = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    with matplotlib.rc_context(dict.fromkeys(colors, TEXT_COLOR)):
        return figure_svg(rank_histogram(models, direction), f"ranks-{direction}")


def template_environment() -> jinja2.Environment:
    """Return the environment of the templates: all that is filled in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "rank": lambda rank: f"{rank:,.1f}".removesuffix(".0"),
        "score": lambda score: f"{score:.4g}",
        "queries": TITLES.__getitem__,
        "model_color": model_color,
        "groupby_title": _by_title,
    }
    return environment


def _by_title(galleries: Iterable[FailureGallery]) -> list[tuple[str, list[FailureGallery]]]:
    return [(title, list(same)) for title, same in groupby(galleries, lambda g: g.title)]


def render_report(
    models: Sequence[ModelRankings],
    galleries: Sequence[FailureGallery],
    thumbnails: dict[int, str],
) -> str:
    """Return the page.

    Args:
        models: 1..n models that scored one gallery.
        galleries: their failures.
        thumbnails: image id -> data URI, of every image that the galleries show.
    """
    template = template_environment().get_template("report.html.jinja")
    return template.render(
        models=models,
        names=[model.name for model in models],
        protocols=sorted({model.protocol for model in models}),
        gallery=models[0].gallery,
        results=[model.metrics() for model in models],
        cutoffs=CUTOFFS,
        histograms={direction: histogram_svg(models, direction) for direction in DIRECTIONS},
        galleries=galleries,
        thumbnails=thumbnails,
    )


def render_gallery(
    models: Sequence[ModelRankings], gallery: FailureGallery, images: ImagesFile
) -> str:
    """Return one gallery as an HTML fragment with its own style, for a notebook's cell."""
    thumbnails = thumbnail_uris(images, shown_image_ids([gallery]))
    cards = template_environment().get_template("gallery.html.jinja").module
    names = [model.name for model in models]
    style = cards.style() + cards.thumbnail_style(thumbnails)
    body = cards.gallery_of(gallery, names)
    return Markup('<style>{}</style><div class="failures">{}</div>').format(style, body)


def main() -> None:
    arguments = parse_arguments(ReportArguments, description=__doc__)
    if arguments.max_queries < 1:
        raise InputError(f"--max_queries: expected at least 1, found {arguments.max_queries}")
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    images = ImagesFile(arguments.images)
    images.check_covers(models[0].rankings.image_ids)
    galleries = hard_galleries(models, arguments.max_queries)
    galleries += win_galleries(models, arguments.max_queries)
    shown = tqdm(shown_image_ids(galleries), desc="thumbnails", unit="image")
    page = render_report(models, galleries, thumbnail_uris(images, shown))
    with atomic_path(arguments.output) as partial:
        partial.write_text(page, "utf-8")
    print(f"wrote {arguments.output}: {len(page) / 1e6:.1f} MB")
    for gallery in galleries:
        print(f"{gallery.title}, {TITLES[gallery.direction]}: {gallery.n_found:,}")


if __name__ == "__main__":
    run_command(main)
