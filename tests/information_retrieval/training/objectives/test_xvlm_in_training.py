"""Whole training steps of X-VLM against the published code's: losses and gradients."""

import copy

import numpy as np
import pytest
import torch

from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.xvlm.official_names import renamed
from information_retrieval.training.objectives.xvlm_in_training import XvlmInTraining
from tests.information_retrieval.models.xvlm.reference import assert_equal

GRADIENT_TOLERANCE = 2e-4  # relative, which is the record's own noise


def in_training(model) -> XvlmInTraining:
    """The same model as it is trained, without dropout."""
    trained = XvlmInTraining(copy.deepcopy(model.config)).eval()
    trained.load_state_dict(model.state_dict())
    return trained


def fix_negatives(model: XvlmInTraining, negatives: torch.Tensor) -> None:
    images, texts = negatives.chunk(2)
    model.draw = lambda pairs: (images, texts)


def image_batch(reference) -> dict[str, torch.Tensor]:
    return {
        "input_ids": reference["text_ids"],
        "attention_mask": reference["text_atts"],
        "pixel_values": reference.pixels("A", 4, 128),
        "text_number": torch.arange(4),
        "masked_ids": reference["text_ids_masked"],
        "masked_positions": reference["masked_pos"],
        "masked_labels": reference["masked_ids"],
    }


def region_batch(reference) -> dict[str, torch.Tensor]:
    return {
        "input_ids": reference["region_text_ids"],
        "attention_mask": reference["region_text_atts"],
        "pixel_values": reference.pixels("A", 4, 128)[:3],
        "text_number": torch.arange(6),
        "image_index": reference["region_group"],
        "masked_ids": reference["region_text_ids_masked"],
        "masked_positions": reference["region_masked_pos"],
        "masked_labels": reference["region_masked_ids"],
        "image_of": reference["region_group"],
        "image_mask": reference["region_atts"],
        "boxes": reference["region_target_cxcywh"],
        "is_image": reference["region_is_image"] == 1,
    }


def retrieval_batch(reference) -> dict[str, torch.Tensor]:
    return {
        "input_ids": reference["text_ids"],
        "attention_mask": reference["text_atts"],
        "pixel_values": reference.pixels("B", 4, 192),
        "image_index": reference["idx"],
    }


def step_is_as_recorded(reference, model, batch, name: str, order: list[str]) -> list[str]:
    """Check losses and gradients; return the names of the losses."""
    fix_negatives(model, reference[f"{name}_negatives"])
    output = model(**batch)
    output.loss.backward()
    parts = {n: v for n, v in output.parts.items() if n != "without_negatives"}
    assert_equal(torch.stack(list(parts.values())), reference[f"{name}_losses"])
    assert_equal(output.loss, reference[f"{name}_losses"].sum())
    own = dict(model.named_parameters())
    expected = reference[f"{name}_grad_norms"].tolist()
    for official, norm in zip(order, expected, strict=True):
        # One name of the official ones may be three of ours.
        shape = (3,) if "qkv" in official else (49, 1)
        names = renamed({official: torch.zeros(shape)}, 4)
        gradients = [own[n].grad for n in names]
        if norm == -1:
            assert all(g is None or not g.any() for g in gradients), official
        else:
            found = torch.cat([g.flatten() for g in gradients]).norm().item()
            assert found == pytest.approx(norm, rel=GRADIENT_TOLERANCE, abs=1e-6), official
    of_temperature = reference[f"{name}_grad_temp"].item()
    assert own["temperature"].grad.item() == pytest.approx(of_temperature, rel=GRADIENT_TOLERANCE)
    return list(parts)


def test_a_step_on_images_is_the_published_one(reference, pretrained):
    order = reference.shapes["pretrain"]["parameters_order"]
    batch = image_batch(reference)
    names = step_is_as_recorded(reference, in_training(pretrained), batch, "step_image", order)
    assert names == ["itc", "itm", "mlm"]


def test_a_step_on_regions_is_the_published_one(reference, pretrained):
    order = reference.shapes["pretrain"]["parameters_order"]
    batch = region_batch(reference)
    names = step_is_as_recorded(reference, in_training(pretrained), batch, "step_region", order)
    parts = ("itc", "itm", "mlm", "box_l1", "box_giou")
    assert names == [f"region_{part}" for part in parts]


def test_a_step_of_fine_tuning_is_the_published_one(reference, fine_tuned):
    order = reference.shapes["retrieval"]["parameters_order"]
    model, batch = in_training(fine_tuned), retrieval_batch(reference)
    assert step_is_as_recorded(reference, model, batch, "ft", order) == ["itc", "itm"]


def test_without_the_box_loss_regions_are_learnt_by_their_words(reference, pretrained):
    model = in_training(pretrained)
    model.has_box_loss = False
    output = model(**region_batch(reference))
    assert set(output.parts) >= {"region_itc", "region_itm", "region_mlm"}
    assert not any("box" in name for name in output.parts)


def test_pretraining_keeps_the_temperature_in_its_range(reference, pretrained):
    model = in_training(pretrained)
    before, after = reference["temp_after_clamp"].tolist()
    for value, expected in ((before, after), (0.0001, 0.001)):
        with torch.no_grad():
            model.temperature.fill_(value)
        model.train()(**image_batch(reference))
        assert model.temperature.item() == pytest.approx(expected)


def test_fine_tuning_leaves_the_temperature_as_it_is(reference, fine_tuned):
    model = in_training(fine_tuned).train()
    with torch.no_grad():
        model.temperature.fill_(0.9)
    model(**retrieval_batch(reference))
    assert model.temperature.item() == pytest.approx(0.9)


def test_negatives_come_from_the_global_generator_whose_state_a_checkpoint_keeps(
    reference, pretrained
):
    model, losses = in_training(pretrained), []
    for seed in (0, 0, 1, 2, 3):
        torch.manual_seed(seed)
        with torch.no_grad():
            losses.append(model(**image_batch(reference)).parts["itm"].item())
    assert losses[0] == losses[1]
    assert len(set(losses)) > 1


def test_a_batch_of_one_image_is_not_matched_and_is_counted(reference, fine_tuned):
    model = in_training(fine_tuned)
    batch = {**retrieval_batch(reference), "image_index": torch.zeros(4, dtype=torch.int64)}
    parts = model(**batch).parts
    assert (parts["itm"], parts["without_negatives"]) == (0, 1)
    assert torch.isfinite(parts["itc"])


def test_equal_texts_of_two_regions_are_right_answers_to_each_other(reference, pretrained):
    model, batch = in_training(pretrained), region_batch(reference)
    batch["text_number"] = torch.tensor([0, 1, 1, 2, 3, 4])
    torch.manual_seed(0)
    with torch.no_grad():
        same = model(**batch).parts["region_itc"]
        apart = model(**{**batch, "text_number": torch.arange(6)}).parts["region_itc"]
    assert not np.isclose(same, apart)


def test_a_model_without_the_heads_of_pretraining_is_saved_and_loaded(
    reference, pretrained, tmp_path
):
    model = in_training(pretrained)
    model.drop_pretraining_heads()
    model.save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path))
    assert loaded.box_head is None
    assert loaded.mlm_head is None
    names = ("input_ids", "attention_mask", "pixel_values")
    with torch.no_grad():
        batch = {name: image_batch(reference)[name] for name in names}
        found, expected = (m(**batch).text_embeds for m in (loaded, pretrained))
    assert_equal(found, expected, 0)


def test_a_batch_of_regions_is_learnt_by_heart(reference, pretrained):
    model, batch = in_training(pretrained), region_batch(reference)
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    found = []
    for _ in range(12):
        output = model(**batch)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        found.append(output.parts)
    for name in ("region_itc", "region_mlm", "region_box_l1"):
        assert found[-1][name] < 0.7 * found[0][name], name
