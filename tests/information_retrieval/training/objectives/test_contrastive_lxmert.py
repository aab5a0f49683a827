"""LXMERT's in-batch score matrix, against the plain forward of each pair."""

import pytest
import torch

from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.training.objectives.contrastive_lxmert import ContrastiveLxmert
from information_retrieval.training.objectives.losses import hinge_loss
from tests.conftest import FEATURE_DIM, N_REGIONS, make_lxmert


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        **pad_tokens([[1, 5, 6, 2], [1, 7, 2], [1, 8, 9, 10, 11, 2]], pad_id=0),
        "visual_feats": torch.randn(3, N_REGIONS, FEATURE_DIM),
        "visual_pos": torch.rand(3, N_REGIONS, 4),
    }


def contrastive(plain) -> ContrastiveLxmert:
    model = ContrastiveLxmert(plain.config).eval()
    model.load_state_dict(plain.state_dict())
    return model


@torch.no_grad()
def test_each_pair_of_the_batch_has_the_score_of_its_own_forward(batch):
    plain = make_lxmert()
    output = contrastive(plain)(**batch, image_index=torch.arange(3))
    for image in range(3):
        for caption in range(3):
            pair = {
                "input_ids": batch["input_ids"][[caption]],
                "attention_mask": batch["attention_mask"][[caption]],
                "visual_feats": batch["visual_feats"][[image]],
                "visual_pos": batch["visual_pos"][[image]],
            }
            expected = plain(**pair).logits[0]
            assert output.logits[image, caption].item() == pytest.approx(expected.item(), abs=1e-5)
    assert output.logits.std() > 0.01
    torch.testing.assert_close(output.loss, hinge_loss(output.logits, torch.arange(3), 0.2, 1))


@torch.no_grad()
def test_the_originals_score_is_the_cosine_of_both_outputs_of_the_right_pairs(batch):
    plain = make_lxmert()
    plain.config.matching_score = "cosine"
    output = contrastive(plain)(**batch, image_index=torch.arange(3))
    given = plain.lxmert(**batch)
    for image in range(3):
        for caption in range(3):
            vision, pooled = given.vision_output[image].mean(0), given.pooled_output[caption]
            expected = torch.dot(vision, pooled) / (vision.norm() * pooled.norm())
            assert output.logits[image, caption].item() == pytest.approx(expected.item(), abs=1e-5)
    # A right pair's is the score that evaluation gives it.
    torch.testing.assert_close(output.logits.diagonal(), plain(**batch).logits)


@pytest.mark.parametrize("score", ["head", "cosine"])
def test_gradient_checkpointing_changes_no_gradient(batch, score):
    gradients, forwards = [], []
    for enabled in (False, True):
        plain = make_lxmert(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        plain.config.matching_score = score
        model = contrastive(plain).train()
        if enabled:
            model.activation_checkpointing_enable()
        # Called once more in the backward pass where its activations were not kept.
        calls = []
        model.lxmert.encoder.x_layers[0].lang_inter.register_forward_hook(
            lambda *_, calls=calls: calls.append(1)
        )
        model(**batch, image_index=torch.arange(3)).loss.backward()
        forwards.append(len(calls))
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert forwards == [1, 2]
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)
