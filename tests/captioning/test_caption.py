"""Captioning images: whose, in which order, how said, and what is written beside."""

import json
from dataclasses import replace

import pytest

from captioning.caption import main
from captioning.evaluate import main as evaluate
from captioning.models.vocabulary import UNKNOWN
from preprocess.base.files import read_json
from preprocess.captions.split_file import write_split
from preprocess.encode_images import main as encode_images
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.write_images import main as write_images
from tests.captioning.models.tiny import save_blip, save_captioner, save_prefix_captioner
from tests.captioning.training.small_run import write_encodings
from tests.conftest import (
    assert_one_clear_line,
    make_split,
    named,
    save_clip,
    write_data_dir,
    write_image_files,
    write_images_of,
)


@pytest.fixture
def split():
    return make_split(6)


@pytest.fixture
def caption(tmp_path, split, run_main):
    """Run the command on a folder; return its status, captions by image and settings."""
    encodings = write_encodings(tmp_path / "test_embedding.h5", split)
    output = tmp_path / "out" / "captions.json"

    def run(folder, *options, source=("--encodings", encodings)):
        arguments = ["--model_name_or_path", folder, "--output", output, "--device", "cpu"]
        status = run_main(main, *arguments, *source, *options)
        if status != 0:
            return status, None, None
        entries = json.loads(output.read_text("utf-8"))
        assert all(set(entry) == {"image_id", "caption"} for entry in entries)
        settings = read_json(output.with_name("captions_settings.json"), "a test")
        return status, {e["image_id"]: e["caption"] for e in entries}, settings

    return run


@pytest.fixture
def lstm(tmp_path):
    return save_captioner(tmp_path / "lstm", seed=3, image_width=8)


def test_every_image_of_the_file_is_captioned_and_can_be_evaluated(
    caption, lstm, split, tmp_path, run_main
):
    status, captions, settings = caption(lstm)
    assert status == 0
    assert list(captions) == split.image_ids.tolist()
    assert settings["decoding"]["method"] == "beam"
    assert settings["weights"].startswith("sha256:")
    assert settings["counts"]["captions"] == 6
    write_split(tmp_path / "test.json", split)
    arguments = ["--captions", tmp_path / "out" / "captions.json", "--n_resamples", 5]
    arguments += ["--split_file", tmp_path / "test.json", "--output", tmp_path / "metrics.json"]
    assert run_main(evaluate, *arguments) == 0


@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
def test_captions_do_not_depend_on_how_images_are_batched(caption, lstm, method):
    options = ["--method", method]
    whole = caption(lstm, *options)[1]
    assert caption(lstm, *options, "--batch_size", 2)[1] == whole
    assert caption(lstm, *options, "--limit", 2)[1] == dict([*whole.items()][:2])


def test_nucleus_draws_by_its_seed(caption, lstm):
    first, again, other = (
        caption(lstm, "--method", "nucleus", "--seed", seed)[1] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_unknown_words_may_be_forbidden(caption, lstm):
    options = ["--method", "nucleus", "--top_p", 1, "--max_tokens", 12]
    said = caption(lstm, *options)[1]
    assert any(UNKNOWN in text for text in said.values())
    forbidden = caption(lstm, *options, "--say_unknown", "false")[1]
    assert not any(UNKNOWN in text for text in forbidden.values())


def test_captions_that_were_cut_are_named(caption, lstm, capsys):
    _, captions, settings = caption(lstm, "--method", "greedy", "--max_tokens", 1)
    assert set(settings["cut"]) == {i for i, text in captions.items() if text}
    assert settings["cut"]
    assert "captions were cut at the limit of words" in capsys.readouterr().err


def test_a_split_file_says_which_images_and_by_what_name(caption, lstm, split, tmp_path):
    path = tmp_path / "part.json"
    write_split(path, split.first(3))
    assert list(caption(lstm, "--split_file", path)[1]) == split.image_ids[:3].tolist()
    named = [replace(i, source_id=f"name of {i.image_id}") for i in split.images[2::-1]]
    write_split(path, replace(split, images=tuple(named)))
    found = caption(lstm, "--split_file", path)[1]
    assert list(found) == ["name of 102", "name of 101", "name of 100"]


def test_a_blip_captions_pixels(caption, tmp_path):
    data = write_data_dir(tmp_path / "data")
    write_images_of(data, "train")
    blip = save_blip(tmp_path / "blip")
    images = ("--images", data / "train_images.h5")
    status, captions, settings = caption(blip, "--limit", 2, "--prompt", "a", source=images)
    assert status == 0
    assert len(captions) == 2
    assert (settings["reads"], settings["prompt"]) == ("pixels", "a")


def test_what_does_not_fit_is_refused_in_a_line(caption, lstm, split, tmp_path):
    write_split(tmp_path / "other.json", make_split(2, first_id=700))
    tokens = write_encodings(tmp_path / "tokens.h5", split, tokens=True)
    for options, source, told in (
        ([], (), "reads encodings; give --encodings"),
        ([], ("--encodings", tmp_path / "none.h5"), "none.h5: no such file"),
        ([], ("--encodings", tokens), "the captioner reads 8 numbers an image, found 5 x 8"),
        (["--max_tokens", 0], ("--encodings", tokens), "--max_tokens: expected 1 or more"),
        (["--limit", 0], ("--encodings", tokens), "--limit: expected at least 1"),
    ):
        assert_one_clear_line(caption(lstm, *options, source=source)[0], told)
    status = caption(lstm, "--split_file", tmp_path / "other.json")[0]
    assert_one_clear_line(status, "image 700 is not in the file")
    (lstm / "tokenizer.json").unlink()
    assert_one_clear_line(caption(lstm)[0], "no tokenizer.json")


def test_images_are_called_by_their_names_also_without_a_split_file(caption, lstm, tmp_path):
    test = named(make_split(3), "test")
    path = write_encodings(tmp_path / "named.h5", test)
    source = ("--encodings", path)
    captions = caption(lstm, source=source)[1]
    assert list(captions) == ["test_0", "test_1", "test_2"]
    assert list(caption(lstm, "--limit", 2, source=source)[1]) == ["test_0", "test_1"]
    write_split(tmp_path / "test.json", test)
    assert caption(lstm, "--split_file", tmp_path / "test.json", source=source)[1] == captions


def test_encodings_of_another_split_by_the_same_ids_are_refused(caption, lstm, tmp_path):
    train = write_encodings(tmp_path / "train.h5", named(make_split(8), "train"))
    write_split(tmp_path / "test.json", named(make_split(5), "test"))
    status = caption(lstm, "--split_file", tmp_path / "test.json", source=("--encodings", train))[0]
    assert_one_clear_line(status, "train.h5: expected the images of split", "image 1 is 'train_0'")


def test_photographs_without_captions_are_captioned(tmp_path, run_main, caption):
    split = make_split(3)
    write_image_files(tmp_path / "images", split)
    entries = [{"id": 10 + n, "file_name": i.file_name} for n, i in enumerate(split.images)]
    (tmp_path / "test.json").write_text(json.dumps({"images": entries}))
    images, encodings = tmp_path / "test_images.h5", tmp_path / "photographs.h5"
    options = ["--image_info", tmp_path / "test.json", "--image_root", tmp_path / "images"]
    assert run_main(write_images, *options, "--output", images) == 0
    clip = save_clip(tmp_path / "clip")
    options = ["--encoder", clip, "--kind", "embedding", "--num_workers", 0, "--images", images]
    assert run_main(encode_images, *options, "--output", encodings) == 0
    width = EncodingsFile(encodings).width
    lstm = save_captioner(tmp_path / "lstm", image_width=width)
    assert list(caption(lstm, source=("--encodings", encodings))[1]) == [10, 11, 12]
    blip = save_blip(tmp_path / "blip")
    assert list(caption(blip, source=("--images", images))[1]) == [10, 11, 12]


def test_options_that_do_nothing_are_refused_and_not_recorded(caption, lstm, tmp_path):
    for options, told in (
        (["--method", "greedy", "--num_beams", 7], "--num_beams: no option of --method greedy"),
        (["--method", "greedy", "--top_p", 0.2], "--top_p: no option of --method greedy"),
        (["--seed", 9], "--seed: no option of --method beam"),
        (["--length_penalty", "nan"], "--length_penalty: expected a number, found nan"),
        (["--prompt", "hello"], "is no BLIP, and has none; leave it out"),
    ):
        assert_one_clear_line(caption(lstm, *options)[0], told)
    always = {"max_tokens": 20, "say_unknown": True}
    for method, own in (
        ("greedy", {}),
        ("beam", {"num_beams": 3, "length_penalty": 1.0}),
        ("nucleus", {"top_p": 0.9}),
    ):
        settings = caption(lstm, "--method", method)[2]
        assert settings["decoding"] == {"method": method, **always, **own}
        assert settings["seed"] == (0 if method == "nucleus" else None)
        assert settings["prompt"] is None
    width = ["--method", "greedy", "--max_tokens", 5]
    gpt2 = save_prefix_captioner(tmp_path / "gpt2")
    settings = caption(gpt2, *width)[2]
    assert settings["decoding"] == {"method": "greedy", "max_tokens": 5}
    status = caption(gpt2, "--max_tokens", 100)[0]
    assert_one_clear_line(status, "--max_tokens 100: ", "has positions for 62 words")
