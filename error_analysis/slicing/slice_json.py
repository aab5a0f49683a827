"""The JSON of slices: the findings, the recalls in every group, and the queries of those found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, ranks_sha256
from error_analysis.slicing.groups import Groups
from error_analysis.slicing.slice_findings import Finding, by_question
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction, QueryRanks
from preprocess.base.errors import InputError
from preprocess.base.files import read_json

MADE_BY = "make it with `python -m error_analysis.slices`"


def read_findings(
    path: Path, models: Sequence[ModelRankings]
) -> tuple[dict[str, list[Finding]], float]:
    """Read what `python -m error_analysis.slices` found.

    Returns:
        the findings of each question (see `by_question`) that its false discovery rate allows, and
        that rate; questions without any, and about other models too, are left out.

    Raises:
        InputError: the file is missing, no such file, or of other rankings than the models'.
    """
    content = read_json(path, MADE_BY)
    try:
        metadata = content["metadata"]
        hashes, fdr = dict(metadata["ranks_sha256"]), float(metadata["fdr"])
        protocols = {found["name"]: found["protocol"] for found in metadata["models"]}
        findings = [Finding(**found) for found in content["findings"] if found["fdr"] <= fdr]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a file of slices ({error!r}); {MADE_BY}") from error
    for model in models:
        told = hashes.get(model.name), protocols.get(model.name)
        if told != (ranks_sha256(model), model.protocol):
            raise InputError(
                f"{path}: expected the slices of the ranks of {model.path}, named {model.name}, "
                "found those of other rankings, or of a part of them "
                f"({', '.join(hashes) or 'no model'}); repeat "
                "`python -m error_analysis.slices` with the rankings of this report"
            )
    names = {"", *(model.name for model in models)}
    return by_question([f for f in findings if {f.first, f.second} <= names]), fdr


def read_members(path: Path) -> dict[Direction, dict[tuple[str, str], tuple[int, ...]]]:
    """Read which queries are in the groups that `python -m error_analysis.slices` found.

    Returns:
        the ids of images (i2t) or captions (t2i), ascending, by (kind, group) of every finding that
        the false discovery rate allows.

    Raises:
        InputError: the file is missing, no such file, or an older one, which tells of no members.
    """
    content = read_json(path, MADE_BY)
    try:
        members: dict[Direction, dict[tuple[str, str], tuple[int, ...]]] = {
            direction: {
                (str(group["kind"]), str(group["group"])): tuple(map(int, group["query_ids"]))
                for group in content["members"][direction]
            }
            for direction in DIRECTIONS
        }
        fdr = float(content["metadata"]["fdr"])
        for found in (found for found in content["findings"] if found["fdr"] <= fdr):
            name = (found["kind"], found["group"])
            if len(members[found["direction"]][name]) != found["queries"]:
                raise ValueError(f"the queries of {name} are not as many as were found")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a file of slices ({error!r}); {MADE_BY}") from error
    return members


def slices_to_json(
    ranks: Mapping[str, Mapping[Direction, QueryRanks]],
    groups: Mapping[Direction, Groups],
    findings: Sequence[Finding],
    query_ids: Mapping[Direction, np.ndarray],
    fdr: float,
) -> dict:
    """Return the content of the output file, but for its metadata.

    Args:
        query_ids: (n_queries,) int64, of the images (i2t) and of the captions (t2i).
        fdr: up to this false discovery rate, the queries of groups are told.
    """
    return {
        "recalls": {
            direction: recalls_to_json(ranks, direction, of) for direction, of in groups.items()
        },
        "findings": [asdict(finding) for finding in findings],
        "members": members_to_json(findings, groups, query_ids, fdr),
    }


def members_to_json(
    findings: Sequence[Finding],
    groups: Mapping[Direction, Groups],
    query_ids: Mapping[Direction, np.ndarray],
    fdr: float,
) -> dict[Direction, list[dict]]:
    """Return the queries of each group that any finding up to a false discovery rate names."""
    named = {(f.direction, f.kind, f.group) for f in findings if f.fdr <= fdr}
    members: dict[Direction, list[dict]] = {}
    for direction, of in groups.items():
        names = enumerate(zip(of.kinds, of.names, strict=True))
        members[direction] = [
            {
                "kind": kind,
                "group": name,
                "query_ids": np.sort(query_ids[direction][of.queries_of(position)]).tolist(),
            }
            for position, (kind, name) in names
            if (direction, kind, name) in named
        ]
    return members


def recalls_to_json(
    ranks: Mapping[str, Mapping[Direction, QueryRanks]], direction: Direction, groups: Groups
) -> list[dict]:
    """Return every group of a direction with the recalls of each model in it, in percent."""
    table = {
        name: {
            f"r{k}": 100 * (groups.members @ found[direction].found(k)) / groups.n_queries
            for k in CUTOFFS
        }
        for name, found in ranks.items()
    }
    n_queries, n_images = groups.n_queries, groups.n_images
    return [
        {
            "kind": groups.kinds[i],
            "group": groups.names[i],
            "queries": int(n_queries[i]),
            "images": int(n_images[i]),
            "recalls": {
                name: {k: float(values[i]) for k, values in of_model.items()}
                for name, of_model in table.items()
            },
        }
        for i in range(len(groups.names))
    ]
