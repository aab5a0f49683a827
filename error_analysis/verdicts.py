"""List the rules' verdicts on the original's sampled queries, 40 hard and 40 easy a direction.

Reads the original's result file of CLIP on the 1K test, the test split (whose first 1,000 images
are that gallery), splits whose captions teach the typo check and, where given, COCO's instances
(objects taken for others); writes a Markdown page. The file tells what was retrieved for the hard
image queries alone; easy ones are left out.

    python -m error_analysis.verdicts --thesis_file clip_1k_test.json \\
        --split_file datasets/coco/test.json --training_splits datasets/coco/train.json \\
        --instances datasets/coco/annotations/instances_val2014.json --page docs/verdicts.md

Takes 20 s on one CPU core, half a minute with COCO's 566,000 training captions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.queries.query import GroundTruth, Item, Query, Retrieved
from error_analysis.reasons.captions.caption_reasons import caption_reasons
from error_analysis.reasons.images.base_rates import base_rates
from error_analysis.reasons.images.image_reasons import image_reasons
from error_analysis.reasons.images.objects import read_instances
from error_analysis.reasons.mentions import Vocabulary
from error_analysis.reasons.reason import Reason
from error_analysis.statistics.metric_tables import markdown_cell
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, check_writable, read_json
from preprocess.captions.split_file import Split, read_split

GALLERY_IMAGES = 1000


@dataclass
class VerdictsArguments:
    thesis_file: Path = field(metadata={"help": "clip_1k_test.json of the original"})
    split_file: Path = field(metadata={"help": "split JSON of COCO's test split"})
    training_splits: list[Path] = field(
        default_factory=list,
        metadata={"help": "split JSON files whose captions teach the typo check"},
    )
    instances: list[Path] = field(
        default_factory=list, metadata={"help": "COCO's instances JSON of the gallery's images"}
    )
    page: Path = field(
        default=Path("docs/verdicts.md"), metadata={"help": "Markdown file to write"}
    )


@dataclass(frozen=True)
class Sampled:
    """The original's queries, found again in the gallery.

    Attributes:
        captions: kind ("hard", "easy") -> columns of caption queries.
        images: the hard image queries with what was retrieved.
    """

    captions: dict[str, list[int]]
    images: list[Query]


def find_queries(path: Path, gallery: Split) -> Sampled:
    """Read the original's queries; they are told by their text, as its numbers are its own.

    Raises:
        InputError: the file is missing, not laid out as the original's, or of another gallery.
    """
    content = read_json(path, "it is a result file of the original")
    columns = {_letters(text): column for column, text in enumerate(gallery.captions)}

    def column(text: str) -> int:
        if _letters(text) not in columns:
            raise InputError(
                f"{path}: its caption {text!r} is not among the {len(gallery.captions):,} of the "
                f"first {len(gallery.images):,} images of {gallery.source}; give COCO's test split"
            )
        return columns[_letters(text)]

    try:
        captions = {
            kind: [column(query["query"]) for query in content["t2i"][kind]]
            for kind in ("hard", "easy")
        }
        images = [
            _image_query(gallery, column(query["ground_truth"][0]), map(column, query["retrieved"]))
            for query in content["i2t"]["hard"]
        ]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a result file of the original ({error!r})") from error
    return Sampled(captions, images)


def _letters(text: str) -> str:
    """Return letters and digits alone: the same captions were tokenised and joined in two ways."""
    return "".join(character for character in text.lower() if character.isalnum())


def _image_query(gallery: Split, own: int, retrieved: Iterable[int]) -> Query:
    row = int(gallery.caption_image_index[own])
    image = gallery.images[row]
    truths = (Item(image.image_id, c.caption_id, c.caption) for c in image.captions)
    ids = gallery.caption_ids.tolist()
    found = (
        Item(gallery.images[gallery.caption_image_index[c]].image_id, ids[c], gallery.captions[c])
        for c in retrieved
    )
    return Query(
        direction="i2t",
        index=row,
        item=Item(image.image_id),
        rank=float("nan"),
        lowest=0,
        highest=0,
        ground_truth=tuple(GroundTruth(item, 0.0, 0.0) for item in truths),
        retrieved=tuple(Retrieved(item, 0.0, item.image_id == image.image_id) for item in found),
    )


def verdicts_page(
    gallery: Split,
    sampled: Sampled,
    of_captions: Sequence[tuple[Reason, ...]],
    of_images: Sequence[tuple[Reason, ...]],
    taught_by: str,
) -> str:
    """Return the page: tables of hard and of easy caption queries, and of hard image queries."""
    lines = [
        "# The rules' verdicts on the original's sampled queries",
        "",
        "The hard and easy queries of CLIP on the 1K test, as the original sampled them, with what "
        "the rules of `error_analysis/reasons` say. Captions: COCO 2014, CC BY 4.0. Made by "
        f"`python -m error_analysis.verdicts`; typo check taught by {taught_by}.",
        "",
        "**The captions are a list of the wrong kind.** CLIP was given photographic negatives, so "
        "its hard captions failed for its pictures and hardly for their words: the caption "
        "oracle, which sees no picture, misses 9 of these 40 and 3 of the easy ones (AUC 0.57). "
        "That few have a reason says little against the rules.",
    ]
    for kind, columns in sampled.captions.items():
        flagged = sum(bool(of_captions[column]) for column in columns)
        lines += ["", f"## {kind.capitalize()} captions: {flagged} of {len(columns)} have a reason"]
        lines += ["", "| caption | verdict |", "|---|---|"]
        lines += [_row(gallery.captions[column], of_captions[column]) for column in columns]
    flagged = sum(map(bool, of_images))
    lines += ["", f"## Hard images: {flagged} of {len(of_images)} have a reason", ""]
    lines += ["| image, by its first caption | verdict |", "|---|---|"]
    lines += [
        _row(query.ground_truth[0].item.as_caption().caption, reasons)
        for query, reasons in zip(sampled.images, of_images, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _row(text: str, reasons: Sequence[Reason]) -> str:
    found = (f"**{reason.name}**: {markdown_cell(reason.evidence)}" for reason in reasons)
    return f"| {markdown_cell(text)} | {'; '.join(found)} |"


def main() -> None:
    arguments = parse_arguments(VerdictsArguments, description=__doc__)
    check_writable(arguments.page)
    gallery = read_split(arguments.split_file).first(GALLERY_IMAGES)
    sampled = find_queries(arguments.thesis_file, gallery)
    training = [c for path in arguments.training_splits for c in read_split(path).captions]
    objects = None
    if arguments.instances:
        objects = read_instances(arguments.instances, gallery.image_ids)
    vocabulary = objects.vocabulary if objects else Vocabulary()
    of_captions = caption_reasons(gallery, training)
    of_images = image_reasons(sampled.images, base_rates(gallery, vocabulary), objects)
    taught_by = f"{len(training):,} other captions"
    page = verdicts_page(gallery, sampled, of_captions, of_images, taught_by)
    with atomic_path(arguments.page) as temporary:
        temporary.write_text(page, "utf-8")
    print(f"wrote {arguments.page}")


if __name__ == "__main__":
    run_command(main)
