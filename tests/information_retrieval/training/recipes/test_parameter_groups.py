"""Which parameters are decayed and which learn faster, against the published groups and traces."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from information_retrieval.models.xvlm.official_names import renamed
from information_retrieval.training.paper_arguments import PaperTrainingArguments
from information_retrieval.training.recipes.parameter_groups import (
    HFS_GROUPS,
    NEW_IN_XVLM,
    ParameterGroups,
)
from information_retrieval.training.recipes.xvlm import UNDECAYED
from information_retrieval.training.trainer import RetrievalTrainer

# The published code decays these; LayerNorms without "norm" in their name, and the temperature.
DECAYED_BY_MISTAKE = {"temperature", "itm_head.1.weight", "box_head.1.weight"}
Group = tuple[float, float]


class Optimising(RetrievalTrainer):
    """A trainer that has a model and options, to make an optimiser of them."""

    def __init__(self, model: nn.Module, args: PaperTrainingArguments, groups: ParameterGroups):
        self.model, self.args, self.groups, self.optimizer = model, args, groups, None
        self.optimizer_cls_and_kwargs = None


def our_groups(model, tmp_path, rate: float, groups: ParameterGroups) -> dict[str, Group]:
    args = PaperTrainingArguments(
        output_dir=str(tmp_path), learning_rate=rate, weight_decay=0.01, use_cpu=True
    )
    optimizer = Optimising(model, args, groups).create_optimizer()
    of = {
        parameter: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    return {name: of[parameter] for name, parameter in model.named_parameters()}


def official_groups(spec: dict) -> dict[str, Group]:
    return {
        name: (group["lr"], group["weight_decay"])
        for group in spec["optimizer_groups"]
        for official in group["params"]
        for name in renamed({official: torch.zeros((3,) if "qkv" in official else (49, 1))}, 4)
    }


@pytest.mark.parametrize("kind", ["pretrain", "retrieval"])
def test_the_groups_are_the_published_but_for_norms_and_temperature(
    reference,
    pretrained,
    fine_tuned,
    tmp_path,
    kind,
):
    is_new = kind == "pretrain"
    model, rate = (pretrained, 1e-4) if is_new else (fine_tuned, 3e-5)
    groups = ParameterGroups(UNDECAYED, *([NEW_IN_XVLM, 2.0] if is_new else []))
    found = our_groups(model, tmp_path, rate, groups)
    official = official_groups(reference.shapes[kind])
    assert found.keys() == official.keys()
    assert {n for n in found if found[n] != official[n]} == DECAYED_BY_MISTAKE & found.keys()
    for name in DECAYED_BY_MISTAKE & found.keys():
        assert found[name] == (official[name][0], 0)


def test_other_models_have_hfs_groups(pretrained, tmp_path):
    found = our_groups(pretrained, tmp_path, 1e-4, HFS_GROUPS)
    assert set(found.values()) == {(1e-4, 0.01), (1e-4, 0.0)}
    assert found["temperature"] == (1e-4, 0.01)


def test_a_rate_that_is_no_other_makes_no_group():
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(2))])
    ParameterGroups(None, ".", 1.0).split(optimizer, nn.Linear(1, 1))
    assert len(optimizer.param_groups) == 1


def test_the_schedule_is_the_published_one(reference):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3e-5)
    schedule = get_linear_schedule_with_warmup(optimizer, 4, 40)
    rates = []
    for _ in range(41):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(rates, reference["schedule_lr"].numpy(), atol=1e-12)


def test_steps_are_those_of_the_published_optimiser_but_for_a_rounding(reference):
    """torch's AdamW decays before the step and adds eps after the bias correction."""
    model = nn.ModuleDict({"lin": nn.Linear(3, 2), "new": nn.Linear(3, 2)})
    parameters = [
        getattr(model[part], what) for part in ("lin", "new") for what in ("weight", "bias")
    ]
    recorded, rates = reference["adamw_params"], reference["adamw_lr"]
    nn.utils.vector_to_parameters(recorded[0].clone(), parameters)
    optimizer = torch.optim.AdamW(
        [{"params": [p], "weight_decay": 0.1 * (p.ndim > 1)} for p in parameters],
        betas=(0.9, 0.98),
        eps=1e-8,
    )
    for gradient, rate in zip(reference["adamw_grads"], rates, strict=True):
        for group, own, lr in zip(
            optimizer.param_groups, gradient.split([6, 2, 6, 2]), rate, strict=True
        ):
            parameter = group["params"][0]
            parameter.grad, group["lr"] = own.view_as(parameter).float(), float(lr)
        optimizer.step()
    moved = (recorded[-1] - recorded[0]).abs().max()
    difference = (nn.utils.parameters_to_vector(parameters) - recorded[-1]).abs().max()
    assert difference < 1e-4
    assert moved > 500 * difference
