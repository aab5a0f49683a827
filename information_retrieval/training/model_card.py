"""The model card of a fine-tuned checkpoint: from what it was made, how, and what it reaches."""

import json
import shlex
import sys
from pathlib import Path

import torch
import transformers
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from transformers import TrainerState

from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.scoring.evaluation_output import code_version
from preprocess.captions.split_file import Split

DIRECTIONS = {"i2t": "text retrieval", "t2i": "image retrieval"}

TEXT = """\
---
{header}
---

# {name}

`{base}`, {trained} for text-image retrieval, {formulation} formulation.

## Data

| | |
|---|---|
| trained on | {train} |
| evaluated on | {minival} |

## Results

{results}

![Loss and recalls](training_curves.png)

## How it was made

```bash
{command}
```

Code version {code_version}, torch {torch}, transformers {transformers}. What the result depends on:

```json
{settings}
```
"""


def kept_evaluation(
    state: TrainerState, is_best_loaded: bool, metric: str = "eval_rsum"
) -> dict | None:
    """Return the log of the evaluation of the model that training ended with; None without one.

    Args:
        is_best_loaded: whether the best checkpoint was loaded at the end, where there is one (an
            evaluation may have been better, but without a checkpoint).
        metric: that each evaluation's log has.
    """
    step, best = state.global_step, state.best_model_checkpoint
    if is_best_loaded and best is not None:
        step = int(Path(best).name.removeprefix("checkpoint-"))
    logs = (log for log in state.log_history if metric in log and log["step"] == step)
    return next(logs, None)


def model_card(
    output_dir: Path, settings: dict, train: Split, minival: Split, kept: dict | None
) -> ModelCard:
    """Describe a finished run.

    Args:
        settings: what the run was begun with, as in its training_run.json.
        kept: `kept_evaluation` of the run.
    """
    header = ModelCardData(
        model_name=output_dir.name,
        # Of a folder nothing that the hub knows.
        base_model=None if Path(settings["model"]).is_dir() else settings["model"],
        library_name="transformers",
        tags=["image-text-retrieval", "text-image-retrieval"],
        eval_results=_eval_results(minival, kept),
    )
    return ModelCard(
        TEXT.format(
            header=header.to_yaml(),
            name=output_dir.name,
            base=settings["model"],
            trained="pre-trained" if settings["formulation"] == "pretraining" else "fine-tuned",
            formulation=settings["formulation"],
            train=described(train),
            minival=described(minival),
            results=_results(kept),
            command=shlex.join(["python", "-m", "information_retrieval.train", *sys.argv[1:]]),
            code_version=code_version(),
            torch=torch.__version__,
            transformers=transformers.__version__,
            settings=json.dumps(settings, indent=2),
        )
    )


def described(split: Split) -> str:
    """Say in a line what a split is."""
    return (
        f"{split.dataset}, split {split.split}: {len(split.images):,} images, "
        f"{len(split.captions):,} captions; made from {split.source}"
    )


def _eval_results(minival: Split, kept: dict | None) -> list[EvalResult] | None:
    if kept is None:
        return None
    return [
        EvalResult(
            task_type="image-text-retrieval",
            dataset_type=minival.dataset,
            dataset_name=f"{minival.dataset} {minival.split}",
            metric_type=f"{direction}_r{k}",
            metric_name=f"{name} R@{k}",
            metric_value=round(kept[f"eval_{direction}_r{k}"], 2),
        )
        for direction, name in DIRECTIONS.items()
        for k in CUTOFFS
    ]


def _results(kept: dict | None) -> str:
    if kept is None:
        return "Not evaluated: this is the model of the last epoch."
    rows = [
        _row(name, *(f"{kept[f'eval_{direction}_r{k}']:.1f}" for k in CUTOFFS))
        for direction, name in DIRECTIONS.items()
    ]
    return "\n".join(
        [
            f"All of minival ranked exactly, after epoch {kept['epoch']:g}, the one kept (rsum "
            f"{kept['eval_rsum']:.1f}). Epochs are chosen on these images: numbers to report come "
            "from the test split, by `python -m information_retrieval.evaluate`.",
            "",
            _row("%", *(f"R@{k}" for k in CUTOFFS)),
            "|---" * (1 + len(CUTOFFS)) + "|",
            *rows,
        ]
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
