"""What repairing a typo does to its query's rank: the same images, the caption as it was meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from error_analysis.probing.harmless_edit import HARMLESS, harmless_edit
from error_analysis.probing.probed_captions import ScoringModel, rank_in_fold, score_captions
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.query_json import number
from error_analysis.reasons.captions.typos import typos
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.split_file import Split

REPAIRS_FORMAT = 'it maps caption ids to repaired captions: {"492166": "A little green flower."}'


@dataclass(frozen=True, slots=True)
class RepairedQuery:
    """A caption query as it stands in the split, repaired, and changed with no effect on meaning.

    Attributes:
        typed, repaired: the two captions.
        control: the typed one after a harmless edit, its typo kept (see `harmless_edit`).
        rank_before, rank_after, rank_control: 0-based, expected ties, of the caption's own image.
    """

    caption_id: int
    image_id: int
    typed: str
    repaired: str
    control: str
    rank_before: float
    rank_after: float
    rank_control: float

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
    found = enumerate(typos(gallery, training_captions))
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

    Each repaired caption takes the place of its own: it is ranked against the same images. So is
    its control, a harmless edit of what was typed, which starts at the same rank.

    Args:
        repairs: by column of the gallery.
        folds: the rows of each gallery of the protocol.
        known_scores: (n_images, n_captions) float32 of the gallery as it stands, by this model;
            None: the typed captions are scored too.

    Raises:
        InputError: those of `score_captions`.
    """
    if not repairs:
        return []
    columns = np.array(sorted(repairs))
    typed = [gallery.captions[column] for column in columns]
    repaired = [repairs[column] for column in columns.tolist()]
    control = [harmless_edit(caption) for caption in typed]
    if known_scores is None:
        scores = score_captions(
            [*repaired, *control, *typed], "repaired, control and typed", gallery, model
        )
        after, changed, before = np.split(scores, 3, axis=1)  # (n_images, n_repairs) each
    else:
        scores = score_captions([*repaired, *control], "repaired and control", gallery, model)
        after, changed = np.split(scores, 2, axis=1)  # (n_images, n_repairs) each
        before = known_scores[:, columns]
    queries = []
    for i, column in enumerate(columns.tolist()):
        row = int(gallery.caption_image_index[column])
        ranks = (rank_in_fold(s[:, i], row, folds) for s in (before, after, changed))
        queries.append(
            RepairedQuery(
                int(gallery.caption_ids[column]),
                int(gallery.image_ids[row]),
                typed[i],
                repaired[i],
                control[i],
                *ranks,
            )
        )
    return sorted(queries, key=lambda query: -query.recovered)


@dataclass(frozen=True)
class RankChanges:
    """What one change of their captions did to queries.

    Attributes:
        median_after: of their ranks.
        median_recovered: of the ranks that each gained.
        n_better, n_same, n_worse: queries by what became of their rank.
        n_healed: that were hard as typed, and are no longer.
        n_broken: that were not hard as typed, and now are.
    """

    median_after: float
    median_recovered: float
    n_better: int
    n_same: int
    n_worse: int
    n_healed: int
    n_broken: int

    @classmethod
    def of(cls, before: np.ndarray, after: np.ndarray, hard_rank: int) -> "RankChanges":
        """Count the changes from ranks `before` to ranks `after`, (n_queries,) float64 each."""
        was_hard, is_hard = before >= hard_rank, after >= hard_rank
        return cls(
            median_after=float(np.median(after)),
            median_recovered=float(np.median(before - after)),
            n_better=int(np.sum(after < before)),
            n_same=int(np.sum(after == before)),
            n_worse=int(np.sum(after > before)),
            n_healed=int(np.sum(was_hard & ~is_hard)),
            n_broken=int(np.sum(~was_hard & is_hard)),
        )


@dataclass(frozen=True)
class RepairSummary:
    """What the repairs did, all together, and what harmless edits did.

    Attributes:
        n_queries: repaired queries; n_hard: those that were hard as typed.
        median_before: of their ranks as typed.
    """

    n_queries: int
    n_hard: int
    median_before: float
    repaired: RankChanges
    control: RankChanges


def summarize(queries: Sequence[RepairedQuery], hard_rank: int = HARD_RANK) -> RepairSummary:
    """Sum up at least one repaired query."""
    before = np.array([query.rank_before for query in queries])
    after = np.array([query.rank_after for query in queries])
    control = np.array([query.rank_control for query in queries])
    return RepairSummary(
        n_queries=len(queries),
        n_hard=int(np.sum(before >= hard_rank)),
        median_before=float(np.median(before)),
        repaired=RankChanges.of(before, after, hard_rank),
        control=RankChanges.of(before, control, hard_rank),
    )


def repairs_to_text(queries: Sequence[RepairedQuery], n_shown: int) -> str:
    """Return the summary as text, above the queries that gained most."""
    if not queries:
        return "no caption with a typo that can be repaired: nothing to probe"
    s = summarize(queries)
    lines = [f"{s.n_queries:,} captions with a typo, {s.n_hard:,} of them hard; median rank "
             f"{s.median_before:g}"]  # fmt: skip
    for name, changes in (("repaired", s.repaired), ("control", s.control)):
        lines.append(
            f"{name}: {changes.n_better:,} rank better, {changes.n_same:,} the same, "
            f"{changes.n_worse:,} worse; median rank {changes.median_after:g}, median of the ranks "
            f"recovered {changes.median_recovered:g}; {changes.n_healed:,} of {s.n_hard:,} hard "
            f"queries are hard no longer, {changes.n_broken:,} of the others became hard"
        )
    lines.append(f"(control: {HARMLESS}, and the typo left as it is)")
    for query in queries[:n_shown]:
        lines.append(f"rank {query.rank_before:g} -> {query.rank_after:g}: {query.typed}")
        lines.append(f"    {query.repaired}")
    return "\n".join(lines)


def repairs_to_json(queries: Sequence[RepairedQuery]) -> dict:
    """Return the queries as JSON holds them; "healed_percent" is null without a hard query.

    Without any query the summary is null.
    """
    if not queries:
        return {"summary": None, "queries": []}
    summary = summarize(queries)
    counts: dict = {"n_queries": summary.n_queries, "n_hard": summary.n_hard}
    counts |= {"median_before": summary.median_before, "control_edit": HARMLESS}
    for name in ("repaired", "control"):
        changes = vars(getattr(summary, name))
        healed = 100 * changes["n_healed"] / summary.n_hard if summary.n_hard else None
        counts[name] = {**changes, "healed_percent": healed}
    listed = [
        {
            "query": query.typed,
            "repaired": query.repaired,
            "control": query.control,
            "caption_id": query.caption_id,
            "image_id": query.image_id,
            "rank_before": number(query.rank_before),
            "rank_after": number(query.rank_after),
            "rank_control": number(query.rank_control),
            "recovered": number(query.recovered),
        }
        for query in queries
    ]
    return {"summary": counts, "queries": listed}
