"""List the caption rules' verdicts on the original's 40 hard and 40 easy caption queries.

Reads the original's result file of CLIP on the 1K test (captions of COCO, CC BY 4.0) and split
files whose captions teach the typo check; writes a Markdown page.

The file does not hold the whole gallery. The gallery here is what it holds: the 80 queries, the
captions of the 80 image queries, and the captions these retrieved, each of these taken for an image
of its own. Fewer captions than the 5,000 of the 1K test: "underspecified" counts are too low.

    python -m error_analysis.verdicts --thesis_file clip_1k_test.json \\
        --training_splits datasets/coco/train.json --page error_analysis/VERDICTS.md

Takes 10 s with a few hundred training captions, and half a minute with COCO's 566,000.
"""

from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.reasons.captions.caption_reasons import caption_reasons
from error_analysis.reasons.reason import Reason
from error_analysis.statistics.metric_tables import markdown_cell
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, check_writable, read_json
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split


@dataclass
class VerdictsArguments:
    thesis_file: Path = field(metadata={"help": "clip_1k_test.json of the original"})
    training_splits: list[Path] = field(
        metadata={"help": "split JSON files whose captions teach the typo check"}
    )
    page: Path = field(
        default=Path("error_analysis/VERDICTS.md"), metadata={"help": "Markdown file to write"}
    )


def read_gallery(path: Path) -> tuple[Split, dict[str, list[int]]]:
    """Return the file's captions as a gallery, and the places of the hard and easy queries.

    Raises:
        InputError: the file is missing, or is not laid out as the original's.
    """
    content = read_json(path, "it is a result file of the original")
    try:
        queries = {name: content["t2i"][name] for name in ("hard", "easy")}
        captions_of: dict[int, list[str]] = {}
        for query in [*queries["hard"], *queries["easy"]]:
            captions_of.setdefault(query["ground_truth"], []).append(query["query"])
        for query in [*content["i2t"]["hard"], *content["i2t"]["easy"]]:
            captions_of.setdefault(query["query"], []).extend(query["ground_truth"])
        known = {caption for captions in captions_of.values() for caption in captions}
        retrieved = [c for query in content["i2t"]["hard"] for c in query["retrieved"]]
        alone = [caption for caption in dict.fromkeys(retrieved) if caption not in known]
        first_alone = max(captions_of) + 1
        captions_of.update({first_alone + i: [caption] for i, caption in enumerate(alone)})
        gallery = _split(captions_of)
        places = {caption: place for place, caption in enumerate(gallery.captions)}
        asked = {
            name: [places[q["query"]] for q in found if q["query"].strip()]
            for name, found in queries.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a result file of the original ({error!r})") from error
    return gallery, asked


def _split(captions_of: dict[int, list[str]]) -> Split:
    images, caption_id = [], 0
    for image_id, texts in captions_of.items():
        captions = []
        for text in dict.fromkeys(texts):
            # The original's file has a few captions of white space only.
            if text.strip():
                captions.append(Caption(caption_id, text))
                caption_id += 1
        if captions:
            images.append(CaptionedImage(image_id, f"{image_id}.jpg", tuple(captions)))
    return Split("coco", "thesis", "the original's result file", tuple(images))


def verdicts_page(
    gallery: Split, queries: dict[str, list[int]], reasons: list[tuple[Reason, ...]], taught_by: str
) -> str:
    """Return the page: a table of the hard queries and one of the easy ones."""
    lines = [
        "# The caption rules' verdicts on the original's sampled queries",
        "",
        "The 40 hard and 40 easy caption queries of CLIP on the 1K test, as the original sampled "
        "them, with what the rules of `error_analysis/reasons` say. Captions: COCO 2014, "
        "CC BY 4.0.",
        "",
        "**It is a list of the wrong kind.** CLIP was given photographic negatives, so its hard "
        "captions failed for its pictures and hardly for their words: the caption oracle, which "
        "sees no picture, misses 9 of these 40 and 3 of the easy ones (AUC 0.57, over all 5,000 "
        "captions of the 1K test). That few of them have a reason says little against the rules, "
        "and nothing for them.",
        "",
        f"Made by `python -m error_analysis.verdicts` (its docstring says how; typo check "
        f"taught by {taught_by}). The gallery is the {len(gallery.captions)} captions of "
        f"{len(gallery.images)} images that the file holds, not the 5,000 of the 1K test: fewer "
        "images can be as relevant, so underspecified captions are missed. Most of these captions "
        "stand alone in it; beside the four others of their image, more slips that are words "
        "themselves are found.",
    ]
    for name, places in queries.items():
        flagged = sum(bool(reasons[place]) for place in places)
        lines += ["", f"## {name.capitalize()}: {flagged} of {len(places)} have a reason", ""]
        lines += ["| caption | verdict |", "|---|---|"]
        for place in places:
            found = (f"**{r.name}**: {markdown_cell(r.evidence)}" for r in reasons[place])
            lines.append(f"| {markdown_cell(gallery.captions[place])} | {'; '.join(found)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    arguments = parse_arguments(VerdictsArguments, description=__doc__)
    check_writable(arguments.page)
    gallery, queries = read_gallery(arguments.thesis_file)
    training = [c for path in arguments.training_splits for c in read_split(path).captions]
    reasons = caption_reasons(gallery, training)
    taught_by = f"{len(training):,} training captions"
    with atomic_path(arguments.page) as temporary:
        temporary.write_text(verdicts_page(gallery, queries, reasons, taught_by), "utf-8")
    print(f"wrote {arguments.page}")


if __name__ == "__main__":
    run_command(main)
