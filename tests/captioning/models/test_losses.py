"""The losses, by hand."""

import math

import pytest
import torch

from captioning.models.losses import attention_penalty, without_last, word_loss


def test_the_loss_is_the_mean_over_all_targets_not_over_captions():
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, 0.0]], [[0.0, 0.0], [5.0, 0.0]]])
    labels = torch.tensor([[1, 0], [0, -100]])
    expected = -(math.log(3 / 4) + math.log(1 / 2) + math.log(1 / 2)) / 3
    assert word_loss(logits, labels).item() == pytest.approx(expected)


def test_a_row_without_targets_counts_in_no_mean():
    logits = torch.tensor([[[0.0, math.log(3)]], [[9.0, 0.0]]], requires_grad=True)
    filled = torch.tensor([[1], [-100]])
    assert torch.equal(word_loss(logits, filled), word_loss(logits[:1], filled[:1]))
    none = word_loss(logits, torch.full((2, 1), -100))
    none.backward()
    assert none == 0
    assert (logits.grad == 0).all()
    alphas = torch.tensor([[[0.7, 0.3]], [[0.0, 0.0]]])
    assert torch.equal(attention_penalty(alphas, "mean"), attention_penalty(alphas[:1], "mean"))
    assert attention_penalty(alphas[1:], "sum") == 0


def test_label_smoothing_spreads_a_share_of_each_target():
    logits, labels = torch.tensor([[[0.0, math.log(3)]]]), torch.tensor([[1]])
    expected = -(0.9 * math.log(3 / 4) + 0.1 * (math.log(3 / 4) + math.log(1 / 4)) / 2)
    assert word_loss(logits, labels, 0.1).item() == pytest.approx(expected)


def test_the_attention_is_penalised_for_what_is_not_looked_at_once():
    # One image of two steps and two tokens: sums 1.5 and 0.5; another that has one step.
    alphas = torch.tensor([[[0.7, 0.3], [0.8, 0.2]], [[1.0, 0.0], [0.0, 0.0]]])
    assert attention_penalty(alphas, "mean").item() == pytest.approx((0.25 + 0.5) / 2)
    assert attention_penalty(alphas, "sum").item() == pytest.approx((0.5 + 1.0) / 2)


def test_the_last_targets_of_each_caption_are_taken_away():
    labels = torch.tensor([[4, 5, 6, 2], [4, 2, -100, -100], [2, -100, -100, -100]])
    expected = [[4, 5, -100, -100], [-100] * 4, [-100] * 4]
    assert without_last(labels, 2).tolist() == expected
    assert torch.equal(without_last(labels, 0), labels)
