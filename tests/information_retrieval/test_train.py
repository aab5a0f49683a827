"""Fine-tuning: the paper's defaults, what it writes, and that it learns."""

import json
import shutil

import pytest
import torch

from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.lxmert.encoded_gallery import encode_gallery
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.tokenization import tokenize_captions
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rank_counter import count_ranks
from information_retrieval.scoring.all_pairs import score_all
from information_retrieval.train import main
from information_retrieval.training.paper_arguments import PaperTrainingArguments
from information_retrieval.training.resumable_trainer import EpochStart
from preprocess.base.command_line import parse_arguments
from preprocess.captions.split_file import read_split, write_split
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import (
    assert_one_clear_line,
    bert_tokenizer,
    make_lxmert,
    save_clip,
    save_lxmert,
)


@pytest.fixture
def train(data_dir, tmp_path, run_main):
    output = tmp_path / "runs" / "lxmert"

    def run(checkpoint, *options):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        arguments += ["--output_dir", output, "--use_cpu", "--disable_tqdm", "True"]
        return run_main(main, *arguments, *options), output

    return run


def test_the_defaults_are_the_papers(tmp_path):
    arguments = PaperTrainingArguments(output_dir=str(tmp_path))
    assert arguments.learning_rate == 1e-5
    assert arguments.weight_decay == 1e-4
    assert arguments.per_device_train_batch_size == 32
    assert arguments.num_train_epochs == 10
    assert arguments.eval_strategy == arguments.save_strategy == "epoch"
    assert arguments.metric_for_best_model == "rsum"
    assert arguments.load_best_model_at_end
    assert arguments.greater_is_better


def test_the_command_has_the_same_defaults(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train", "--output_dir", str(tmp_path)])
    parsed = parse_arguments(PaperTrainingArguments, description="")
    made = PaperTrainingArguments(output_dir=str(tmp_path))
    for name in ("use_cpu", "fp16", "dataloader_pin_memory", "ddp_find_unused_parameters"):
        assert getattr(parsed, name) == getattr(made, name), name
    assert parsed.use_cpu != torch.cuda.is_available()
    assert parsed.fp16 == torch.cuda.is_available()


def test_the_half_precision_of_a_gpu_is_none_of_the_cpu(tmp_path):
    # --fp16 is the default where there is a GPU.
    assert not PaperTrainingArguments(output_dir=str(tmp_path), use_cpu=True, fp16=True).fp16


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--report_to", "wandb"], "wandb to be installed"),
        (["--optim", "adamw_bnb_8bit"], "bitsandbytes"),
        (["--dataloader_num_workers", "-1"], "--dataloader_num_workers: expected at least 0"),
        (["--lr_scheduler_type", "cosine_with_min_lr"], "min_lr"),
        (["--lr_scheduler_kwargs", '{"a": 1}'], "unexpected keyword argument 'a'"),
        (["--seed", "-1"], "--seed: expected at least 0, found -1"),
        (["--fsdp", "full_shard"], "fsdp"),
        (
            ["--per_device_eval_batch_size", "0"],
            "--per_device_eval_batch_size: expected at least 1",
        ),
        (["--gradient_accumulation_steps", "0"], "--gradient_accumulation_steps: expected"),
        (["--learning_rate", "-1"], "Invalid learning rate"),
        (["--adam_beta1", "2"], "Invalid beta"),
        (["--accelerator_config", '{"bogus": 1}'], "bogus"),
        (["--metric_for_best_model", "loss"], "expected one of i2t_r1"),
        (["--max_steps", "0"], "expected some training"),
        (["--use_liger_kernel"], "not an option here"),
    ],
)
def test_options_with_which_no_step_can_be_made_are_one_line(train, tmp_path, options, line):
    status, output = train(save_lxmert(tmp_path / "lxmert"), "--num_train_epochs", "1", *options)
    assert_one_clear_line(status, line)
    assert not (output / "training_run.json").exists()


def test_after_a_first_step_that_cannot_be_made_the_corrected_command_trains(train, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    options = ["--gradient_checkpointing", "--gradient_checkpointing_kwargs", '{"bogus": true}']
    status, output = train(checkpoint, "--max_steps", "1", *options)
    assert_one_clear_line(status, "--gradient_checkpointing_kwargs", "bogus")
    assert train(checkpoint, "--max_steps", "1")[0] == 0
    assert (output / "training_run.json").exists()


def test_of_mean_ranks_the_least_is_the_best(tmp_path):
    of_ranks = PaperTrainingArguments(
        output_dir=str(tmp_path), metric_for_best_model="t2i_mean_rank"
    )
    assert not of_ranks.greater_is_better


def test_the_head_is_two_linear_layers_with_gelu_and_norm():
    model = make_lxmert(perturb=False)
    pooled = torch.randn(3, 32)
    first, _, norm, second = model.matching_head.logit_fc
    assert (first.weight.shape, second.weight.shape) == ((64, 32), (1, 64))
    hidden = torch.nn.functional.gelu(first(pooled))
    hidden = torch.nn.functional.layer_norm(hidden, (64,), norm.weight, norm.bias, eps=1e-12)
    torch.testing.assert_close(model.matching_head(pooled), second(hidden))


def test_the_loss_is_binary_cross_entropy():
    model = make_lxmert()
    logits = torch.tensor([0.5, -1.0])
    expected = -(torch.log(torch.sigmoid(logits[0])) + torch.log(1 - torch.sigmoid(logits[1]))) / 2
    model.matching_head.forward = lambda pooled: logits[:, None]
    output = model(
        input_ids=torch.ones(2, 3, dtype=torch.int64),
        attention_mask=torch.ones(2, 3, dtype=torch.int64),
        visual_feats=torch.randn(2, 4, 16),
        visual_pos=torch.rand(2, 4, 4),
        labels=torch.tensor([1.0, 0.0]),
    )
    torch.testing.assert_close(output.loss, expected)


def test_training_keeps_the_epoch_with_the_best_rsum_as_a_checkpoint_folder(train, tmp_path):
    options = ["--num_train_epochs", "3", "--learning_rate", "1e-3", "--prob_unaligned", "0.5"]
    status, output = train(save_lxmert(tmp_path / "lxmert"), *options)
    assert status == 0
    state = json.loads((output / "trainer_state.json").read_text())
    evaluations = [log for log in state["log_history"] if "eval_rsum" in log]
    assert [log["epoch"] for log in evaluations] == [1, 2, 3]
    best = max(evaluations, key=lambda log: log["eval_rsum"])
    assert state["best_metric"] == best["eval_rsum"]
    kept = load_model(str(output)).state_dict()
    expected = load_model(state["best_model_checkpoint"]).state_dict()
    assert all(torch.equal(kept[name], expected[name]) for name in expected)
    assert (output / "tokenizer_config.json").exists()


def test_the_evaluation_is_that_of_the_saved_model_on_minival(train, tmp_path, data_dir):
    status, output = train(save_lxmert(tmp_path / "lxmert"), "--num_train_epochs", "1")
    assert status == 0
    state = json.loads((output / "trainer_state.json").read_text())
    minival = read_split(data_dir / "minival.json")
    encoded = encode_gallery(
        load_model(str(output)),
        tokenize_captions(minival, bert_tokenizer(tmp_path / "vocabulary"), 80).token_ids,
        FeaturesFile(data_dir / "val_features.h5"),
        minival.image_ids,
    )
    scores = score_all(encoded, encoded.column_blocks, encoded.n_images, encoded.n_captions, False)
    expected = retrieval_metrics(count_ranks(scores, minival.caption_image_index))
    assert state["best_metric"] == pytest.approx(expected["rsum"])


def test_the_head_is_what_is_trained_also_of_a_checkpoint_that_learnt_by_cosines(train, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert", matching_score="cosine")
    status, output = train(checkpoint, "--num_train_epochs", "1")
    assert status == 0
    trained, before = load_model(str(output)), load_model(str(checkpoint))
    assert before.reads_vision
    assert not trained.reads_vision
    pairs = zip(trained.matching_head.parameters(), before.matching_head.parameters(), strict=True)
    assert not any(torch.equal(one, other) for one, other in pairs)


def test_a_checkpoint_without_the_head_starts_from_its_body(train, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    model = LxmertForImageTextMatching.from_pretrained(checkpoint)
    body = {f"lxmert.{name}": value.clone() for name, value in model.lxmert.state_dict().items()}
    model.lxmert.save_pretrained(checkpoint)
    options = ["--learning_rate", "0", "--weight_decay", "0", "--num_train_epochs", "1"]
    status, output = train(checkpoint, *options)
    assert status == 0
    trained = load_model(str(output)).state_dict()
    assert all(torch.equal(trained[name], value) for name, value in body.items())


def test_a_small_model_learns_its_training_pairs_by_heart(train, tmp_path, data_dir):
    split = read_split(data_dir / "train.json")
    write_split(data_dir / "minival.json", split)
    shutil.copy(data_dir / "train_features.h5", data_dir / "val_features.h5")
    checkpoint = save_lxmert(
        tmp_path / "lxmert",
        perturb=False,
        initializer_range=0.3,
        l_layers=1,
        x_layers=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    options = ["--num_train_epochs", "100", "--learning_rate", "1e-3", "--prob_unaligned", "0.5"]
    options += ["--lr_scheduler_type", "constant", "--eval_strategy", "steps"]
    options += ["--eval_steps", "100", "--save_strategy", "no", "--load_best_model_at_end", "no"]
    status, output = train(checkpoint, *options)
    assert status == 0
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    recalls = [log for log in history if "eval_rsum" in log][-1]
    assert recalls["eval_i2t_r1"] == recalls["eval_t2i_r1"] == 100


def test_the_pairs_of_an_epoch_are_drawn_anew_also_after_a_restart():
    class Pairs:
        def start_epoch(self, epoch: int) -> None:
            self.epoch = epoch

    class State:
        epoch = None

    pairs, state = Pairs(), State()
    for epoch, expected in ((None, 0), (0, 0), (1.0, 1), (2.6, 2), (3, 3)):
        state.epoch = epoch
        EpochStart(pairs).on_epoch_begin(None, state, None)
        assert pairs.epoch == expected


def test_an_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one(train, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    options = ["--num_train_epochs", "4", "--learning_rate", "1e-3", "--save_total_limit", "9"]
    status, output = train(checkpoint, *options)
    assert status == 0
    whole = load_model(str(output)).state_dict()
    folders = sorted(output.glob("checkpoint-*"), key=lambda f: int(f.name[11:]))
    assert len(folders) == 4
    # As a kill would leave it: two epochs done, the third checkpoint half-written.
    shutil.rmtree(folders[3])
    (folders[2] / "trainer_state.json").unlink()
    for name in ("model.safetensors", "trainer_state.json"):
        (output / name).unlink()
    status, output = train(checkpoint, *options)
    assert status == 0
    resumed = load_model(str(output)).state_dict()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_finished_run_is_left_as_it_is(train, tmp_path, capsys):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    _, output = train(checkpoint, "--num_train_epochs", "1")
    before = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
    status, _ = train(checkpoint, "--num_train_epochs", "1")
    assert status == 0
    assert "this run is finished; nothing to do" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()} == before


def test_a_folder_of_another_run_is_refused(train, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    status, output = train(checkpoint, "--num_train_epochs", "1")
    assert status == 0
    status, _ = train(checkpoint, "--num_train_epochs", "1", "--learning_rate", "0.5")
    assert_one_clear_line(status, output, "learning_rate 1e-05, expected 0.5")
    status, _ = train(save_lxmert(tmp_path / "lxmert", seed=1), "--num_train_epochs", "1")
    assert_one_clear_line(status, output, "weights sha256:")


@pytest.mark.parametrize("name", ["trainer_state.json", "checkpoint-7/config.json"])
def test_a_folder_that_another_command_filled_is_refused_and_kept(train, tmp_path, name):
    foreign = tmp_path / "runs" / "lxmert" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")
    status, output = train(save_lxmert(tmp_path / "lxmert"), "--num_train_epochs", "1")
    assert_one_clear_line(status, output, "of a run that another command began")
    assert foreign.read_text() == "{}"
    assert not (output / "training_run.json").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [
        ["--bf16"],
        ["--gradient_checkpointing"],
        ["--torch_compile", "--torch_compile_backend", "eager"],
        ["--gradient_accumulation_steps", "2", "--train_sampling_strategy", "group_by_length"],
    ],
)
def test_what_the_readme_offers_for_throughput_trains(train, tmp_path, options):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    status, output = train(checkpoint, "--max_steps", "2", *options)
    assert status == 0
    before, after = (load_model(str(path)).state_dict() for path in (checkpoint, output))
    name = "lxmert.encoder.layer.0.output.dense.weight"
    assert torch.isfinite(after[name]).all()
    assert not torch.equal(before[name], after[name])


def test_tensorboard_logs_are_written_when_asked(train, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    options = ["--max_steps", "2", "--report_to", "tensorboard", "--logging_steps", "1"]
    status, output = train(checkpoint, *options)
    assert status == 0
    assert list(output.rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("option", ["--label_smoothing_factor", "--resume_from_checkpoint"])
def test_an_option_of_hfs_that_would_do_nothing_is_refused(train, tmp_path, option):
    status, output = train(save_lxmert(tmp_path / "lxmert"), option, "0.1")
    assert_one_clear_line(status, option, "not an option here")
    assert not output.exists()


def test_training_that_diverges_is_one_line(train, tmp_path):
    status, _ = train(save_lxmert(tmp_path / "lxmert"), "--learning_rate", "1e30")
    assert_one_clear_line(status, "the score of image 2000", "nan")


@pytest.mark.parametrize(
    ("options", "line"),
    [(["--eval_strategy", "no"], "training arguments"), (["--output_dir", "/dev/null/x"], "x")],
)
def test_impossible_arguments_are_one_line(train, tmp_path, options, line):
    status, _ = train(save_lxmert(tmp_path / "lxmert"), *options)
    assert_one_clear_line(status, line)


def test_bad_input_stops_before_training(train, tmp_path, data_dir):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    status, output = train(checkpoint, "--prob_unaligned", "1")
    assert_one_clear_line(status, "--prob_unaligned", "[0, 1)")
    status, _ = train(save_clip(tmp_path / "clip"))
    assert_one_clear_line(status, "train_images.h5", "preprocess.write_images")
    status, _ = train(tmp_path / "clip", "--formulation", "binary")
    assert_one_clear_line(status, "--formulation binary: a clip model has no matching head")
    (data_dir / "val_features.h5").unlink()
    status, _ = train(checkpoint)
    assert_one_clear_line(status, "val_features.h5", "preprocess.extract_features")
    assert not output.exists()
