"""Training Sx3HRe by the command: what it learns and writes, in each arm."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from information_retrieval.training.examples.distilled_pairs import DistilledPairs
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.parameter_groups import ParameterGroups
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.recipes.sx3hre import UNDECAYED, sx3hre_recipe
from information_retrieval.training.recipes.teaching import AskedTeacher
from preprocess.captions.split_file import read_split
from preprocess.encoders.image_encoder import load_image_encoder
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.images_file import ImagesFile
from tests.information_retrieval.models.sx3hre.tiny import make_sx3hre, save_sx3hre
from tests.information_retrieval.training.recipes.test_parameter_groups import our_groups
from tests.information_retrieval.training.small_distillation import Distillation, logs

ARMS = ("itc", "none", "cosine")
PARTS = {
    "itc": {"mse_image", "mse_text", "itc_output", "itc_middle"},
    "none": {"mse_image", "mse_text"},
    "cosine": {"mse_image", "mse_text", "cosine_right", "cosine_wrong"},
}
ALL_PARTS = set.union(*PARTS.values())


@pytest.fixture
def small(tmp_path, data_dir, run_main) -> Distillation:
    return Distillation(tmp_path, data_dir, run_main)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def total(alignment: str, log: dict) -> float:
    """The loss that its logged parts make."""
    loss = (log["mse_image"] + log["mse_text"]) / 2
    if alignment == "itc":
        loss += (log["itc_output"] + log["itc_middle"]) / 2
    if alignment == "cosine":
        loss += (log["cosine_right"] + log["cosine_wrong"]) / 2
    return loss


@pytest.mark.parametrize("alignment", ARMS)
def test_each_arm_learns_and_tells_its_losses(small, alignment):
    options = ["--alignment", alignment, "--num_train_epochs", 15, "--learning_rate", 1e-2]
    output = small.trained("--targets", small.targets, *options)
    logged = logs(output)
    assert {name for log in logged for name in log} & ALL_PARTS == PARTS[alignment]
    for log in logged:
        assert log["loss"] == pytest.approx(total(alignment, log), rel=1e-4)
    first, last = ([log["loss"] for log in part] for part in (logged[:3], logged[-3:]))
    assert sum(last) < 0.6 * sum(first)
    model = load_model(str(output))
    assert (model.head is None) == (alignment != "itc")
    assert model.config.alignment == alignment
    assert model.config.compared == ("output" if alignment == "itc" else "normed")
    assert model.config.teacher == load_image_encoder(str(small.teacher)).revision
    begun = json.loads((output / "training_run.json").read_text())
    assert begun["formulation"] == "distillation"
    assert (begun["alignment"], begun["compared"]) == (alignment, model.config.compared)
    assert begun["targets"] == f"sha256:{EncodingsFile(small.targets).sha256()}"
    assert (begun["teacher"], begun["image_views"]) == (model.config.teacher, "fixed")
    assert begun["pairs_compared"] == (None if alignment == "none" else 4)
    assert "distillation formulation" in (output / "README.md").read_text()
    assert (output / "training_curves.png").exists()
    # What learnt is every weight of the model that is scored.
    before, after = weights(small.student), weights(output)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    # Of the tables, rows that no caption has stay.
    assert before.keys() - changed == set()


def test_a_teacher_is_asked_and_leaves_no_trace(small):
    live = small.trained("--teacher", small.teacher, *small.arm("cosine"), output="live")
    begun = json.loads((live / "training_run.json").read_text())
    assert begun["teacher"] == load_image_encoder(str(small.teacher)).revision
    assert (begun["targets"], begun["image_views"]) == (None, "random")
    assert weights(live).keys() == make_sx3hre().state_dict().keys()
    optimizer = torch.load(next(live.glob("checkpoint-*")) / "optimizer.pt")
    n_optimised = sum(len(group["params"]) for group in optimizer["param_groups"])
    assert n_optimised == len([*load_model(str(live)).parameters()])


@pytest.mark.parametrize("alignment", ARMS)
def test_cached_targets_of_fixed_views_are_what_the_teacher_says(small, alignment):
    """Bit for bit, as the batches are of one size; else but for the last digit."""
    fixed = ["--image_views", "fixed", *small.arm(alignment)]
    live = small.trained("--teacher", small.teacher, *fixed, output="live")
    cached = small.trained("--targets", small.targets, *fixed, output="cached")
    one, other = weights(live), weights(cached)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    moved = weights(small.student)
    assert any((one[n] - moved[n]).abs().max() > 1e-3 for n in moved)


def test_random_views_give_other_weights_and_cached_targets_can_have_them(small):
    options = ["--targets", small.targets, *small.arm("none")]
    fixed = small.trained(*options, output="fixed")
    random = small.trained(*options, "--image_views", "random", output="random")
    begun = json.loads((random / "training_run.json").read_text())
    assert begun["image_views"] == "random"
    assert not torch.equal(weights(fixed)["norm.weight"], weights(random)["norm.weight"])


def test_workers_read_the_same(small):
    options = ["--targets", small.targets, "--image_views", "random", *small.arm("cosine")]
    alone = small.trained(*options, output="alone")
    workers = small.trained(*options, "--dataloader_num_workers", 2, output="workers")
    assert (alone / "model.safetensors").read_bytes() == (
        workers / "model.safetensors"
    ).read_bytes()


def test_the_last_smaller_batch_is_left_out(small):
    split = read_split(small.data / "train.json")
    assert len(split.captions) % 4 != 0
    output = small.trained("--targets", small.targets, *small.arm("none"))
    assert len(logs(output)) == len(split.captions) // 4


def test_the_options_of_the_cosine_loss_are_heeded(small):
    options = ["--targets", small.targets, *small.arm("cosine"), "--max_steps", 1]
    found = {}
    for name, more in (
        ("plain", []),
        ("margin", ["--cosine_margin", 0.9]),
        ("weight", ["--cosine_weight", 3.0]),
        ("output", ["--compared", "output"]),
    ):
        (found[name],) = logs(small.trained(*options, *more, output=name))
        assert load_model(str(small.folder / "runs" / name)).config.compared == (
            "output" if name == "output" else "normed"
        )
    plain, weighted = found["plain"], found["weight"]
    assert found["margin"]["cosine_wrong"] < plain["cosine_wrong"]
    assert found["margin"]["cosine_right"] == plain["cosine_right"]
    aligned = (plain["cosine_right"] + plain["cosine_wrong"]) / 2
    assert weighted["loss"] - plain["loss"] == pytest.approx(2 * aligned, rel=1e-3)
    assert found["output"]["cosine_right"] != plain["cosine_right"]
    assert found["output"]["mse_image"] == plain["mse_image"]


def test_a_trained_student_goes_on_in_another_arm(small):
    first = small.trained("--targets", small.targets, *small.arm("none"), output="first")
    small.student = first
    second = small.trained("--targets", small.targets, *small.arm("itc"), output="second")
    assert load_model(str(second)).head is not None
    small.student = second
    third = small.trained("--teacher", small.teacher, *small.arm("cosine"), output="third")
    assert load_model(str(third)).head is None


def test_what_is_kept_is_the_best_epochs_and_evaluated_as_it_is_scored(small):
    output = small.trained("--targets", small.targets, *small.arm("itc"), "--num_train_epochs", 3)
    state = json.loads((output / "trainer_state.json").read_text())
    kept, best = weights(output), weights(Path(state["best_model_checkpoint"]))
    assert all(torch.equal(kept[name], best[name]) for name in best)


@pytest.mark.parametrize("options", [["--gradient_checkpointing"], ["--bf16"]])
def test_what_saves_memory_trains_the_same(small, options):
    plain = small.trained("--targets", small.targets, *small.arm("cosine"), output="plain")
    saving = small.trained("--targets", small.targets, *small.arm("cosine"), *options, output="s")
    one, other = ([log["loss"] for log in logs(folder)] for folder in (plain, saving))
    assert one == pytest.approx(other, rel=1e-5 if "--bf16" not in options else 0.05)


def test_a_student_that_is_evaluated_first_trains(small):
    first = ["--eval_on_start", "True", "--teacher", small.teacher]
    output = small.trained(*first, *small.arm("cosine"))
    assert len(logs(output)) == 4


def recipe_of(small: Distillation, **options) -> Recipe:
    objective = ObjectiveArguments(**options)
    train = read_split(small.data / "train.json")
    images = ImagesFile(small.data / "train_images.h5")
    return sx3hre_recipe(str(small.student), objective, train, images, 0, InputArguments())


def test_the_teacher_stays_in_eval_mode_and_is_no_part_of_the_model(small):
    recipe = recipe_of(small, alignment="none", teacher=str(small.teacher))
    assert isinstance(recipe.add_targets, AskedTeacher)
    teacher = recipe.add_targets.teacher
    recipe.model.train()
    teacher.model.train()
    assert not teacher.model.training
    assert not any(module.training for module in teacher.model.modules())
    assert not any(parameter.requires_grad for parameter in teacher.model.parameters())
    own = {id(parameter) for parameter in recipe.model.parameters()}
    assert own.isdisjoint(map(id, teacher.model.parameters()))
    pixels = recipe.pairs[0].image["pixel_values"][None]
    batch = {"pixel_values": pixels, "draws": torch.zeros(1)}
    completed = recipe.add_targets(batch)
    assert completed.keys() == {"pixel_values", "draws", "targets"}
    assert torch.equal(completed["targets"], teacher.encode(pixels))
    assert not completed["targets"].requires_grad


def test_with_cached_targets_nothing_is_asked(small):
    recipe = recipe_of(small, alignment="none", targets=small.targets)
    assert recipe.add_targets is None
    assert isinstance(recipe.pairs, DistilledPairs)
    assert recipe.pairs.view == "fixed"


def test_a_teacher_that_is_named_with_its_targets_is_only_checked(small):
    recipe = recipe_of(small, alignment="none", targets=small.targets, teacher=str(small.teacher))
    assert recipe.add_targets is None
    assert recipe.model.config.teacher == load_image_encoder(str(small.teacher)).revision


def is_decayed(name: str, parameter: torch.Tensor) -> bool:
    """As published: all but vectors, biases, cls tokens and token embeddings."""
    undecayed = ("cls_token", "word_embeddings.weight", "relative_position_bias_table")
    return parameter.ndim > 1 and not name.endswith(undecayed)


@pytest.mark.parametrize("image", IMAGE_ENCODERS)
@pytest.mark.parametrize("text", TEXT_ENCODERS)
def test_matrices_are_decayed_and_vectors_and_tokens_are_not(tmp_path, image, text):
    model = make_sx3hre(image, text, alignment="itc")
    found = our_groups(model, tmp_path, 1e-4, ParameterGroups(UNDECAYED))
    decay = {True: (1e-4, 0.01), False: (1e-4, 0.0)}
    expected = {name: decay[is_decayed(name, p)] for name, p in model.named_parameters()}
    assert found == expected
    decayed = {name for name, group in found.items() if group[1]}
    named = ("vision_encoder.embeddings.patch_embeddings.projection.weight", "head.weight")
    assert decayed >= {*named, "shared.attn.qkv.weight", "shared.mlp.fc1.weight"}
    assert decayed.isdisjoint({"norm.weight", "shared.gamma_1", "shared.attn.q_bias"})


def test_students_of_other_encoders_are_trained(small):
    student = shutil.rmtree(small.student) or save_sx3hre(
        small.student, image="beit", text="roberta"
    )
    assert student == small.student
    output = small.trained("--targets", small.targets, *small.arm("itc"))
    assert load_model(str(output)).config.text_config.model_type == "roberta"
