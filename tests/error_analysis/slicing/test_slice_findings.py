from dataclasses import replace

from error_analysis.slicing.slice_findings import Finding, findings_table

FINDING = Finding(
    *("hard", "i2t", "m0", "", "words", "dog", 50, 40, 30.0, 10.0, 5.0, 35.0),
    *(None, None, None, 0.001, 0.01),
)


def test_of_many_models_some_questions_are_told_and_the_others_counted():
    findings = [
        replace(FINDING, first=f"m{i}", direction=direction)
        for i in range(15)
        for direction in ("i2t", "t2i")
    ]
    lines = findings_table(findings, 0.05).splitlines()
    assert (
        lines[0] == "m0: hard queries, in percent of image queries: 1 of 1 groups differ, FDR 0.05"
    )
    assert sum(line.endswith("FDR 0.05") for line in lines) == 24
    assert lines[-1] == "6 questions more are answered in the file alone"
