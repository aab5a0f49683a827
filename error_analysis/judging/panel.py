"""A panel: the judges of one gallery, and which tags each of them gave which query.

Tags that differ in case and spaces alone are the same tag.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from error_analysis.judging.judgement import NONE, tag_key
from error_analysis.judging.judgements import JudgementFile, read_judgements
from information_retrieval.ranking.query_ranks import Direction
from preprocess.base.errors import InputError, InputWarning

Votes = dict[str, frozenset[str]]  # judged query -> the keys of its tags


@dataclass(frozen=True)
class Panel:
    """The judges of one gallery.

    Attributes:
        votes: judge -> what he or she judged; queries without tags are not there.
        tags: key -> tag as it is first written, in the order of offer and use; "none" is last.
        image_of: judged query -> the image that it is or belongs to.
    """

    votes: dict[str, Votes]
    tags: dict[str, str]
    image_of: dict[str, int]

    def majority(self) -> Votes:
        """Return for each query the tags that more than half of its judges gave: a tie is none."""
        judged = Counter(query for votes in self.votes.values() for query in votes)
        given = Counter(
            (query, key)
            for votes in self.votes.values()
            for query, keys in votes.items()
            for key in keys
        )
        return {
            query: frozenset(key for key in self.tags if 2 * given[query, key] > n)
            for query, n in judged.items()
        }

    def given(self, *votes: Votes) -> dict[str, str]:
        """Return those of the tags that are given in any of the votes, in their order."""
        keys = {key for one in votes for keys in one.values() for key in keys}
        return {key: tag for key, tag in self.tags.items() if key in keys}


def of_direction(votes: Votes, direction: Direction) -> Votes:
    """Return the votes on image queries (i2t), or on caption queries (t2i)."""
    return {query: keys for query, keys in votes.items() if query.startswith(f"{direction}-")}


def read_panel(paths: Sequence[Path]) -> tuple[Panel, list[JudgementFile]]:
    """Read the files of several judges.

    Raises:
        InputError: a file cannot be read, no query is judged, or `panel_of` refuses them.
    """
    files = [read_judgements(path) for path in paths]
    panel = panel_of(paths, files)
    if not panel.image_of:
        raise InputError(
            f"{', '.join(map(str, paths))}: expected judgements with tags, found none; give a "
            f'query a tag, or "{NONE}" where none fits'
        )
    for path, file in zip(paths, files, strict=True):
        if not panel.votes[file.judge]:
            warnings.warn(f"{path}: no query has a tag", InputWarning, stacklevel=2)
    return panel, files


def panel_of(paths: Sequence[Path], files: Sequence[JudgementFile]) -> Panel:
    """Join the files of several judges.

    Args:
        paths: of the files; for error lines.

    Raises:
        InputError: two files are of one judge, or of different galleries.
    """
    _check_names(paths, files)
    _check_galleries(paths, files)
    image_of: dict[str, int] = {}
    tags: dict[str, str] = {}
    for path, file in zip(paths, files, strict=True):
        judged = [judgement for judgement in file.judgements if judgement.tags]
        for tag in (*file.tags, *(tag for judgement in judged for tag in judgement.tags)):
            tags.setdefault(tag_key(tag), tag)
        for judgement in judged:
            known = image_of.setdefault(judgement.query, judgement.image_id)
            if known != judgement.image_id:
                raise InputError(
                    f"{path}: {judgement.query} is of image {judgement.image_id}, and of {known} "
                    "in a file before; give judgements of one gallery"
                )
    last = tags.pop(NONE, None)
    if last is not None:
        tags[NONE] = last
    votes = {
        file.judge: {
            judgement.query: frozenset(map(tag_key, judgement.tags))
            for judgement in file.judgements
            if judgement.tags
        }
        for file in files
    }
    return Panel(votes, tags, image_of)


def _check_names(paths: Sequence[Path], files: Sequence[JudgementFile]) -> None:
    first: dict[str, Path] = {}
    for path, file in zip(paths, files, strict=True):
        name = file.judge.casefold()
        if name in first:
            raise InputError(
                f"{path}: expected another judge than in {first[name]}, found {file.judge!r}; "
                'rename one (the member "judge" of a JSON, a CSV itself), and give each file once'
            )
        first[name] = path


def _check_galleries(paths: Sequence[Path], files: Sequence[JudgementFile]) -> None:
    first: tuple[Path, str] | None = None
    for path, file in zip(paths, files, strict=True):
        if file.gallery_sha256 is None:
            continue
        first = first or (path, file.gallery_sha256)
        if file.gallery_sha256 != first[1]:
            raise InputError(
                f"{path}: expected judgements of the gallery of {first[0]} (gallery_sha256 "
                f"{first[1][:8]}...), found those of another ({file.gallery_sha256[:8]}...); give "
                "the files of one report"
            )
