"""The CSV of judgements, as people's spreadsheets write it.

    query,direction,image_id,caption_id,text,tags,note
    t2i-5003,t2i,103,5003,A dog on a bed.,typo;underspecified,

Quoted as RFC 4180 says, UTF-8. Spreadsheets separate by semicolons or tabs where commas are
decimal, add columns, and leave blank lines: all of this is read.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from preprocess.base.errors import InputError

COLUMNS = ("query", "direction", "image_id", "caption_id", "text", "tags", "note")
NEEDED = tuple(name for name in COLUMNS if name not in ("text", "note"))
DELIMITERS = ",;\t"
SOURCE = "export the CSV of the report again, or correct this one in a spreadsheet"


def read_table(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row that is not blank: the line that it ends on, and its cells by column.

    Args:
        path: names the file in error lines.

    Raises:
        InputError: a column is missing or there twice, or a row is damaged.
    """
    names, delimiter = _header(path, text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    seen_header = False
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not seen_header:
                seen_header = True
                continue
            if any(cell.strip() for cell in cells[len(names) :]):
                raise InputError(
                    f"{path}: line {reader.line_num}: expected {len(names)} cells, found "
                    f"{len(cells)}; put quotes around a cell that has {delimiter!r} in it"
                )
            row = dict(zip(names, cells, strict=False))
            if not set(NEEDED) <= row.keys():
                raise InputError(
                    f"{path}: line {reader.line_num}: expected {len(names)} cells, found "
                    f"{len(cells)}: it is cut off; {SOURCE}"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: expected cells quoted as RFC 4180 says ({error}); "
            f"{SOURCE}"
        ) from error


def _header(path: Path, text: str) -> tuple[list[str], str]:
    """Return the names of the columns, in lower case, and what stands between them."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    for delimiter in DELIMITERS:
        names = [cell.strip(' "').lower() for cell in line.split(delimiter)]
        if not set(NEEDED) <= set(names):
            continue
        for name in COLUMNS:
            if names.count(name) > 1:
                raise InputError(f"{path}: expected one column {name}, found more; remove one")
        return names, delimiter
    raise InputError(
        f"{path}: expected a line with the columns {','.join(COLUMNS)}, found {line[:80]!r}; "
        f"{SOURCE}"
    )


def table_text(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the rows as CSV, lines ending in CR LF; None is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
