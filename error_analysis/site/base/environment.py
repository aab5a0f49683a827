"""The templates of the report: all that is filled in is escaped."""

import io
import json
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
from matplotlib.figure import Figure

from error_analysis.predicting.feature_words import explained_in
from error_analysis.site.base.label_names import (
    BOXES_NAME,
    caption_or_image_name,
    repair_name,
)
from error_analysis.site.base.links import RankRange, label_key, queries_link, query_link
from error_analysis.statistics.metric_tables import one_decimal
from error_analysis.statistics.rank_plots import MODEL_COLORS, TITLES

TEMPLATES = Path(__file__).parents[1] / "templates"
ASSETS = Path(__file__).parents[1] / "assets"
# Stands for the text colour in a figure: matplotlib cannot write a CSS variable.
TEXT_COLOR = "#010203"
TEXT_STYLE = (
    ":root { --ink: #1d1f23; } @media (prefers-color-scheme: dark) { :root { --ink: #e4e5e8; } }"
)
# Longer texts are cut: one caption of a thousand words would fill a page.
MOST_CHARACTERS = 300
# Permutations tell no smaller p-value apart.
LEAST_P = 0.0005
# Ground-truth captions listed of an image.
MOST_CAPTIONS = 10


def template_environment() -> jinja2.Environment:
    """Return the environment of the templates."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "rank": lambda rank: f"{rank:,.1f}".removesuffix(".0"),
        "score": lambda score: f"{score:.3f}",
        "one_decimal": one_decimal,
        "p_value": lambda p: f"{p:.2g}" if p >= LEAST_P else f"< {LEAST_P:g}",
        "count": lambda count: f"{count:,}",
        "queries": TITLES.__getitem__,
        "color": lambda position: f"model-{position % len(MODEL_COLORS)}",
        "short": short,
    }
    environment.globals |= {
        "model_colors": MODEL_COLORS,
        "most_captions": MOST_CAPTIONS,
        "boxes_name": BOXES_NAME,
    }
    shared = (
        label_key,
        queries_link,
        query_link,
        RankRange,
        repair_name,
        caption_or_image_name,
        explained_in,
    )
    environment.globals |= {function.__name__: function for function in shared}
    return environment


def short(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the text, cut where it is longer than `most` characters."""
    text = text.strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def data_script(key: str, content: Any) -> str:
    """Return a script that hands JSON to the page: pages opened as files can load no other data."""
    told = (json.dumps(part, separators=(",", ":")) for part in (key, content))
    return f"reportData({','.join(told)});\n"


def figure_svg(figure: Figure) -> str:
    """Return a figure as an SVG file whose text is dark on a light page, and light on a dark one.

    The figure must have been drawn under `page_text()`.
    """
    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(
            content,
            format="svg",
            transparent=True,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    svg = content.getvalue().replace(TEXT_COLOR, "var(--ink)")
    start = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:start]}\n <style>{TEXT_STYLE}</style>{svg[start:]}"


def page_text() -> Any:
    """Return the context in which figures for `figure_svg` are drawn."""
    return matplotlib.rc_context(
        {
            "text.color": TEXT_COLOR,
            "axes.labelcolor": TEXT_COLOR,
            "axes.edgecolor": TEXT_COLOR,
            "xtick.color": TEXT_COLOR,
            "ytick.color": TEXT_COLOR,
        }
    )
