"""What changing one thing about queries did to their ranks, and where a model sees what captions
say, as error_analysis.probe measured it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.sections.origin import no_such_file, read_output
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError

COMMAND = "probe"
Box = tuple[float, float, float, float]  # x1 y1 x2 y2, shares of the image's width and height
MOST_CAPTIONS = 10


@dataclass(frozen=True)
class RankChange:
    """A caption query before and after; of a repair, after a harmless edit too."""

    caption_id: int
    before: float
    after: float
    caption: str
    repaired: str | None = None
    control: float | None = None


@dataclass(frozen=True)
class EditCounts:
    """What one edit of captions did to their queries (see `probing.typo_repair.RankChanges`)."""

    n_better: int
    n_same: int
    n_worse: int
    n_healed: int
    n_broken: int
    median_after: float


@dataclass(frozen=True)
class RepairProbe:
    """Captions with a typo, repaired, beside a harmless edit of each.

    Attributes:
        n_hard: of the captions, hard as typed.
        changes: most ranks gained first, at most `MOST_CAPTIONS`.
        outcomes: ids of the captions by what the repair did to them: "hard no longer", "became
            hard", "better" or "worse"; the first two are among the others.
    """

    model: str
    n_captions: int
    n_hard: int
    median_before: float
    repaired: EditCounts
    control: EditCounts
    changes: tuple[RankChange, ...]
    outcomes: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class NegativesProbe:
    """All images as photographic negatives.

    Attributes:
        recalls: by direction and cutoff ("r1"), in percent: on the images, and on the negatives.
        counts: by direction, queries by "hard", "hard_on_negatives", "became_hard",
            "no_longer_hard".
        changes: of caption queries, most ranks lost first, at most `MOST_CAPTIONS`.
    """

    model: str
    recalls: dict[Direction, dict[str, tuple[float, float]]]
    counts: dict[Direction, dict[str, int]]
    changes: tuple[RankChange, ...]


@dataclass(frozen=True)
class BoxProbe:
    """The boxes that a model predicts for captions.

    Attributes:
        hard_rank: from which 0-based rank on captions have them.
        own_area, wrong_area: of the boxes in the captions' own images, and in the first wrong ones,
            the median as a share of the image; None where no image is wrong.
        boxes: by caption id and image id.
    """

    model: str
    hard_rank: int
    own_area: float
    wrong_area: float | None
    boxes: dict[int, dict[int, Box]]


@dataclass(frozen=True)
class Probes:
    """The probes of some models, in the order of their files."""

    repairs: tuple[RepairProbe, ...]
    negatives: tuple[NegativesProbe, ...]
    boxes: tuple[BoxProbe, ...] = ()


def read_probes(paths: Sequence[Path], models: Sequence[ModelRankings]) -> Probes | None:
    """Read files of `python -m error_analysis.probe`, of any probe but that of one caption.

    Returns:
        None where there are none.

    Raises:
        InputError: a file is missing, no such file, or of none of the models.
    """
    found = [probe for path in paths if (probe := _read(path, models)) is not None]
    if not found:
        return None
    return Probes(
        tuple(probe for probe in found if isinstance(probe, RepairProbe)),
        tuple(probe for probe in found if isinstance(probe, NegativesProbe)),
        tuple(probe for probe in found if isinstance(probe, BoxProbe)),
    )


def _read(
    path: Path, models: Sequence[ModelRankings]
) -> RepairProbe | NegativesProbe | BoxProbe | None:
    """Read a file; None where it repaired no caption, or none was hard enough for boxes."""
    content = read_output(path, COMMAND)
    if "lists" in content:
        raise InputError(
            f"{path}: a probe of one caption; give those of --repair_typos, --negative_images or "
            "--predict_boxes"
        )
    model = _model_of(path, content["metadata"], models)
    if content.get("summary", "") is None or content.get("boxes", "") == []:
        return None
    with no_such_file(path, COMMAND):
        if "boxes" in content:
            return _boxes(content, model)
        return _repairs(content, model) if "summary" in content else _negatives(content, model)


def _model_of(path: Path, metadata: dict[str, Any], models: Sequence[ModelRankings]) -> str:
    """Return the name of the model that was probed, told by its weights, or else by its name."""
    probed = []
    for model in models:
        own = {"negative_images": "False", **model.rankings.metadata, "protocol": model.protocol}
        keys = ("split_sha256", "protocol", "weights" if "weights" in own else "model")
        if own["negative_images"] == "False" and all(metadata.get(k) == own.get(k) for k in keys):
            probed.append((own.get("dtype") != metadata.get("dtype"), model.name))
    if not probed:
        names = ", ".join(model.name for model in models)
        raise InputError(
            f"{path}: expected a probe of {names}, found one of {metadata.get('model')}, protocol "
            f"{metadata.get('protocol')}; repeat `python -m error_analysis.{COMMAND}` with a "
            "checkpoint of this report, and its --rankings"
        )
    return min(probed, key=lambda found: found[0])[1]


def _repairs(content: dict[str, Any], model: str) -> RepairProbe:
    summary = content["summary"]
    changes = tuple(
        RankChange(
            int(told["caption_id"]),
            float(told["rank_before"]),
            float(told["rank_after"]),
            str(told["query"]),
            str(told["repaired"]),
            float(told["rank_control"]),
        )
        for told in content["queries"][:MOST_CAPTIONS]
    )
    return RepairProbe(
        model,
        int(summary["n_queries"]),
        int(summary["n_hard"]),
        float(summary["median_before"]),
        _edit_counts(summary["repaired"]),
        _edit_counts(summary["control"]),
        changes,
        _outcomes(content["queries"]),
    )


def _outcomes(queries: Sequence[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for told in queries:
        before, after = float(told["rank_before"]), float(told["rank_after"])
        outcomes = {
            "hard no longer": before >= HARD_RANK > after,
            "became hard": before < HARD_RANK <= after,
            "better": after < before,
            "worse": after > before,
        }
        for outcome in (name for name, is_so in outcomes.items() if is_so):
            found.setdefault(outcome, []).append(int(told["caption_id"]))
    return {outcome: tuple(sorted(ids)) for outcome, ids in found.items()}


def _edit_counts(told: dict[str, Any]) -> EditCounts:
    names = ("n_better", "n_same", "n_worse", "n_healed", "n_broken")
    counts = {name: int(told[name]) for name in names}
    return EditCounts(**counts, median_after=float(told["median_after"]))


def _negatives(content: dict[str, Any], model: str) -> NegativesProbe:
    metrics, counts = content["metrics"], content["counts"]
    return NegativesProbe(
        model,
        {
            d: {
                k: (float(metrics["images"][f"{d}_{k}"]), float(metrics["negatives"][f"{d}_{k}"]))
                for k in ("r1", "r5", "r10")
            }
            for d in DIRECTIONS
        },
        {
            d: {
                key: int(counts[d][key])
                for key in ("hard", "hard_on_negatives", "became_hard", "no_longer_hard")
            }
            for d in DIRECTIONS
        },
        tuple(
            RankChange(
                int(told["caption_id"]),
                float(told["rank"]),
                float(told["rank_on_negatives"]),
                str(told["query"]),
            )
            for told in content["queries"]["t2i"][:MOST_CAPTIONS]
        ),
    )


def _boxes(content: dict[str, Any], model: str) -> BoxProbe:
    areas = content["median_area"]
    return BoxProbe(
        model,
        int(content["hard_rank"]),
        float(areas["own_image"]),
        None if areas["first_wrong_image"] is None else float(areas["first_wrong_image"]),
        {
            int(query["caption_id"]): dict(
                _in_image(found) for found in (query["own"], query["wrong"]) if found is not None
            )
            for query in content["boxes"]
        },
    )


def _in_image(told: dict[str, Any]) -> tuple[int, Box]:
    x1, y1, x2, y2 = map(float, told["box"])
    if not 0 <= x1 <= x2 <= 1 or not 0 <= y1 <= y2 <= 1:
        raise ValueError(f"a box of {told['box']}, which are no shares of an image")
    return int(told["image_id"]), (x1, y1, x2, y2)
