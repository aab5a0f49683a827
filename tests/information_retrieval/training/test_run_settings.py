"""What HF's options say of a run."""

import json

import pytest

from information_retrieval.training.paper_arguments import PaperTrainingArguments
from information_retrieval.training.run_folder import NOT_ALWAYS
from information_retrieval.training.run_settings import training_settings


@pytest.fixture
def settings(tmp_path):
    def settings(**options) -> dict:
        arguments = PaperTrainingArguments(output_dir=str(tmp_path), use_cpu=True, **options)
        return json.loads(json.dumps(training_settings(arguments)))

    return settings


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 0.5},
        {"adam_beta2": 0.9},
        {"optim": "sgd"},
        {"optim_args": "momentum=0.9"},
        {"dataloader_drop_last": True},
        {"neftune_noise_alpha": 5.0},
        {"accelerator_config": {"even_batches": False}},
        {"load_best_model_at_end": False},
        {"metric_for_best_model": "i2t_r1"},
        {"greater_is_better": False},
        {"eval_delay": 1},
        {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 4, "save_steps": 4},
    ],
)
def test_options_that_change_a_result_or_which_epoch_is_kept_are_part_of_it(settings, option):
    assert settings(**option) != settings()


@pytest.mark.parametrize(
    "option",
    [
        {"logging_steps": 3},
        {"save_total_limit": 5},
        {"per_device_eval_batch_size": 3},
        {"eval_steps": 3},  # evaluated is after each epoch
        {"metric_for_best_model": "eval_rsum"},
    ],
)
def test_others_are_not(settings, option):
    assert settings(**option) == settings()


def test_where_no_epoch_is_chosen_evaluations_do_not_matter(settings):
    last = {"load_best_model_at_end": False}
    more = {"eval_strategy": "no", "save_strategy": "no", "metric_for_best_model": "i2t_r1"}
    assert settings(**last, **more) == settings(**last)


def test_what_earlier_versions_did_not_record_is_known(settings):
    recorded = {"optim", "adam", "batch_size", "precision", "seed", "learning_rate", "max_steps"}
    assert not recorded & NOT_ALWAYS
    assert settings().keys() >= NOT_ALWAYS - {"minival_beams"}
