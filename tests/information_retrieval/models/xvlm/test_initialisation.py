"""An X-VLM that begins as a Swin and a BERT, and one for images of another size."""

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, SwinConfig, SwinModel

from information_retrieval.models.xvlm.initialisation import (
    Encoders,
    initialised,
    load_encoders,
    resized,
)
from information_retrieval.models.xvlm.position_tables import resize_table
from preprocess.base.errors import InputError
from tests.information_retrieval.models.xvlm.reference import assert_equal

SIDE = 64


def swin(**config) -> SwinModel:
    torch.manual_seed(1)
    sizes = {"image_size": SIDE, "embed_dim": 8, "depths": [1, 2, 1], "num_heads": [1, 2, 2]}
    return SwinModel(SwinConfig(**{**sizes, "window_size": 4, **config})).eval()


def bert(**config) -> BertForMaskedLM:
    torch.manual_seed(2)
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 24, "vocab_size": 50, "max_position_embeddings": 32}
    return BertForMaskedLM(BertConfig(**{**sizes, **config})).eval()


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return Encoders(swin(), bert())


@pytest.fixture(scope="module")
def model(encoders):
    return initialised(encoders, seed=0, embedding_dim=12)


def text() -> dict[str, torch.Tensor]:
    ids = torch.randint(1, 50, (3, 7), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    return {"input_ids": ids, "attention_mask": mask}


@torch.inference_mode()
def test_images_are_encoded_as_by_the_swin(encoders, model):
    pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    assert_equal(model.vision_encoder(pixels)[:, 1:], encoders.image(pixels).last_hidden_state)


@torch.inference_mode()
def test_texts_are_encoded_as_by_the_berts_first_half(encoders, model):
    expected = encoders.text(**text(), output_hidden_states=True).hidden_states[2]
    real = text()["attention_mask"].bool()
    assert_equal(model.text_encoder.encode(**text())[real], expected[real])


@torch.inference_mode()
def test_without_images_fusion_is_the_berts_second_half_with_its_head(encoders, model):
    for layer in model.text_encoder.fusion_layers:
        layer.crossattention.forward = lambda hidden, **_: (hidden,)
    hidden = model.text_encoder.encode(**text())
    images = torch.zeros(3, 17, 32)
    fused = model.text_encoder.fuse(hidden, text()["attention_mask"], images)
    real = text()["attention_mask"].bool()
    expected = encoders.text(**text()).logits
    assert_equal(model.mlm_head(fused)[real], expected[real])
    for layer in model.text_encoder.fusion_layers:
        del layer.crossattention.forward


def test_the_head_for_masked_words_is_tied_to_the_words(model):
    assert model.mlm_head.predictions.decoder.weight is model.get_input_embeddings().weight


def test_what_is_new_is_drawn_by_the_seed_and_the_rest_is_not(encoders, model):
    same, other = (initialised(encoders, seed, embedding_dim=12).state_dict() for seed in (0, 1))
    own = model.state_dict()
    assert all(torch.equal(same[name], own[name]) for name in own)
    drawn = {name for name in own if not torch.equal(other[name], own[name])}
    new = ("crossattention", "vision_proj", "text_proj", "itm_head", "box_head")
    assert drawn
    assert all(any(part in name for part in new) for name in drawn)


def test_the_options_of_size_are_heeded(encoders):
    model = initialised(encoders, 0, embedding_dim=20, n_text_layers=3)
    assert model.text_proj.out_features == model.vision_proj.out_features == 20
    assert len(model.text_encoder.fusion_layers) == 1
    assert model.config.vision_config.image_size == SIDE


@pytest.mark.parametrize("n_text_layers", [0, 4])
def test_no_layer_to_read_or_to_fuse_is_refused(encoders, n_text_layers):
    with pytest.raises(InputError, match="expected 1 to 3 of the text encoder's 4 layers"):
        initialised(encoders, 0, n_text_layers=n_text_layers)


@torch.inference_mode()
def test_images_of_another_size_have_resized_tables(encoders, model):
    larger = resized(model, 96)
    pixels = torch.zeros(1, 3, 96, 96)
    assert larger.vision_encoder(pixels).shape == (1, 37, 32)
    name = "vision_encoder.encoder.layers.0.blocks.0.attention.relative_position_bias"
    table = f"{name}.relative_position_bias_table"
    before, after = model.state_dict(), larger.state_dict()
    assert before.keys() == after.keys()
    expected = resize_table(before[table].numpy(), 6)
    assert_equal(after[table], torch.from_numpy(expected), 0)
    assert all(torch.equal(before[n], after[n]) for n in before if n.endswith("query.weight"))
    # The model that was given stays as it was.
    assert model.config.vision_config.image_size == SIDE


def test_a_resized_official_model_is_the_officially_resized_one(reference, pretrained, fine_tuned):
    own, expected = resized(pretrained, 192).state_dict(), fine_tuned.state_dict()
    tables = [name for name in expected if name.endswith("relative_position_bias_table")]
    assert len(tables) == 8
    for name in tables:
        assert_equal(own[name], expected[name], 0)


@pytest.mark.parametrize("image_size", [0, 40, -16])
def test_sizes_that_are_no_multiple_of_a_token_are_refused(model, image_size):
    with pytest.raises(InputError, match=r"--image_size .*: expected a multiple of 16"):
        resized(model, image_size)


def test_positions_of_patches_are_not_resized_and_stay_at_their_own_size():
    encoders = Encoders(swin(use_absolute_embeddings=True), bert())
    model = initialised(encoders, 0)
    refusal = (
        r"--image_size 96: vision_encoder\.embeddings\.position_embeddings .* positions, and images"
    )
    for make in (lambda: resized(model, 96), lambda: initialised(encoders, 0, image_size=96)):
        with pytest.raises(InputError, match=refusal):
            make()
    own, same = model.state_dict(), resized(model, SIDE).state_dict()
    assert all(torch.equal(own[name], same[name]) for name in own)


def test_windows_that_are_too_small_are_not_resized():
    model = initialised(Encoders(swin(window_size=2), bert()), 0)
    with pytest.raises(InputError, match=r"--image_size: .* windows of 2 x 2 tokens"):
        resized(model, 96)


def test_a_swin_whose_images_are_smaller_than_its_window_is_refused():
    with pytest.raises(InputError, match=r"of at least its window of 112, found 64"):
        initialised(Encoders(swin(window_size=7), bert()), 0)


def test_encoders_are_loaded_from_folders_and_a_bert_without_its_head_gets_one(tmp_path):
    swin().save_pretrained(tmp_path / "swin")
    bert().bert.save_pretrained(tmp_path / "bert")
    loaded = load_encoders(str(tmp_path / "swin"), str(tmp_path / "bert"))
    for name, value in bert().bert.state_dict().items():
        assert_equal(loaded.text.bert.state_dict()[name], value, 0)
    for name, value in swin().state_dict().items():
        if not name.startswith("pooler"):
            assert_equal(loaded.image.state_dict()[name], value, 0)


def test_other_kinds_of_models_and_folders_are_refused(tmp_path):
    swin().save_pretrained(tmp_path / "swin")
    bert().save_pretrained(tmp_path / "bert")
    folders = {name: str(tmp_path / name) for name in ("swin", "bert", "none")}
    with pytest.raises(InputError, match=r"--image_encoder .*: expected a swin model, found bert"):
        load_encoders(folders["bert"], folders["bert"])
    with pytest.raises(InputError, match=r"--text_encoder .*: expected a bert model, found swin"):
        load_encoders(folders["swin"], folders["swin"])
    with pytest.raises(InputError, match=r"--text_encoder .*none: expected an HF checkpoint"):
        load_encoders(folders["swin"], folders["none"])
