"""Official files as HF folders, by the command."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoProcessor

from information_retrieval import convert_xvlm
from information_retrieval.models.checkpoint import (
    load_image_processor,
    load_model,
    load_tokenizer,
)
from information_retrieval.models.gallery_images import preprocess_image
from information_retrieval.models.xvlm import official_names
from information_retrieval.models.xvlm.conversion import MEAN, STD, convert
from information_retrieval.models.xvlm.official_names import official_config
from tests.conftest import assert_one_clear_line
from tests.information_retrieval.models.xvlm import reference as reference_module
from tests.information_retrieval.models.xvlm.official import save_official, save_tokenizer
from tests.information_retrieval.models.xvlm.reference import assert_equal


@pytest.fixture
def convert_file(run_main, tmp_path, reference, monkeypatch):
    """Run the command on a checkpoint of the small model; return its status and the folder."""
    tokenizer = save_tokenizer(tmp_path / "bert", reference.shapes["vocab"])
    of_small = partial(official_config, head_size=reference_module.HEAD_SIZE)
    monkeypatch.setattr(official_names, "official_config", of_small)

    def run(checkpoint, *options):
        status = run_main(
            convert_xvlm.main,
            *("--checkpoint", checkpoint, "--output", tmp_path / "xvlm"),
            *("--tokenizer", tokenizer, *options),
        )
        return status, tmp_path / "xvlm"

    return run


def test_a_pretrained_file_becomes_a_folder_that_the_project_loads(
    convert_file, reference, tmp_path, capsys
):
    path = save_official(tmp_path / "16m.th", reference.state(), config={"image_res": 999})
    status, folder = convert_file(path)
    assert status == 0
    assert "128 x 128 pixels (windows of 4 x 4 tokens)" in capsys.readouterr().out
    model = load_model(str(folder))
    with torch.inference_mode():
        found = model(reference["text_ids"], reference["text_atts"], reference.pixels("A", 4, 128))
    assert_equal(found.image_embeds, reference["image_feat"])
    assert_equal(found.text_embeds, reference["text_feat"])


def test_a_fine_tuned_file_is_read_at_another_size(convert_file, reference, tmp_path):
    path = save_official(tmp_path / "checkpoint_9.pth", reference.retrieval_state())
    status, folder = convert_file(path, "--image_size", "192")
    assert status == 0
    config = AutoConfig.from_pretrained(folder)
    assert (config.vision_config.image_size, config.vision_config.window_size) == (192, 6)
    assert not config.has_box_head
    assert not config.has_mlm_head
    with torch.inference_mode():
        tokens = load_model(str(folder)).vision_encoder(reference.pixels("B", 4, 192))
    assert_equal(tokens, reference["ft_image_embeds"])


def test_the_folder_has_the_texts_and_pixels_of_the_published_code(
    convert_file, reference, tmp_path
):
    _, folder = convert_file(save_official(tmp_path / "16m.th", reference.state()))
    tokenizer = load_tokenizer(str(folder), 181)
    ids = tokenizer(reference.shapes["texts"])["input_ids"]
    for found, expected, mask in zip(
        ids, reference.arrays["text_ids"], reference.arrays["text_atts"], strict=True
    ):
        assert found == expected[mask == 1].tolist()
    processor = AutoProcessor.from_pretrained(folder).image_processor
    assert (tuple(processor.image_mean), tuple(processor.image_std)) == (MEAN, STD)
    pixels = processor(np.zeros((70, 40, 3), np.uint8), return_tensors="pt")["pixel_values"]
    assert pixels.shape == (1, 3, 128, 128)


@pytest.mark.parametrize("size", [(3, 20_000), (20_000, 3), (1, 1)])
def test_images_of_any_shape_are_read_whole(convert_file, reference, tmp_path, size):
    _, folder = convert_file(save_official(tmp_path / "16m.th", reference.state()))
    image = np.zeros((*size, 3), np.uint8)
    image[..., 0] = 255  # red: the channels are the last axis, however long the others are
    pixels = preprocess_image(image, load_image_processor(str(folder)))["pixel_values"]
    assert pixels.shape == (3, 128, 128)
    expected = (np.array([1, 0, 0]) - MEAN) / STD
    np.testing.assert_allclose(pixels.mean(dim=(1, 2)).numpy(), expected, atol=1e-5)


def test_a_file_that_would_run_code_is_refused(convert_file, tmp_path):
    torch.save({"model": {"a": print}}, tmp_path / "bad.th")
    status, folder = convert_file(tmp_path / "bad.th")
    assert_one_clear_line(status, "bad.th", "not a file of tensors")
    assert not folder.exists()


@pytest.mark.parametrize("content", [[1], {"state_dict": {}}, {"model": {"a": 1}}])
def test_a_file_of_something_else_is_refused(convert_file, tmp_path, content):
    torch.save(content, tmp_path / "other.th")
    status, folder = convert_file(tmp_path / "other.th")
    assert_one_clear_line(status, 'other.th: expected a dictionary with the weights under "model"')
    assert not folder.exists()


def test_missing_weights_are_listed_with_the_file(convert_file, reference, tmp_path):
    state = reference.state()
    del state["itm_head.3.bias"]
    status, folder = convert_file(save_official(tmp_path / "16m.th", state))
    assert_one_clear_line(status, "16m.th: 1 weights are missing: itm_head.3.bias")
    assert not folder.exists()


def test_a_tokenizer_of_another_vocabulary_is_refused(convert_file, reference, tmp_path):
    other = save_tokenizer(tmp_path / "other", reference.shapes["vocab"][:-1])
    path = save_official(tmp_path / "16m.th", reference.state())
    status, _ = convert_file(path, "--tokenizer", other)
    assert_one_clear_line(status, "other: expected 181 entries, found 180")


def test_a_vocabulary_alone_is_a_tokenizer(convert_file, reference, tmp_path):
    (tmp_path / "words").mkdir()
    words = "\n".join(reference.shapes["vocab"]) + "\n"
    (tmp_path / "words" / "vocab.txt").write_text(words, "utf-8")
    path = save_official(tmp_path / "16m.th", reference.state())
    status, folder = convert_file(path, "--tokenizer", tmp_path / "words")
    assert status == 0
    ids = load_tokenizer(str(folder), 181)(reference.shapes["texts"][1])["input_ids"]
    assert ids == reference.arrays["text_ids"][1].tolist()


def test_a_folder_that_is_there_is_not_replaced(convert_file, reference, tmp_path):
    path = save_official(tmp_path / "16m.th", reference.state())
    assert convert_file(path)[0] == 0
    assert_one_clear_line(convert_file(path)[0], "xvlm: exists; delete it")


@pytest.mark.long
def test_the_official_size_gives_the_official_numbers(reference):
    recorded = json.loads((reference.folder / "xvlm_official_size.json").read_text())
    ids = torch.tensor(recorded["text_ids"])
    for name, side in (("pretrain", 224), ("retrieval_384", 384)):
        shapes = recorded["pretrain"]["shapes"]
        weights = (
            reference.seeded.state_dict(shapes)
            if name == "pretrain"
            else reference.seeded.retrieval_state_dict(shapes)
        )
        state = {key: torch.from_numpy(np.asarray(value)) for key, value in weights.items()}
        model = convert(state, official_config(state, side))
        expected = recorded[str(side)]
        with torch.inference_mode():
            found = model(ids, (ids > 0).long(), reference.pixels(f"official{side}", 1, side))
            images = found.image_tokens.expand(2, -1, -1)
            fused = model.text_encoder.fuse(found.text_hidden, (ids > 0).long(), images)
            for key, value in (
                ("image_cls", found.image_tokens[0, 0]),
                ("image_token_1", found.image_tokens[0, 1]),
                (f"image_token_{(side // 32) ** 2}", found.image_tokens[0, -1]),
                ("image_feat", found.image_embeds[0]),
                ("text_feat_0", found.text_embeds[0]),
                ("text_feat_1", found.text_embeds[1]),
                ("fused_cls_0", fused[0, 0]),
                ("fused_cls_1", fused[1, 0]),
            ):
                numbers = torch.tensor(expected[key])
                assert_equal(value[: len(numbers)], numbers, 2e-5)
            assert_equal(model.match(fused), torch.tensor(expected["itm_logits"]), 2e-5)
            if name == "pretrain":
                assert_equal(model.boxes(fused), torch.tensor(expected["bbox_cxcywh"]))
