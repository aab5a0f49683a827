"""Captioners side by side: which images models find by what each says of them, as
captioning.self_retrieval asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.bootstrap import Interval
from information_retrieval.ranking.metrics import CUTOFFS, recall_at_k
from preprocess.base.errors import InputError
from preprocess.base.files import read_json

MADE_BY = "make it with `python -m captioning.self_retrieval`"
SAME = 1e-6  # percent; recalls that differ by less are the same


@dataclass(frozen=True)
class AskedCaptioner:
    """One captioner's captions, asked of one model.

    Attributes:
        captioner: the name of the folder of its captions; of two of one name, the file.
        model: that was asked, as the report calls it.
        is_shown: whether it is one of the report's models; if not, `model` is its checkpoint.
        distinct: how many different captions it says, in percent of all that it says.
        generated, human: by "r1", "r5" and "r10", recalls of image retrieval in percent: by the
            generated captions, and by people's.
    """

    captioner: str
    model: str
    is_shown: bool
    distinct: float
    generated: dict[str, Interval]
    human: dict[str, Interval]


def read_captioners(
    paths: Sequence[Path], models: Sequence[ModelRankings]
) -> tuple[AskedCaptioner, ...]:
    """Read what `python -m captioning.self_retrieval` wrote, of captioners of the models' images.

    Raises:
        InputError: a file is missing, no such file, or of other images than the models'.
    """
    read = [_read(path, models) for path in paths]
    files = {(one.captioner, captions) for captions, one in read}
    n_files = Counter(captioner for captioner, _ in files)
    return tuple(
        one if n_files[one.captioner] == 1 else replace(one, captioner=captions)
        for captions, one in read
    )


def _read(path: Path, models: Sequence[ModelRankings]) -> tuple[str, AskedCaptioner]:
    """Return the file of the captions, and what was found."""
    content = read_json(path, MADE_BY)
    gallery = models[0].gallery
    expected = gallery.dataset, gallery.split, len(gallery.images)
    try:
        metadata, metrics = content["metadata"], content["metrics"]
        of = metadata["dataset"], metadata["split"], int(content["images"])
        captions = next(iter(metadata["files"]))  # the first of those that it was made of
        human = _recalls(metrics["human"])
        asked = _asked(metadata["weights"], human, models)
        found = AskedCaptioner(
            metadata.get("captioner") or Path(captions).resolve().parent.name,
            asked.name if asked else str(metadata["model"]),
            asked is not None,
            100 * float(content["captions"]["generated"]["distinct_share"]),
            _recalls(metrics["generated"]),
            human,
        )
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected a file of `python -m captioning.self_retrieval`, found another "
            f"({type(error).__name__}: {error}); {MADE_BY}"
        ) from error
    if of != expected:
        told = ("{}, split {}, {:,} images".format(*one) for one in (expected, of))
        raise InputError(
            f"{path}: expected captions of the report's images ({next(told)}), found others "
            f"({next(told)}); caption all images of this report"
        )
    return captions, found


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
        is_same = all(abs(recall_at_k(queries, k) - human[f"r{k}"].value) < SAME for k in CUTOFFS)
        if is_same and model.rankings.metadata.get("weights") == weights:
            return model
    return None
