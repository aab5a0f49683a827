"""What a finished run writes."""

from pathlib import Path

from huggingface_hub import ModelCard

from captioning.training.curves import training_curves
from captioning.training.model_card import model_card
from captioning.training.trainer import CaptionTrainer
from information_retrieval.training.results import write_run


def write_results(trainer: CaptionTrainer, settings: dict) -> None:
    """Write the best captioner, its card and the curves; last the state: it is finished."""
    output_dir = Path(trainer.args.output_dir)

    def card(kept: dict | None) -> ModelCard:
        train = trainer.train_dataset.split
        return model_card(output_dir, settings, train, trainer.minival, kept)

    write_run(trainer, "eval_CIDEr", "CIDEr-D {:.3f}", training_curves, card)
