"""Readers of the two extended ground truths of COCO's Karpathy splits, which the user downloads.

CxC (Crisscrossed Captions, Parekh et al. 2021; google-research-datasets/Crisscrossed-Captions),
`data/{sits,sts,sis}_{val,test}.csv`, scores from 0 to 5 that people gave:

    sits   caption,image,agg_score,sampling_method
           COCO_val2014:sentid:732091,COCO_val2014_000000365325.jpg,2.2,c2i_intrasim
    sts    caption1,caption2,agg_score,sampling_method
    sis    image1,image2,agg_score,sampling_method

and the JSON that its setup.py merges `sits` into, Karpathy's with "cxc_scores" for each image. The
caption ids are Karpathy's sentids, which are COCO's. A pair of `sits` suits from 3 on, as in the
paper and in ECCV Caption's copy. `sts` and `sis` compare captions with captions and images with
images; what they imply is taken from 4 on ("differ in unimportant details only").

ECCV Caption (Chun et al. 2022; naver-ai/eccv-caption, `pip install eccv_caption`), `data/`: two
JSON files for each of eccv, cxc, original (and pm, a further download), which belong together:

    eccv_image_to_caption.json   {"373119": [560256, ...]}   image id -> caption ids
    eccv_caption_to_image.json   {"552666": [445512, ...]}   caption id -> image ids
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from error_analysis.relevance.extended_relevance import (
    ExtendedRelevance,
    belonging_to,
    relevance_from_pairs,
    with_own_pairs,
)
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id
from preprocess.captions.split_file import Split

LEAST_SCORE = 3.0
LEAST_IMPLIED_SCORE = 4.0
CXC_SOURCE = "it is in google-research-datasets/Crisscrossed-Captions on GitHub, folder data"
ECCV_SOURCE = "it is in the folder data of the package eccv_caption"
# The other two columns are agg_score and sampling_method.
CXC_COLUMNS = {
    ("caption", "image"): "CxC",
    ("caption1", "caption2"): "CxC, implied by like captions",
    ("image1", "image2"): "CxC, implied by like images",
}
ECCV_FILE = re.compile(r"(?P<name>.+)_(?P<way>image_to_caption|caption_to_image)\.json")
ECCV_NAMES = {
    "eccv": "ECCV Caption",
    "cxc": "CxC (eccv_caption)",
    "original": "COCO (eccv_caption)",
    "pm": "Plausible Match",
}
ScoredPair = tuple[int, int, float]


def read_all_labels(paths: Sequence[Path], split: Split) -> list[ExtendedRelevance]:
    """Read label files, each source once.

    Raises:
        InputError: as `read_labels`, or two files of one source.
    """
    labels = [read_labels(path, split) for path in paths]
    for one, label in enumerate(labels):
        for other in labels[:one]:
            if label.name == other.name:
                raise InputError(
                    f"--labels: expected each source once, found {label.name} in {other.source} "
                    f"and in {label.source}; leave one out"
                )
    return labels


def read_labels(path: Path, split: Split) -> ExtendedRelevance:
    """Read one source of labels: a CSV or JSON of CxC, or either of two JSON of ECCV Caption.

    Raises:
        InputError: missing or damaged file, or labels of another split.
    """
    match = ECCV_FILE.fullmatch(path.name)
    if match:
        relevance = _read_eccv(path, match["name"])
    elif path.suffix == ".csv":
        relevance = _read_cxc_csv(path, split)
    elif path.suffix == ".json":
        relevance = _read_cxc_json(path, split)
    else:
        raise InputError(
            f"{path}: expected sits_*.csv of CxC or *_image_to_caption.json of ECCV Caption; "
            f"{CXC_SOURCE}"
        )
    return belonging_to(relevance, split)


def _read_eccv(path: Path, name: str) -> ExtendedRelevance:
    both = [
        path.with_name(f"{name}_{way}.json") for way in ("image_to_caption", "caption_to_image")
    ]
    captions, images = (
        {query: frozenset(found) for query, found in _eccv_items(file)} for file in both
    )
    source = f"{both[0]} and {both[1].name}"
    return ExtendedRelevance(ECCV_NAMES.get(name, name), source, captions, images)


def _eccv_items(path: Path) -> Iterable[tuple[int, list[int]]]:
    content = read_json(path, ECCV_SOURCE)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object of lists, found another; {ECCV_SOURCE}")
    for key, found in content.items():
        if not isinstance(found, list):
            raise InputError(f"{path}: expected id -> list of ids, found {key!r}; {ECCV_SOURCE}")
        try:
            yield as_id(key), [as_id(document) for document in found]
        except InputError as error:
            raise InputError(f"{path}: list of {key}: {error}; {ECCV_SOURCE}") from error


def _read_cxc_csv(path: Path, split: Split) -> ExtendedRelevance:
    columns, rows = _csv_rows(path)
    name = CXC_COLUMNS[columns]
    if columns == ("caption", "image"):
        scored = [(image, caption, score) for caption, image, score in rows]
        return _from_scores(name, path, scored, LEAST_SCORE)
    captions_of = {i.image_id: [c.caption_id for c in i.captions] for i in split.images}
    image_of = {caption: image for image, captions in captions_of.items() for caption in captions}
    known = image_of if columns == ("caption1", "caption2") else captions_of
    scored = []
    for one, other, score in rows:
        for item, like in ((one, other), (other, one)):
            if item not in known:
                raise InputError(
                    f"{path}: id {item} is not in split {split.split!r} of {split.source}; give "
                    "the labels of that split, and a split file with COCO's ids"
                )
            if known is image_of:
                scored.append((image_of[item], like, score))
            else:
                scored += [(item, caption, score) for caption in captions_of.get(like, ())]
    implied = _from_scores(name, path, scored, LEAST_IMPLIED_SCORE)
    return with_own_pairs(implied, split)


def _csv_rows(path: Path) -> tuple[tuple[str, str], list[ScoredPair]]:
    """Return the first two columns' names, and each row's two ids and its score."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {CXC_SOURCE}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {CXC_SOURCE}") from error
    try:
        header, *lines = list(csv.reader(text.splitlines())) or [[]]
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV file ({error}); {CXC_SOURCE}") from error
    columns = tuple(header[:2])
    if columns not in CXC_COLUMNS or header[2:] != ["agg_score", "sampling_method"]:
        raise InputError(
            f"{path}: expected the columns caption,image,agg_score,sampling_method of CxC's "
            f"sits_*.csv (not of a *_raw.csv), found {','.join(header)[:80]!r}; {CXC_SOURCE}"
        )
    rows = []
    for number, line in enumerate(lines, start=2):
        try:
            one, other, score, _ = line
            rows.append((_cxc_id(one), _cxc_id(other), _score(score)))
        except ValueError as error:
            raise InputError(
                f"{path}: line {number} is damaged ({','.join(line)[:80]!r}); {CXC_SOURCE}"
            ) from error
    return columns, rows


def _cxc_id(name: str) -> int:
    """Return the number in COCO_val2014:sentid:732091 or in COCO_val2014_000000365325.jpg."""
    match = re.fullmatch(r"\w+:sentid:(\d+)|\w+_(\d+)\.jpg", name)
    if match is None:
        raise ValueError(name)
    return int(match[1] or match[2])


def _score(text: str | float) -> float:
    score = float(text)
    if not 0 <= score <= 5:
        raise ValueError(text)
    return score


def _read_cxc_json(path: Path, split: Split) -> ExtendedRelevance:
    """Read Karpathy's JSON with "cxc_scores": [sentid or file name, score, sampling method].

    The entry of an image has all its captions; those of its captions, with a file name, repeat
    what the other image has.
    """
    content = read_json(path, CXC_SOURCE)
    scored = []
    try:
        for image in content["images"]:
            # Both splits are in one file.
            if image["split"] == split.split:
                scored += [
                    (as_id(image["cocoid"], "cocoid"), as_id(caption, "sentid"), _score(score))
                    for caption, score, _ in image["cxc_scores"]
                    if not (isinstance(caption, str) and caption.endswith(".jpg"))
                ]
    except InputError as error:
        raise InputError(f"{path}: {error}; {CXC_SOURCE}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected Karpathy's JSON with the cxc_scores that CxC's setup.py adds, found "
            f"another ({error!r}); {CXC_SOURCE}"
        ) from error
    return _from_scores("CxC", path, scored, LEAST_SCORE)


def _from_scores(
    name: str, path: Path, scored: list[ScoredPair], least: float
) -> ExtendedRelevance:
    judged = [(image, caption) for image, caption, _ in scored]
    suitable = [(image, caption) for image, caption, score in scored if score >= least]
    return relevance_from_pairs(name, str(path), judged, suitable)
