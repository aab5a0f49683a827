import json
from pathlib import Path

import numpy as np
import pytest

from error_analysis import significance
from error_analysis.exports import file_name_of, main, ranked_lists
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.base.files import read_json, write_json
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.labels import write_eccv
from tests.error_analysis.scored import make_model, make_split, save_rankings

SPLIT = make_split([2, 3] * 8)
N_IMAGES, N_CAPTIONS = 16, 40


def scores_of(seed: int) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(size=(N_IMAGES, N_CAPTIONS)).astype(np.float32)
    scores[SPLIT.caption_image_index, np.arange(N_CAPTIONS)] += 1.5
    return scores


@pytest.fixture
def command(tmp_path: Path) -> list:
    write_split(tmp_path / "test.json", SPLIT)
    for seed, name in enumerate(("clip", "lxmert")):
        (tmp_path / name).mkdir()
        save_rankings(tmp_path / name / "test.npz", scores_of(seed), SPLIT)
    rankings = [tmp_path / name / "test.npz" for name in ("clip", "lxmert")]
    return [
        *("--rankings", *rankings),
        *("--split_file", tmp_path / "test.json"),
        *("--output_dir", tmp_path / "out"),
    ]


def read(path: Path):
    return json.loads(path.read_text())


def test_lists_are_the_documents_by_falling_score():
    scores = scores_of(0)
    model = make_model(scores, SPLIT)
    [*lists] = ranked_lists(model, "t2i", 0)
    for column, ranked in enumerate(lists):
        order = np.argsort(-scores[:, column])
        assert ranked.query_id == SPLIT.caption_ids[column]
        assert ranked.document_ids == SPLIT.image_ids[order].tolist()
        assert ranked.scores.tolist() == scores[order, column].tolist()
    assert [len(ranked.document_ids) for ranked in ranked_lists(model, "i2t", 3)] == [3] * 16


def test_the_files_of_every_model_and_direction_are_written(command, tmp_path, run_main):
    assert run_main(main, *command, "--top_k", 5) == 0
    out = tmp_path / "out"
    qrels = read(out / "ranx/qrels_i2t.json")
    assert qrels["100"] == {"5000": 1, "5001": 1}
    assert read(out / "ranx/qrels_t2i.json")["5002"] == {"101": 1}
    scores = scores_of(1)
    run = read(out / "ranx/run_lxmert_i2t.json")
    top = np.argsort(-scores[0])[:5]
    assert list(run["100"]) == [str(5000 + column) for column in top]
    assert [np.float32(score) for score in run["100"].values()] == scores[0, top].tolist()
    ids = read(out / "eccv_caption/lxmert_i2t.json")
    assert ids["100"] == (5000 + top).tolist()
    assert len(read(out / "eccv_caption/clip_t2i.json")) == N_CAPTIONS
    [first, *_] = (out / "ranx/run_lxmert_i2t.trec").read_text().splitlines()
    assert first.split() == ["100", "Q0", str(5000 + top[0]), "1", str(scores[0, top[0]]), "lxmert"]
    assert (out / "ranx/qrels_t2i.trec").read_text().splitlines()[2] == "5002 0 101 1"
    assert (out / "tables/metrics_full.md").read_text().count("\n") == 4
    assert "lxmert & " in (out / "tables/metrics_full.tex").read_text()


def test_labels_are_exported_as_qrels_without_empty_queries(command, tmp_path, run_main):
    labels = write_eccv(tmp_path, {100: [5000, 5001, 5009], 101: []}, {5002: [101, 103]})
    assert run_main(main, *command, "--labels", labels) == 0
    qrels = read(tmp_path / "out/ranx/qrels_eccv_caption_i2t.json")
    assert qrels == {"100": {"5000": 1, "5001": 1, "5009": 1}}
    lines = (tmp_path / "out/ranx/qrels_eccv_caption_t2i.trec").read_text()
    assert lines == "5002 0 101 1\n5002 0 103 1\n"


@pytest.mark.long  # ranx compiles what it computes by
@pytest.mark.parametrize("extension", ["json", "trec"])
def test_ranx_reads_them_and_finds_the_same_recalls(command, tmp_path, run_main, extension):
    ranx = pytest.importorskip("ranx")
    assert run_main(main, *command) == 0
    for seed, name in enumerate(("clip", "lxmert")):
        metrics = make_model(scores_of(seed), SPLIT).metrics()["metrics"]
        for direction in DIRECTIONS:
            folder = tmp_path / "out/ranx"
            qrels = ranx.Qrels.from_file(str(folder / f"qrels_{direction}.{extension}"))
            run = ranx.Run.from_file(str(folder / f"run_{name}_{direction}.{extension}"))
            found = ranx.evaluate(qrels, run, ["hit_rate@1", "hit_rate@5", "hit_rate@10"])
            for k in (1, 5, 10):
                expected = metrics[f"{direction}_r{k}"]
                assert 100 * found[f"hit_rate@{k}"] == pytest.approx(expected)


def test_eccv_caption_takes_them_and_finds_the_same_recalls(
    command, tmp_path, run_main, monkeypatch
):
    eccv_caption = pytest.importorskip("eccv_caption")
    assert run_main(main, *command) == 0
    ranked = {
        direction: {
            int(query): ids
            for query, ids in read(tmp_path / f"out/eccv_caption/clip_{direction}.json").items()
        }
        for direction in DIRECTIONS
    }
    evaluator = eccv_caption.Metrics()
    captions = {i.image_id: [c.caption_id for c in i.captions] for i in SPLIT.images}
    images = {caption: [image] for image, found in captions.items() for caption in found}
    for truth in ("coco_gts", "cxc_gts", "eccv_gts"):
        monkeypatch.setattr(evaluator, truth, {"i2t": captions, "t2i": images})
    wanted = ("coco_5k_recalls", "cxc_recalls", "eccv_map_at_r", "eccv_rprecision", "eccv_r1")
    found = evaluator.compute_all_metrics(ranked["i2t"], ranked["t2i"], wanted)
    metrics = make_model(scores_of(0), SPLIT).metrics()["metrics"]
    for direction in DIRECTIONS:
        for k in (1, 5, 10):
            expected = pytest.approx(metrics[f"{direction}_r{k}"])
            assert 100 * found[f"coco_5k_r{k}"][direction] == expected
            assert 100 * found[f"cxc_r{k}"][direction] == expected
        assert 0 < found["eccv_map_at_r"][direction] < 1


def test_tables_take_the_intervals_of_significance(command, tmp_path, run_main):
    assessed = tmp_path / "significance.json"
    few = ("--n_resamples", 20, "--n_permutations", 20)
    assert run_main(significance.main, *command[:5], "--output", assessed, *few) == 0
    assert run_main(main, *command, "--significance", assessed) == 0
    found = read(assessed)["protocols"]["full"]["models"]["clip"]["t2i_r5"]
    cell = f"{found['value']:.1f} [{found['low']:.1f}, {found['high']:.1f}]"
    assert cell in (tmp_path / "out/tables/metrics_full.md").read_text()
    other = run_main(main, *command, "--significance", assessed, "--names", "a", "b")
    assert_one_clear_line(other, assessed, "expected metrics of a", "clip, lxmert")


def test_intervals_of_other_rankings_are_refused(command, tmp_path, run_main):
    assessed = tmp_path / "significance.json"
    few = ("--n_resamples", 20, "--n_permutations", 20)
    assert run_main(significance.main, *command[:5], "--output", assessed, *few) == 0
    save_rankings(tmp_path / "lxmert" / "test.npz", scores_of(7), SPLIT)
    status = run_main(main, *command, "--significance", assessed)
    assert_one_clear_line(status, assessed, "expected the metrics of", "lxmert/test.npz")
    content = read_json(assessed, "")
    content["protocols"] = {"5k": content["protocols"]["full"]}
    write_json(assessed, content)
    status = run_main(main, *command, "--significance", assessed)
    assert_one_clear_line(status, assessed, "protocol 5k")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"protocols": {"full": {"models": {"clip": {}}}}}']
)
def test_another_json_than_that_of_significance_is_refused(command, tmp_path, run_main, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    status = run_main(main, *command, "--significance", path)
    assert_one_clear_line(status, path)


def test_bad_options_are_told_in_one_line(command, run_main):
    assert_one_clear_line(run_main(main, *command, "--top_k", -1), "--top_k", "-1")
    same = run_main(main, *command, "--names", "My model", "my_model")
    assert_one_clear_line(same, "--names", "my_model, my_model")


def test_names_become_file_names():
    assert file_name_of("CxC (eccv_caption)") == "cxc_eccv_caption"
    assert file_name_of("../ViT-B/32") == "vit-b_32"
    assert file_name_of("?") == "model"
