"""What a finished run writes."""

from pathlib import Path

from information_retrieval.training.curves import training_curves
from information_retrieval.training.model_card import kept_evaluation, model_card
from information_retrieval.training.run_folder import (
    remove_leftovers,
)
from information_retrieval.training.trainer import RetrievalTrainer
from preprocess.base.files import atomic_path


def write_results(trainer: RetrievalTrainer, settings: dict) -> None:
    """Write the best model, its card and the curves; last the state, which says it is finished."""
    trainer.save_model()
    if not trainer.is_world_process_zero():
        return
    output_dir = Path(trainer.args.output_dir)
    remove_leftovers(output_dir)
    state, is_best_loaded = trainer.state, trainer.args.load_best_model_at_end
    kept = kept_evaluation(state, is_best_loaded)
    with atomic_path(output_dir / "training_curves.png") as partial:
        training_curves(state.log_history).savefig(partial, dpi=150, format="png")
    train, minival = trainer.train_dataset.split, trainer.gallery.split
    card = model_card(output_dir, settings, train, minival, kept)
    with atomic_path(output_dir / "README.md") as partial:
        partial.write_text(card.content, "utf-8")
    with atomic_path(output_dir / "trainer_state.json") as partial:
        state.save_to_json(str(partial))
    is_best = is_best_loaded and state.best_model_checkpoint is not None
    which = "the best epoch" if is_best else "the last epoch"
    rsum = "" if kept is None else f", rsum {kept['eval_rsum']:.2f} on minival"
    print(f"wrote {output_dir}: the model of {which}{rsum}, README.md and training_curves.png")
