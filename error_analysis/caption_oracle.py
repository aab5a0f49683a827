"""Rank images for captions by the images' other captions: what captions alone can do.

Reads a split file alone: no picture, no model. Writes rankings like those of a model, for
`mining`, `comparison`, `significance`, `report` and `difficulty --oracle`, and `metrics.json`
beside them. A caption that does not find its image so (error_analysis/reasons/caption_scores.py
says how) could hardly have found it: it says what nobody else says, or what suits many images.
One that does, and that a model misses, was missed by the model.

    python -m error_analysis.caption_oracle --split_file datasets/demo/test.json \\
        --output runs/demo/oracle/test.npz

COCO's 5,000 images x 25,000 captions take 10 to 15 s and 1.3 GB on one CPU core.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.reasons.caption_scores import score_by_captions
from error_analysis.reasons.words import are_english
from information_retrieval.ranking.gallery import check_made_by
from information_retrieval.ranking.protocols import Protocol, largest_protocol, protocol_split
from information_retrieval.ranking.rankings import rank_scores, write_rankings
from information_retrieval.scoring.evaluation_output import describe, metrics_file, report
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.files import check_writable
from preprocess.captions.split_file import read_split


@dataclass
class CaptionOracleArguments:
    split_file: Path = field(metadata={"help": "split JSON; most images should have two captions"})
    output: Path = field(metadata={"help": "the rankings .npz to write; metrics.json goes beside"})
    protocol: Protocol | None = field(
        default=None,
        metadata={"help": "gallery, as of information_retrieval.evaluate; default: as there"},
    )


def main() -> None:
    args = parse_arguments(CaptionOracleArguments, description=__doc__)
    metrics_path = metrics_file(args.output)
    check_writable(args.output)
    check_made_by(args.output, "oracle")
    split = read_split(args.split_file)
    protocol = args.protocol or largest_protocol(split)
    gallery = protocol_split(split, protocol)
    n_alone = sum(len(image.captions) == 1 for image in gallery.images)
    if not are_english(gallery.captions):
        print(
            f"warning: {args.split_file}: the captions are hardly English: words are compared with "
            "English stems, and function words count like others; expect fewer to be found",
            file=sys.stderr,
        )
    scores = score_by_captions(gallery)
    if n_alone:
        print(
            f"warning: {n_alone:,} of {len(gallery.images):,} images have one caption, which no "
            "other can find: count them apart",
            file=sys.stderr,
        )
    identity = {"weights": "captions alone", "dtype": "float32", "oracle": "TF-IDF"}
    metadata = describe("caption oracle", split, protocol, identity)
    rankings = rank_scores(scores, gallery, metadata)
    write_rankings(args.output, rankings)
    report(rankings, split, protocol, args.output.name, metrics_path)
    print(f"wrote {args.output} and {metrics_path}")


if __name__ == "__main__":
    run_command(main)
