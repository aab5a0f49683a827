"""TSV files of region features: a line an image, base64 of the arrays, no header.

LXMERT's and bottom-up-attention's, see region_layouts.py. Read line by line: files of
30 GB and more take the memory of one image.
"""

import base64
import binascii
import codecs
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from preprocess.base.errors import InputError
from preprocess.conversion.found_regions import FoundRegions, SourceImage, found_regions
from preprocess.conversion.region_layouts import BOTTOM_UP_TSV, LXMERT_TSV, Layout

TSV_COLUMNS = {
    LXMERT_TSV: (
        "img_id",
        "img_h",
        "img_w",
        "objects_id",
        "objects_conf",
        "attrs_id",
        "attrs_conf",
        "num_boxes",
        "boxes",
        "features",
    ),
    BOTTOM_UP_TSV: ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features"),
}
TSV_INTEGERS = {"img_h", "img_w", "image_h", "image_w", "num_boxes"}
LONGEST_LINE = 2**26  # bytes; 100 regions of 2048 numbers take 1.1 MB
FEWEST = 500  # numbers that tell a type: a false alarm is one in ten million
PRODUCERS_DIM = 2048  # numbers of a region, of each known producer
SHOWN = 30  # characters of a field in an error line


def tsv_images(path: Path, features_dtype: str | None = None) -> Iterator[SourceImage]:
    """Yield each line's image.

    Args:
        features_dtype: "float32", as all known producers write, "float16" or "float64"; None:
            float32, unless the number of bytes is that of a producer's features in another type.

    Raises:
        InputError: while iterating, a line of another number of columns; on `SourceImage.read`,
            numbers or base64 that are damaged, cut off, or of other sizes than the line says.
    """
    try:
        with path.open("rb") as file:
            # Not the csv module: a line is 0.4 MB and more, above its limit, and nothing is quoted.
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                where = f"{path}, line {number}"
                if not line.endswith(b"\n"):
                    where += " (without a line end: is the file cut off?)"
                fields = line.rstrip(b"\r\n").split(b"\t")
                layout = _tsv_layout(fields, where)
                name = fields[0].decode("utf-8", "replace").strip()
                read = partial(_read_tsv_line, layout, fields, where, features_dtype)
                yield SourceImage(name, where, read)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _tsv_layout(fields: list[bytes], where: str) -> Layout:
    for layout, columns in TSV_COLUMNS.items():
        if len(fields) == len(columns):
            return layout
    expected = " or ".join(
        f"{len(columns)} columns ({layout.name}: {' '.join(columns)})"
        for layout, columns in TSV_COLUMNS.items()
    )
    raise InputError(
        f"{where}: expected {expected}, separated by tabs, found {len(fields)}, the first "
        f"{_show(fields[0])}; fetch the file again, or give one of these formats"
    )


def _read_tsv_line(
    layout: Layout, fields: list[bytes], where: str, features_dtype: str | None
) -> FoundRegions:
    columns = dict(zip(TSV_COLUMNS[layout], fields, strict=True))
    arrays = {key: _integer(columns[key], key, where) for key in TSV_INTEGERS & set(columns)}
    n = int(arrays["num_boxes"])
    if n < 1:
        raise InputError(f"{where}: expected at least one box, found num_boxes {n}")
    # The one producer whose boxes are float64 is told by their length.
    arrays["boxes"] = _decode(columns["boxes"], "boxes", ("<f4", "<f8"), n, 4, where)
    arrays["features"] = _decode_features(columns["features"], n, where, features_dtype)
    for key, kind in zip(layout.labels, ("<i8", "<f4", "<i8", "<f4"), strict=False):
        arrays[key] = _decode(columns[key], key, (kind,), n, 1, where)
    return found_regions(layout, arrays, where)


def _decode_features(field: bytes, n: int, where: str, features_dtype: str | None) -> np.ndarray:
    """Decode the features of n regions to (n, D) float32; their bytes do not tell their type."""
    kind = np.dtype(features_dtype or "float32").newbyteorder("<")
    features = _decode(field, "features", (kind.str,), n, None, where)
    row_bytes = features.shape[1] * kind.itemsize
    for other in ("float16", "float64"):
        dim = row_bytes // np.dtype(other).itemsize
        if features_dtype is None and (dim == PRODUCERS_DIM or _looks_like(other, features)):
            raise InputError(
                f"{where}: expected features of {PRODUCERS_DIM:,} float32 numbers, as every "
                f"program that writes such files has them, found the bytes of {dim:,} "
                f"{other} or {features.shape[1]:,} float32 numbers; say which with --features_dtype"
            )
    return features.astype(np.float32, copy=False)


def _looks_like(dtype: str, features: np.ndarray) -> bool:
    """Whether numbers read as float32 (n, D) are of another type, by their bits.

    float16: of real float32 numbers one lower half in 32, read as float16, is infinite or NaN.
    float64 of numbers that were float32: every other word ends in 29 zeros.
    """
    words = features.view(np.uint32).ravel()
    if dtype == "float64":
        lower, upper = words[0::2], words[1::2]
        return bool(np.count_nonzero(upper) >= FEWEST and not (lower & (2**29 - 1)).any())
    halves = features.view(np.float16)
    varied = np.count_nonzero(words & 0x1FFF)  # not float32 made of half precision
    return bool(varied >= FEWEST and np.isfinite(halves).all())


def _integer(field: bytes, key: str, where: str) -> np.ndarray:
    if not field.strip().isdigit() or len(field) > 9:
        raise InputError(
            f"{where}: expected an integer in {key}, found {_show(field)}; a header line has to "
            "be removed"
        )
    return np.array(int(field))


def _decode(
    field: bytes, key: str, kinds: tuple[str, ...], n: int, width: int | None, where: str
) -> np.ndarray:
    """Decode base64 to (n, width) numbers of the kind that fits its length; None: any width."""
    if field[:2] in (b"b'", b'b"'):  # bytes that Python 3 wrote with str()
        field = field[2:-1]
    try:
        content = base64.b64decode(field, validate=True)
    except binascii.Error as error:
        raise InputError(
            f"{where}: expected base64 in {key}, found {_show(field)} of {len(field):,} characters "
            f"({error}); fetch the file again"
        ) from error
    for kind in kinds:
        column = n * np.dtype(kind).itemsize
        columns, rest = divmod(len(content), column)
        if rest == 0 and columns == (width or columns) > 0:
            return np.frombuffer(content, kind).reshape(n, columns)
    column = n * np.dtype(kinds[0]).itemsize
    expected = f"{column * width:,}" if width else f"a multiple of {column:,}"
    raise InputError(
        f"{where}: expected {expected} bytes in {key} ({n} boxes, {kinds[0][1:]}), found "
        f"{len(content):,}; fetch the file again"
    )


def _show(field: bytes) -> str:
    text = field[:SHOWN].decode("utf-8", "replace")
    return repr(text + "..." if len(field) > SHOWN else text)
