"""Which model can be trained in which way, with which options."""

from pathlib import Path

import pytest

from information_retrieval.training.formulations import check_options_fit, formulation_of
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from preprocess.base.errors import InputError


@pytest.mark.parametrize(
    ("model_type", "default"),
    [
        ("lxmert", "binary"),
        ("xvlm", "matching"),
        ("sx3hre", "distillation"),
        ("clip", "contrastive"),
    ],
)
def test_each_type_of_model_has_its_way(model_type, default):
    assert formulation_of(model_type, None) == formulation_of(model_type, default) == default


@pytest.mark.parametrize(
    ("model_type", "asked", "instead"),
    [
        ("xvlm", "binary", "say matching or pretraining"),
        ("lxmert", "pretraining", "say binary or contrastive"),
        ("clip", "matching", "say contrastive"),
        ("clip", "binary", "has no matching head"),
        ("clip", "distillation", "say contrastive"),
        ("sx3hre", "contrastive", "a sx3hre model is not trained so; .* say distillation"),
        ("sx3hre", "binary", "is not trained so"),
    ],
)
def test_another_way_is_refused(model_type, asked, instead):
    with pytest.raises(InputError, match=instead):
        formulation_of(model_type, asked)


@pytest.mark.parametrize(
    ("formulation", "options", "told"),
    [
        ("matching", {"regions": Path("r.json")}, "--regions: no option of the matching"),
        ("matching", {"new_lr_multiplier": 1.0}, "--new_lr_multiplier: no option"),
        ("pretraining", {"freeze": "image"}, "--freeze: no option of the pretraining"),
        ("pretraining", {"box_loss": False}, "--box_loss: an option of --regions"),
        ("pretraining", {"images_per_region_batch": 4}, "--images_per_region_batch: an option of"),
    ],
)
def test_options_that_would_not_be_heeded_are_refused(formulation, options, told):
    with pytest.raises(InputError, match=told):
        check_options_fit("xvlm", formulation, ObjectiveArguments(**options))


def test_the_options_of_pretraining_with_regions_are_taken():
    options = {"regions": Path("r.json"), "box_loss": False, "max_regions": 3}
    check_options_fit("xvlm", "pretraining", ObjectiveArguments(**options))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"images_per_region_batch": 1}, "--images_per_region_batch: expected at least 2, found 1"),
        ({"max_regions": 0}, "--max_regions: expected at least 1"),
        ({"new_lr_multiplier": 0.0}, "--new_lr_multiplier: expected a value above 0"),
        ({"cosine_margin": -1.1}, "--cosine_margin: expected a value in .*, found -1.1"),
        ({"cosine_weight": -0.5}, "--cosine_weight: expected a value of at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, told):
    with pytest.raises(InputError, match=told):
        ObjectiveArguments(**options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"alignment": "none"}, "--teacher, --targets: .* found neither"),
        ({"teacher": "runs/beit2"}, "--alignment: an sx3hre model needs one of itc, none, cosine"),
        (
            {"alignment": "none", "teacher": "t", "cosine_weight": 2.0},
            "--cosine_weight: no option of --alignment none",
        ),
        (
            {"alignment": "itc", "teacher": "t", "compared": "output"},
            "--compared: no option of --alignment itc",
        ),
    ],
)
def test_a_distillation_that_is_not_told_enough_or_too_much_is_refused(options, told):
    with pytest.raises(InputError, match=told):
        check_options_fit("sx3hre", "distillation", ObjectiveArguments(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"alignment": "itc", "targets": Path("t.h5")},
        {"alignment": "none", "teacher": "t", "compared": "output", "image_views": "fixed"},
        {"alignment": "cosine", "targets": Path("t.h5"), "teacher": "t", "cosine_margin": 0.5},
        {"alignment": "cosine", "teacher": "t", "cosine_weight": 0.0, "compared": "output"},
    ],
)
def test_the_options_of_each_arm_are_taken(options):
    check_options_fit("sx3hre", "distillation", ObjectiveArguments(**options))
