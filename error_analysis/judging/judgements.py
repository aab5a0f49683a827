"""The judgements of one person: tags and a note for each query that was looked at, and their files.

JSON, as the report and the notebook write it, and CSV (see judgement_table), whose judge is in the
name of the file (anna.csv; judgements_anna.csv, as the report calls it, is of anna as well), and
which has no gallery_sha256:

    {"made_by": "error_analysis.report", "judge": "Anna", "dataset": "coco", "split": "test",
     "gallery_sha256": "<64 hex>", "tags": [the tags that were offered],
     "judgements": [{"query": "t2i-5003", "direction": "t2i", "image_id": 103, "caption_id": 5003,
                     "text": "the caption", "tags": ["typo"], "note": "free text"},
                    {"query": "i2t-103", "direction": "i2t", "image_id": 103, "caption_id": null,
                     "text": "the file's name", "tags": ["none"], "note": ""}]}

The tag "none" says that a query was looked at and no tag fits; without tags it is not judged. Both
files are edited by hand, so that neither is sealed.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from error_analysis.judging.judgement import NONE, SEPARATOR, Judgement, distinct_tags, one_line
from error_analysis.judging.judgement_table import read_table, table_text
from preprocess.base.errors import InputError, InputWarning
from preprocess.base.files import atomic_path, read_json, read_text
from preprocess.base.ids import as_id
from preprocess.captions.split_file import Split

PREFIX = "judgements_"
LISTED = 5  # queries in one line
MADE_BY = (
    "export it from the report of `python -m error_analysis.report`, as JSON, or save the table as "
    "CSV in UTF-8"
)


@dataclass(frozen=True)
class JudgementFile:
    """The judgements of one person over one gallery.

    Attributes:
        gallery_sha256: see `gallery_sha256`; None where the file does not tell, as a CSV.
        dataset, split: None where the file does not tell.
        tags: that were offered; of a CSV those that were given.
    """

    judge: str
    gallery_sha256: str | None
    dataset: str | None
    split: str | None
    tags: tuple[str, ...]
    judgements: tuple[Judgement, ...]


def gallery_sha256(gallery: Split) -> str:
    """Return a hash of the ids of a gallery's images and captions, in their order."""
    digest = hashlib.sha256()
    for ids in (gallery.image_ids, gallery.caption_ids):
        digest.update(ids.astype("<i8").tobytes())
    return digest.hexdigest()


def read_judgements(path: Path) -> JudgementFile:
    """Read a file of judgements, JSON or CSV.

    Of a query that is there twice, the last judgement counts, and "none" beside other tags is left
    out: an `InputWarning` says where.

    Raises:
        InputError: it is missing, damaged, or no such file.
    """
    text = read_text(path, MADE_BY)
    if text.lstrip().startswith(("{", "[")) or path.suffix.lower() == ".json":
        return _read_json(path)
    rows = read_table(path, text)
    entries = ((f"line {n}", {**row, "tags": row["tags"].split(SEPARATOR)}) for n, row in rows)
    judgements = _judgements_of(path, entries)
    used = distinct_tags(tag for judgement in judgements for tag in judgement.tags)
    offered = tuple(tag for tag in used if tag != NONE)
    return JudgementFile(_judge_by_name(path), None, None, None, offered, judgements)


def _judge_by_name(path: Path) -> str:
    return one_line(path.stem.removeprefix(PREFIX)) or path.stem


def _read_json(path: Path) -> JudgementFile:
    content = read_json(path, MADE_BY)
    try:
        listed = content["judgements"]
        entries = ((f"judgement {n}", entry) for n, entry in enumerate(listed, start=1))
        judgements = _judgements_of(path, entries)
        hashed = _text_or_none(content, "gallery_sha256")
        if hashed is not None and not re.fullmatch("[0-9a-f]{64}", hashed):
            raise ValueError(f"gallery_sha256: expected 64 digits, found {hashed[:80]!r}")
        return JudgementFile(
            judge=one_line(_text_or_none(content, "judge") or "") or _judge_by_name(path),
            gallery_sha256=hashed,
            dataset=_text_or_none(content, "dataset"),
            split=_text_or_none(content, "split"),
            tags=distinct_tags(_tags_of(content)) if "tags" in content else (),
            judgements=judgements,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a file of judgements ({type(error).__name__}: {error}); {MADE_BY}"
        ) from error


def _judgements_of(path: Path, entries: Iterable[tuple[str, Mapping]]) -> tuple[Judgement, ...]:
    """Return the judgements of entries, each with the place that error lines name."""
    found: dict[str, Judgement] = {}
    twice, torn = [], []
    for place, entry in entries:
        try:
            judgement, is_torn = _judgement_of(entry)
        except KeyError as error:
            raise InputError(f"{path}: {place}: found no member {error}; {MADE_BY}") from error
        except (InputError, TypeError) as error:
            raise InputError(f"{path}: {place}: {error}; correct it, or {MADE_BY}") from error
        if is_torn:
            torn.append(judgement.query)
        if found.pop(judgement.query, None):
            twice.append(judgement.query)
        found[judgement.query] = judgement
    _warn(path, twice, "queries are there more than once, and the last judgement counts")
    _warn(path, torn, f'queries have "{NONE}" beside other tags, and the others count')
    return tuple(found.values())


def _warn(path: Path, queries: Iterable[str], told: str) -> None:
    queries = list(dict.fromkeys(queries))
    if queries:
        shown = ", ".join(queries[:LISTED]) + (", ..." if len(queries) > LISTED else "")
        warnings.warn(f"{path}: {len(queries)} {told}: {shown}", InputWarning, stacklevel=4)


def _judgement_of(entry: Mapping) -> tuple[Judgement, bool]:
    """Return a judgement, and whether it had "none" beside other tags."""
    if not isinstance(entry, Mapping):
        raise TypeError(f"expected an object, found {repr(entry)[:80]}")
    caption_id, tags = entry["caption_id"], distinct_tags(_tags_of(entry))
    is_image = caption_id is None or str(caption_id).strip() == ""
    others = tuple(tag for tag in tags if tag != NONE)
    judgement = Judgement(
        query=str(entry["query"]).strip(),
        direction=entry["direction"],
        image_id=_id("image_id", entry["image_id"]),
        caption_id=None if is_image else _id("caption_id", caption_id),
        text=_text_or_none(entry, "text") or "",
        tags=others or tags,
        note=_text_or_none(entry, "note") or "",
    )
    return judgement, len(tags) > len(others) > 0


def _id(what: str, value: object) -> int:
    """Return an id; pandas makes floats of a column that has empty cells: "5003.0"."""
    return as_id(re.sub(r"\.0+\s*$", "", value) if isinstance(value, str) else value, what)


def _tags_of(entry: Mapping) -> list[str]:
    tags = entry["tags"]
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TypeError(f"tags: expected a list of texts, found {repr(tags)[:80]}")
    return tags


def _text_or_none(content: Mapping, member: str) -> str | None:
    value = content.get(member)
    if not isinstance(value, str | None):
        raise TypeError(f"{member}: expected a text, found {repr(value)[:80]}")
    return value or None


def write_judgements(path: Path, file: JudgementFile) -> None:
    """Write the judgements, atomically: as CSV or JSON by the ending of the path.

    A CSV tells neither the judge, who is to be in its name, nor the gallery. It begins with a
    byte-order mark, by which Excel knows UTF-8.

    Raises:
        InputError: the ending is another, or the file cannot be written.
    """
    rows = [asdict(judgement) for judgement in file.judgements]
    if path.suffix.lower() == ".csv":
        rows = [{**row, "tags": SEPARATOR.join(row["tags"])} for row in rows]
        text = "\ufeff" + table_text(rows)
    elif path.suffix.lower() == ".json":
        content = {"made_by": "error_analysis.report", **asdict(file), "judgements": rows}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    else:
        raise InputError(f"{path}: expected a name that ends in .json or .csv")
    with atomic_path(path) as partial:
        # Half of a character, for which UTF-8 has no bytes, becomes the escape that JSON has.
        partial.write_bytes(text.encode("utf-8", errors="backslashreplace"))
