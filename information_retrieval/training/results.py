"""What a finished run writes."""

from collections.abc import Callable, Sequence
from pathlib import Path

from huggingface_hub import ModelCard
from matplotlib.figure import Figure

from information_retrieval.training.curves import training_curves
from information_retrieval.training.model_card import kept_evaluation, model_card
from information_retrieval.training.resumable_trainer import ResumableTrainer
from information_retrieval.training.run_folder import remove_leftovers
from information_retrieval.training.trainer import RetrievalTrainer
from preprocess.base.files import atomic_path


def write_results(trainer: RetrievalTrainer, settings: dict) -> None:
    """Write the best model, its card and the curves; last the state, which says it is finished."""
    output_dir = Path(trainer.args.output_dir)
    train, minival = trainer.train_dataset.split, trainer.gallery.split

    def card(kept: dict | None) -> ModelCard:
        return model_card(output_dir, settings, train, minival, kept)

    write_run(trainer, "eval_rsum", "rsum {:.2f}", training_curves, card)


def write_run(
    trainer: ResumableTrainer,
    metric: str,
    shown: str,
    curves: Callable[[Sequence[dict]], Figure],
    card: Callable[[dict | None], ModelCard],
) -> None:
    """Write what a run of any kind leaves; last the state, which says it is finished.

    Args:
        metric: that each evaluation's log has.
        shown: how its value of the kept model is printed.
        curves: draws HF's log history.
        card: of the evaluation of the kept model; None without one.
    """
    trainer.save_model()
    if not trainer.is_world_process_zero():
        return
    output_dir = Path(trainer.args.output_dir)
    remove_leftovers(output_dir)
    state, is_best_loaded = trainer.state, trainer.args.load_best_model_at_end
    kept = kept_evaluation(state, is_best_loaded, metric)
    with atomic_path(output_dir / "training_curves.png") as partial:
        curves(state.log_history).savefig(partial, dpi=150, format="png")
    with atomic_path(output_dir / "README.md") as partial:
        partial.write_text(card(kept).content, "utf-8")
    with atomic_path(output_dir / "trainer_state.json") as partial:
        state.save_to_json(str(partial))
    is_best = is_best_loaded and state.best_model_checkpoint is not None
    which = "the best epoch" if is_best else "the last epoch"
    reached = "" if kept is None else f", {shown.format(kept[metric])} on minival"
    print(f"wrote {output_dir}: the model of {which}{reached}, README.md and training_curves.png")
