"""What training shows: a line of recalls an evaluation, and no dictionaries."""

import json
import re

from information_retrieval.train import main
from information_retrieval.training.progress import recall_line
from tests.conftest import save_lxmert


def test_the_line_has_every_recall_of_both_directions():
    recalls = {"eval_i2t_r1": 50.04, "eval_i2t_r5": 75.0, "eval_i2t_r10": 100.0}
    recalls |= {"eval_t2i_r1": 1.25, "eval_t2i_r5": 2.0, "eval_t2i_r10": 3.0}
    assert recall_line(1.5, {"eval_rsum": 231.29, **recalls}) == (
        "epoch 1.5: rsum 231.3; R@1/5/10 of text retrieval 50.0 / 75.0 / 100.0, "
        "of image retrieval 1.2 / 2.0 / 3.0"
    )


def train(data_dir, tmp_path, run_main, *options):
    arguments = ["--model_name_or_path", save_lxmert(tmp_path / "lxmert"), "--data_dir", data_dir]
    arguments += ["--output_dir", tmp_path / "run", "--use_cpu", "--num_train_epochs", 2]
    assert run_main(main, *arguments, "--logging_steps", 1, *options) == 0
    history = json.loads((tmp_path / "run" / "trainer_state.json").read_text())["log_history"]
    return [log for log in history if "eval_rsum" in log], history


def test_stdout_has_a_line_an_evaluation_and_where_it_wrote(data_dir, tmp_path, run_main, capsys):
    evaluations, _ = train(data_dir, tmp_path, run_main, "--disable_tqdm", "True")
    printed = capsys.readouterr().out
    *lines, wrote = printed.splitlines()
    assert lines == [recall_line(log["epoch"], log) for log in evaluations]
    assert len(lines) == 2
    assert wrote.startswith(f"wrote {tmp_path / 'run'}: the model of the best epoch")
    assert "{" not in printed


def test_the_bar_shows_steps_and_the_last_loss_on_stderr(data_dir, tmp_path, run_main, capsys):
    _, history = train(data_dir, tmp_path, run_main)
    captured = capsys.readouterr()
    assert "{" not in captured.out
    steps = max(log["step"] for log in history)
    last = [log["loss"] for log in history if "loss" in log][-1]
    assert re.search(rf"training: 100%.* {steps}/{steps} .*loss={last:.4g}", captured.err)
