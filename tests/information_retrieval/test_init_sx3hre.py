"""The command that makes an Sx3HRe to train."""

from pathlib import Path

import pytest
import torch

from information_retrieval.init_sx3hre import main
from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from tests.conftest import assert_one_clear_line
from tests.information_retrieval.models.sx3hre.tiny import save_encoder
from tests.preprocess.encoders.tiny_beit import save_beit


@pytest.fixture
def init(run_main, tmp_path):
    """Run the command on two encoders of 3 layers; gives its status and the output folder."""
    save_encoder(tmp_path / "image", "data2vec-vision")
    save_encoder(tmp_path / "text", "bert")

    def run(*options, output="runs/init", image="image", text="text"):
        folders = ["--image_encoder", tmp_path / image, "--text_encoder", tmp_path / text]
        written = tmp_path / output
        return run_main(main, *folders, "--output", written, *options), written

    return run


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_model(str(folder)).state_dict()


def test_a_folder_is_made_with_all_that_a_model_needs(init, capsys):
    status, output = init("--depth", 2)
    assert status == 0
    printed = capsys.readouterr().out
    assert f"wrote {output}: Sx3HRe for images of 24 x 24 pixels, 2 layers and the" in printed
    model = load_model(str(output))
    assert model.config.model_type == "sx3hre"
    assert model.config.vision_config.num_hidden_layers == 2
    assert model.config.text_config.num_hidden_layers == 2
    tokenizer = load_tokenizer(str(output), model.config.text_config.vocab_size)
    expected = ["[CLS]", "a", "cat", "[SEP]"]
    assert tokenizer.convert_ids_to_tokens(tokenizer("a cat")["input_ids"]) == expected
    assert load_processor(str(output)).image_processor.size == {"height": 24, "width": 24}


@pytest.mark.parametrize("text", ["roberta", "data2vec-text"])
def test_other_encoders_are_taken_with_their_own_tokenizer(init, tmp_path, text):
    save_beit(tmp_path / "beit2")
    save_encoder(tmp_path / text, text)
    status, output = init("--depth", 1, image="beit2", text=text)
    assert status == 0
    model = load_model(str(output))
    assert model.config.vision_config.model_type == "beit"
    assert model.config.text_config.model_type == text
    tokenizer = load_tokenizer(str(output), model.config.text_config.vocab_size)
    first, *_, last = tokenizer.convert_ids_to_tokens(tokenizer("a cat")["input_ids"])
    assert (first, last) == ("<s>", "</s>")


def test_the_seed_draws_what_is_new(init):
    first, same, other = (
        weights(init("--depth", 2, "--seed", seed, output=name)[1])
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert all(torch.equal(first[name], same[name]) for name in first)
    drawn = {name for name in first if not torch.equal(first[name], other[name])}
    assert drawn
    assert all(name.startswith("shared.") for name in drawn)


def refuse(result, *expected) -> None:
    status, output = result
    assert_one_clear_line(status, *expected)
    assert not output.exists()


def test_bad_input_is_one_line_and_writes_nothing(init, tmp_path):
    # Six layers are the default.
    refuse(init(), "--image_encoder", "--depth: expected 1 to 3, the encoder's layers, found 6")
    refuse(init("--depth", 0), "--depth: expected at least 1, found 0")
    refuse(init("--seed", -1), "--seed: expected at least 0, found -1")
    refuse(init(image="text"), "--image_encoder", "of type data2vec-vision or beit, found bert")
    refuse(init("--depth", 2, text="image"), "--text_encoder", "found data2vec-vision")
    refuse(
        init("--depth", 2, text="none"), "--text_encoder", "none: expected an HF checkpoint folder"
    )
    save_encoder(tmp_path / "narrow", "bert", hidden_size=12)
    refuse(init("--depth", 2, text="narrow"), "--text_encoder", "found 12")
    save_encoder(tmp_path / "text", "bert")
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "text" / name).unlink(missing_ok=True)
    refuse(init("--depth", 2), "--text_encoder", "tokenizer")
    (tmp_path / "image" / "model.safetensors").unlink()
    refuse(init("--depth", 2), f"--image_encoder {tmp_path / 'image'}: expected an HF checkpoint")


def test_a_folder_that_is_there_is_not_overwritten(init, tmp_path):
    (tmp_path / "runs" / "init").mkdir(parents=True)
    (tmp_path / "runs" / "init" / "a").touch()
    status, _ = init("--depth", 2)
    assert_one_clear_line(status, "exists")
