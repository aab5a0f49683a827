"""The command that makes numbers of what people judged."""

import pytest

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    Explanations,
    ModelExplanation,
    explanations_to_json,
)
from error_analysis.judging.judgements import write_judgements
from error_analysis.labels import main
from error_analysis.reasons.reason import Reason
from preprocess.base.files import read_json, write_json
from tests.conftest import assert_one_clear_line
from tests.error_analysis.judging.judged import caption, file_of, image

ANNA = file_of(
    "Anna", *(caption(n, "typo" if n < 5 else "none") for n in range(1, 11)), image(3, "dark")
)
BEN = file_of("ben", *(caption(n, "Typo" if n % 2 else "none") for n in range(1, 9)))


@pytest.fixture
def files(tmp_path):
    write_judgements(tmp_path / "anna.json", ANNA)
    write_judgements(tmp_path / "ben.csv", BEN)
    return [tmp_path / "anna.json", tmp_path / "ben.csv"]


@pytest.fixture
def reasons(tmp_path):
    hard = tuple(
        ExplainedQuery(1000 + n, n, 20.0, (Reason("typo", ""),) if n > 1 else ())
        for n in range(1, 4)
    )
    of_captions, of_images = (DirectionExplanation(20, 5, found, ()) for found in (hard, ()))
    model = ModelExplanation("clip", "0", {"i2t": of_images, "t2i": of_captions})
    metadata = {"models": [{"name": "clip", "dataset": "tiny", "split": "test"}]}
    write_json(tmp_path / "reasons.json", explanations_to_json(Explanations((model,), metadata)))
    return tmp_path / "reasons.json"


def test_two_judges_and_the_rules(tmp_path, files, reasons, run_main, capsys):
    output = tmp_path / "labels.json"
    given = ("--judgements", *files, "--reasons", reasons, "--output", output)
    assert run_main(main, *given) == 0
    found = read_json(output, "")
    assert [judge["judge"] for judge in found["judges"]] == ["Anna", "ben"]
    assert [judge["t2i"]["judged"] for judge in found["judges"]] == [10, 8]
    assert found["judges"][0]["i2t"]["tags"][0]["tag"] == "dark"
    # Both: 1, 3. Anna alone: 2, 4. Ben alone: 5, 7. Neither: 6, 8: as by chance.
    pair = found["agreement"][1]
    assert (pair["first"], pair["second"], pair["direction"]) == ("Anna", "ben", "t2i")
    assert pair["judged_by_both"] == 8
    assert pair["tags"][0]["kappa"]["kappa"] == pytest.approx(0)
    # Flagged: 2, 3. By more than half of two, which is both: 1, 3.
    rule = found["rules"]["models"][1]["rules"][0]
    assert (rule["flagged"], rule["tagged"], rule["both"]) == (2, 2, 1)
    assert found["rules"]["tags_without_reason"] == ["dark"]
    assert found["together"]["t2i"]["undecided"] == 4
    assert found["metadata"]["judges"] == ["Anna", "ben"]
    printed = capsys.readouterr().out
    assert "Anna and ben: 8 queries of 8 images judged by both, mean kappa 0.00" in printed
    assert "clip, t2i: 3 of 3 hard queries judged" in printed
    assert printed.endswith(f"wrote {output}\n")


def test_one_judge_without_reasons(tmp_path, files, run_main, capsys):
    output = tmp_path / "labels.json"
    assert run_main(main, "--judgements", files[1], "--output", output) == 0
    found = read_json(output, "")
    assert (found["agreement"], found["rules"]) == ([], None)
    assert found["metadata"]["gallery_sha256"] is None
    printed = capsys.readouterr().out
    assert "more than half" not in printed
    assert "Typo    4 (50.0 %" in printed


def test_the_same_files_give_the_same_bytes(tmp_path, files, reasons, run_main):
    outputs = tmp_path / "1.json", tmp_path / "2.json"
    for output in outputs:
        given = ("--judgements", *files, "--reasons", reasons, "--output", output)
        assert run_main(main, *given) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_what_is_odd_is_a_warning(tmp_path, files, run_main, capsys):
    files[1].write_text(files[1].read_text("utf-8") + "t2i-1,t2i,1001,1,,none,\n", "utf-8")
    given = ("--judgements", *files, "--output", tmp_path / "labels.json")
    assert run_main(main, *given) == 0
    assert "warning: " in (told := capsys.readouterr().err)
    assert "ben.csv: 1 queries are there more than once" in told


def test_bad_input_is_one_clear_line(tmp_path, files, reasons, run_main):
    output = tmp_path / "labels.json"

    def told(*judgements, output=output, reasons=reasons):
        given = ("--judgements", *judgements, "--reasons", reasons, "--output", output)
        return run_main(main, *given)

    assert_one_clear_line(told(tmp_path / "no.csv"), "no.csv: no such file")
    assert_one_clear_line(told(files[0], files[0]), "another judge", "give each file once")
    assert_one_clear_line(told(*files, output=tmp_path), "expected the name of a file")
    for path in (files[1], reasons):
        before = path.read_bytes()
        assert_one_clear_line(told(*files, output=path), "is read, and would be lost")
        assert path.read_bytes() == before
    assert_one_clear_line(told(*files, reasons=files[0]), "not a file of reasons")
    assert not output.exists()
