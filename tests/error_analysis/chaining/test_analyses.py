from pathlib import Path

from error_analysis.chaining.analyses import ANALYSES, REPORT, step_of

VALUES = {
    "rankings": [Path("a.npz")],
    "names": ["a"],
    "split_file": Path("test.json"),
    "output": Path("out"),
    "oracle": Path("out/oracle/test.npz"),
    "reasons": Path("out/reasons.json"),
}


def test_an_analysis_gets_of_what_there_is_what_it_takes():
    step = step_of(REPORT, VALUES)
    assert (step.name, step.output) == ("report", Path("out/report"))
    assert step.options[:6] == (
        "--rankings", "a.npz", "out/oracle/test.npz", "--names", "a", "oracle",
    )  # fmt: skip
    assert step.options[6:] == ("--split_file", "test.json", "--reasons", "out/reasons.json")


def test_without_an_oracle_no_analysis_has_it():
    for analysis in (*ANALYSES, REPORT):
        assert "oracle" not in " ".join(step_of(analysis, {**VALUES, "oracle": None}).options)


def test_the_report_shows_the_outputs_of_the_same_names():
    outputs = {Path(analysis.output).stem for analysis in ANALYSES} - {"significance"}
    assert outputs <= set(REPORT.takes)
