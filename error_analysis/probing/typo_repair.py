"""What repairing a typo does to its query's rank: the same images, the caption as it was meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from error_analysis.mining import HARD_RANK
from error_analysis.probing.probed_captions import ScoringModel, rank_in_fold, score_captions
from error_analysis.query_json import number
from error_analysis.reasons.typos import TypoCheck
from preprocess.errors import InputError
from preprocess.files import read_json
from preprocess.split_file import Split

REPAIRS_FORMAT = 'it maps caption ids to repaired captions: {"492166": "A little green flower."}'


@dataclass(frozen=True, slots=True)
class RepairedQuery:
    """A caption query as it stands in the split, and repaired.

    Attributes:
        typed, repaired: the two captions.
        rank_before, rank_after: 0-based, expected ties, of the caption's own image.
    """

    caption_id: int
    image_id: int
    typed: str
    repaired: str
    rank_before: float
    rank_after: float

    @property
    def recovered(self) -> float:
        """Ranks gained by the repair; negative where it made things worse."""
        return self.rank_before - self.rank_after


def find_repairs(gallery: Split, training_captions: Iterable[str]) -> dict[int, str]:
    """Return the repair of each caption in which the typo check finds one.

    Args:
        training_captions: whose words and word pairs the check counts; may be none.

    Returns:
        by column: the position of the caption in the gallery.
    """
    check = TypoCheck(training_captions)
    found = ((column, check(caption)) for column, caption in enumerate(gallery.captions))
    return {column: reason.repair for column, reason in found if reason and reason.repair}


def read_repairs(path: Path, gallery: Split, split: Split) -> dict[int, str]:
    """Read repairs from JSON; those that change nothing, or are not in `gallery`, are left out.

    Args:
        split: the whole split, whose first captions `gallery` has.

    Returns:
        by column: the position of the caption in the gallery.

    Raises:
        InputError: the file cannot be read, has another format, or names a caption that is not in
            the split.
    """
    content = read_json(path, REPAIRS_FORMAT)
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected an object, found a {type(content).__name__}; it maps "
            "caption ids to repaired captions"
        )
    known = set(map(str, split.caption_ids.tolist()))
    column_of = {str(c): column for column, c in enumerate(gallery.caption_ids.tolist())}
    repairs = {}
    for caption_id, repair in content.items():
        if caption_id not in known:
            raise InputError(
                f"{path}: has caption {caption_id}, which is not in split {split.split!r} of "
                f"{split.source}; give the repairs of this split"
            )
        if not isinstance(repair, str) or not repair.strip():
            raise InputError(
                f"{path}: caption {caption_id}: expected its repaired text, found {repair!r}"
            )
        column = column_of.get(caption_id)
        if column is not None and repair != gallery.captions[column]:
            repairs[column] = repair
    return repairs


def repair_queries(
    repairs: Mapping[int, str],
    gallery: Split,
    model: ScoringModel,
    folds: Sequence[slice],
    known_scores: np.ndarray | None = None,
) -> list[RepairedQuery]:
    """Rank the image of each repaired caption, before and after, most recovered ranks first.

    Each repaired caption takes the place of its own: it is ranked against the same images.

    Args:
        repairs: by column of the gallery.
        folds: the rows of each gallery of the protocol.
        known_scores: (n_images, n_captions) float32 of the gallery as it stands, by this model;
            None: the typed captions are scored too.

    Raises:
        InputError: there is nothing to repair, or those of `score_captions`.
    """
    if not repairs:
        raise InputError(
            f"split {gallery.split!r} of {gallery.source}: no typo found in its "
            f"{len(gallery.captions):,} captions; nothing to repair"
        )
    columns = np.array(sorted(repairs))
    repaired = [repairs[column] for column in columns.tolist()]
    if known_scores is None:
        typed = [gallery.captions[column] for column in columns]
        scores = score_captions([*repaired, *typed], "repaired and typed", gallery, model)
        after, before = np.split(scores, 2, axis=1)  # (n_images, n_repairs) each
    else:
        after = score_captions(repaired, "repaired captions", gallery, model)
        before = known_scores[:, columns]
    queries = []
    for i, column in enumerate(columns.tolist()):
        row = int(gallery.caption_image_index[column])
        queries.append(
            RepairedQuery(
                int(gallery.caption_ids[column]),
                int(gallery.image_ids[row]),
                gallery.captions[column],
                repaired[i],
                rank_in_fold(before[:, i], row, folds),
                rank_in_fold(after[:, i], row, folds),
            )
        )
    return sorted(queries, key=lambda query: -query.recovered)


@dataclass(frozen=True)
class RepairSummary:
    """What the repairs did, all together.

    Attributes:
        n_queries: repaired queries.
        median_before, median_after: of their ranks.
        median_recovered: of the ranks that each gained.
        n_better, n_same, n_worse: queries by what became of their rank.
        n_hard: that were hard as typed; n_healed: of these, those that are hard no longer.
        n_broken: that were not hard as typed, and are when repaired.
    """

    n_queries: int
    median_before: float
    median_after: float
    median_recovered: float
    n_better: int
    n_same: int
    n_worse: int
    n_hard: int
    n_healed: int
    n_broken: int


def summarize(queries: Sequence[RepairedQuery], hard_rank: int = HARD_RANK) -> RepairSummary:
    """Sum up at least one repaired query."""
    before = np.array([query.rank_before for query in queries])
    after = np.array([query.rank_after for query in queries])
    was_hard, is_hard = before >= hard_rank, after >= hard_rank
    return RepairSummary(
        n_queries=len(queries),
        median_before=float(np.median(before)),
        median_after=float(np.median(after)),
        median_recovered=float(np.median(before - after)),
        n_better=int(np.sum(after < before)),
        n_same=int(np.sum(after == before)),
        n_worse=int(np.sum(after > before)),
        n_hard=int(np.sum(was_hard)),
        n_healed=int(np.sum(was_hard & ~is_hard)),
        n_broken=int(np.sum(~was_hard & is_hard)),
    )


def repairs_to_text(queries: Sequence[RepairedQuery], n_shown: int) -> str:
    """Return the summary as text, above the queries that gained most."""
    s = summarize(queries)
    lines = [
        f"{s.n_queries:,} captions repaired: {s.n_better:,} rank better, {s.n_same:,} the same, "
        f"{s.n_worse:,} worse",
        f"median rank {s.median_before:g} as typed, {s.median_after:g} repaired; median of the "
        f"ranks recovered {s.median_recovered:g}",
        f"{s.n_healed:,} of {s.n_hard:,} hard queries are hard no longer; {s.n_broken:,} of the "
        "others became hard",
    ]
    for query in queries[:n_shown]:
        lines.append(f"rank {query.rank_before:g} -> {query.rank_after:g}: {query.typed}")
        lines.append(f"    {query.repaired}")
    return "\n".join(lines)


def repairs_to_json(queries: Sequence[RepairedQuery]) -> dict:
    """Return the queries as JSON holds them; "healed_percent" is null without a hard query."""
    summary = summarize(queries)
    healed = 100 * summary.n_healed / summary.n_hard if summary.n_hard else None
    listed = [
        {
            "query": query.typed,
            "repaired": query.repaired,
            "caption_id": query.caption_id,
            "image_id": query.image_id,
            "rank_before": number(query.rank_before),
            "rank_after": number(query.rank_after),
            "recovered": number(query.recovered),
        }
        for query in queries
    ]
    return {"summary": {**vars(summary), "healed_percent": healed}, "queries": listed}
