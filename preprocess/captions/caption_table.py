"""A table of captions, a row a caption, by the names of its columns."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import read_text
from preprocess.base.ids import id_reader
from preprocess.captions.annotations import Annotations, captioned_image, naming, one_split

CSV_SOURCE = "docs/data.md says what a table of captions has"
SEPARATORS = ",;\t|"
# What other data sets call a column.
COLUMNS = {
    **dict.fromkeys(("file_name", "filename", "image_name", "image_path"), "image"),
    **dict.fromkeys(("comment", "text", "sentence"), "caption"),
}
HUB_HINT = "; a table whose raw has lists in JSON is the hub's: pass it as --hub_csv"
# Of Flickr30k's table one line is so: the separator before the caption is missing.
NUMBER_AND_CAPTION = re.compile(r"\s*(\d+)\s+(.+)", re.ASCII)


def read_csv(path: Path, split: str, dataset: str) -> Annotations:
    """Read a table with the columns `image` (a file name) and `caption`, a row a caption.

    Rows of one image need not stand together; images are in the order of their first row. Columns
    `image_id` and `caption_id`, if there are any, are ids or names; without them both are numbered
    from 1. Other columns are left alone. The separator, a comma, semicolon, tab or bar, is told by
    the first line; Flickr30k's `image_name| comment_number| comment` is read too, and the separator
    that one of its lines lacks is put in.

    Raises:
        InputError: missing file, a text in no UTF encoding, no such columns, or a rule of `Split`.
    """
    odd: list[str] = []
    rows = read_rows(path, odd, COLUMNS)
    with naming(path, "a table of images and captions", CSV_SOURCE):
        image_id = id_reader([row["image_id"] for row in rows if "image_id" in row], "image id")
        caption_id = id_reader([r["caption_id"] for r in rows if "caption_id" in r], "caption id")
        of_image: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
        for number, row in enumerate(rows, start=1):
            of_image[row["image"]].append((number, row))
        for name, own in of_image.items():
            if len(ids := {row.get("image_id") for _, row in own}) > 1:
                raise InputError(f"image {name!r} has {len(ids)} image_ids, expected one")
        images = [
            captioned_image(
                image_id(own[0][1]["image_id"]) if "image_id" in own[0][1] else (position, None),
                name,
                (
                    (caption_id(row["caption_id"]) if "caption_id" in row else (number, None), text)
                    for number, row in own
                    for text in [row["caption"]]
                ),
                odd,
            )
            for position, (name, own) in enumerate(of_image.items(), start=1)
        ]
        return one_split(dataset, split, path.name, images, odd)


class _Barred(csv.excel):
    quotechar = None
    quoting = csv.QUOTE_NONE


def read_rows(path: Path, odd: list[str], aliases: Mapping[str, str]) -> list[dict[str, str]]:
    """Read the rows of a table by the names of its columns, in lower case; blank ones are no rows.

    Args:
        odd: is told of each row that lacks a column, and is left out or mended.
        aliases: columns that stand for `image` or `caption`, where the table has no such column.

    Raises:
        InputError: missing file, a text in no UTF encoding, no column for image or caption, a row
            with more columns than the first, or quotes that do not close.
    """
    text = read_text(path, CSV_SOURCE)
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    # Between bars, a quote is one of the caption.
    style: type[csv.Dialect] = _Barred if separator == "|" else csv.excel
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, style, delimiter=separator, strict=True)
    rows = []
    try:
        columns = _columns(path, next(reader, []), aliases)
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            # Of a caption with unquoted separators, the last column, nothing is lost.
            if len(values) > len(columns) and columns[-1] == "caption":
                values[len(columns) - 1 :] = [separator.join(values[len(columns) - 1 :])]
            if len(values) > len(columns):
                raise InputError(
                    f"{path}: line {reader.line_num}: expected {len(columns)} columns, found "
                    f"{len(values)}; put a caption that has a {separator!r} between double quotes"
                )
            if len(values) < len(columns):
                told = f"line {reader.line_num} has {len(values)} of {len(columns)} columns"
                mended = _mended(values, columns)
                odd.append(told if mended is None else f"{told}: {separator!r} is put in")
                if mended is None:
                    continue
                values = mended
            rows.append({name: value.strip() for name, value in zip(columns, values, strict=True)})
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: {error}; is a double quote missing, or too many?"
        ) from error
    return rows


def _mended(values: list[str], columns: list[str]) -> list[str] | None:
    """Return a row whose number and caption stand in one column with two; None of any other."""
    if columns[-2:] != ["comment_number", "caption"] or len(values) != len(columns) - 1:
        return None
    found = NUMBER_AND_CAPTION.fullmatch(values[-1])
    return [*values[:-1], *found.groups()] if found else None


def _columns(path: Path, names: list[str], aliases: Mapping[str, str]) -> list[str]:
    """Return what the columns are called here: an alias counts where the name itself is missing."""
    columns = [name.strip().lower() for name in names]
    for wanted in ("image", "caption"):
        if wanted in columns:
            continue
        found = [name for name in columns if aliases.get(name) == wanted]
        if len(found) > 1:
            both = " and ".join(found)
            raise InputError(f"{path}: {both} may both be the {wanted}; rename one")
        columns = [wanted if name in found else name for name in columns]
    missing = [name for name in ("image", "caption") if name not in columns]
    if missing or len(set(columns)) < len(columns):
        raise InputError(
            f"{path}: expected a first line with the columns image and caption, each once, found "
            f"{', '.join(names)[:80]!r}{HUB_HINT * ('raw' in columns)}"
        )
    return columns
