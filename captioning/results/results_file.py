"""COCO's results format, which evaluation servers take: [{"image_id": 42, "caption": "a dog"}, ...]

White space of every kind, line breaks included, becomes one space: a carriage return inside a
caption made VizWiz' official evaluation score all later captions as those of other images.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import DIGITS, as_id
from preprocess.captions.split_file import CaptionedImage, Split
from preprocess.captions.white_space import in_one_line

FORMAT = 'a list of {"image_id": 42, "caption": "a dog"}'
MADE_BY = f"expected COCO's results format, {FORMAT}"
LISTED = 10  # ids in a line


@dataclass(frozen=True)
class Results:
    """One caption an image, of images that have references.

    Attributes:
        path: of the file.
        captions: by image id, with single spaces.
        cleaned: images whose captions had line breaks, tabs or the like.
        missing: images with references that the file says nothing of, as their source names them.
        extra: ids of the file without references, as it names them; left out.
    """

    path: Path
    captions: dict[int, str]
    cleaned: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    def told(self) -> list[str]:
        """Return a line for each oddity that was worked around."""
        lines = []
        if self.cleaned:
            lines.append(
                f"{self.path}: {len(self.cleaned):,} captions have line breaks or other white "
                f"space, which became a space: images {listed(self.cleaned)}"
            )
        if self.missing:
            lines.append(
                f"{self.path}: {len(self.missing):,} images with references have no caption, and "
                f"are left out: {listed(self.missing)}; scores of a part do not compare with those "
                "of the whole"
            )
        if self.extra:
            lines.append(
                f"{self.path}: {len(self.extra):,} captions are of images without references, and "
                f"are left out: {listed(self.extra)}"
            )
        return lines


def listed(ids: Sequence[object]) -> str:
    """Return the first ids, for a line."""
    return ", ".join(map(str, ids[:LISTED])) + ", ..." * (len(ids) > LISTED)


def id_in_results(image: CaptionedImage) -> int | str:
    """Return what an image's source calls it: its id, or the name in its place."""
    return image.source_id or image.image_id


def image_name(image: CaptionedImage) -> str:
    """Return the same as text."""
    return str(id_in_results(image))


def first_words(text: str, n_words: int | None) -> str:
    """Return the first words of a text, cut at white space; None for all."""
    return text if n_words is None else " ".join(text.split()[:n_words])


def read_results(path: Path, references: Split, partial: bool = False) -> Results:
    """Read what a captioner said of the images of a split.

    Args:
        references: images by id; where its source names images, the file may use these names.
        partial: whether images of the split may be missing.

    Raises:
        InputError: no such file, another format, captions without ids, an image twice, images of
            another split, or missing ones.
    """
    entries = _entries(path)
    names = {image.source_id: image.image_id for image in references.images if image.source_id}
    known = set(references.image_ids.tolist())
    captions: dict[int, str] = {}
    cleaned, extra = [], []
    for place, entry in enumerate(entries):
        value, raw = _checked(path, place, entry)
        image_id = names.get(str(value)) if names else _number(path, place, value)
        if image_id is None or image_id not in known:
            extra.append(str(value))
            continue
        if image_id in captions:
            raise InputError(
                f"{path}: image {value} has more than one caption; give each image one"
            )
        captions[image_id] = in_one_line(raw)
        if any(sign.isspace() and sign != " " for sign in raw):
            cleaned.append(str(value))
    missing = tuple(image_name(i) for i in references.images if i.image_id not in captions)
    results = Results(path, captions, tuple(cleaned), missing, tuple(extra))
    _check_fit(results, references, partial)
    return results


def read_captions(path: Path) -> tuple[list[str], list[str], list[str]]:
    """Read captions as they are, with ids or without.

    Returns:
        what each is called, by its image or by its place ("number 1"), an image's second caption by
        both; the captions, with single spaces; and the ids that occur more than once.

    Raises:
        InputError: no such file, or no list of captions.
    """
    content = read_json(path, MADE_BY)
    if isinstance(content, list) and content and all(isinstance(one, str) for one in content):
        return [f"number {n}" for n in range(1, len(content) + 1)], [*map(in_one_line, content)], []
    pairs = [_checked(path, place, entry) for place, entry in enumerate(_entries(path))]
    times = Counter(str(value) for value, _ in pairs)
    names, seen = [], set()
    for place, (value, _) in enumerate(pairs, start=1):
        name = str(value)
        names.append(f"{name}, number {place}" if name in seen else name)
        seen.add(name)
    repeated = [name for name, n in times.items() if n > 1]
    return names, [in_one_line(text) for _, text in pairs], repeated


def _entries(path: Path) -> list:
    content = read_json(path, MADE_BY)
    if not isinstance(content, list) or not content:
        found = "an empty list" if content == [] else type(content).__name__
        raise InputError(f"{path}: expected {FORMAT}, found {found}")
    n_texts = sum(isinstance(one, str) for one in content)
    if n_texts:
        raise InputError(
            f"{path}: {n_texts:,} captions stand without an image_id; nothing tells which image "
            f"each is of, and their order may be any: expected {FORMAT}. --statistics_only counts "
            "words and distinct captions without ids"
        )
    return content


def _checked(path: Path, place: int, entry: object) -> tuple[object, str]:
    """Return the id as it stands and the caption of an entry."""
    where = f"{path}: entry {place + 1}"
    if not isinstance(entry, dict) or "caption" not in entry or "image_id" not in entry:
        found = f"the members {sorted(map(str, entry))}" if isinstance(entry, dict) else repr(entry)
        raise InputError(f"{where}: expected an image_id and a caption, found {found[:80]}")
    text = entry["caption"]
    if not isinstance(text, str):
        raise InputError(f"{where}: expected the caption as text, found {repr(text)[:40]}")
    return entry["image_id"], text


def _number(path: Path, place: int, value: object) -> int | None:
    """Return an image id; None for a name, which a split of numbers does not have."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        return None
    try:
        return as_id(value, "image_id")
    except InputError as error:
        raise InputError(f"{path}: entry {place + 1}: {error}") from error


def _check_fit(results: Results, references: Split, partial: bool) -> None:
    """Raise InputError for captions of other images, and for missing ones unless partial."""
    n, path = len(references.images), results.path
    name = f"split {references.split!r} of {references.source}"
    # A file of more than the split, as of all of val2014, is no file of another split.
    if not results.captions or (results.missing and len(results.captions) <= len(results.extra)):
        n_all = len(results.captions) + len(results.extra)
        raise InputError(
            f"{path}: {len(results.extra):,} of {n_all:,} captions are of images that {name} does "
            f"not have ({listed(results.extra)}); give the split that was captioned"
        )
    if results.missing and not partial:
        raise InputError(
            f"{path}: {len(results.missing):,} of {n:,} images of {name} have no caption "
            f"({listed(results.missing)}); caption them all, or score the others with --partial"
        )
