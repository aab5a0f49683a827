"""A run is not begun with what does nothing or does not fit, nor gone on with by other options."""

import pytest

from captioning.train import main
from tests.captioning.models.tiny import gpt2_tokenizer, make_gpt2
from tests.captioning.training.small_run import SMALL, write_data, write_encodings
from tests.conftest import assert_one_clear_line, make_split, named


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def train(tmp_path, run_main):
    def run(data, *options, small=SMALL):
        arguments = ["--data_dir", data, "--output_dir", tmp_path / "run", "--use_cpu", *small]
        return run_main(main, *arguments, "--disable_tqdm", "True", *options)

    return run


def save_gpt2(folder):
    tokenizer = gpt2_tokenizer()
    make_gpt2(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_options_that_do_nothing_or_have_no_positions_are_refused(data, tmp_path, train):
    for options, told in (
        (["--top_p", 0.5], "unknown option --top_p"),
        (["--num_beams", 9], "--num_beams: no option of --method greedy; leave it out"),
    ):
        assert_one_clear_line(train(data, *options), told)
    gpt2 = ["--decoder", "gpt2", "--gpt2", save_gpt2(tmp_path / "gpt2"), "--max_steps", 1]
    for options, told in (
        (["--max_words", 64], "--max_words 64: a new captioner has positions for 55 words"),
        (["--max_tokens", 56, "--max_words", 55], "--max_tokens 56: "),
    ):
        assert_one_clear_line(train(data, *gpt2, *options, small=[]), told)
    assert train(data, *gpt2, "--max_words", 55, small=[]) == 0


def test_encodings_of_another_split_by_the_same_ids_are_refused(tmp_path, train):
    mine, other = named(make_split(12), "train"), named(make_split(12), "other")
    minival = named(make_split(4), "minival")
    data = write_data(tmp_path / "data", mine, minival)
    (data / "train_embedding.h5").unlink()
    write_encodings(data / "train_embedding.h5", other)
    assert_one_clear_line(train(data), "train_embedding.h5: ", "image 1 is 'other_0'")
    (data / "minival_embedding.h5").unlink()
    write_encodings(data / "minival_embedding.h5", other)
    assert_one_clear_line(train(data), "minival_embedding.h5: ", "image 1 is 'other_0'")


def test_a_run_is_that_of_the_options_that_say_what_is_kept(data, train):
    beam = ["--max_steps", 1, "--method", "beam"]
    assert train(data, *beam) == 0
    for options, told in (
        (["--num_beams", 9], "minival_beams [3, 1.0], expected [9, 1.0] (--num_beams, --length_p"),
        (["--metric_for_best_model", "Bleu_4"], "metric_for_best_model CIDEr, expected Bleu_4"),
        (["--dataloader_drop_last", "yes"], "dataloader_drop_last False, expected True"),
        (["--neftune_noise_alpha", 5], "neftune_noise_alpha None, expected 5.0"),
        (["--adam_beta2", 0.9], "(--adam_beta1, --adam_beta2, --adam_epsilon)"),
    ):
        assert_one_clear_line(train(data, *beam, *options), told)
