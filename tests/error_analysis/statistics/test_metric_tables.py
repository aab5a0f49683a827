import re

from error_analysis.statistics.metric_tables import (
    COLUMNS,
    Cell,
    MetricRow,
    latex_table,
    markdown_table,
    one_decimal,
)


def row(model: str, interval: bool = False) -> MetricRow:
    cells = {
        key: Cell(float(n), n - 1.0, n + 1.0) if interval else Cell(float(n))
        for n, key in enumerate(COLUMNS)
    }
    return MetricRow(model, cells)


def test_markdown_has_a_line_a_model_and_a_column_a_metric():
    lines = markdown_table([row("lxmert"), row("clip")]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 2}
    assert lines[0].startswith("| model | i2t R@1 | i2t R@5 |")
    assert lines[3] == "| clip | 0.0 | 1.0 | 2.0 | 3.0 | 4.0 | 5.0 | 6.0 | 7.0 | 8.0 | 9.0 | 10.0 |"


def test_intervals_stand_beside_the_value():
    assert "| 2.0 [1.0, 3.0] |" in markdown_table([row("clip", interval=True)])
    assert r"\makecell[r]{2.0 \\ {\tiny {[1.0, 3.0]}}}" in latex_table([row("clip", True)], "x")


def test_names_cannot_break_a_table():
    assert r"| a\|b |" in markdown_table([row("a|b")])
    odd = row("\\|\n<b> my_model _x_ *y*")
    assert r"| \\\| \<b\> my_model \_x\_ \*y\* |" in markdown_table([odd])
    assert r"a\textless{}b\textgreater{}\textbar{} & 0.0" in latex_table([row("a<b>|")], "x")
    latex = latex_table([row(r"my_model 50% {x} \ ^")], "A & B")
    assert r"my\_model 50\% \{x\} \textbackslash{} \textasciicircum{} & 0.0" in latex
    assert r"\caption{A \& B}" in latex


def test_every_line_of_the_latex_table_has_the_same_columns():
    latex = latex_table([row("clip"), row("lxmert")], "Results")
    body = latex.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert [line.count("&") for line in body] == [len(COLUMNS)] * 2
    assert all(line.endswith(r"\\") for line in body)
    assert f"{{l{'r' * len(COLUMNS)}}}" in latex
    assert latex.count("{") == latex.count("}")
    begun = re.findall(r"\\begin{(.*?)}", latex)
    assert re.findall(r"\\end{(.*?)}", latex) == begun[::-1]


def test_halves_are_rounded_up_however_the_float_came_about():
    assert [one_decimal(x) for x in (46.25, 46.35, 100 * 0.4625, 46.2499, 0.0, -0.25)] == [
        "46.3", "46.4", "46.3", "46.2", "0.0", "-0.3"
    ]  # fmt: skip
    assert Cell(52.25, 46.25, 58.75).interval == "[46.3, 58.8]"
    assert one_decimal(-1e-12) == one_decimal(-0.04) == "0.0"
