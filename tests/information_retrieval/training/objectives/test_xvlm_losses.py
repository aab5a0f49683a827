"""X-VLM's losses against those that the published code gave, and at their edges."""

import pytest
import torch
from torch import distributed

from information_retrieval.training.objectives.losses import gather_uneven
from information_retrieval.training.objectives.xvlm_losses import (
    box_losses,
    contrastive_loss,
    draw_negatives,
    masked_word_loss,
    matching_loss,
    negative_weights,
)
from tests.information_retrieval.models.xvlm.reference import assert_equal
from tests.information_retrieval.training.training_process import FORKING

TEMPERATURE = torch.tensor(0.07)
# Names of the recorded arrays: the features', the losses', and the index.
CASES = {
    "images": ("", "itm", None),
    "images with idx": ("", "itm_with_idx", "idx"),
    "regions": ("region_", "region_itm", None),
}


def index_of(reference, case: str, n: int) -> torch.Tensor:
    name = CASES[case][2]
    return torch.arange(n) if name is None else reference[name]


@pytest.mark.parametrize("case", CASES)
def test_the_contrastive_loss_is_the_recorded_one(reference, case):
    prefix, _, index = CASES[case]
    images, texts = reference[f"{prefix}image_feat"], reference[f"{prefix}text_feat"]
    loss = contrastive_loss(images, texts, TEMPERATURE, index_of(reference, case, len(images)))
    assert_equal(loss, reference[f"{prefix}itc_loss" + ("_with_idx" if index else "")])


@pytest.mark.parametrize("case", CASES)
def test_negatives_are_drawn_by_the_recorded_weights(reference, case):
    prefix, itm, _ = CASES[case]
    images, texts = reference[f"{prefix}image_feat"], reference[f"{prefix}text_feat"]
    index = index_of(reference, case, len(images))
    scores = images @ texts.T / TEMPERATURE
    assert_equal(negative_weights(scores.T, index), reference[f"{itm}_weights_t2i"])
    assert_equal(negative_weights(scores, index), reference[f"{itm}_weights_i2t"])


@pytest.mark.parametrize("case", CASES)
def test_the_matching_loss_of_the_recorded_negatives_is_the_recorded_one(reference, case):
    prefix, itm, _ = CASES[case]
    logits = reference[f"{prefix}itm_logits"]  # (images, texts, 2)
    rows = torch.arange(len(logits))
    images, texts = (reference[f"{itm}_negative_{what}"] for what in ("images", "texts"))
    index = index_of(reference, case, len(logits))
    parts = (logits[rows, rows], logits[images, rows], logits[rows, texts])
    recorded = "itm_loss_with_idx" if case == "images with idx" else f"{prefix}itm_loss"
    assert_equal(matching_loss(*parts, index), reference[recorded])


def test_negatives_are_never_right_and_as_often_drawn_as_their_weights():
    generator = torch.Generator().manual_seed(0)
    index = torch.tensor([0, 0, 1, 2])
    weights = negative_weights(torch.randn(4, 4, generator=generator), index)
    drawn = torch.stack([draw_negatives(weights, generator) for _ in range(4000)])
    for row in range(4):
        shares = torch.bincount(drawn[:, row], minlength=4) / 4000
        torch.testing.assert_close(shares, weights[row] / weights[row].sum(), atol=0.03, rtol=0)
        assert (shares[index == index[row]] == 0).all()


def test_a_generator_of_the_same_state_draws_the_same():
    weights = negative_weights(torch.randn(6, 6), torch.arange(6))
    first, second = (draw_negatives(weights, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


def test_the_least_likely_wrong_answer_can_be_drawn():
    scores = torch.zeros(3, 3)
    scores[:, 1] = 200.0  # the softmax of the others is 0 in float32
    weights = negative_weights(scores, torch.arange(3))
    assert weights[0, 2] == pytest.approx(1e-5)
    assert weights.diagonal().tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [1, 3])
def test_a_batch_of_one_image_has_nothing_to_match(n):
    index = torch.zeros(n, dtype=torch.int64)
    weights = negative_weights(torch.randn(n, n), index)
    assert (weights == 0).all()
    drawn = draw_negatives(weights)
    assert ((drawn >= 0) & (drawn < n)).all()
    logits = torch.randn(3, n, 2, requires_grad=True)
    loss = matching_loss(*logits, index)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_the_masked_word_loss_is_the_recorded_one(reference):
    loss = masked_word_loss(reference["mlm_logits"], reference["masked_ids"])
    assert_equal(loss, reference["mlm_loss"])


def test_texts_without_a_masked_word_have_no_loss():
    logits = torch.randn(2, 3, 5, requires_grad=True)
    loss = masked_word_loss(logits, torch.full((2, 3), -100))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_the_box_losses_are_the_recorded_ones(reference):
    predicted, target = reference["bbox_cxcywh"], reference["region_target_cxcywh"]
    is_image = reference["region_is_image"]
    for ignored, suffix in ((is_image, ""), (torch.zeros_like(is_image), "_all")):
        l1, giou = box_losses(predicted, target, ignored)
        assert_equal(l1, reference[f"bbox_l1_loss{suffix}"])
        assert_equal(giou, reference[f"bbox_giou_loss{suffix}"])


def test_each_boxs_giou_is_the_recorded_one(reference):
    boxes = zip(reference["giou_boxes_a"], reference["giou_boxes_b"], strict=True)
    found = [box_losses(a[None], b[None], torch.zeros(1))[1] for a, b in boxes]
    assert_equal(1 - torch.stack(found), reference["giou"])


def test_whole_images_alone_have_no_box_loss_where_the_published_code_has_nan(reference):
    assert reference["bbox_losses_images_only"].isnan().all()
    predicted = torch.rand(3, 4, requires_grad=True)
    l1, giou = box_losses(predicted, torch.rand(3, 4), torch.ones(3, dtype=torch.bool))
    (l1 + giou).backward()
    assert (l1, giou) == (0, 0)
    assert (predicted.grad == 0).all()


def gradients(folder: str, part: slice, with_idx: bool) -> tuple[torch.Tensor, ...]:
    images, texts, idx = torch.load(f"{folder}/batch.pt")
    index = idx if with_idx else torch.arange(len(idx))
    features = torch.stack([images, texts])[:, part].requires_grad_()
    temperature = torch.tensor(0.07, requires_grad=True)
    loss = contrastive_loss(features[0], features[1], temperature, index[part])
    gradient, of_temperature = torch.autograd.grad(loss, [features, temperature])
    return loss.detach(), gradient, of_temperature


def in_process(rank: int, folder: str, ends: tuple[int, ...]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    part = slice(*ends[rank : rank + 2])
    found = [gradients(folder, part, with_idx) for with_idx in (False, True)]
    index = torch.load(f"{folder}/batch.pt")[2]
    torch.save((gather_uneven(index[part])[0], *found), f"{folder}/{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()


@pytest.mark.parametrize("ends", [(0, 4, 8), (0, 3, 8)])
def test_two_processes_have_the_recorded_loss_and_the_gradient_of_one(reference, tmp_path, ends):
    names = ("dist_image_feat", "dist_text_feat", "dist_idx")
    torch.save(tuple(reference[name] for name in names), tmp_path / "batch.pt")
    arguments = (str(tmp_path), ends)
    processes = [FORKING.Process(target=in_process, args=(r, *arguments)) for r in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    for rank in (0, 1):
        index, *found = torch.load(tmp_path / f"{rank}.pt")
        assert torch.equal(index, reference["dist_idx"])
        for suffix, (loss, gradient, of_temperature) in zip(("", "_with_idx"), found, strict=True):
            assert_equal(loss, reference[f"dist_loss{suffix}"][0])
            own = slice(*ends[rank : rank + 2])
            # The processes' gradients come back summed; DistributedDataParallel takes the mean. The
            # published code sums nothing, so that of its mean only a half is left.
            for row, what in enumerate(("image", "text")):
                expected = reference[f"dist_grad_{what}_feat{suffix}"][own]
                assert_equal(gradient[row] / 2, expected)
            assert_equal(of_temperature, reference[f"dist_grad_temp{suffix}"][0], 1e-4)
