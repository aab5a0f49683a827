"""An evaluation held against published recalls."""

import json

import pytest

from information_retrieval.check import main
from information_retrieval.ranking.published import PUBLISHED, RECALLS
from tests.conftest import assert_one_clear_line


@pytest.fixture
def check(tmp_path, run_main):
    """Check a metrics.json of the given recalls and metadata."""

    def run(expect, recalls, protocol="5k", others=None, **metadata):
        path = tmp_path / "metrics.json"
        content = {"protocol": protocol, "metrics": recalls, "metadata": metadata}
        content["other_protocols"] = others or {}
        path.write_text(json.dumps(content))
        return run_main(main, "--metrics", path, "--expect", expect)

    return run


def off_by(points: float, name: str = "clip-vit-b32-5k") -> dict[str, float]:
    return {metric: value + points for metric, value in PUBLISHED[name].recalls.items()}


def test_recalls_within_the_tolerance_are_ok(check, capsys):
    assert check("clip-vit-b32-5k", off_by(0.39)) == 0
    printed = capsys.readouterr().out
    assert "open_clip" in printed
    assert "OK: all 6 recalls are within 0.4" in printed


@pytest.mark.parametrize("points", [0.41, -0.41])
def test_one_recall_beyond_the_tolerance_is_not_ok(check, capsys, points):
    recalls = {**off_by(0), "t2i_r1": off_by(points)["t2i_r1"]}
    assert_one_clear_line(check("clip-vit-b32-5k", recalls), "1 of 6 recalls")
    printed = capsys.readouterr().out
    assert printed.count("not OK") == 1
    assert "t2i_r1" in next(line for line in printed.splitlines() if "not OK" in line)


def test_the_causes_that_the_metadata_show_come_first(check, capsys):
    status = check("clip-vit-b32-5k", off_by(-30), negative_images="True", dtype="float16")
    assert_one_clear_line(status, "6 of 6")
    causes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  - ")]
    assert "negatives" in causes[0]
    assert any("float16" in cause for cause in causes)
    assert any("5fold" in cause for cause in causes)


def test_the_papers_clip_wants_negatives(check, capsys):
    check("paper-clip-5k", off_by(30, "paper-clip-5k"), negative_images="False")
    assert "evaluate with --negative_images" in capsys.readouterr().out


def test_of_an_lxmert_the_name_is_no_cause_and_its_features_may_be(check, capsys):
    check("paper-lxmert-1k", off_by(9, "paper-lxmert-1k"), protocol="1k", model="runs/mine")
    printed = capsys.readouterr().out
    assert "runs/mine" not in printed
    assert "features: of another detector" in printed
    check("clip-vit-b32-5k", off_by(9), model="runs/mine")
    printed = capsys.readouterr().out
    assert "the model is runs/mine" in printed
    assert "features: of another detector" not in printed


def test_another_protocol_of_the_same_scores_is_found(check):
    folds = {"5fold": {"metrics": off_by(0, "clip-vit-l14-5fold")}}
    assert check("clip-vit-l14-5fold", off_by(0), others=folds) == 0


def test_a_missing_protocol_a_foreign_file_and_an_unknown_name_are_named(check, tmp_path, run_main):
    status = check("clip-vit-b32-5k", off_by(0), protocol="1k")
    assert_one_clear_line(status, "metrics.json", "5k", "found 1k", "--protocol 5k")
    (tmp_path / "list.json").write_text("[]")
    status = run_main(main, "--metrics", tmp_path / "list.json", "--expect", "clip-vit-b32-5k")
    assert_one_clear_line(status, "list.json", "expected the metrics.json")
    assert_one_clear_line(check("clip", off_by(0)), "--expect clip", "clip-vit-b32-5k")
    recalls = {**off_by(0), "i2t_r1": float("nan")}
    assert_one_clear_line(check("clip-vit-b32-5k", recalls), "nan")


def test_every_published_number_is_a_percentage_that_grows_with_k():
    for name, published in PUBLISHED.items():
        assert set(published.recalls) <= set(RECALLS), name
        assert all(0 < value < 100 for value in published.recalls.values()), name
        if len(published.recalls) == len(RECALLS):
            text, image = RECALLS[:3], RECALLS[3:]
            for names in (text, image):
                values = [published.recalls[metric] for metric in names]
                assert values == sorted(values), name
