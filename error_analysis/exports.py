"""Export relevance, rankings and metrics for other tools: ranx, eccv_caption, trec_eval, a paper.

Reads rankings files of one gallery, their split file and, where given, label files (see
`label_files`) and the JSON of `error_analysis.significance`; writes, below `--output_dir`:

    ranx/qrels_i2t.json, .trec              `ranx.Qrels.from_file`: query id -> {document id: 1}
    ranx/qrels_eccv_caption_i2t.json, .trec the same for each source of labels
    ranx/run_clip_i2t.json, .trec           `ranx.Run.from_file`: query id -> {document id: score}
    eccv_caption/clip_i2t.json              image id -> caption ids, best first
    eccv_caption/clip_t2i.json              caption id -> image ids, best first
    tables/metrics_full.md, .tex            a line a model, with intervals where given

and the same for t2i and for each model. i2t queries are images. JSON has ids as text, where
`eccv_caption` has integers:

    i2t = {int(query): ids for query, ids in json.load(open("clip_i2t.json")).items()}
    eccv_caption.Metrics().compute_all_metrics(i2t, t2i, ("eccv_map_at_r", "cxc_recalls"))

    python -m error_analysis.exports --rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --split_file datasets/coco/test.json --output_dir runs/exports

Lists have `--top_k` documents of the whole gallery that was scored, also where the rankings are of
5fold, best first, ties by the lower row or column (trec_eval breaks them in its own way). The
metrics of eccv_caption need no more than 100, but for coco_1k_*, which need all (`--top_k 0`). A
model on 5,000 images and 25,000 captions takes 185 MB with 100, 11 s and 0.9 GB of memory on one
CPU core; with all, some 16 GB.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from error_analysis.arguments import RankingsArguments
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.queries.query import BLOCK_QUERIES
from error_analysis.relevance.extended_relevance import (
    ExtendedRelevance,
    own_pairs,
    relevance_from_pairs,
)
from error_analysis.relevance.label_files import read_all_labels
from error_analysis.statistics.metric_tables import (
    COLUMNS,
    Cell,
    MetricRow,
    latex_table,
    markdown_table,
)
from information_retrieval.ranking.metrics import top_k
from information_retrieval.ranking.protocols import every_protocol
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, check_writable, read_json
from preprocess.captions.split_file import read_split

SIGNIFICANCE = "make it with `python -m error_analysis.significance`"

FOLDERS = ("ranx", "eccv_caption", "tables")


@dataclass(kw_only=True)
class ExportsArguments(RankingsArguments):
    output_dir: Path = field(metadata={"help": "the folder to write; files in it are replaced"})
    labels: list[Path] = field(
        default_factory=list,
        metadata={"help": "label files of CxC or eccv_caption, each exported as qrels"},
    )
    significance: Path | None = field(
        default=None,
        metadata={"help": "JSON of error_analysis.significance, for intervals in the tables"},
    )
    top_k: int = field(default=100, metadata={"help": "documents of each list; 0: all"})


@dataclass(frozen=True, slots=True)
class RankedList:
    """What a model retrieved for one query, best first; `scores` belong to `document_ids`."""

    query_id: int
    document_ids: list[int]
    scores: np.ndarray


def ranked_lists(model: ModelRankings, direction: Direction, k: int) -> Iterator[RankedList]:
    """Yield the top k documents of each query (all for 0), in the order of the gallery."""
    ids = model.rankings.image_ids, model.rankings.caption_ids
    query_ids, document_ids = ids if direction == "i2t" else ids[::-1]
    scores = model.scores(direction)
    for start in range(0, len(query_ids), BLOCK_QUERIES):
        block = scores[start : start + BLOCK_QUERIES]  # (<= BLOCK_QUERIES, n_documents)
        best = top_k(block, k or len(document_ids))
        for row, top in enumerate(best):
            yield RankedList(
                int(query_ids[start + row]), document_ids[top].tolist(), block[row, top]
            )


def file_name_of(name: str) -> str:
    """Return a model's or source's name as part of a file name: "ECCV Caption" -> eccv_caption."""
    return re.sub(r"[^\w.-]+", "_", name.strip().lower()).strip("_.") or "model"


def write_qrels(folder: Path, name: str, judgements: Mapping[int, frozenset[int]]) -> None:
    """Write {name}.json and {name}.trec; queries without a document are left out.

    ranx cannot read those, and trec_eval skips them.
    """
    found = {query: sorted(documents) for query, documents in judgements.items() if documents}
    lines = (
        f"{json.dumps(str(query))}: {json.dumps({str(d): 1 for d in documents})}"
        for query, documents in found.items()
    )
    _write_object(folder / f"{name}.json", lines)
    trec = (f"{query} 0 {d} 1" for query, documents in found.items() for d in documents)
    _write_lines(folder / f"{name}.trec", trec)


def write_run(folder: Path, name: str, lists: Iterator[RankedList], tag: str) -> None:
    """Write {name}.json and {name}.trec in one pass over the lists."""
    json_path, trec_path = folder / f"{name}.json", folder / f"{name}.trec"
    with (
        atomic_path(json_path) as json_partial,
        atomic_path(trec_path) as trec_partial,
        json_partial.open("w") as json_file,
        trec_partial.open("w") as trec_file,
    ):
        start = "{\n"
        for ranked in lists:
            # The shortest decimal of a float32, so that equal scores stay equal.
            scored = [*zip(ranked.document_ids, ranked.scores.astype(str), strict=True)]
            documents = ", ".join(f'"{document}": {score}' for document, score in scored)
            json_file.write(f'{start}"{ranked.query_id}": {{{documents}}}')
            start = ",\n"
            trec_file.writelines(
                f"{ranked.query_id} Q0 {document} {place} {score} {tag}\n"
                for place, (document, score) in enumerate(scored, start=1)
            )
        json_file.write("\n}\n")


def write_ranked_ids(path: Path, lists: Iterator[RankedList]) -> None:
    """Write {query id: [document ids, best first]}, as eccv_caption takes it."""
    _write_object(path, (f'"{r.query_id}": {json.dumps(r.document_ids)}' for r in lists))


def _write_object(path: Path, members: Iterator[str]) -> None:
    # By hand: the whole of a full run would take gigabytes as one text.
    with atomic_path(path) as partial, partial.open("w") as file:
        start = "{\n"
        for member in members:
            file.write(start + member)
            start = ",\n"
        file.write("\n}\n" if start == ",\n" else "{}\n")


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with atomic_path(path) as partial, partial.open("w") as file:
        file.writelines(f"{line}\n" for line in lines)


def metric_rows(models: Sequence[ModelRankings]) -> list[MetricRow]:
    """Return each model's metrics under the protocol that it was scored for."""
    rows = []
    for model in models:
        metrics = model.metrics()["metrics"]
        rows.append(MetricRow(model.name, {key: Cell(metrics[key]) for key in COLUMNS}))
    return rows


def read_metric_rows(path: Path, models: Sequence[ModelRankings]) -> dict[str, list[MetricRow]]:
    """Read the metrics with intervals of each protocol in the JSON of `significance`.

    Raises:
        InputError: another file, or one without a model.
    """
    content = read_json(path, SIGNIFICANCE)
    try:
        tables = {}
        for protocol, result in content["protocols"].items():
            estimates = result["models"]
            lacking = [model.name for model in models if model.name not in estimates]
            if lacking:
                raise InputError(
                    f"{path}: expected metrics of {lacking[0]}, found those of "
                    f"{', '.join(estimates)}; make it of the same rankings with the same --names"
                )
            tables[protocol] = [
                MetricRow(
                    model.name,
                    {
                        key: Cell(*(float(found[key][part]) for part in ("value", "low", "high")))
                        for key in COLUMNS
                    },
                )
                for model in models
                for found in [estimates[model.name]]
            ]
        return tables
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: not a significance file ({error!r}); {SIGNIFICANCE}") from error


def check_of_these(
    path: Path, tables: Mapping[str, Sequence[MetricRow]], models: Sequence[ModelRankings]
) -> None:
    """Raise InputError when metrics that were read are not those of the models' own scores."""
    for place, model in enumerate(models):
        whole = model.rankings
        own = every_protocol(whole.scores, whole.caption_image_index, model.protocol)
        for protocol, rows in tables.items():
            if protocol not in own:
                raise InputError(
                    f"{path}: has protocol {protocol}, which {model.path} holds no scores for; "
                    "make it of the same rankings"
                )
            for key, cell in rows[place].cells.items():
                found = own[protocol]["metrics"][key]
                if not math.isclose(cell.value, found, abs_tol=1e-6):
                    raise InputError(
                        f"{path}: expected the metrics of {model.path}, found {key} "
                        f"{cell.value:.2f} for {found:.2f} ({protocol}); make it of the same "
                        "rankings"
                    )


def write_tables(folder: Path, protocol: str, rows: Sequence[MetricRow]) -> None:
    """Write metrics_{protocol}.md and metrics_{protocol}.tex."""
    intervals = any(cell.interval for row in rows for cell in row.cells.values())
    caption = f"Recall in percent and 0-based ranks, protocol {protocol}, expected ties" + (
        "; 95 % intervals over images in brackets." if intervals else "."
    )
    tables = {"md": markdown_table(rows), "tex": latex_table(rows, caption)}
    for extension, text in tables.items():
        with atomic_path(folder / f"metrics_{protocol}.{extension}") as partial:
            partial.write_text(text, "utf-8")


def export_qrels(
    folder: Path, models: Sequence[ModelRankings], labels: Sequence[ExtendedRelevance]
) -> None:
    """Write the qrels of the gallery's own pairs, and of each source of labels."""
    gallery = models[0].gallery
    pairs = own_pairs(gallery)
    own = relevance_from_pairs("split", gallery.source, sorted(pairs), pairs)
    for direction in DIRECTIONS:
        write_qrels(folder, f"qrels_{direction}", own.documents(direction))
        for source in labels:
            judgements = source.restricted_to(gallery).documents(direction)
            write_qrels(folder, f"qrels_{file_name_of(source.name)}_{direction}", judgements)


def main() -> None:
    arguments = parse_arguments(ExportsArguments, description=__doc__)
    check_at_least("--top_k", arguments.top_k, 0)
    for folder in FOLDERS:
        check_writable(arguments.output_dir / folder / "a file")
    split = read_split(arguments.split_file)
    labels = read_all_labels(arguments.labels, split)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    files = [file_name_of(model.name) for model in models]
    if len(set(files)) < len(files):
        raise InputError(
            f"--names: expected names that differ as file names, found {', '.join(files)}"
        )
    if arguments.significance:
        tables = read_metric_rows(arguments.significance, models)
        check_of_these(arguments.significance, tables, models)
    else:
        tables = {models[0].protocol: metric_rows(models)}
    output = arguments.output_dir
    export_qrels(output / "ranx", models, labels)
    for model, name in zip(models, files, strict=True):
        for direction in DIRECTIONS:
            stem = f"{name}_{direction}"
            write_run(
                output / "ranx",
                f"run_{stem}",
                ranked_lists(model, direction, arguments.top_k),
                name,
            )
            write_ranked_ids(
                output / "eccv_caption" / f"{stem}.json",
                ranked_lists(model, direction, arguments.top_k),
            )
    for protocol, rows in tables.items():
        write_tables(output / "tables", protocol, rows)
    print(f"wrote {output}/ranx, {output}/eccv_caption, {output}/tables")


if __name__ == "__main__":
    run_command(main)
