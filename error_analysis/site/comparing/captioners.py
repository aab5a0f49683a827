"""Captioners side by side: which images models find by what each says of them, as
captioning.self_retrieval asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.bootstrap import Interval
from information_retrieval.ranking.metrics import CUTOFFS
from preprocess.base.errors import InputError
from preprocess.base.files import read_json

MADE_BY = "make it with `python -m captioning.self_retrieval`"
SAME = 1e-6  # percent; recalls that differ by less are the same


@dataclass(frozen=True)
class AskedCaptioner:
    """One captioner's captions, asked of one model.

    Attributes:
        captioner: the name of the folder of its captions.
        model: that was asked, as the report calls it.
        is_shown: whether it is one of the report's models; if not, `model` is its checkpoint.
        distinct: percent of the generated captions that no other is, word for word.
        generated, human: by "r1", "r5" and "r10", recalls of image retrieval in percent: by the
            generated captions, and by people's.
        difference: of these two, in points.
    """

    captioner: str
    model: str
    is_shown: bool
    distinct: float
    generated: dict[str, Interval]
    human: dict[str, Interval]
    difference: dict[str, Interval]


def read_captioners(
    paths: Sequence[Path], models: Sequence[ModelRankings]
) -> tuple[AskedCaptioner, ...]:
    """Read what `python -m captioning.self_retrieval` wrote, of captioners of the models' images.

    Raises:
        InputError: a file is missing, no such file, or of other images than the models'.
    """
    return tuple(_read(path, models) for path in paths)


def _read(path: Path, models: Sequence[ModelRankings]) -> AskedCaptioner:
    content = read_json(path, MADE_BY)
    n_images = len(models[0].rankings.image_ids)
    try:
        metadata = content["metadata"]
        metrics = content["metrics"]
        human, generated = _recalls(metrics["human"]), _recalls(metrics["generated"])
        asked = _asked(metadata["weights"], human, models)
        found = AskedCaptioner(
            Path(metadata["captions"]).resolve().parent.name,
            asked.name if asked else str(metadata["model"]),
            asked is not None,
            100 * float(content["captions"]["generated"]["distinct_share"]),
            generated,
            human,
            _recalls(content["difference"]),
        )
        images = int(content["images"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected a file of `python -m captioning.self_retrieval`, found another "
            f"({type(error).__name__}: {error}); {MADE_BY}"
        ) from error
    if images != n_images:
        raise InputError(
            f"{path}: expected captions of the report's {n_images:,} images, found {images:,}; "
            "caption the split of this report"
        )
    return found


def _recalls(metrics: dict[str, Any]) -> dict[str, Interval]:
    return {f"r{k}": Interval(**metrics[f"r{k}"]) for k in CUTOFFS}


def _asked(
    weights: str, human: dict[str, Interval], models: Sequence[ModelRankings]
) -> ModelRankings | None:
    """Return the model that has these weights and these recalls by people's captions.

    Two models may have the same weights, and score by another head.
    """
    for model in models:
        queries = model.query_ranks("t2i")
        own = [100 * float(queries.found(k).mean()) for k in CUTOFFS]
        told = [human[f"r{k}"].value for k in CUTOFFS]
        if model.rankings.metadata.get("weights") == weights and np.allclose(own, told, atol=SAME):
            return model
    return None
