"""What training shows while it runs: a bar with the loss, and a line an evaluation."""

from collections.abc import Callable

from tqdm import tqdm
from transformers import TrainerCallback

from information_retrieval.ranking.metrics import CUTOFFS


def recall_line(epoch: float, metrics: dict[str, float]) -> str:
    """Return an evaluation in a line; `metrics` are `retrieval_metrics` with the prefix eval_."""
    text, image = (
        " / ".join(f"{metrics[f'eval_{direction}_r{k}']:.1f}" for k in CUTOFFS)
        for direction in ("i2t", "t2i")
    )
    cutoffs = "/".join(map(str, CUTOFFS))
    return (
        f"epoch {epoch:.3g}: rsum {metrics['eval_rsum']:.1f}; R@{cutoffs} of text retrieval "
        f"{text}, of image retrieval {image}"
    )


class TrainingProgress(TrainerCallback):
    """Shows on the main process the steps done, the last loss, and each evaluation.

    Args:
        line: of an evaluation's epoch and metrics.
    """

    def __init__(self, show_bar: bool, line: Callable[[float, dict[str, float]], str]):
        self.show_bar = show_bar
        self.line = line
        self.bar = None

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        if state.is_world_process_zero:
            self.bar = tqdm(
                total=state.max_steps,
                initial=state.global_step,
                desc="training",
                unit="step",
                disable=not self.show_bar,
            )

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        if self.bar is not None and "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.4g}")

    def on_evaluate(self, args, state, control, metrics=None, **kwargs) -> None:
        if state.is_world_process_zero:
            tqdm.write(self.line(state.epoch or 0, metrics))

    def on_train_end(self, args, state, control, **kwargs) -> None:
        if self.bar is not None:
            self.bar.close()
