"""A JSON file that is one long list, read one member at a time.

`json.load` of Visual Genome's region descriptions takes more than 3 GB of memory, of all that is
read of it three times as much.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.lfs_pointer import check_no_pointer

CHUNK = 1 << 22  # characters
BETWEEN = re.compile(r"[\s,]*")


def list_members(path: Path, source: str) -> Iterator[Any]:
    """Yield the members of the list that a file is.

    Args:
        source: where such a file comes from; ends the error line.

    Raises:
        InputError: there is no such file, it is no list, or it is cut.
    """
    try:
        check_no_pointer(path)
        yield from _members(path, source)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {source}") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected JSON in UTF-8 ({error}); {source}") from error


def _members(path: Path, source: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8-sig") as file:
        text = file.read(CHUNK).lstrip()
        if not text.startswith("["):
            raise InputError(f"{path}: expected a list, found {text[:20]!r}; {source}")
        place = 1
        while True:
            place = _after(text, place)
            if text.startswith("]", place):
                return
            try:
                member, place = decoder.raw_decode(text, place)
            except (ValueError, RecursionError) as error:
                # The text goes on in the file; unless the fault is far from its end.
                far = len(text) - getattr(error, "pos", len(text)) > CHUNK
                more = "" if far else file.read(CHUNK)
                if not more:
                    raise InputError(
                        f"{path}: not JSON, or cut ({str(error).partition(': line')[0]}, near "
                        f"{text[place : place + 40]!r}); {source}"
                    ) from error
                text, place = text[place:] + more, 0
                continue
            yield member


def _after(text: str, place: int) -> int:
    found = BETWEEN.match(text, place)
    assert found is not None, "it matches nothing, too"
    return found.end()
