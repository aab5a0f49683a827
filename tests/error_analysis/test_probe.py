"""The probe command: a caption and its edit, repaired typos, and photographic negatives."""

import json
from pathlib import Path

import numpy as np
import pytest

from demo.render import RenderArguments, render
from error_analysis.probe import main
from information_retrieval.evaluate import main as evaluate
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import (
    assert_one_clear_line,
    make_split,
    save_clip,
    save_lxmert,
    write_images_of,
)
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre

SHIPPED = Path(__file__).parents[2] / "demo" / "models" / "clip"


@pytest.fixture
def clip(data_dir, tmp_path) -> Path:
    write_images_of(data_dir, "test")
    return save_clip(tmp_path / "clip")


@pytest.fixture
def rankings(clip, data_dir, tmp_path, run_main):
    path = tmp_path / "runs" / "test.npz"
    arguments = ["--model_name_or_path", clip, "--data_dir", data_dir, "--protocol", "full"]
    assert run_main(evaluate, *arguments, "--output", path) == 0
    return path


@pytest.mark.parametrize("kind", ["clip", "lxmert", "sx3hre"])
def test_a_caption_and_its_edit_are_listed_with_the_rank_that_evaluation_gives(
    probe, clip, data_dir, tmp_path, run_main, capsys, kind
):
    save = {"clip": lambda _: clip, "lxmert": save_lxmert, "sx3hre": save_sx3hre}[kind]
    checkpoint = save(tmp_path / kind)
    path = tmp_path / "runs" / "test.npz"
    arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
    assert run_main(evaluate, *arguments, "--protocol", "full", "--output", path) == 0
    split = read_split(data_dir / "test.json")
    caption = split.captions[3]
    status, output = probe(checkpoint, "--caption", caption, "--edit", "two blue cat")
    assert status == 0
    content = json.loads(output.read_text())
    [first, second] = content["lists"]
    [truth] = first["ground_truth_ranks"]
    assert truth["image_id"] == split.image_ids[split.caption_image_index[3]]
    assert truth["rank"] == np.load(path)["t2i_ranks"][3]
    assert second["caption"] == "two blue cat"
    assert [i["image_id"] for i in second["ground_truth_ranks"]] == [truth["image_id"]]
    assert len(first["retrieved"]) == len(split.images)
    assert content["metadata"]["split_sha256"] == split.sha256
    printed = capsys.readouterr().out
    assert f"caption: {caption[:20]}" in printed
    assert f"ground truth {truth['image_id']}: rank {truth['rank']:g}" in printed


def test_the_right_image_of_a_caption_that_no_image_has_may_be_told(probe, clip, data_dir):
    image_id = int(read_split(data_dir / "test.json").image_ids[2])
    status, output = probe(clip, "--caption", "cat cat", "--image_id", image_id)
    assert status == 0
    [ranked] = json.loads(output.read_text())["lists"]
    [truth] = ranked["ground_truth_ranks"]
    place = [image["image_id"] for image in ranked["retrieved"]].index(image_id)
    assert truth == {"image_id": image_id, "rank": place}


def test_a_caption_is_listed_beside_itself_on_negatives(probe, clip):
    status, output = probe(clip, "--caption", "cat cat", "--negative_images")
    assert status == 0
    images, negatives = json.loads(output.read_text())["lists"]
    assert (images["title"], negatives["title"]) == ("caption", "on negatives")
    assert images["caption"] == negatives["caption"]
    assert images["retrieved"][0]["score"] != negatives["retrieved"][0]["score"]


def test_given_repairs_are_ranked_with_rankings_as_without(
    probe, clip, rankings, data_dir, tmp_path
):
    split = read_split(data_dir / "test.json")
    repairs = tmp_path / "repairs.json"
    ids = split.caption_ids[[1, 5]].tolist()
    repairs.write_text(json.dumps({str(caption_id): "big red house" for caption_id in ids}))
    options = ("--repair_typos", "--repairs", repairs)
    status, output = probe(clip, *options, "--rankings", rankings)
    assert status == 0
    known = json.loads(output.read_text())
    assert probe(clip, *options)[0] == 0
    scored = json.loads(output.read_text())
    assert known["queries"] == scored["queries"]
    assert known["summary"]["n_queries"] == 2
    before = {query["caption_id"]: query["rank_before"] for query in scored["queries"]}
    assert before == dict(zip(ids, np.load(rankings)["t2i_ranks"][[1, 5]], strict=True))


def test_all_queries_are_ranked_on_negatives_with_rankings_as_without(
    probe, clip, rankings, capsys
):
    status, output = probe(clip, "--negative_images", "--rankings", rankings)
    assert status == 0
    known = json.loads(output.read_text())
    assert probe(clip, "--negative_images")[0] == 0
    scored = json.loads(output.read_text())
    assert known["queries"] == scored["queries"]
    ranks = sorted(query["rank"] for query in scored["queries"]["t2i"])
    assert ranks == sorted(np.load(rankings)["t2i_ranks"])
    assert "on their photographic negatives:" in capsys.readouterr().out


def test_rankings_of_another_model_split_or_protocol_are_refused(
    probe, clip, rankings, data_dir, tmp_path
):
    options = ("--negative_images", "--rankings", rankings)
    other = save_clip(tmp_path / "other", seed=1)
    assert_one_clear_line(probe(other, *options)[0], rankings, "rankings of another model")
    assert_one_clear_line(
        probe(clip, *options, "--protocol", "1k")[0], "--protocol 1k", "was made for full"
    )
    write_split(data_dir / "test.json", make_split(6, "test", first_id=3000, seed=9))
    assert_one_clear_line(probe(clip, *options)[0], rankings, "belong to another split")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "expected --caption, --repair_typos, --negative_images or --predict_boxes"),
        (["--caption", " "], "--caption: expected a caption, found ' '"),
        (["--caption", "a", "--edit", ""], "--edit: expected a caption"),
        (["--edit", "a"], "--edit: expected a --caption"),
        (["--caption", "a", "--control"], "--control: expected an --edit"),
        (["--caption", "a", "--image_id", "7"], "--image_id 7: expected one of the 6 images"),
        (["--caption", "cat " * 90], "--caption (1): caption 1 has"),
        (["--caption", "a", "--edit", "cat " * 90], "--edit (2): caption 2 has"),
        (["--caption", "a", "--repair_typos"], "--repair_typos: is a probe of its own"),
        (["--caption", "a", "--edit", "b", "--negative_images"], "one change at a time"),
        (["--caption", "a", "--protocol", "5fold"], "choose 1k, 5k or full"),
        (["--caption", "a", "--protocol", "1k"], "protocol 1k takes 1,000 images"),
        (["--caption", "a", "--rankings", "x.npz"], "--rankings: belongs to"),
        (["--repairs", "x.json", "--negative_images"], "--repairs: belongs to --repair_typos"),
        (["--predict_boxes", "--negative_images"], "--predict_boxes: is a probe of its own"),
        (["--predict_boxes", "--repair_typos"], "--predict_boxes: is a probe of its own"),
        (["--predict_boxes", "--hard_rank", "-1"], "--hard_rank: expected at least 0, found -1"),
        (["--negative_images", "--hard_rank", "3"], "--hard_rank: belongs to --predict_boxes"),
        (["--predict_boxes"], "is a model of type clip, expected an X-VLM"),
        (["--repair_typos", "--repairs", "x.json"], "x.json: no such file"),
        (["--caption", "a", "--split", "none"], "none.json: no such file"),
    ],
)
def test_bad_input_is_one_clear_line(probe, clip, options, expected):
    status, output = probe(clip, *options)
    assert_one_clear_line(status, expected)
    assert not output.exists()


def test_a_split_without_typos_has_nothing_to_repair(probe, clip, data_dir, capsys):
    split = read_split(data_dir / "test.json")
    words = "a red dog is near the big tree and a small house"
    images = [
        {"image_id": i.image_id, "file_name": i.file_name,
         "captions": [{"caption_id": i.captions[0].caption_id, "caption": words}]}
        for i in split.images
    ]  # fmt: skip
    content = {"dataset": "tiny", "split": "test", "source": "a test", "images": images}
    (data_dir / "test.json").write_text(json.dumps(content))
    status, output = probe(clip, "--repair_typos")
    assert status == 0
    assert "no caption with a typo that can be repaired" in capsys.readouterr().out
    assert json.loads(output.read_text())["queries"] == []


def test_a_model_that_reads_features_has_no_negatives(probe, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    assert_one_clear_line(probe(checkpoint, "--negative_images")[0], "is an LXMERT")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """A small demo with its images file; its seed is not that of the models' training."""
    folder = tmp_path_factory.mktemp("scenes")
    render(RenderArguments(folder, seed=3, n_train=60, n_restval=0, n_val=0, n_test=120))
    for name, split in read_karpathy(folder / "dataset_coco.json").splits.items():
        if name in ("train", "test"):
            write_split(folder / f"{name}.json", split)
    write_images_of(folder, "test")
    return folder


@pytest.mark.long
@pytest.mark.skipif(not SHIPPED.exists(), reason="demo/models/clip has not been trained")
def test_on_the_demo_repairing_typos_recovers_ranks(scenes, tmp_path, run_main):
    output = tmp_path / "repairs.json"
    arguments = ["--model_name_or_path", SHIPPED, "--data_dir", scenes, "--output", output]
    assert run_main(main, *arguments, "--repair_typos") == 0
    content = json.loads(output.read_text())
    summary = content["summary"]
    assert summary["n_queries"] >= 15
    repaired, control = summary["repaired"], summary["control"]
    assert repaired["n_better"] > 1.5 * repaired["n_worse"]
    assert repaired["median_after"] < summary["median_before"]
    assert repaired["n_healed"] > repaired["n_broken"]
    # It is the repair that does it: a harmless edit of the same captions does not.
    assert repaired["n_healed"] > 2 * control["n_healed"]
    assert repaired["median_recovered"] > control["median_recovered"]
    kinds = json.loads((scenes / "annotations" / "caption_kinds.json").read_text())
    planted = [kinds[str(query["caption_id"])]["kind"] == "typo" for query in content["queries"]]
    assert np.mean(planted) > 0.8


@pytest.mark.skipif(not SHIPPED.exists(), reason="demo/models/clip has not been trained")
def test_on_the_demo_negatives_lower_the_recall_of_clip(scenes, tmp_path, run_main):
    output = tmp_path / "negatives.json"
    arguments = ["--model_name_or_path", SHIPPED, "--data_dir", scenes, "--output", output]
    assert run_main(main, *arguments, "--negative_images") == 0
    content = json.loads(output.read_text())
    assert content["points_lost"]["i2t_r10"] > 20
    assert content["points_lost"]["t2i_r10"] > 20
    assert content["counts"]["t2i"]["median_ranks_lost"] > 5
