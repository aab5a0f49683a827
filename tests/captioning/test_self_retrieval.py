"""The command: what it writes, that it goes on, and what it refuses."""

import json

import numpy as np
import pytest

import captioning.self_retrieval
import information_retrieval.evaluate
from captioning.self_retrieving.image_recalls import of_one_sentence
from error_analysis.caption_or_image import main as caption_or_image
from information_retrieval.ranking.rankings import read_rankings
from preprocess.captions.split_file import Split, read_split
from tests.conftest import assert_one_clear_line, save_clip, save_lxmert, write_images_of

MAIN = captioning.self_retrieval.main
EVALUATE = information_retrieval.evaluate.main


@pytest.fixture
def split(data_dir) -> Split:
    return read_split(data_dir / "test.json")


@pytest.fixture
def captions(split, write_results):
    """The first caption that people wrote of each image: its rank is known."""
    said = [(image.image_id, image.captions[0].caption) for image in split.images]
    return write_results([{"image_id": i, "caption": text} for i, text in said], "said.json")


@pytest.fixture
def run(data_dir, captions, tmp_path, run_main):
    """Run the command with a tiny LXMERT, which is the quickest."""
    model = save_lxmert(tmp_path / "lxmert")
    output = tmp_path / "runs" / "back.json"

    def run(*options, captions=captions, model=model):
        arguments = ["--captions", captions, "--model_name_or_path", model]
        arguments += ["--data_dir", data_dir, "--output", output, "--device", "cpu"]
        arguments += ["--wrong_answers", "warn", "--n_resamples", 10]
        return run_main(MAIN, *arguments, *options), output

    return run


def test_captions_are_ranked_as_those_of_a_split_and_stand_beside_human_ones(
    run, split, data_dir, capsys
):
    status, output = run("--train_split_file", data_dir / "train.json")
    assert status == 0
    folder = output.with_suffix("")
    generated_split = read_split(folder / "generated" / "test.json")
    generated = read_rankings(folder / "generated" / "test.npz", generated_split)
    human = read_rankings(folder / "human" / "test.npz", split)
    # A caption's rank is the same, whoever is said to have written it.
    first = np.searchsorted(split.caption_image_index, np.arange(len(split.images)))
    ranks = human.ranks.t2i.ranks()
    assert generated.ranks.t2i.ranks().tolist() == ranks[first].tolist()
    content = json.loads(output.read_text())
    found = content["metrics"]
    assert found["human"]["r1"]["value"] == pytest.approx(100 * np.mean(ranks < 1))
    assert found["generated"]["r1"]["value"] == pytest.approx(100 * np.mean(ranks[first] < 1))
    assert found["constant"] == of_one_sentence(6)
    assert content["captions"]["generated"]["distinct"] == len({*generated_split.captions})
    assert content["captions"]["generated"]["copied"] == 0
    assert content["metadata"]["protocol"] == "full"
    printed = capsys.readouterr().out
    assert "a constant caption" in printed
    assert "generated - human" in printed


def test_what_is_scored_is_not_scored_again_and_other_captions_are_refused(
    run, split, write_results, capsys
):
    assert run()[0] == 0
    _, output = run()
    assert capsys.readouterr().out.count("nothing is scored") == 2
    written = output.read_bytes()
    other = [{"image_id": i, "caption": "a dog"} for i in split.image_ids.tolist()]
    status, _ = run(captions=write_results(other, "other.json"))
    assert_one_clear_line(status, "generated/test.json: holds other captions", "other.json")
    assert output.read_bytes() == written


def test_a_constant_caption_has_what_is_told_of_one(run, split, write_results):
    said = [{"image_id": i, "caption": "a red dog"} for i in split.image_ids.tolist()]
    status, output = run(captions=write_results(said, "constant.json"))
    assert status == 0
    content = json.loads(output.read_text())
    found = {name: one["value"] for name, one in content["metrics"]["generated"].items()}
    assert found == pytest.approx(content["metrics"]["constant"])
    assert content["captions"]["generated"]["distinct"] == 1


def test_rankings_that_there_are_of_the_human_captions_are_taken(run, data_dir, tmp_path, run_main):
    model, path = tmp_path / "lxmert", tmp_path / "lxmert_test" / "test.npz"
    arguments = ["--data_dir", data_dir, "--device", "cpu", "--wrong_answers", "warn"]
    own = ["--model_name_or_path", model, "--output", path]
    assert run_main(EVALUATE, *arguments, *own) == 0
    status, output = run("--human_rankings", path)
    assert status == 0
    assert not (output.with_suffix("") / "human").exists()
    assert json.loads(output.read_text())["metadata"]["rankings"]["human"] == str(path)
    other = tmp_path / "other" / "test.npz"
    second = ["--model_name_or_path", save_lxmert(tmp_path / "second", seed=5), "--output", other]
    assert run_main(EVALUATE, *arguments, *second) == 0
    assert_one_clear_line(run("--human_rankings", other)[0], other, "made with other weights")


def test_images_without_a_caption_are_refused_or_left_out_of_both(run, split, write_results):
    said = [{"image_id": i, "caption": "a dog"} for i in split.image_ids.tolist()[1:]]
    path = write_results(said, "part.json")
    assert_one_clear_line(run(captions=path)[0], path, "1 of 6 images", "--partial")
    status, output = run("--partial", captions=path)
    assert status == 0
    folder = output.with_suffix("")
    assert json.loads(output.read_text())["images"] == 5
    human = read_split(folder / "human" / "test.json")
    assert human.image_ids.tolist() == split.image_ids.tolist()[1:]
    assert len(read_rankings(folder / "human" / "test.npz", human).image_ids) == 5


def test_a_model_that_reads_images_does_it_too_and_other_commands_read_on(
    run, data_dir, tmp_path, run_main
):
    write_images_of(data_dir, "test")
    status, output = run(model=save_clip(tmp_path / "clip"))
    assert status == 0
    folder, table = output.with_suffix(""), tmp_path / "table.json"
    arguments = ["--rankings", folder / "human" / "test.npz", "--names", "clip"]
    arguments += ["--generated_rankings", folder / "generated" / "test.npz"]
    arguments += ["--generated_split_file", folder / "generated" / "test.json"]
    arguments += ["--split_file", data_dir / "test.json", "--hard_rank", 2, "--output", table]
    assert run_main(caption_or_image, *arguments) == 0
    assert json.loads(table.read_text())["models"]["clip"]["images"] == 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--n_resamples", "1"], "--n_resamples: expected at least 2"),
        (["--protocol", "1k"], "protocol 1k takes 1,000 images"),
        (["--protocol", "5fold"], "5fold"),
        (["--split", "val"], "said.json"),
        (["--output", "back"], "--output back: expected a name that ends in .json"),
    ],
)
def test_bad_input_is_one_clear_line(run, options, told):
    status, output = run(*options)
    assert_one_clear_line(status, told)
    assert not output.exists()
