"""A GPT-2 behind the prefix of an image."""

import pytest
import torch
from transformers import AutoModel, BertConfig

from captioning.models.prefix_captioner import PrefixCaptioner, initialised, load_gpt2
from preprocess.base.errors import InputError
from tests.captioning.models.tiny import (
    make_gpt2,
    make_images,
    make_labels,
    make_prefix_captioner,
)

LENGTHS = [3, 5, 1]


@torch.no_grad()
def test_the_logits_are_gpt2s_after_the_prefix_and_the_words_before():
    model, images, labels = make_prefix_captioner(), make_images(), make_labels(LENGTHS)
    output = model(images, labels)
    total = 0.0
    for row, length in enumerate(LENGTHS):
        x = torch.tanh(model.prefix[0](images[row]))
        prefix = model.prefix[2](x).view(3, 16)
        words = model.decoder.transformer.wte(labels[row, :length])
        expected = model.decoder(inputs_embeds=torch.cat([prefix, words])[None]).logits[0, 2:]
        torch.testing.assert_close(output.logits[row, : length + 1], expected, atol=1e-5, rtol=1e-4)
        targets = labels[row, : length + 1]
        total -= expected.log_softmax(-1)[range(length + 1), targets].sum().item()
    assert output.loss.item() == pytest.approx(total / (sum(LENGTHS) + 3), rel=1e-5)


def test_it_begins_as_the_gpt2_and_the_seed_draws_the_prefix():
    gpt2 = make_gpt2(31)
    one, same, other = (initialised(gpt2, 8, 10, seed) for seed in (0, 0, 1))
    assert one.prefix[2].out_features == 10 * 16
    for name, value in gpt2.state_dict().items():
        assert torch.equal(one.decoder.state_dict()[name], value), name
    assert torch.equal(one.prefix[0].weight, same.prefix[0].weight)
    assert not torch.equal(one.prefix[0].weight, other.prefix[0].weight)


def test_a_saved_model_is_loaded_again_with_its_words_tied(tmp_path):
    model = make_prefix_captioner()
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(loaded, PrefixCaptioner)
    assert loaded.decoder.lm_head.weight is loaded.decoder.transformer.wte.weight
    images, labels = make_images(), make_labels(LENGTHS)
    assert torch.equal(loaded(images, labels).logits, model(images, labels).logits)


def test_prefix_and_gpt2_are_both_trained():
    model = make_prefix_captioner()
    model(make_images(), make_labels(LENGTHS)).loss.backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_a_gpt2_is_loaded_from_its_folder_and_another_model_is_refused(tmp_path):
    make_gpt2(31).save_pretrained(tmp_path / "gpt2")
    assert load_gpt2(str(tmp_path / "gpt2")).config.vocab_size == 31
    BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(InputError, match="expected a model of type gpt2, found bert"):
        load_gpt2(str(tmp_path / "bert"))
    with pytest.raises(InputError, match="expected an HF folder or hub id of a GPT-2"):
        load_gpt2(str(tmp_path / "none"))


def test_encodings_of_another_encoder_are_refused():
    with pytest.raises(InputError, match=r"shape \(images, 8\), found \(2, 9\)"):
        make_prefix_captioner()(torch.zeros(2, 9), make_labels([1, 2]))
