"""The command that turns BEiT-2's weights into an HF folder."""

import torch

from preprocess.convert_beit import main
from preprocess.encoders.image_encoder import load_image_encoder
from tests.conftest import assert_one_clear_line
from tests.preprocess.encoders.tiny_beit import (
    published_state,
    random_pixels,
    slow_pooled,
    slow_tokens,
)


def test_a_published_file_becomes_an_encoder(tmp_path, run_main, capsys):
    state, pixels = published_state(), random_pixels()
    torch.save({"model": state}, tmp_path / "beit.pth")
    output = tmp_path / "new" / "beit2"
    assert run_main(main, "--checkpoint", tmp_path / "beit.pth", "--output", output) == 0
    said = capsys.readouterr().out
    assert "BEiT-2 of 2 blocks for images of 24 x 24 pixels" in said
    assert "is the [CLS], 24 numbers" in said
    encoder = load_image_encoder(str(output))
    assert (encoder.encode(pixels) - slow_tokens(state, pixels)[:, 0]).abs().max() < 1e-5
    assert_one_clear_line(
        run_main(main, "--checkpoint", tmp_path / "beit.pth", "--output", output), output, "exists"
    )


def test_a_converted_folder_converts_to_the_same_bytes(tmp_path, run_main):
    torch.save({"model": published_state()}, tmp_path / "beit.pth")
    first, second = tmp_path / "first", tmp_path / "second"
    assert run_main(main, "--checkpoint", tmp_path / "beit.pth", "--output", first) == 0
    assert run_main(main, "--checkpoint", first, "--output", second) == 0
    for file in ("model.safetensors", "config.json", "preprocessor_config.json"):
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_fine_tuned_weights_are_refused_with_the_reason_unless_asked_for(
    tmp_path, run_main, capsys
):
    state, pixels = published_state(fine_tuned=True), random_pixels()
    torch.save({"model": state}, tmp_path / "tuned.pth")
    options = ("--checkpoint", tmp_path / "tuned.pth", "--output", tmp_path / "out")
    assert_one_clear_line(run_main(main, *options), "tuned.pth", "nothing trained their [CLS]")
    assert not (tmp_path / "out").exists()
    assert run_main(main, *options, "--fine_tuned") == 0
    assert "is the mean of the patches" in capsys.readouterr().out
    encoder = load_image_encoder(str(tmp_path / "out"))
    assert (encoder.encode(pixels) - slow_pooled(state, pixels)).abs().max() < 1e-5


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, run_main):
    output = ("--output", tmp_path / "out")
    assert_one_clear_line(
        run_main(main, "--checkpoint", tmp_path / "none.pth", *output), "none.pth"
    )
    state = published_state()
    del state["blocks.0.norm1.bias"]
    torch.save(state, tmp_path / "cut.pth")
    assert_one_clear_line(
        run_main(main, "--checkpoint", tmp_path / "cut.pth", *output), "cut.pth", "1 missing"
    )
    assert not (tmp_path / "out").exists()


def test_what_may_be_of_the_first_version_warns_in_one_line(tmp_path, run_main, capsys):
    kept = {k: v for k, v in published_state().items() if not k.startswith("cls_pt_layers.")}
    torch.save({"model": kept}, tmp_path / "beit.pth")
    assert run_main(main, "--checkpoint", tmp_path / "beit.pth", "--output", tmp_path / "o") == 0
    assert "no cls_pt_layers" in capsys.readouterr().err
