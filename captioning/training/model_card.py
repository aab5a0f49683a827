"""The model card of a captioner: from what it was made, how, and what its captions are worth."""

import json
import shlex
import sys
from pathlib import Path

import torch
import transformers
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from captioning.results.metrics_json import SHOWN
from captioning.training.minival import Minival, with_interval
from information_retrieval.scoring.evaluation_output import code_version
from information_retrieval.training.model_card import described
from preprocess.captions.split_file import Split

SCORED = ("Bleu_1", "Bleu_4", "ROUGE_L", "CIDEr")

TEXT = """\
---
{header}
---

# {name}

{what}, which captions images by their encodings: `{kind}` of `{encoder}`
(`python -m preprocess.encode_images`).

## Data

| | |
|---|---|
| trained on | {train} |
| of these captions | {captions:,} are learnt; {unknown:.1%} of their words are `<unk>` |
| chosen on | {minival} |

## Results

{results}

![Loss, scores and distinct captions](training_curves.png)

## How it was made

```bash
{command}
```

Code version {code_version}, torch {torch}, transformers {transformers}. What the result depends on:

```json
{settings}
```
"""


def model_card(
    output_dir: Path, settings: dict, train: Split, minival: Minival, kept: dict | None
) -> ModelCard:
    """Describe a finished run.

    Args:
        settings: what the run was begun with, as in its training_run.json.
        kept: the log of the evaluation of the model that was kept; None without one.
    """
    base = settings["model"]
    begun = "made anew" if base is None else f"begun as `{base}`"
    header = ModelCardData(
        model_name=output_dir.name,
        # Of a folder nothing that the hub knows.
        base_model=None if base is None or Path(base).is_dir() else base,
        library_name="transformers",
        tags=["image-captioning", "image-to-text"],
        eval_results=_eval_results(minival.split, kept),
    )
    return ModelCard(
        TEXT.format(
            header=header.to_yaml(),
            name=output_dir.name,
            what=f"A captioner (decoder {settings['decoder']}, {begun})",
            kind=settings["encoder_kind"],
            encoder=settings["encoder"],
            train=described(train),
            captions=settings["captions"],
            unknown=settings["unknown_share"],
            minival=described(minival.split),
            results=_results(kept, minival),
            command=shlex.join(["python", "-m", "captioning.train", *sys.argv[1:]]),
            code_version=code_version(),
            torch=torch.__version__,
            transformers=transformers.__version__,
            settings=json.dumps(settings, indent=2),
        )
    )


def _eval_results(minival: Split, kept: dict | None) -> list[EvalResult] | None:
    if kept is None:
        return None
    return [
        EvalResult(
            task_type="image-to-text",
            dataset_type=minival.dataset,
            dataset_name=f"{minival.dataset} {minival.split}",
            metric_type=name,
            metric_name=SHOWN.get(name, name),
            metric_value=round(kept[f"eval_{name}"], 4),
        )
        for name in SCORED
    ]


def _results(kept: dict | None, minival: Minival) -> str:
    if kept is None:
        return "Not evaluated: this is the model of the last epoch."
    names = " | ".join(SHOWN.get(name, name) for name in SCORED)
    values = {name.removeprefix("eval_"): value for name, value in kept.items()}
    scored = " | ".join(with_interval(values, name) for name in SCORED)
    constant = " | ".join(f"{minival.constant_metrics[name]:.3f}" for name in SCORED)
    return "\n".join(
        [
            f"Minival captioned ({minival.decoding.method}) after epoch {kept['epoch']:g}, the one "
            "kept. Epochs are chosen on these images: numbers to report come from another split, "
            "by `python -m captioning.caption` and `python -m captioning.evaluate`. 95 % intervals "
            "over images in brackets.",
            "",
            f"| | {names} | distinct | words | cut | `<unk>` |",
            "|---" * (len(SCORED) + 5) + "|",
            f"| this captioner | {scored} "
            f"| {values['distinct']:,.0f} of {len(minival.split.images):,} "
            f"| {values['words_mean']:.1f} | {values['cut_share']:.1%} "
            f"| {values['unknown_share']:.1%} |",
            f"| a constant caption, `{minival.constant}` | {constant} | 1 "
            f"| {len(minival.constant.split())} | | |",
        ]
    )
