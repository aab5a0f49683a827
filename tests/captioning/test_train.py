"""Training a captioner: what it writes, learns, warns of and refuses."""

import json
import re
import shutil

import pytest
from transformers import GPT2LMHeadModel

from captioning.models.loading import load_captioner
from captioning.train import main
from information_retrieval.models.checkpoint import RUN_BEGUN
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from tests.captioning.models.tiny import gpt2_tokenizer, make_gpt2, save_blip, save_captioner
from tests.captioning.training.small_run import (
    DECODERS,
    SMALL,
    evaluations,
    history,
    losses,
    write_data,
    write_encodings,
)
from tests.conftest import assert_one_clear_line, make_split

ANIMALS = ["cat", "dog", "red car", "green house", "small tree", "two blue cats"]


def few_images(captions=ANIMALS) -> Split:
    """An image a caption, captions of other lengths."""
    images = [
        CaptionedImage(i, f"{i}.jpg", (Caption(i, f"a {text} is here"),))
        for i, text in enumerate(captions, start=10)
    ]
    return Split("tiny", "train", "made by a test", tuple(images))


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def train(tmp_path, run_main):
    output = tmp_path / "runs" / "captioner"

    def run(data, *options, small=SMALL):
        arguments = ["--data_dir", data, "--output_dir", output, "--use_cpu", *small]
        return run_main(main, *arguments, "--disable_tqdm", "True", *options), output

    return run


def save_gpt2(folder):
    tokenizer = gpt2_tokenizer()
    model: GPT2LMHeadModel = make_gpt2(len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("decoder", DECODERS)
def test_captions_are_learnt_by_heart(tmp_path, train, decoder, capsys):
    data = write_data(tmp_path / "data", few_images(), few_images())
    options = [*DECODERS[decoder], "--max_steps", 60, "--learning_rate", 0.03]
    options += ["--eval_strategy", "steps", "--eval_steps", 30, "--save_steps", 30]
    status, output = train(data, *options, "--save_strategy", "steps", "--logging_steps", 5)
    assert status == 0
    assert losses(output)[-1] < 0.3 < 1.5 < losses(output)[0]
    best = max(log["eval_CIDEr"] for log in evaluations(output))
    assert best > 9
    last = evaluations(output)[-1]
    assert last["eval_distinct"] == len(ANIMALS)
    assert last["eval_cut_share"] == last["eval_unknown_share"] == 0
    printed = capsys.readouterr()
    assert "minival: 6 of 6 images are trained on" in printed.err
    assert f"wrote {output}: the model of the best epoch, CIDEr-D {best:.3f}" in printed.out


def test_what_a_run_leaves_is_a_captioner_with_a_card_and_curves(data, train, capsys):
    status, output = train(data, *DECODERS["lstm"], "--num_train_epochs", 2)
    assert status == 0
    captioner = load_captioner(str(output))
    assert captioner.config.encoder == "tiny"
    assert captioner.config.encoder_kind == "embedding"
    assert captioner.config.vocabulary_sha256 == captioner.vocabulary.sha256
    assert (output / "training_curves.png").stat().st_size > 1000
    card = (output / "README.md").read_text("utf-8")
    assert "`embedding` of `tiny`" in card
    assert "CIDEr-D" in card
    assert "| a constant caption, `" in card
    assert re.search(
        r"\| this captioner (\| \d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\] ){4}\| \d of 4 ", card
    )
    assert "--data_dir" in card
    begun = json.loads((output / RUN_BEGUN).read_text("utf-8"))
    assert (begun["decoder"], begun["num_layers"], begun["learning_rate"]) == ("lstm", 2, 0.001)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert len(lines) == 2
    assert "distinct captions of" in lines[0]
    assert "(a constant caption " in lines[0]
    assert train(data, *DECODERS["lstm"], "--num_train_epochs", 2)[0] == 0
    assert "this run is finished; nothing to do" in capsys.readouterr().out


def test_a_gpt2_behind_a_prefix_is_trained(data, tmp_path, train):
    gpt2 = save_gpt2(tmp_path / "gpt2")
    options = ["--decoder", "gpt2", "--gpt2", gpt2, "--prefix_length", 2, "--max_steps", 2]
    status, output = train(data, *options, small=[])
    assert status == 0
    captioner = load_captioner(str(output))
    assert captioner.config.encoder == "tiny"
    assert captioner.config.prefix_length == 2
    begun = json.loads((output / RUN_BEGUN).read_text())
    assert (begun["model"], begun["weights"][:7]) == (str(gpt2), "sha256:")


def test_a_captioner_goes_on_learning(data, tmp_path, train):
    folder = save_captioner(tmp_path / "captioner", image_width=8)
    options = ["--model_name_or_path", folder, "--max_steps", 2, "--dropout", 0.25]
    status, output = train(data, *options, small=[])
    assert status == 0
    old, new = load_captioner(str(folder)), load_captioner(str(output))
    assert new.vocabulary.sha256 == old.vocabulary.sha256
    assert new.config.dropout == 0.25
    assert json.loads((output / RUN_BEGUN).read_text())["weights"].startswith("sha256:")


@pytest.mark.parametrize(
    ("paper", "encodings"),
    [("clip_lstm", "embedding"), ("cnn_lstm", "vector"), ("clip_attention", "tokens")],
)
def test_the_papers_captioners_are_trained_with_its_settings(data, train, paper, encodings):
    for name in ("train", "minival"):
        split = make_split(12) if name == "train" else make_split(4, "minival", first_id=900)
        write_encodings(data / f"{name}_vector.h5", split, kind="vector")
    options = ["--paper", paper, "--encodings", encodings, "--min_count", 1, "--max_steps", 2]
    width = ["--word_width", 8] if paper == "clip_lstm" else []  # no projection: as wide as images
    status, output = train(data, *options, *width, "--max_grad_norm", 0, small=[])
    assert status == 0
    config = load_captioner(str(output)).config
    begun = json.loads((output / RUN_BEGUN).read_text())
    if paper == "clip_attention":
        assert (config.omit_last_targets, begun["clamp_gradients"]) == (True, 5.0)
    else:
        assert (config.learn_start, config.num_layers, config.dropout) == (True, 2, 0.0)
        assert config.projection == ("linear" if paper == "cnn_lstm" else "none")
        assert begun["clamp_gradients"] is None


def test_subwords_are_a_vocabulary_too(data, train):
    status, output = train(data, "--subwords", 60, "--max_steps", 1, small=SMALL[2:])
    assert status == 0
    assert len(load_captioner(str(output)).vocabulary) == 60


def test_one_caption_for_all_images_is_warned_of(data, train, capsys):
    options = ["--learning_rate", 1e-9, "--max_steps", 1, "--min_count", 6]
    status, output = train(data, *options, small=SMALL[2:])
    assert status == 0
    assert evaluations(output)[-1]["eval_distinct"] == 1
    [line] = [li for li in capsys.readouterr().err.splitlines() if "one caption serves" in li]
    assert line.startswith("warning: epoch ")
    assert "all 4 images of minival" in line


def test_captions_without_words_are_left_out_and_long_ones_cut(data, train, capsys):
    odd = [*ANIMALS, "cat " * 30]
    split = few_images(odd)
    wordless = CaptionedImage(90, "90.jpg", (Caption(900, "..."), Caption(901, "a cat")))
    split = Split("tiny", "train", "made by a test", (*split.images, wordless))
    write_split(data / "train.json", split)
    (data / "train_embedding.h5").unlink()
    write_encodings(data / "train_embedding.h5", split)
    status, output = train(data, "--max_steps", 1, "--max_words", 9)
    assert status == 0
    told = capsys.readouterr().err
    assert "1 captions without words are left out: caption ids 900" in told
    assert "1 captions are cut by --max_words: caption ids 16" in told
    assert json.loads((output / RUN_BEGUN).read_text())["captions"] == 8


def test_minivals_encodings_may_be_those_of_the_split_it_was_taken_from(data, train):
    (data / "minival_embedding.h5").unlink()
    write_split(data / "minival.json", make_split(12).first(3))
    assert train(data, "--max_steps", 1)[0] == 0
    shutil.rmtree(data.parent / "runs")
    write_split(data / "minival.json", make_split(3, "minival", first_id=900))
    status, _ = train(data, "--max_steps", 1)
    assert_one_clear_line(status, "minival_embedding.h5", "no such file")


def test_a_run_that_diverges_ends_in_a_line(data, train):
    status, _ = train(data, "--learning_rate", 1e30, "--optim", "sgd", "--max_grad_norm", 0)
    assert_one_clear_line(status, "training has diverged", "lower --learning_rate")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--min_count", 500], ["--min_count 500", "no word of the training captions"]),
        (["--decoder", "lstm", "--encodings", "tokens"], ["lstm reads one vector", "5 x 8"]),
        (["--decoder", "attention"], ["attention reads tokens", "found 8 numbers (embedding)"]),
        (["--paper", "cnn_lstm"], ["expected encodings of the kind vector, found embedding"]),
        (["--paper", "clip_lstm", "--decoder", "attention"], ["--decoder attention", "leave one"]),
        (["--projection", "none"], ["reads images of word_width 16", "image_width is 8"]),
        (["--attention_width", 3], ["--attention_width: no option of the decoder lstm"]),
        (["--prefix_length", 3], ["--prefix_length: no option of the decoder lstm"]),
        (["--dropout", 1.5], ["--dropout: expected a value in [0, 1)"]),
        (["--subwords", 40], ["--min_count, --subwords: whole words or pieces"]),
        (["--method", "nucleus"], ["invalid choice: 'nucleus'", "'greedy', 'beam'"]),
        (["--metric_for_best_model", "rsum"], ["expected one of Bleu_1", "CIDEr, found rsum"]),
        (["--max_words", 1], ["--max_words: expected at least 2"]),
        (["--model_name_or_path", "nowhere"], ["nowhere: expected a captioner's folder"]),
        (["--clamp_gradients", 0], ["--clamp_gradients: expected a value above 0"]),
        (["--encodings", "targets"], ["_targets.h5", "no such file", "preprocess.encode_images"]),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_line(data, train, options, told):
    status, output = train(data, *options)
    assert_one_clear_line(status, *told)
    assert not (output / RUN_BEGUN).exists()


def test_minival_must_have_encodings_by_the_same_encoder(data, train):
    (data / "minival_embedding.h5").unlink()
    split = make_split(4, "minival", first_id=900)
    write_encodings(data / "minival_embedding.h5", split, weights_sha256="sha256:2")
    status, _ = train(data)
    assert_one_clear_line(status, "minival_embedding.h5", "by the weights sha256:1", "sha256:2")


def test_encodings_of_another_split_are_refused(data, train):
    write_split(data / "train.json", make_split(12, first_id=500))
    status, _ = train(data)
    assert_one_clear_line(status, "train_embedding.h5: image 500 is not in the file")


@pytest.mark.parametrize("captions", [["...", "!"], []])
def test_captions_without_any_word_are_refused(data, train, captions):
    if captions:
        write_split(data / "train.json", make_split(12))
    images = [{"image_id": i, "file_name": "a.jpg", "captions": []} for i in range(100, 112)]
    for image, text in zip(images, captions, strict=False):
        image["captions"] = [{"caption_id": image["image_id"], "caption": text}]
    images = images[: len(captions)] or images
    content = {"dataset": "tiny", "split": "train", "source": "a test", "images": images}
    (data / "train.json").write_text(json.dumps(content))
    told = "no word of the training captions" if captions else "has an empty caption list"
    assert_one_clear_line(train(data)[0], told)


def test_a_minival_without_references_is_refused(data, train):
    images = tuple(CaptionedImage(i, f"{i}.jpg", (Caption(i, "..."),)) for i in (900, 901))
    write_split(data / "minival.json", Split("tiny", "minival", "a test", images))
    status, _ = train(data)
    assert_one_clear_line(status, "minival.json: expected two or more images", "found 0")


def test_a_captioner_goes_on_with_its_own_words_encoder_and_make(data, tmp_path, train):
    folder = save_captioner(tmp_path / "a", image_width=8, encoder="x", encoder_kind="vector")
    assert_one_clear_line(
        train(data, "--model_name_or_path", folder, small=[])[0], "expected encodings of the kind"
    )
    folder = save_captioner(tmp_path / "b", image_width=8)
    for options, told in (
        (["--hidden_size", 9], "--hidden_size: no option of"),
        (["--paper", "clip_lstm"], "--paper: --model_name_or_path"),
    ):
        status = train(data, "--model_name_or_path", folder, *options, small=[])[0]
        assert_one_clear_line(status, told)
    content = json.loads((folder / "tokenizer.json").read_text())
    words = content["model"]["vocab"]
    one, other = list(words)[4:6]
    words[one], words[other] = words[other], words[one]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    status = train(data, "--model_name_or_path", folder, small=[])[0]
    assert_one_clear_line(status, "as many words as the weights, and not the same")
    blip = save_blip(tmp_path / "blip")
    status = train(data, "--model_name_or_path", blip, small=[])[0]
    assert_one_clear_line(status, "a BLIP makes captions", "is not trained here")


def test_another_run_in_the_folder_is_refused(data, train):
    assert train(data, "--max_steps", 1)[0] == 0
    status, _ = train(data, "--max_steps", 1, "--hidden_size", 25)
    assert_one_clear_line(status, "holds a run with hidden_size 24, expected 25")


def test_the_parts_of_attentions_loss_are_logged(data, train):
    status, output = train(data, *DECODERS["attention"], "--max_steps", 2, "--logging_steps", 1)
    assert status == 0
    for log in (log for log in history(output) if "loss" in log):
        assert log["loss"] == pytest.approx(log["words"] + log["attention"], abs=1e-4)
