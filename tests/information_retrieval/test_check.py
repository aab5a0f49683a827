"""An evaluation held against published recalls."""

import csv
import json
import re
from pathlib import Path

import pytest

from information_retrieval.check import main
from information_retrieval.ranking.published import OPEN_CLIP, PUBLISHED, RECALLS
from tests.conftest import assert_one_clear_line

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def check(tmp_path, run_main):
    """Check a metrics.json of the given recalls and metadata."""

    def run(expect, recalls, protocol="5k", others=None, named=None, **metadata):
        path = tmp_path / "metrics.json"
        content = {"protocol": protocol, "metrics": recalls, "metadata": metadata}
        content |= {"other_protocols": others or {}, **(named or {})}
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
        assert all(0 < value <= 100 for value in published.recalls.values()), name
        if len(published.recalls) == len(RECALLS):
            text, image = RECALLS[:3], RECALLS[3:]
            for names in (text, image):
                values = [published.recalls[metric] for metric in names]
                assert values == sorted(values), name


FLICKR30K = {"dataset": "flickr30k", "split": "test"}
NAMED = {"benchmark": "Flickr30k 1K"}


@pytest.mark.parametrize(("metric", "tolerance"), [("i2t_r1", 0.6), ("t2i_r1", 0.4)])
def test_flickr30k_has_a_tolerance_of_each_direction(check, capsys, metric, tolerance):
    expect = "clip-vit-b32-flickr30k"
    for points, n_off in ((tolerance - 0.01, 0), (tolerance + 0.01, 1)):
        recalls = {**off_by(0, expect), metric: off_by(points, expect)[metric]}
        status = check(expect, recalls, protocol="1k", named=NAMED, **FLICKR30K)
        if n_off:
            assert_one_clear_line(status, "1 of 6 recalls")
        else:
            assert status == 0
            assert "OK: all 6 recalls are within 0.4 and 0.6" in capsys.readouterr().out


def test_flickr30k_under_the_protocol_full_is_its_one_gallery(check):
    expect = "vilt-flickr30k"
    recalls = off_by(0, expect)
    assert check(expect, recalls, protocol="full", named=NAMED, **FLICKR30K) == 0
    others = {"1k": {"metrics": recalls, **NAMED}}
    assert check(expect, off_by(9, expect), protocol="full", others=others, **FLICKR30K) == 0


def test_a_gallery_that_is_not_flickr30k_1k_is_refused_with_the_reason(check):
    expect, reason = "clip-vit-b32-flickr30k", "the split has 31,014 images, Karpathy's test 1,000"
    recalls = off_by(0, expect)
    others = {"1k": {"metrics": recalls, "no_benchmark": reason}}
    named = {"no_benchmark": reason}
    status = check(expect, recalls, protocol="full", others=others, named=named, **FLICKR30K)
    assert_one_clear_line(status, "metrics.json", "expected metrics of Flickr30k 1K", reason)
    status = check(expect, recalls, protocol="1k", dataset="flickr30k", split="val")
    assert_one_clear_line(status, "protocol 1k of split 'val' of data set 'flickr30k'")
    status = check(expect, recalls, protocol="1k", **FLICKR30K)
    assert_one_clear_line(status, "repeat `evaluate`, which scores nothing again")
    assert_one_clear_line(check(expect, recalls, protocol="1k", dataset="mine"), "set 'mine'")


def test_coco_and_flickr30k_are_held_apart(check):
    recalls = off_by(0)
    status = check("clip-vit-b32-flickr30k", recalls, dataset="coco", split="test")
    assert_one_clear_line(status, "expected metrics of Flickr30k, found those of COCO")
    status = check("paper-lxmert-1k", recalls, protocol="1k", named=NAMED, **FLICKR30K)
    assert_one_clear_line(status, "expected metrics of COCO, found those of Flickr30k")
    assert check("clip-vit-b32-5k", recalls, dataset="my coco", split="test") == 0


def test_where_the_published_numbers_are_of_a_shortlist_that_is_said(check, capsys):
    expect = "xvlm-4m-coco-5k"
    assert_one_clear_line(check(expect, off_by(2, expect), dataset="coco"), "6 of 6")
    printed = capsys.readouterr().out
    assert "top 256 alone" in printed
    assert "  - the published numbers order the contrastive scores' top 256" in printed
    assert "the model is" not in printed  # no hub id to compare with
    check(expect, off_by(2, expect), dataset="coco", shortlist=256)
    assert "  - the published numbers order" not in capsys.readouterr().out
    shortlists = {(p.dataset, p.shortlist) for p in PUBLISHED.values() if p.shortlist}
    assert shortlists == {("coco", 256), ("flickr30k", 128)}


def test_the_published_numbers_are_those_of_open_clips_table(shared_data):
    folder = shared_data / "extra" / "published_recalls"
    with (folder / "openclip_retrieval_results.csv").open() as file:
        rows = {(row["name"], row["pretrained"]): row for row in csv.DictReader(file)}
    names = {
        "clip-vit-b32": ("ViT-B-32", "openai"),
        "clip-vit-b16": ("ViT-B-16", "openai"),
        "clip-vit-l14": ("ViT-L-14", "openai"),
        "clip-vit-l14-336": ("ViT-L-14-336", "openai"),
        "siglip-b16-224": ("ViT-B-16-SigLIP", "webli"),
        "siglip-b16-256": ("ViT-B-16-SigLIP-256", "webli"),
        "siglip-b16-384": ("ViT-B-16-SigLIP-384", "webli"),
        "siglip-b16-512": ("ViT-B-16-SigLIP-512", "webli"),
        "siglip-so400m-384": ("ViT-SO400M-14-SigLIP-384", "webli"),
    }
    compared = {name for name, p in PUBLISHED.items() if p.source == OPEN_CLIP}
    assert compared == {f"{name}-{of}" for name in names for of in ("5k", "flickr30k")}
    for name, row in names.items():
        for of, dataset in (("5k", "MSCOCO"), ("flickr30k", "Flickr")):
            columns = [f"{dataset} {d} retr. R@{k}" for d in ("text", "image") for k in (1, 5, 10)]
            published = [100 * float(rows[row][column]) for column in columns]
            assert list(PUBLISHED[f"{name}-{of}"].recalls.values()) == pytest.approx(published)


def test_every_name_stands_on_the_page_of_reproduction():
    page = (ROOT / "docs" / "reproduction.md").read_text("utf-8")
    assert {name for name in PUBLISHED if f"`{name}`" not in page} == set()
    assert set(re.findall(r"`([\w-]+-(?:5k|1k|5fold|flickr30k))`", page)) == set(PUBLISHED)
