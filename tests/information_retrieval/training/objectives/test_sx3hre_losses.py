"""Sx3HRe's losses, against values computed by hand and recorded ones."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_embedding_loss, layer_norm

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

SIX = torch.arange(6)
# Images at 0 and 90 degrees, captions at 60 and 90.
IMAGES = torch.tensor([[2.0, 0.0], [0.0, 3.0]], dtype=torch.float64)
TEXTS = torch.tensor([[1.0, math.sqrt(3)], [0.0, 0.5]], dtype=torch.float64)
ROOT = math.sqrt(3) / 2  # the cosine of the first caption and the second image


def test_the_regression_is_the_mean_over_pairs_and_entries():
    target = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    images, texts = torch.tensor([[1.0, 3.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    of_images, of_texts = regression_losses(images, texts, target)
    assert of_images.item() == (0 + 4 + 0 + 4) / 4
    assert of_texts.item() == 1 / 4
    # Half precision would round the squares.
    halved = regression_losses(images.half(), texts.half(), target)
    assert [loss.dtype for loss in halved] == [torch.float32, torch.float32]


def test_the_contrastive_loss_is_that_of_cosines_times_the_scale():
    log_scale = torch.tensor(math.log(2.0), dtype=torch.float64)
    found = contrastive_loss(IMAGES, TEXTS, log_scale, torch.arange(2))
    # Cosines: 1/2 and 0; the root and 1.
    logits = [[2 * 0.5, 0.0], [2 * ROOT, 2.0]]

    def cost(right: float, *all_of: float) -> float:
        return math.log(sum(map(math.exp, all_of))) - right

    rows = cost(logits[0][0], *logits[0]) + cost(logits[1][1], *logits[1])
    columns = cost(logits[0][0], logits[0][0], logits[1][0])
    columns += cost(logits[1][1], logits[0][1], logits[1][1])
    assert found.item() == pytest.approx((rows / 2 + columns / 2) / 2, abs=1e-12)


@pytest.mark.parametrize(("given", "kept"), [(-1.0, 0.0), (5.0, 4.6052), (4.0, 4.0)])
def test_the_scale_is_kept_between_1_and_100(given, kept):
    found, expected = (
        contrastive_loss(IMAGES, TEXTS, torch.tensor(x, dtype=torch.float64), torch.arange(2))
        for x in (given, kept)
    )
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)


def test_the_cosine_loss_is_of_the_right_and_the_wrong_pairs():
    right, wrong = cosine_losses(IMAGES, TEXTS, torch.tensor([1, 0]), 0.0)
    assert right.item() == pytest.approx((0.5 + 0.0) / 2, abs=1e-9)
    assert wrong.item() == pytest.approx((0.0 + ROOT) / 2, abs=1e-9)
    _, wrong = cosine_losses(IMAGES, TEXTS, torch.tensor([1, 0]), 0.5)
    assert wrong.item() == pytest.approx((ROOT - 0.5) / 2, abs=1e-9)
    _, wrong = cosine_losses(IMAGES, TEXTS, torch.tensor([1, 0]), -0.25)
    assert wrong.item() == pytest.approx((0.25 + ROOT + 0.25) / 2, abs=1e-9)


def test_the_cosine_loss_is_torchs_of_twice_as_many_pairs():
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 6, 5, generator=generator)
    others = torch.tensor([2, 0, 4, 5, 3, 1])
    right, wrong = cosine_losses(images, texts, others, 0.1)
    signs = torch.tensor([1.0] * 6 + [-1.0] * 6)
    both = (torch.cat([images, images]), torch.cat([texts, texts[others]]))
    torch.testing.assert_close((right + wrong) / 2, cosine_embedding_loss(*both, signs, 0.1))


def test_half_precision_is_widened():
    found = cosine_losses(IMAGES.half(), TEXTS.half(), torch.tensor([1, 0]), 0.0)
    assert {loss.dtype for loss in found} == {torch.float32}


def draws_of(others: list[int]) -> Tensor:
    """Draws by which each image of a batch of different ones gets these captions."""
    n = len(others)
    places = [other - (other > own) for own, other in enumerate(others)]  # without its own
    return torch.tensor([(place + 0.5) / (n - 1) for place in places], dtype=torch.float64)


@pytest.mark.parametrize("others", [[2, 0, 4, 5, 3, 1], [3, 0, 0, 5, 3, 0], [1, 0, 0, 0, 0, 0]])
def test_a_draw_says_which_caption_it_chooses(others):
    assert draw_others(SIX, draws_of(others)).tolist() == others


def test_the_ends_of_the_draws_choose_the_first_and_the_last():
    least, most = torch.zeros(4), torch.full((4,), 1 - 2**-53, dtype=torch.float64)
    assert draw_others(torch.arange(4), least.double()).tolist() == [1, 0, 0, 0]
    assert draw_others(torch.arange(4), most).tolist() == [3, 3, 3, 2]


def test_captions_of_the_same_image_are_never_drawn():
    index = torch.tensor([7, 8, 7, 7, 9, 8])
    generator = torch.Generator().manual_seed(0)
    drawn = []
    for _ in range(3000):
        others = draw_others(index, torch.rand(6, generator=generator, dtype=torch.float64))
        assert (index[others] != index).all()
        drawn.append(others)
    counts = torch.stack([(torch.stack(drawn) == pair).sum(dim=0) for pair in range(6)], dim=1)
    # Each of the others as often, 3000 / their number, to 4 standard deviations.
    for own in range(6):
        allowed = index != index[own]
        expected = 3000 / int(allowed.sum())
        assert (counts[own][allowed] - expected).abs().max() < 4 * math.sqrt(expected), own
        assert not counts[own][~allowed].any()


def test_draws_are_independent_of_each_other():
    generator = torch.Generator().manual_seed(0)
    drawn = [
        draw_others(torch.arange(3), torch.rand(3, generator=generator, dtype=torch.float64))
        for _ in range(4000)
    ]
    # Images 0 and 1 have two captions each: a permutation would allow three of the four pairs.
    pairs, counts = torch.stack(drawn)[:, :2].unique(dim=0, return_counts=True)
    assert pairs.tolist() == [[1, 0], [1, 2], [2, 0], [2, 2]]
    assert (counts - 1000).abs().max() < 4 * math.sqrt(1000)


@pytest.mark.parametrize("index", [[5], [5, 5, 5]])
def test_a_batch_that_shows_one_image_is_refused(index):
    with pytest.raises(InputError, match=f"a batch of {len(index)} pairs shows one image alone"):
        draw_others(torch.tensor(index), torch.zeros(len(index), dtype=torch.float64))


def normed(recorded: Reference, vectors: Tensor, norm: str = "norm") -> Tensor:
    weights = recorded.state("heads", f"{norm}.")
    return layer_norm(vectors, (WIDTH,), weights["weight"], weights["bias"], 1e-6)


def student(recorded: Reference, layer: str) -> tuple[Tensor, Tensor]:
    return recorded[f"image_{layer}"], recorded[f"text_{layer}"]


@pytest.mark.parametrize("name", ["kd_raw", "kd_norm", "kd_proj"])
def test_regression_is_the_recorded_one(recorded, name):
    vectors = student(recorded, "out")
    if name == "kd_norm":
        vectors = tuple(normed(recorded, x) for x in vectors)
    elif name == "kd_proj":
        head = recorded.state("heads", "proj_head.")
        vectors = tuple(
            normed(recorded, x, "proj_norm") @ head["weight"].T + head["bias"] for x in vectors
        )
    images, texts = regression_losses(*vectors, recorded["teacher_cls"])
    assert_equal(torch.stack([texts, images, (images + texts) / 2]), recorded[name])


@pytest.mark.parametrize(
    ("layer", "scale", "name"),
    [("out", 0, "out"), ("interm", 1, "interm"), ("out", 2, "out_scale_clamped")],
)
def test_the_contrastive_losses_are_the_recorded_ones(recorded, layer, scale, name):
    log_scale = recorded["log_scales"][scale]
    found = contrastive_loss(*student(recorded, layer), log_scale, SIX)
    assert_equal(found, recorded[f"itc_{name}_loss"])
    both = recorded[f"itc_{name}_i2t"].mean() + recorded[f"itc_{name}_t2i"].mean()
    assert_equal(found, both / 2)
    local = recorded["wrong_itc_out_loss_of_rank_local"].mean()
    assert (found - local).abs() > 0.05


@pytest.mark.parametrize("draw", ["derangement", "uniform"])
@pytest.mark.parametrize(("margin", "of_margin"), [(0.0, "00"), (0.2, "02"), (0.5, "05")])
def test_the_cosine_losses_are_the_recorded_ones(
    recorded,
    draw,
    margin,
    of_margin,
):
    others = draw_others(SIX, draws_of(recorded[f"j_{draw}"].tolist()))
    assert torch.equal(others, recorded[f"j_{draw}"])
    right, wrong = cosine_losses(*student(recorded, "out"), others, margin)
    assert_equal(right, recorded["cos_pos"].mean())
    assert_equal(wrong, recorded[f"cos_{draw}_margin{of_margin}_neg"].mean())
    loss = (right + wrong) / 2
    assert_equal(loss, recorded[f"cos_{draw}_margin{of_margin}_loss"])
    assert (loss - recorded["wrong_cos_formula2_literal"]).abs() > 0.06
    if (draw, of_margin) == ("derangement", "00"):
        assert (loss - recorded["wrong_cos_image_drawn_for_text_margin00"]).abs() > 0.002
    cosines = recorded["cosine_matrix"]
    own = cosines[SIX, others].sub(margin).clamp(min=0)  # row: the image; column: its text
    assert_equal(wrong, own.mean())


@pytest.mark.parametrize(("margin", "of_margin"), [(0.0, "00"), (0.5, "05")])
def test_the_cosine_losses_after_the_norm_are_the_recorded_ones(
    recorded,
    margin,
    of_margin,
):
    vectors = [normed(recorded, x) for x in student(recorded, "out")]
    both = cosine_losses(*vectors, recorded["j_derangement"], margin)
    assert_equal(sum(both) / 2, recorded[f"cos_of_norm_derangement_margin{of_margin}_loss"])
