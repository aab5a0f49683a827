"""The LSTM captioners: recorded numbers of the original and of ours, and what they must not do."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from captioning.models.losses import NO_TARGET
from captioning.models.lstm_captioner import LstmCaptioner
from preprocess.base.errors import InputError
from tests.captioning.models.reference import our_name
from tests.captioning.models.tiny import make_captioner, make_images, make_labels

TOLERANCE = 1e-5
# Of weights that are sines of their numbers, computed when these tests were written.
OWN = {
    "lstm": ({}, 3.505995, None),
    "lstm2": ({"num_layers": 2, "learn_start": True}, 2.859181, None),
    "attention": ({"decoder": "attention", "projection": "none"}, 3.032731, 0.945722),
}


@pytest.mark.parametrize("name", ["lstm", "lstm2"])
def test_the_recorded_logits_and_losses_of_the_lstms_are_met(recorded, name):
    model = recorded.model(name)
    output = model(recorded.images(name), recorded.labels)
    found = torch.cat([output.start_logits[:, None], output.logits], 1).detach().numpy()
    expected = recorded[f"{name}_logits"]
    there = ~np.isnan(expected)
    np.testing.assert_allclose(found[there], expected[there], atol=TOLERANCE)
    assert output.loss.item() == pytest.approx(recorded[f"{name}_loss"].item(), abs=TOLERANCE)
    paper = recorded.model(name, learn_start=True)(recorded.images(name), recorded.labels)
    with_start = recorded[f"{name}_loss_with_start"].item()
    assert paper.loss.item() == pytest.approx(with_start, abs=TOLERANCE)
    assert abs(with_start - output.loss.item()) > 0.01


def test_what_the_original_computes_of_one_caption_is_met(recorded):
    for name in ("lstm", "lstm2"):
        model = recorded.model(name, learn_start=True)
        alone = model(recorded.images(name)[1:2], recorded.labels[1:2])
        expected = recorded[f"{name}_official_loss_caption1_f32"].item()
        assert alone.loss.item() == pytest.approx(expected, abs=TOLERANCE)


@torch.no_grad()
def test_the_recorded_first_word_is_what_follows_the_image_alone(recorded):
    for name in ("lstm", "lstm2"):
        output = recorded.model(name)(recorded.images(name), recorded.labels)
        expected = recorded[f"{name}_first_word_without_start"]
        np.testing.assert_array_equal(output.start_logits.argmax(-1), expected)


def test_the_recorded_attention_is_met(recorded):
    output = recorded.model("attention")(recorded.images("attention"), recorded.labels)
    expected = recorded["attention_logits"]
    there = ~np.isnan(expected)
    np.testing.assert_allclose(output.logits.detach()[there], expected[there], atol=TOLERANCE)
    alphas = recorded["attention_alpha"]
    np.testing.assert_allclose(output.alphas.detach(), alphas, atol=TOLERANCE)
    found = output.word_loss.item(), output.attention_loss.item()
    recorded_losses = [recorded[f"attention_{name}"].item() for name in ("loss", "regulariser")]
    assert found == pytest.approx(recorded_losses, abs=TOLERANCE)
    assert output.loss.item() == pytest.approx(sum(recorded_losses), abs=TOLERANCE)


def test_the_papers_penalty_sums_over_tokens_where_the_code_takes_the_mean(recorded):
    images, labels = recorded.images("attention"), recorded.labels
    summed = recorded.model("attention", penalty_over="sum")(images, labels)
    expected = recorded["attention_regulariser_paper"].item()
    assert summed.attention_loss.item() == pytest.approx(expected, abs=TOLERANCE)
    # A tenth of it is the mean over the 10 tokens.
    tenth = recorded.model("attention", penalty_over="sum", attention_penalty=0.1)
    code = recorded.model("attention")(images, labels)
    assert tenth(images, labels).loss.item() == pytest.approx(code.loss.item(), abs=TOLERANCE)


def test_the_recorded_gradients_are_met(recorded):
    model = recorded.model("attention")
    model(recorded.images("attention"), recorded.labels).loss.backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    for name in recorded.shapes["attention"]:
        expected = recorded[f"attention_grad_f32/{name}"]
        np.testing.assert_allclose(found.pop(our_name(name)), expected, atol=TOLERANCE)
    assert not found


def test_the_original_omits_the_last_targets_and_ours_do_not(recorded):
    images, labels = recorded.images("attention"), recorded.labels
    defect = recorded.model("attention", omit_last_targets=True)(images, labels)
    expected = recorded["attention_defect_loss_f32"].item()
    assert defect.word_loss.item() == pytest.approx(expected, abs=TOLERANCE)
    assert abs(expected - recorded["attention_loss"].item()) > 0.1
    # 11 targets without an end, of the 19 that there are.
    assert (defect.alphas.sum(-1) > 0).sum() == len(recorded["attention_defect_targets"]) == 11
    assert 1 not in recorded["attention_defect_targets"]
    ours = recorded.model("attention")(images, labels)
    assert (ours.alphas.sum(-1) > 0).sum() == 19


@pytest.mark.parametrize("name", OWN)
def test_losses_are_what_they_were(name):
    config, of_words, of_attention = OWN[name]
    images = make_images(config.get("decoder", "lstm"))
    output = make_captioner(**config)(images, make_labels([3, 5, 1]))
    assert output.word_loss.item() == pytest.approx(of_words, abs=TOLERANCE)
    found = None if of_attention is None else output.attention_loss.item()
    assert found == (of_attention and pytest.approx(of_attention, abs=TOLERANCE))


@torch.no_grad()
@pytest.mark.parametrize("decoder", ["lstm", "attention"])
def test_a_captions_logits_do_not_depend_on_the_others_of_its_batch(decoder):
    model = make_captioner(seed=0, decoder=decoder)
    images, labels = make_images(decoder), make_labels([3, 5, 1])
    together = model(images, labels).logits
    for row, length in enumerate((4, 6, 2)):
        alone = model(images[row : row + 1], labels[row : row + 1, :length]).logits[0]
        torch.testing.assert_close(together[row, :length], alone, atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("decoder", ["lstm", "attention"])
def test_a_word_is_judged_by_the_words_before_it_alone(decoder):
    model = make_captioner(decoder=decoder)
    images, labels = make_images(decoder, 1), make_labels([5])
    changed = labels.clone()
    changed[0, 3] = 4 + (labels[0, 3] - 3) % 8
    before, after = model(images, labels).logits[0], model(images, changed).logits[0]
    torch.testing.assert_close(before[:4], after[:4])
    assert (before[4:] - after[4:]).abs().amax(-1).min() > 1e-3


@pytest.mark.parametrize("decoder", ["lstm", "attention"])
def test_every_weight_is_trained(decoder):
    model = make_captioner(seed=0, decoder=decoder, dropout=0.0)
    model(make_images(decoder), make_labels([3, 5, 1])).loss.backward()
    gradients = {name: parameter.grad.abs().max() for name, parameter in model.named_parameters()}
    # It moves all scores alike, which a softmax does not see. The original has it too.
    gradients.pop("decoder.score.bias", None)
    assert not [name for name, largest in gradients.items() if largest < 1e-7]


def test_dropout_is_of_training_alone():
    model = make_captioner(seed=0, dropout=0.5)
    images, labels = make_images(), make_labels([3, 5, 1])
    assert torch.equal(model(images, labels).logits, model(images, labels).logits)
    model.train()
    assert not torch.equal(model(images, labels).logits, model(images, labels).logits)


@pytest.mark.parametrize("decoder", ["lstm", "attention"])
def test_new_weights_are_spread_as_the_originals(decoder):
    config = {"hidden_size": 64, "word_width": 64, "attention_width": 32, "image_width": 64}
    model = make_captioner(200, seed=0, decoder=decoder, **config)
    words, output = model.embedding.weight, model.output
    if decoder == "attention":
        assert words.abs().max() <= 0.1
        assert output.weight.abs().max() <= 0.1
        assert not output.bias.any()
        recurrent = model.decoder.cell.weight_hh
    else:
        assert words.std().item() == pytest.approx(1, abs=0.05)
        assert output.weight.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)
        recurrent = model.decoder.lstm.weight_hh_l0
    assert recurrent.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)


@pytest.mark.parametrize("decoder", ["lstm", "attention"])
def test_a_saved_model_is_loaded_again_by_its_type(tmp_path, decoder):
    model = make_captioner(seed=0, decoder=decoder, num_layers=1)
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(loaded, LstmCaptioner)
    images, labels = make_images(decoder), make_labels([3, 5, 1])
    assert torch.equal(loaded(images, labels).logits, model(images, labels).logits)


@torch.no_grad()
def test_encodings_in_half_precision_are_read():
    model, labels = make_captioner(seed=0), make_labels([3, 5, 1])
    half = make_images().half()
    torch.testing.assert_close(model(half, labels).logits, model(half.float(), labels).logits)


@pytest.mark.parametrize(
    ("decoder", "shape", "expected"),
    [
        ("lstm", (2, 16), r"ViT of shape \(images, 8\), found \(2, 16\)"),
        ("lstm", (2, 5, 8), r"shape \(images, 8\), found \(2, 5, 8\)"),
        ("attention", (2, 8), r"shape \(images, tokens, 8\), found \(2, 8\)"),
    ],
)
def test_encodings_of_another_encoder_are_refused(decoder, shape, expected):
    model = make_captioner(seed=0, decoder=decoder, encoder="ViT")
    with pytest.raises(InputError, match=expected):
        model(torch.zeros(shape), make_labels([2, 3]))


@torch.no_grad()
@pytest.mark.parametrize(
    "config",
    [
        {"decoder": "attention"},
        {"decoder": "attention", "omit_last_targets": True},
        {"learn_start": True},
    ],
)
def test_a_caption_is_judged_by_what_is_said_word_by_word_to_its_end(config):
    """Also by a captioner that is never trained on the last words."""
    model = make_captioner(seed=0, **config)
    images, labels = make_images(config.get("decoder", "lstm")), make_labels([5, 3, 1])
    found = model.target_logits(images, labels)
    logits, state = model.begin(images)
    for step in range(labels.shape[1]):
        is_target = labels[:, step] != NO_TARGET
        torch.testing.assert_close(found[is_target, step], logits[is_target], atol=1e-5, rtol=0)
        logits, state = model.advance(labels[:, step].clamp(min=0), state)
