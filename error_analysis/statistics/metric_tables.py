"""Tables of several models' metrics, as Markdown and as LaTeX (booktabs)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS

COLUMNS = {
    **{
        f"{direction}_{what}": name
        for direction in DIRECTIONS
        for what, name in (
            *((f"r{k}", f"R@{k}") for k in CUTOFFS),
            ("median_rank", "median"),
            ("mean_rank", "mean"),
        )
    },
    "rsum": "rsum",
}
# An underscore inside a word is none of Markdown's.
MARKDOWN_SPECIAL = re.compile(r"[\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w)")
GROUPS = (("text retrieval", 5), ("image retrieval", 5), ("", 1))
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def one_decimal(value: float) -> str:
    """Return a number with one decimal, halves up as by hand: 46.25 is 46.3, where "%.1f" has 46.2.

    A number that is 1e-9 below a half, as sums of floats are, is taken for it. 0 has no sign.
    """
    rounded = Decimal(f"{value:.9f}").quantize(Decimal("0.1"), ROUND_HALF_UP)
    return str(abs(rounded) if rounded == 0 else rounded)


@dataclass(frozen=True)
class Cell:
    """A metric's value, and its interval where one was computed."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> str | None:
        """Return "[low, high]" with one decimal, or None."""
        if self.low is None or self.high is None:
            return None
        return f"[{one_decimal(self.low)}, {one_decimal(self.high)}]"


@dataclass(frozen=True)
class MetricRow:
    """One line of a table.

    Attributes:
        model: its name.
        cells: by the names of `COLUMNS`, such as "i2t_r1".
    """

    model: str
    cells: Mapping[str, Cell]


def markdown_table(rows: Sequence[MetricRow]) -> str:
    """Return the table in Markdown; i2t is text retrieval, t2i image retrieval, ranks 0-based."""
    names = [name if key == "rsum" else f"{key[:3]} {name}" for key, name in COLUMNS.items()]
    lines = [["model", *names], ["---", *["---:"] * len(names)]]
    for row in rows:
        cells = [_joined(row.cells[key], " ") for key in COLUMNS]
        lines.append([markdown_cell(row.model), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def markdown_cell(text: str) -> str:
    """Return any text as one line of a Markdown table's cell, shown as it is."""
    return MARKDOWN_SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def latex_table(rows: Sequence[MetricRow], caption: str) -> str:
    """Return a `table*` for the packages booktabs and makecell."""
    groups = " & ".join(f"\\multicolumn{{{width}}}{{c}}{{{title}}}" for title, width in GROUPS)
    body = []
    for row in rows:
        cells = [_latex_cell(row.cells[key]) for key in COLUMNS]
        body.append(" & ".join([_latex(row.model), *cells]) + r" \\")
    lines = [
        r"\begin{table*}",
        r"\centering\small",
        rf"\caption{{{_latex(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(COLUMNS)}}}",
        r"\toprule",
        rf" & {groups} \\",
        r"\cmidrule(lr){2-6}\cmidrule(lr){7-11}",
        " & ".join(["model", *COLUMNS.values()]) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _joined(cell: Cell, separator: str) -> str:
    return one_decimal(cell.value) + (f"{separator}{cell.interval}" if cell.interval else "")


def _latex_cell(cell: Cell) -> str:
    # In braces, or the bracket would be read as the length that \\ takes.
    interval = f" \\\\ {{\\tiny {{{cell.interval}}}}}" if cell.interval else ""
    value = one_decimal(cell.value)
    return f"\\makecell[r]{{{value}{interval}}}" if interval else value


def _latex(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(character, character) for character in text)
