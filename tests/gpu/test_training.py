"""Training on a GPU: a step as on the CPU, and a run that goes on where it was interrupted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from information_retrieval.models.arguments import DataArguments, InputArguments
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import gallery_for
from information_retrieval.training.formulations import make_recipe
from information_retrieval.training.paper_arguments import PaperTrainingArguments
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.trainer import Gallery, RetrievalTrainer
from preprocess.captions.split_file import read_split
from tests.conftest import save_clip, save_lxmert, write_images_of

pytestmark = pytest.mark.gpu

KINDS = [("lxmert", "binary"), ("clip", "contrastive")]
INTERRUPTED_AT = 4


class Interruption(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs) -> None:
        if state.global_step == INTERRUPTED_AT:
            raise KeyboardInterrupt


@pytest.fixture
def recipe(data_dir, tmp_path):
    """Gives what trains a tiny model of a kind, made anew, on the splits of `data_dir`."""
    for name in ("train", "val"):
        write_images_of(data_dir, name)
    saved = {"lxmert": save_lxmert(tmp_path / "lxmert"), "clip": save_clip(tmp_path / "clip")}

    def make(kind: str, formulation: str) -> Recipe:
        objective = ObjectiveArguments(prob_unaligned=0.5)
        train, data = read_split(data_dir / "train.json"), DataArguments(data_dir)
        odd = InputArguments()
        return make_recipe(
            str(saved[kind]), kind, formulation, objective, train, data, 0, odd, 4, 1
        )

    return make


def loss_and_gradient(recipe: Recipe, device: torch.device) -> tuple[float, np.ndarray]:
    """The loss of the first pairs, and its gradient by every weight, without dropout."""
    model = recipe.model.to(device)
    batch = recipe.collator([recipe.pairs[index] for index in range(6)])
    batch = {key: value.to(device) for key, value in batch.items()}
    image_index = batch.pop("image_index", None)
    output = model.eval()(**batch)
    loss = output.loss if recipe.loss is None else recipe.loss(output, image_index)
    loss.backward()
    gradients = [p.grad.flatten().cpu() for p in model.parameters() if p.grad is not None]
    return loss.item(), torch.cat(gradients).numpy()


@pytest.mark.parametrize(("kind", "formulation"), KINDS)
def test_loss_and_gradient_are_those_of_the_cpu(card, recipe, kind, formulation):
    expected_loss, expected = loss_and_gradient(recipe(kind, formulation), torch.device("cpu"))
    loss, gradient = loss_and_gradient(recipe(kind, formulation), card)
    assert loss == pytest.approx(expected_loss, rel=1e-4)
    assert np.linalg.norm(gradient - expected) < 1e-3 * np.linalg.norm(expected)


def make_trainer(
    recipe: Recipe, name: Path, data_dir: Path, output: Path, card: torch.device, **changes
) -> RetrievalTrainer:
    minival = read_split(data_dir / "minival.json")
    data, options = DataArguments(data_dir), EncoderOptions(torch.float32, 4, 0, False)
    files = GalleryFiles(data.features_file("minival"), data.images_file("minival"))
    defaults = {
        "output_dir": str(output),
        "use_cpu": card.type == "cpu",
        "fp16": False,
        "disable_tqdm": True,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "eval_strategy": "steps",
        "eval_steps": 3,
        "save_strategy": "steps",
        "save_steps": 3,
        "dataloader_pin_memory": card.type == "cuda",
    }
    return RetrievalTrainer(
        model=recipe.model,
        args=PaperTrainingArguments(**{**defaults, **changes}),
        train_dataset=recipe.pairs,
        data_collator=recipe.collator,
        processing_class=recipe.processor,
        loss=recipe.loss,
        callbacks=list(recipe.callbacks),
        gallery=Gallery(minival, lambda m: gallery_for(str(name), m, minival, files, options)),
    )


def losses(trainer: RetrievalTrainer) -> list[float]:
    return [log["loss"] for log in trainer.state.log_history if "loss" in log]


@pytest.mark.parametrize(("kind", "formulation"), KINDS)
def test_an_interrupted_run_goes_on_as_one_that_was_not(
    card, recipe, data_dir, tmp_path, kind, formulation
):
    def trainer(name: str) -> RetrievalTrainer:
        made = recipe(kind, formulation)
        return make_trainer(made, tmp_path / kind, data_dir, tmp_path / name, card)

    whole = trainer("whole")
    whole.train()
    cut = trainer("cut")
    cut.add_callback(Interruption())
    with pytest.raises(KeyboardInterrupt):
        cut.train()
    again = trainer("cut")
    again.train(resume_from_checkpoint=str(tmp_path / "cut" / "checkpoint-3"))
    assert len(losses(whole)) == whole.state.max_steps > INTERRUPTED_AT
    # On a GPU sums are made in any order, and Adam makes much of little.
    np.testing.assert_allclose(losses(again), losses(whole), rtol=0.01)
    assert losses(whole)[3] != pytest.approx(losses(whole)[0], rel=0.01)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_mixed_precision_trains(card, recipe, data_dir, tmp_path, precision):
    if card.type == "cpu" and precision == "fp16":
        pytest.skip("fp16 training needs a GPU")
    made = recipe("lxmert", "binary")
    before = {name: weight.clone() for name, weight in made.model.state_dict().items()}
    options = {precision: True}
    trainer = make_trainer(made, tmp_path / "lxmert", data_dir, tmp_path / "run", card, **options)
    trainer.train()
    after = trainer.model.state_dict()
    assert all(weight.isfinite().all() for weight in after.values())
    moved = [name for name in before if not torch.equal(before[name], after[name].cpu())]
    assert len(moved) > len(before) / 2
    assert all(np.isfinite(losses(trainer)))
    assert any("eval_rsum" in log for log in trainer.state.log_history)
