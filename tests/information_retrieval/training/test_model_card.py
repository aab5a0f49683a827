"""The model card tells what a run was, and loads as the hub reads it."""

import json
import sys

import pytest
from huggingface_hub import ModelCard
from transformers import TrainerState

from information_retrieval.train import main
from information_retrieval.training.model_card import kept_evaluation, model_card
from preprocess.base.files import read_json
from tests.conftest import make_split, save_lxmert

TRAIN, MINIVAL = make_split(8, "train"), make_split(4, "minival", first_id=200)


def evaluation(epoch: int, rsum: float, r1: float) -> dict:
    directions = (("i2t", r1), ("t2i", r1 / 2))
    recalls = {f"eval_{d}_r{k}": r + k for d, r in directions for k in (1, 5, 10)}
    return {"epoch": epoch, "step": 5 * epoch, "eval_rsum": rsum, **recalls}


HISTORY = [
    {"epoch": 1.0, "loss": 0.5},
    evaluation(1, 200.0, 20.0),
    evaluation(2, 300.0, 32.125),
    evaluation(3, 300.0, 9.0),
]
SETTINGS = {
    "model": "unc-nlp/lxmert-base-uncased",
    "weights": "commit:0123abcd",
    "train_sha256": TRAIN.sha256,
    "minival_sha256": MINIVAL.sha256,
    "formulation": "binary",
    "seed": 42,
}


@pytest.fixture
def card(tmp_path, monkeypatch) -> ModelCard:
    """The card of a run, read from its file."""
    monkeypatch.setattr("sys.argv", ["train.py", "--data_dir", "my data", "--seed", "42"])
    made = model_card(tmp_path / "lxmert", SETTINGS, TRAIN, MINIVAL, HISTORY[2])
    (tmp_path / "README.md").write_text(made.content, "utf-8")
    return ModelCard.load(tmp_path / "README.md")


def test_the_header_has_the_kept_epochs_recalls(card):
    data = card.data.to_dict()
    assert data["base_model"] == "unc-nlp/lxmert-base-uncased"
    assert data["library_name"] == "transformers"
    assert "image-text-retrieval" in data["tags"]
    found = {result.metric_type: result.metric_value for result in card.data.eval_results}
    expected = {"i2t_r1": 33.12, "i2t_r5": 37.12, "i2t_r10": 42.12}
    expected |= {"t2i_r1": 17.06, "t2i_r5": 21.06, "t2i_r10": 26.06}
    assert found == pytest.approx(expected, abs=0.0101)
    assert {result.dataset_name for result in card.data.eval_results} == {"tiny minival"}


def test_the_text_has_recalls_data_command_and_hashes(card):
    assert "after epoch 2, the one kept (rsum 300.0)" in card.text
    assert "| % | R@1 | R@5 | R@10 |" in card.text
    assert "| text retrieval | 33.1 | 37.1 | 42.1 |" in card.text
    assert "| image retrieval | 17.1 | 21.1 | 26.1 |" in card.text
    assert "python -m information_retrieval.train --data_dir 'my data' --seed 42" in card.text
    assert f"8 images, {len(TRAIN.captions)} captions" in card.text
    assert json.loads(card.text.split("```json")[1].split("```")[0]) == SETTINGS


def ended(step: int, best: str | None) -> TrainerState:
    state = TrainerState(global_step=step, log_history=HISTORY)
    state.best_model_checkpoint = best
    return state


def test_the_evaluation_of_the_card_is_that_of_the_weights_that_are_there():
    best = "runs/lxmert/checkpoint-10"
    assert kept_evaluation(ended(15, best), is_best_loaded=True)["epoch"] == 2
    assert kept_evaluation(ended(15, best), is_best_loaded=False)["epoch"] == 3
    # The best step had no checkpoint of its own.
    assert kept_evaluation(ended(15, None), is_best_loaded=True)["epoch"] == 3
    assert kept_evaluation(ended(17, best), is_best_loaded=False) is None


def test_a_run_that_does_not_load_its_best_epoch_says_so(data_dir, tmp_path, run_main, capsys):
    output = tmp_path / "run"
    arguments = ["--model_name_or_path", save_lxmert(tmp_path / "lxmert"), "--data_dir", data_dir]
    arguments += ["--output_dir", output, "--use_cpu", "--disable_tqdm", "True"]
    arguments += ["--num_train_epochs", 3, "--load_best_model_at_end", "no"]
    assert run_main(main, *arguments) == 0
    assert "the model of the last epoch, rsum" in capsys.readouterr().out
    assert "after epoch 3, the one kept" in ModelCard.load(output / "README.md").text


def test_a_run_without_evaluation_has_a_card_without_results(tmp_path):
    settings = {**SETTINGS, "model": str(tmp_path)}  # of a folder the hub knows nothing
    made = model_card(tmp_path / "run", settings, TRAIN, MINIVAL, kept=None)
    (tmp_path / "README.md").write_text(made.content, "utf-8")
    card = ModelCard.load(tmp_path / "README.md")
    assert not card.data.eval_results
    assert "base_model" not in card.data.to_dict()
    assert "Not evaluated" in card.text
    assert "R@1" not in card.text


def test_a_run_without_evaluation_ends_with_its_card(data_dir, tmp_path, run_main, capsys):
    output = tmp_path / "run"
    arguments = ["--model_name_or_path", save_lxmert(tmp_path / "lxmert"), "--data_dir", data_dir]
    arguments += ["--output_dir", output, "--use_cpu", "--disable_tqdm", "True"]
    arguments += ["--num_train_epochs", 1, "--eval_strategy", "no", "--save_strategy", "no"]
    assert run_main(main, *arguments, "--load_best_model_at_end", "no") == 0
    card = ModelCard.load(output / "README.md")
    assert "Not evaluated" in card.text
    settings = read_json(output / "training_run.json", "training writes it")
    assert json.loads(card.text.split("```json")[1].split("```")[0]) == settings
    assert (output / "training_curves.png").exists()
    assert sys.argv[-1] == "no"
    assert "the model of the last epoch" in capsys.readouterr().out
