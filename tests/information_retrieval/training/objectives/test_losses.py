"""Contrastive losses, against values computed by hand or by a plain loop."""

import pytest
import torch

from information_retrieval.training.objectives.losses import hinge_loss, symmetric_cross_entropy

SCORES = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.5, 0.6], [0.0, 0.4, 0.7]])
THREE_IMAGES = torch.arange(3)


def test_the_hinge_counts_the_worst_violation_of_each_query():
    # Rows (captions of an image): 0.2 + 0.8 - 0.9, 0.2 + 0.6 - 0.5, none.
    # Columns (images of a caption): none, 0.2 + 0.8 - 0.5, 0.2 + 0.6 - 0.7.
    expected = (0.1 + 0.3 + 0.0 + 0.0 + 0.5 + 0.1) / 3
    loss = hinge_loss(SCORES, THREE_IMAGES, margin=0.2, top_k_violations=1)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_more_violations_of_a_query_count_when_asked():
    # Besides the worst: row 1 has 0.2 + 0.3 - 0.5 = 0; column 1 has 0.2 + 0.4 - 0.5 = 0.1.
    one = hinge_loss(SCORES, THREE_IMAGES, margin=0.2, top_k_violations=1)
    two = hinge_loss(SCORES, THREE_IMAGES, margin=0.2, top_k_violations=2)
    many = hinge_loss(SCORES, THREE_IMAGES, margin=0.2, top_k_violations=99)
    assert (two - one).item() == pytest.approx(0.1 / 3, abs=1e-6)
    assert many.item() == pytest.approx(two.item())


def test_scores_that_lead_by_the_margin_cost_nothing():
    assert hinge_loss(torch.eye(4), torch.arange(4), margin=1.0, top_k_violations=2) == 0


def test_another_caption_of_the_same_image_is_no_violation():
    # Of the pairs 0 and 1, both of image 7, neither is wrong for the other.
    index = torch.tensor([7, 7, 8])
    expected = (0.0 + (0.2 + 0.6 - 0.5) + 0.0 + 0.0 + (0.2 + 0.4 - 0.5) + (0.2 + 0.6 - 0.7)) / 3
    assert hinge_loss(SCORES, index, 0.2, 1).item() == pytest.approx(expected, abs=1e-6)
    assert hinge_loss(SCORES, torch.tensor([7, 7, 7]), 0.2, 1) == 0


def embeddings(seed: int, n: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(n, 8, generator=generator), dim=-1)


def test_the_cross_entropy_is_that_of_both_directions():
    images, captions, scale = embeddings(0), embeddings(1), torch.tensor(5.0)
    logits = 5.0 * images @ captions.T
    by_image = [-torch.log_softmax(logits[i], 0)[i] for i in range(4)]
    by_caption = [-torch.log_softmax(logits[:, i], 0)[i] for i in range(4)]
    expected = (sum(by_image) / 4 + sum(by_caption) / 4) / 2
    loss = symmetric_cross_entropy(images, captions, scale, torch.arange(4))
    torch.testing.assert_close(loss, expected)


def test_another_caption_of_the_same_image_is_no_class():
    images, captions, scale = embeddings(0), embeddings(1), torch.tensor(5.0)
    loss = symmetric_cross_entropy(images, captions, scale, torch.tensor([0, 0, 1, 2]))
    logits = 5.0 * images @ captions.T
    logits[0, 1] = logits[1, 0] = -torch.inf
    target = torch.arange(4)
    both = [torch.nn.functional.cross_entropy(x, target) for x in (logits, logits.T)]
    torch.testing.assert_close(loss, sum(both) / 2)
    assert symmetric_cross_entropy(images, captions, scale, torch.zeros(4)) == 0
