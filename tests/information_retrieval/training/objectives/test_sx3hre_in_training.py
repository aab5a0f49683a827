"""Whole training steps of Sx3HRe: its losses and their gradients, composed as they are trained."""

import copy
import math

import pytest
import torch
from torch import Tensor

from information_retrieval.models.sx3hre.shared_block import BlockOutput
from information_retrieval.training.objectives.sx3hre_in_training import Sx3hreInTraining
from information_retrieval.training.objectives.sx3hre_losses import (
    contrastive_loss,
    cosine_losses,
    draw_others,
    regression_losses,
)
from preprocess.base.errors import InputError
from tests.information_retrieval.models.sx3hre.reference import (
    WIDTH,
    Reference,
    assert_equal,
)
from tests.information_retrieval.models.sx3hre.tiny import (
    HIDDEN,
    make_config,
    make_sx3hre,
    random_pixels,
    random_texts,
)
from tests.information_retrieval.training.objectives.test_sx3hre_losses import draws_of

ARMS = ("itc", "none", "cosine")
KINDS = ("image", "text")
SIX = torch.arange(6)


def recorded_model(recorded: Reference, alignment: str, compared: str) -> Sx3hreInTraining:
    """A model of the recorded norm and, for the contrastive arm, head and scales; float64."""
    config = make_config(alignment=alignment, compared=compared, intermediate_size=96)
    model = Sx3hreInTraining(config).double().eval()
    itc = alignment == "itc"
    model.norm.load_state_dict(recorded.state("heads", "proj_norm." if itc else "norm."))
    if itc:
        model.head.load_state_dict(recorded.state("heads", "proj_head."))
        with torch.no_grad():
            model.logit_scale.copy_(recorded["log_scales"][0])
            model.middle_logit_scale.copy_(recorded["log_scales"][1])
    return model


def student(recorded: Reference) -> dict[str, Tensor]:
    names = ("image_out", "text_out", "image_interm", "text_interm")
    return {name: recorded[name].clone().requires_grad_() for name in names}


def step(recorded: Reference, model: Sx3hreInTraining) -> tuple[dict[str, Tensor], Tensor]:
    """A batch of the recorded outputs, its loss backpropagated: these, and the loss."""
    outputs = student(recorded)
    images, texts = (
        BlockOutput(outputs[f"{kind}_interm"], outputs[f"{kind}_out"]) for kind in KINDS
    )
    draws = draws_of(recorded["j_derangement"].tolist())
    losses = model.losses(images, texts, recorded["teacher_cls"], SIX, draws)
    losses.loss.backward()
    return outputs, losses.loss


def gradients_are(recorded: Reference, outputs: dict[str, Tensor], arm: str) -> None:
    found = {name: value.grad for name, value in outputs.items() if value.grad is not None}
    names = {n for n in outputs if f"grad_{arm}_{n}" in recorded.arrays.files}
    assert found.keys() == names
    for name in names:
        expected = recorded[f"grad_{arm}_{name}"]
        assert_equal(found[name], expected)
        assert expected.abs().max() > 1e-3


@pytest.mark.parametrize("compared", ["normed", "output"])
def test_the_step_without_alignment_is_the_recorded_one(recorded, compared):
    outputs, loss = step(recorded, recorded_model(recorded, "none", compared))
    assert_equal(loss, recorded["total_no_itc"])
    gradients_are(recorded, outputs, "none")


def test_the_contrastive_step_is_the_recorded_one(recorded):
    model = recorded_model(recorded, "itc", "output")
    outputs, loss = step(recorded, model)
    assert_equal(loss, recorded["total_itc"])
    gradients_are(recorded, outputs, "itc")
    assert_equal(model.logit_scale.grad, recorded["grad_itc_s_out"])
    assert_equal(model.middle_logit_scale.grad, recorded["grad_itc_s_interm"])


@pytest.mark.parametrize(("margin", "of_margin"), [(0.0, "00"), (0.5, "05")])
def test_the_cosine_step_is_the_recorded_one_of_the_authors_reading(
    recorded,
    margin,
    of_margin,
):
    model = recorded_model(recorded, "cosine", "output")
    model.margin = margin
    outputs, loss = step(recorded, model)
    assert_equal(loss, recorded[f"total_cos_margin{of_margin}"])
    gradients_are(recorded, outputs, f"cos{of_margin}")


@pytest.mark.parametrize(("margin", "of_margin"), [(0.0, "00"), (0.5, "05")])
def test_the_cosine_step_is_the_recorded_one_of_the_chapters_reading(
    recorded,
    margin,
    of_margin,
):
    model = recorded_model(recorded, "cosine", "normed")
    model.margin = margin
    outputs, loss = step(recorded, model)
    assert_equal(loss, recorded[f"total_cos_of_norm_margin{of_margin}"])
    assert (loss - recorded[f"total_cos_margin{of_margin}"]).abs() > 0.02
    numeric = [_nudged(recorded, model, name) for name in ("image_out", "text_out")]
    for name, expected in zip(("image_out", "text_out"), numeric, strict=True):
        assert outputs[name].grad[2, 5].item() == pytest.approx(expected, abs=1e-7)


def _nudged(recorded: Reference, model: Sx3hreInTraining, name: str, by: float = 1e-5) -> float:
    """The slope of the loss by one number of the student's output."""
    found = []
    for sign in (1, -1):
        outputs = {n: value.detach() for n, value in student(recorded).items()}
        outputs[name][2, 5] += sign * by
        images, texts = (BlockOutput(outputs[f"{k}_interm"], outputs[f"{k}_out"]) for k in KINDS)
        draws = draws_of(recorded["j_derangement"].tolist())
        losses = model.losses(images, texts, recorded["teacher_cls"], SIX, draws)
        found.append(losses.loss.item())
    return (found[0] - found[1]) / (2 * by)


def tiny(alignment: str, **config) -> Sx3hreInTraining:
    model = make_sx3hre(alignment=alignment, **config)
    trained = Sx3hreInTraining(copy.deepcopy(model.config)).eval()
    trained.load_state_dict(model.state_dict())
    return trained


def batch() -> dict[str, Tensor]:
    """Four pairs, the first two of one image."""
    generator = torch.Generator().manual_seed(3)
    return {
        **random_texts([5, 8, 3, 6]),
        "pixel_values": random_pixels(4),
        "targets": torch.randn(4, WIDTH, generator=generator),
        "image_index": torch.tensor([4, 4, 7, 1]),
        "draws": torch.tensor([0.1, 0.9, 0.5, 0.99]),
    }


@pytest.mark.parametrize("alignment", ARMS)
def test_a_forward_gives_the_losses_of_what_the_encoders_make(alignment):
    model, given = tiny(alignment, compared="output"), batch()
    model.margin, model.cosine_weight = 0.1, 0.5
    found = model(**given)
    images = model.encode_images(given["pixel_values"])
    texts = model.encode_texts(given["input_ids"], given["attention_mask"])
    regressed = [model.regressed(x.output) for x in (images, texts)]
    mse = regression_losses(*regressed, given["targets"])
    expected = {"mse_image": mse[0], "mse_text": mse[1]}
    total = (mse[0] + mse[1]) / 2
    if alignment == "itc":
        for name, layer, scale in (
            ("itc_output", "output", model.logit_scale),
            ("itc_middle", "middle", model.middle_logit_scale),
        ):
            both = (getattr(x, layer) for x in (images, texts))
            expected[name] = contrastive_loss(*both, scale, given["image_index"])
        total = total + (expected["itc_output"] + expected["itc_middle"]) / 2
        expected["without_negatives"] = torch.tensor(0.0)
    elif alignment == "cosine":
        others = draw_others(given["image_index"], given["draws"])
        right, wrong = cosine_losses(images.output, texts.output, others, 0.1)
        expected |= {"cosine_right": right, "cosine_wrong": wrong}
        total = total + 0.5 * (right + wrong) / 2
    assert list(found.parts) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found.parts[name], value.detach())
        assert not found.parts[name].requires_grad
    torch.testing.assert_close(found.loss, total)


@pytest.mark.parametrize("alignment", ARMS)
def test_every_weight_learns_in_every_arm(alignment):
    """Else training on many processes would wait for a gradient that never comes."""
    model = tiny(alignment)
    model(**batch()).loss.backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_a_batch_that_shows_one_image_has_nothing_to_compare_but_regresses():
    given = {**batch(), "image_index": torch.full((4,), 3)}
    assert math.isfinite(tiny("none")(**given).loss.item())
    # No other image, no other class.
    contrastive = tiny("itc")(**given)
    assert contrastive.parts["itc_output"] == contrastive.parts["itc_middle"] == 0
    assert contrastive.parts["without_negatives"] == 1
    with pytest.raises(InputError, match="--alignment cosine"):
        tiny("cosine")(**given)


@pytest.mark.parametrize("alignment", ARMS)
def test_half_precision_gives_losses_in_float32(alignment):
    model, given = tiny(alignment), batch()
    exact = model(**given)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(**given)
    assert {value.dtype for value in found.parts.values()} == {torch.float32}
    assert found.loss.item() == pytest.approx(exact.loss.item(), rel=0.05)


@pytest.mark.parametrize("alignment", ARMS)
def test_checkpointed_activations_give_the_same_gradients(alignment):
    model, found = tiny(alignment).train(), []
    for checkpointed in (False, True):
        if checkpointed:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        model.zero_grad()
        torch.manual_seed(0)  # of dropout
        loss = model(**batch()).loss
        loss.backward()
        found.append([loss.detach(), *(p.grad.clone() for p in model.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert [m for m in model.vision_encoder.modules() if getattr(m, "gradient_checkpointing", 0)]
    assert [m for m in model.text_encoder.modules() if getattr(m, "gradient_checkpointing", 0)]


def test_it_has_the_weights_of_the_model_that_is_scored():
    names = {n: v.shape for n, v in tiny("itc").state_dict().items()}
    assert names == {n: v.shape for n, v in make_sx3hre(alignment="itc").state_dict().items()}
    assert names["shared.mlp.fc1.weight"] == (HIDDEN, WIDTH)
