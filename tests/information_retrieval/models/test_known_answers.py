"""Known answers: right for every kind of model, wrong for each way of reading things wrongly."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image
from transformers import AutoConfig, BertTokenizer, CLIPConfig, CLIPImageProcessor, CLIPTokenizer

from information_retrieval.evaluate import main as evaluate_main
from information_retrieval.models import known_answers
from information_retrieval.models.checkpoint import load_image_processor, load_model
from information_retrieval.models.gallery_images import photographic_negative
from information_retrieval.models.known_answers import (
    Answer,
    check_answers,
    detector_answers,
    image_answers,
    pixel_answers,
    region_answers,
    same_pictures_answers,
    token_answers,
)
from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.preflight import main as preflight_main
from information_retrieval.train import main as train_main
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import (
    FEATURE_DIM,
    N_REGIONS,
    assert_one_clear_line,
    bert_tokenizer,
    random_row,
    save_clip,
    save_lxmert,
    write_images_of,
)
from tests.image_readers import MAKERS, save_image_reader

CONFIG = CLIPConfig(text_config={"vocab_size": 49408})


def wrong(answers) -> list[str]:
    return [answer.question for answer in answers if not answer.is_right]


@pytest.mark.parametrize("kind", list(MAKERS))
def test_the_colour_arrives_as_every_kind_of_model_reads_it(tmp_path, kind):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    answers = pixel_answers(
        load_image_processor(checkpoint), AutoConfig.from_pretrained(checkpoint)
    )
    assert len(answers) == {"xvlm": 3, "sx3hre": 2}.get(kind, 1)
    assert wrong(answers) == []


def test_the_published_processor_of_clip_gives_the_right_answers():
    answers = pixel_answers(CLIPImageProcessor(), CONFIG)
    assert len(answers) == 2
    assert wrong(answers) == []
    # By hand: (200 / 255 - 0.48145466) / 0.26862954, and so on.
    assert answers[0].found == "1.127 -0.251 -0.769"


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("negatives", photographic_negative),
        ("blue first", lambda image: image[..., ::-1]),
        ("scaled before", lambda image: (image / 255).astype(np.float32)),
    ],
)
def test_pixels_read_wrongly_are_noticed(monkeypatch, what, change):
    process = known_answers.preprocess_image
    monkeypatch.setattr(
        known_answers, "preprocess_image", lambda image, p: process(change(image).copy(), p)
    )
    assert wrong(pixel_answers(CLIPImageProcessor(), CONFIG)), what


def test_another_normalisation_than_openais_is_told_and_used():
    # As laion/CLIP-ViT-L-14-laion2B-s32B-b82K, which has OpenAI's vocabulary.
    processor = CLIPImageProcessor(image_mean=[0.5] * 3, image_std=[0.5] * 3)
    answers = pixel_answers(processor, CONFIG)
    assert wrong(answers) == ["mean and standard deviation of the channels, OpenAI's"]
    with pytest.warns(InputWarning, match=r"clip: mean and .*; the checkpoint's own are used, as"):
        check_answers(answers, "clip")


def test_an_answer_that_is_surely_wrong_stops_unless_the_user_knows_better():
    answers = [Answer("colour", "red", "blue", is_right=False)]
    with pytest.raises(
        InputError, match=r"x\.h5: colour: expected red, found blue.*--wrong_answers"
    ):
        check_answers(answers, "x.h5")
    with pytest.warns(InputWarning, match=r"x\.h5: colour: expected red, found blue$"):
        check_answers(answers, "x.h5", "warn")


def test_the_published_tokenizers_give_the_known_ids_and_others_do_not(shared_data):
    folder = shared_data / "tokenizers"
    lxmert = AutoConfig.for_model("lxmert")
    bert = BertTokenizer.from_pretrained(folder / "bert-base-uncased")
    cased = BertTokenizer.from_pretrained(folder / "bert-base-uncased", do_lower_case=False)
    clip = CLIPTokenizer.from_pretrained(folder / "clip")
    assert [answer.is_right for answer in token_answers(bert, lxmert)] == [True]
    assert [answer.is_right for answer in token_answers(cased, lxmert)] == [False]
    assert [answer.is_right for answer in token_answers(clip, CONFIG)] == [True]
    assert [answer.is_right for answer in token_answers(bert, CONFIG)] == [False]


def test_xvlms_sentence_is_cleaned_and_has_no_sep(shared_data):
    bert = BertTokenizer.from_pretrained(shared_data / "tokenizers" / "bert-base-uncased")
    assert wrong(token_answers(single_sequence_tokenizer(bert), XvlmConfig())) == []
    answers = token_answers(bert, XvlmConfig())
    assert [answer.is_right for answer in answers] == [False, False]
    assert (answers[0].expected, answers[0].found) == ("[CLS] and no [SEP]", "[CLS] and [SEP]")


def test_an_xvlm_with_a_vocabulary_of_its_own_is_asked_for_sep(tmp_path):
    bert = bert_tokenizer(tmp_path)
    config = XvlmConfig(text_config={"vocab_size": len(bert)})
    assert [a.is_right for a in token_answers(single_sequence_tokenizer(bert), config)] == [True]
    assert [a.is_right for a in token_answers(bert, config)] == [False]


def test_xvlms_images_have_one_size_and_clips_normalisation(tmp_path):
    checkpoint = save_image_reader(tmp_path / "xvlm", "xvlm")
    config = AutoConfig.from_pretrained(checkpoint)
    processor = load_image_processor(checkpoint)
    processor.size = {"height": 32, "width": 32}
    [_, size, _] = pixel_answers(processor, config)
    assert (size.expected, size.found, size.is_right) == ("64 x 64", "32 x 32", False)
    assert size.stops("error")
    processor = load_image_processor(checkpoint)
    processor.image_mean, processor.image_std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    answers = pixel_answers(processor, config)
    assert wrong(answers) == ["mean and standard deviation of the channels, OpenAI's"]
    assert not answers[2].stops("error")


def test_a_vocabulary_of_another_size_is_not_asked():
    assert token_answers(None, CLIPConfig(text_config={"vocab_size": 56})) == []


def write_regions(path, change) -> FeaturesFile:
    """A features file of three images, each row changed."""
    generator = np.random.default_rng(0)
    attributes = {"extractor": "random", "weights": "", "weights_sha256": "d", "settings": "{}"}
    ids = np.arange(3)
    with FeaturesWriter(path, ids, N_REGIONS, FEATURE_DIM, "float32", attributes) as writer:
        for row in ids:
            writer.write(row, **change(random_row(generator)))
        writer.finish()
    return FeaturesFile(path)


def test_regions_as_they_should_be_are_right(tmp_path):
    features = write_regions(tmp_path / "f.h5", dict)
    assert wrong(region_answers(features, np.arange(3))) == []


@pytest.mark.parametrize(
    ("name", "change", "question"),
    [
        ("visual_pos", lambda boxes: 640 * boxes, "range of the boxes"),
        ("visual_pos", lambda boxes: boxes[:, [2, 1, 0, 3]], "boxes with x1 <= x2 and y1 <= y2"),
        ("visual_feats", np.zeros_like, "images whose features are finite and differ"),
    ],
)
def test_regions_of_another_layout_are_noticed(tmp_path, name, change, question):
    features = write_regions(tmp_path / "f.h5", lambda row: {**row, name: change(row[name])})
    assert question in wrong(region_answers(features, np.arange(3)))


def test_features_of_another_detector_than_the_checkpoints_are_noticed(tmp_path):
    features = write_regions(tmp_path / "f.h5", dict)
    assert wrong(detector_answers(features, SimpleNamespace(detector_sha256="d"))) == []
    assert wrong(detector_answers(features, SimpleNamespace(detector_sha256="e"))) != []
    assert detector_answers(features, SimpleNamespace()) == []
    assert detector_answers(features, SimpleNamespace(detector_sha256="")) == []


def test_images_that_were_scaled_to_0_and_1_are_noticed(tmp_path):
    encoded = []
    for name, brightest in (("dark", 1), ("light", 200)):
        path = tmp_path / f"{name}.png"
        Image.fromarray(np.full((4, 4, 3), brightest, np.uint8)).save(path)
        encoded.append(path.read_bytes())
    for name, data, expected in (("a", [encoded[0]] * 2, False), ("b", encoded, True)):
        write_images_file(tmp_path / f"{name}.h5", np.arange(2), data)
        (answer,) = image_answers(ImagesFile(tmp_path / f"{name}.h5"), np.arange(2))
        assert answer.is_right is expected


def test_features_of_other_files_than_the_images_are_noticed(data_dir):
    write_images_of(data_dir, "test")
    ids = read_split(data_dir / "test.json").image_ids
    features = FeaturesFile(data_dir / "test_features.h5")
    images = ImagesFile(data_dir / "test_images.h5")
    assert same_pictures_answers(features, images, ids) == []  # does not say it read files
    features.attributes["extractor"] = known_answers.EXTRACTED
    assert len(wrong(same_pictures_answers(features, images, ids))) == 1


def name_detector(path, name: bytes) -> None:
    """Say of a features file that a detector of this hash made it."""
    with h5py.File(path, "a") as file:
        del file.attrs["weights_sha256"]
        dtype = h5py.string_dtype("utf-8", len(name))
        file.attrs.create("weights_sha256", name, dtype=dtype)


def test_training_records_the_detector_and_evaluation_refuses_another(
    data_dir, tmp_path, run_main, capsys
):
    checkpoint, run = save_lxmert(tmp_path / "lxmert"), tmp_path / "run"
    for split in ("train", "val"):
        name_detector(data_dir / f"{split}_features.h5", b"trained")
    arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir, "--output_dir", run]
    assert run_main(train_main, *arguments, "--num_train_epochs", 1, "--use_cpu") == 0
    assert load_model(str(run)).config.detector_sha256 == "trained"
    name_detector(data_dir / "test_features.h5", b"another")
    arguments = ["--model_name_or_path", run, "--data_dir", data_dir, "--protocol", "full"]
    status = run_main(evaluate_main, *arguments, "--output", tmp_path / "runs" / "test.npz")
    assert_one_clear_line(status, "test_features.h5", "detector", "another", "preflight")
    output = ["--output", tmp_path / "runs" / "test.npz", "--wrong_answers", "warn"]
    assert run_main(evaluate_main, *arguments, *output) == 0
    assert "warning: " in capsys.readouterr().err


def test_preflight_prints_each_answer(data_dir, tmp_path, run_main, capsys):
    write_images_of(data_dir, "test")
    arguments = ["--model_name_or_path", save_clip(tmp_path / "clip"), "--data_dir", data_dir]
    assert run_main(preflight_main, *arguments) == 0
    printed = capsys.readouterr().out
    assert "OK    red, green, blue (200, 100, 50)" in printed
    assert "expected 1.127 -0.251 -0.769, found 1.127 -0.251 -0.769" in printed
    assert "none of 2 answers is wrong" in printed


def test_preflight_fails_on_a_wrong_answer(data_dir, tmp_path, run_main, capsys, monkeypatch):
    write_images_of(data_dir, "test")
    arguments = ["--model_name_or_path", save_clip(tmp_path / "clip"), "--data_dir", data_dir]
    process = known_answers.preprocess_image
    monkeypatch.setattr(
        known_answers, "preprocess_image", lambda i, p: process(photographic_negative(i), p)
    )
    assert_one_clear_line(run_main(preflight_main, *arguments), "1 of 2 answers are wrong")
    assert "WRONG red, green, blue" in capsys.readouterr().out
    output = ["--protocol", "full", "--output", tmp_path / "runs" / "test.npz"]
    status = run_main(evaluate_main, *arguments, *output)
    assert_one_clear_line(status, "clip", "red, green, blue", "expected", "found")


def test_an_image_missing_from_a_file_is_named_before_anything_is_asked(
    data_dir, tmp_path, run_main
):
    write_images_of(data_dir, "val")
    (data_dir / "val_images.h5").rename(data_dir / "test_images.h5")
    arguments = ["--model_name_or_path", save_clip(tmp_path / "clip"), "--data_dir", data_dir]
    assert_one_clear_line(run_main(preflight_main, *arguments), "test_images.h5")
