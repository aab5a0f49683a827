"""The command: what it writes, what it refuses, and what it says is not computed."""

import json

import numpy as np
import pytest

import captioning.evaluate
from captioning.metrics.scores import prepare_references, score_captions
from preprocess.captions.split_file import read_split
from tests.captioning.conftest import results_of
from tests.captioning.recorded import CAPTIONS, OF_SET, PER_IMAGE
from tests.conftest import assert_one_clear_line, save_clip, write_images_of

MAIN = captioning.evaluate.main


@pytest.fixture
def output(tmp_path):
    return tmp_path / "metrics.json"


def test_scores_are_written_with_all_that_stands_beside_them(
    split_file, write_results, output, run_main, capsys
):
    path = write_results(results_of(CAPTIONS))
    arguments = ["--captions", path, "--split_file", split_file, "--output", output]
    assert run_main(MAIN, *arguments, "--java", "no-such-java") == 0
    content = json.loads(output.read_text())
    for name, value in OF_SET.items():
        assert content["metrics"][name]["value"] == pytest.approx(value, abs=1e-12)
        assert content["metrics"][name]["low"] <= value <= content["metrics"][name]["high"]
        assert content["constant_caption"]["metrics"][name] >= 0
    assert [image["CIDEr"] for image in content["images"]] == pytest.approx(PER_IMAGE["CIDEr"])
    assert content["counts"]["distinct"] == 4
    assert content["counts"]["unknown_share"] == 0.25
    assert content["references"]["images"] == 4
    assert content["metadata"]["tokenization"] == "ptb"
    assert set(content["not_computed"]) == {"METEOR", "SPICE"}
    shown = capsys.readouterr()
    assert "CIDEr-D" in shown.out
    assert "SPICE         not computed: " in shown.out
    assert "constant caption: '" in shown.out
    assert "warning: 4 images are few" in shown.err


def test_the_same_command_writes_the_same_numbers(split_file, write_results, tmp_path, run_main):
    path = write_results(results_of(CAPTIONS))
    written = []
    for name in ("a.json", "b.json"):
        arguments = ["--captions", path, "--split_file", split_file, "--output", tmp_path / name]
        assert run_main(MAIN, *arguments, "--java", "no-such-java") == 0
        content = json.loads((tmp_path / name).read_text())
        written.append({k: v for k, v in content.items() if k not in ("metadata", "seal")})
    assert written[0].keys() >= {"metrics", "images"}
    assert written[0]["metrics"] == written[1]["metrics"]


def test_another_captioner_is_compared(split_file, write_results, output, run_main, capsys):
    first = write_results(results_of(CAPTIONS), "first.json")
    second = write_results(results_of(["a dog"] * 4), "second.json")
    arguments = ["--captions", first, "--compare", second, "--split_file", split_file]
    assert run_main(MAIN, *arguments, "--output", output, "--java", "no-such-java") == 0
    compared = json.loads(output.read_text())["compared"]
    assert compared["counts"]["distinct"] == 1
    difference = compared["differences"]["CIDEr"]
    own = compared["metrics"]["CIDEr"]
    assert own["low"] <= own["value"] <= own["high"]
    assert difference["value"] == pytest.approx(OF_SET["CIDEr"] - own["value"])
    assert compared["file"] == str(second)
    assert f"warning: {second}: all 4 captions are 'a dog'" in capsys.readouterr().err


def test_plain_words_give_other_numbers(split_file, write_results, output, run_main):
    path = write_results(results_of(CAPTIONS))
    arguments = ["--captions", path, "--split_file", split_file, "--output", output]
    assert run_main(MAIN, *arguments, "--tokenization", "plain", "--java", "no-such-java") == 0
    references = [[c.caption for c in image.captions] for image in read_split(split_file).images]
    expected = score_captions(CAPTIONS, prepare_references(references, "plain")).values()
    found = json.loads(output.read_text())["metrics"]
    assert {name: one["value"] for name, one in found.items()} == pytest.approx(expected)


def test_a_caption_of_18000_words_is_named_scored_and_cut_where_asked(
    split_file, write_results, output, run_main, capsys
):
    path = write_results(results_of([*CAPTIONS[:3], "a bus stop " * 6_000]))
    arguments = ["--captions", path, "--split_file", split_file, "--output", output]
    arguments += ["--java", "no-such-java"]
    assert run_main(MAIN, *arguments) == 0
    whole = json.loads(output.read_text())
    assert whole["counts"]["long"] == {"13": 18_000}
    assert "the longest 18,000" in capsys.readouterr().err
    assert run_main(MAIN, *arguments, "--max_words", 20) == 0
    cut = json.loads(output.read_text())
    assert cut["counts"]["words_most"] == 20
    assert cut["metrics"]["Bleu_1"]["value"] > 50 * whole["metrics"]["Bleu_1"]["value"]


def test_captions_without_ids_are_counted_and_not_scored(
    split_file, write_results, output, run_main, capsys
):
    path = write_results(CAPTIONS)
    status = run_main(MAIN, "--captions", path, "--split_file", split_file, "--output", output)
    assert_one_clear_line(status, path, "without an image_id", "--statistics_only")
    assert not output.exists()
    assert run_main(MAIN, "--captions", path, "--statistics_only", "--output", output) == 0
    assert json.loads(output.read_text())["counts"]["captions"] == 4
    assert "4, 4 distinct" in capsys.readouterr().out


def test_an_id_that_occurs_twice_is_told_and_each_caption_counted(
    write_results, output, run_main, capsys
):
    entries = [{"image_id": i, "caption": "x " * n} for i, n in ((1, 100), (1, 100), (2, 50))]
    path = write_results(entries)
    assert run_main(MAIN, "--captions", path, "--statistics_only", "--output", output) == 0
    counts = json.loads(output.read_text())["counts"]
    assert counts["long"] == {"1": 100, "1, number 2": 100}
    assert counts["long_share"] == pytest.approx(2 / 3)
    assert counts["long_words_share"] == 0.8
    assert "1 ids occur more than once: 1" in capsys.readouterr().err


def test_one_image_is_scored_without_cider(split_file, write_results, output, run_main):
    path = write_results(results_of(CAPTIONS[:1]))
    arguments = ["--captions", path, "--split_file", split_file, "--output", output, "--partial"]
    assert run_main(MAIN, *arguments, "--java", "no-such-java") == 0
    content = json.loads(output.read_text())
    assert "CIDEr" not in content["metrics"]
    assert "always 0" in content["not_computed"]["CIDEr"]
    assert "3 images with references have no caption" in content["odd"][0]


def test_clip_scores_stand_beside_the_others(data_dir, write_results, output, run_main, tmp_path):
    write_images_of(data_dir, "test")
    split = read_split(data_dir / "test.json")
    captions = [image.captions[0].caption for image in split.images]
    path = write_results(
        [
            {"image_id": i, "caption": c}
            for i, c in zip(split.image_ids.tolist(), captions, strict=True)
        ]
    )
    arguments = ["--captions", path, "--split_file", data_dir / "test.json", "--output", output]
    arguments += ["--clip_model", save_clip(tmp_path / "clip"), "--java", "no-such-java"]
    status = run_main(MAIN, *arguments)
    assert_one_clear_line(status, "--clip_model and --images: CLIPScore needs both")
    images = data_dir / "test_images.h5"
    assert run_main(MAIN, *arguments, "--images", images, "--device", "cpu") == 0
    content = json.loads(output.read_text())
    values = [image["CLIPScore"] for image in content["images"]]
    assert content["metrics"]["CLIPScore"]["value"] == pytest.approx(np.mean(values))
    # The caption is one of the references: the similarity to the nearest is 1.
    for image in content["images"]:
        own = image["CLIPScore"]
        assert image["RefCLIPScore"] == pytest.approx(2 * own / (own + 1), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "--split_file: scores need references; or give --statistics_only"),
        (["--max_words", "0"], "--max_words: expected at least 1"),
        (["--n_resamples", "1"], "--n_resamples: expected at least 2"),
        (["--tokenization", "ptb3"], "ptb3"),
    ],
)
def test_options_that_cannot_be_are_refused(write_results, output, run_main, options, told):
    path = write_results(results_of(CAPTIONS))
    status = run_main(MAIN, "--captions", path, "--output", output, *options)
    assert_one_clear_line(status, told)


def test_real_captions_have_the_recorded_values(
    coco90_metrics, write_results, output, run_main, tmp_path
):
    ids, references = coco90_metrics["image_ids"], coco90_metrics["references"]
    numbers = iter(range(1_000))
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in ids],
        "annotations": [
            {"id": next(numbers), "image_id": i, "caption": c}
            for i, own in zip(ids, references, strict=True)
            for c in own
        ],
    }
    annotations = write_results(content, "captions_val2014.json")
    for name, one in coco90_metrics["sets"].items():
        pairs = zip(ids, one["candidates"], strict=True)
        path = write_results([{"image_id": i, "caption": c} for i, c in pairs])
        arguments = ["--captions", path, "--split_file", annotations, "--output", output]
        assert run_main(MAIN, *arguments, "--n_resamples", 2, "--java", "no-such-java") == 0
        found = json.loads(output.read_text())["metrics"]
        for metric in OF_SET:
            expected = one["ptb"]["corpus"][metric]
            assert found[metric]["value"] == pytest.approx(expected, abs=1e-12), name
