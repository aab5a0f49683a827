"""What predicts difficulty: features of queries against hard or not hard.

Reads one or more rankings files of one gallery and their split file; for each model and direction,
learns from features of the query alone whether it is hard (no ground truth in the top 10), and
tests on images that were not learnt from (error_analysis/predicting/difficulty_model.py). Prints
the AUCs and the weight of each feature, and writes them as JSON:

    {"models": {"clip": {"i2t": {"difficulty": {"auc": ..., "weights": [...], ...} or null,
                                 "too_few": null or why there is no "difficulty"},
                         "t2i": {...}}},
     "metadata": {...}}

    python -m error_analysis.difficulty \\
        --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --train_split_file datasets/demo/train.json \\
        --instances datasets/demo/annotations/instances_val2014.json \\
        --images datasets/demo/test_images.h5 --output runs/demo/difficulty.json

With --figures, draws the weights as `difficulty_i2t` and `difficulty_t2i` (.png and .pdf) in that
folder. Of --train_split_file (how rare words are), --instances and --features (objects), --images
(quality) and --surprise (of a captioner), those not given just add no features. The demo takes 15 s
on one CPU core; 5,000 images and 25,000 captions about a minute and 0.8 GB beside the scores, most
of it for the typo rule (--no_rules leaves it out), and 15 s more for each further model.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from error_analysis.arguments import RankingsArguments
from error_analysis.predicting.agreement_features import read_gains
from error_analysis.predicting.feature_sources import Sources, features_of_folds
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import read_each
from error_analysis.queries.protocol_galleries import description_of, galleries_of_models
from error_analysis.reasons.images.objects import read_instances, read_labels
from error_analysis.statistics.rank_plots import TITLES
from information_retrieval.ranking.protocols import Protocol
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


@dataclass(kw_only=True)
class DifficultyArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the JSON file to write"})
    figures: Path | None = field(default=None, metadata={"help": "folder for the figures"})
    protocol: Protocol | None = field(
        default=None, metadata={"help": "gallery; default: what the rankings were made for"}
    )
    train_split_file: Path | None = field(
        default=None, metadata={"help": "split JSON whose captions tell how rare words are"}
    )
    instances: list[Path] = field(
        default_factory=list,
        metadata={"help": "COCO's instances JSON of the split's images, one file or more"},
    )
    features: Path | None = field(
        default=None, metadata={"help": "{split}_features.h5: objects that the detector saw"}
    )
    object_labels: Path | None = field(
        default=None,
        metadata={"help": "the detector's objects_vocab.txt, where --features does not name them"},
    )
    images: Path | None = field(
        default=None, metadata={"help": "{split}_images.h5, to measure the images' quality"}
    )
    rules: bool = field(
        default=True, metadata={"help": "use the rules of caption_reasons as features"}
    )
    hard_rank: int = field(
        default=HARD_RANK, metadata={"help": "a query is hard from this 0-based rank on"}
    )
    oracle: Path | None = field(
        default=None,
        metadata={"help": "rankings .npz of error_analysis.caption_oracle: its rank is a feature"},
    )
    surprise: Path | None = field(
        default=None,
        metadata={"help": "JSON of captioning.surprise: what the image tells a captioner of words"},
    )
    seed: int = field(default=0, metadata={"help": "seed of the folds and the trees"})


def read_sources(args: DifficultyArguments, split: Split, gallery: Split) -> Sources:
    """Read, or open, the files that are given beside the rankings."""
    training = read_split(args.train_split_file) if args.train_split_file else None
    return Sources(
        training_captions=training.captions if training else None,
        objects=read_instances(args.instances, gallery.image_ids) if args.instances else None,
        features=FeaturesFile(args.features) if args.features else None,
        object_labels=read_labels(args.object_labels) if args.object_labels else None,
        images=ImagesFile(args.images) if args.images else None,
        rules=args.rules,
        oracle=read_each([args.oracle], split)[0] if args.oracle else None,
        gains=read_gains(args.surprise, split) if args.surprise else None,
    )


def main() -> None:
    args = parse_arguments(DifficultyArguments, description=__doc__)
    from error_analysis.predicting.difficulty_findings import find  # scikit-learn takes a second
    from error_analysis.predicting.difficulty_plots import write_figures

    for option, least in (("hard_rank", 1), ("seed", 0)):
        check_at_least(f"--{option}", getattr(args, option), least)
    check_writable(args.output)
    split = read_split(args.split_file)
    models = read_each(args.rankings, split, args.names)
    galleries = galleries_of_models(models, args.protocol)
    sources = read_sources(args, split, models[0].gallery)
    progress = partial(tqdm, desc="measuring images", unit="image")
    of_folds = [same[0].gallery for same in galleries]
    features = features_of_folds(of_folds, sources, args.protocol or models[0].protocol, progress)
    options = (args.hard_rank, args.seed)
    findings = {
        folds[0].name: {d: find(folds, d, features[d], *options) for d in DIRECTIONS}
        for folds in zip(*galleries, strict=True)
    }
    metadata = {
        "models": [description_of(folds) for folds in zip(*galleries, strict=True)],
        "rules": {"hard": f"rank >= {args.hard_rank}"},
        "features": {direction: list(features[direction].names) for direction in DIRECTIONS},
        "seed": args.seed,
    }
    content = {
        name: {direction: found.to_json() for direction, found in of_model.items()}
        for name, of_model in findings.items()
    }
    write_json(args.output, {"models": content, "metadata": metadata})
    for name, of_model in findings.items():
        for direction, found in of_model.items():
            print(f"{name}, {TITLES[direction]}: {found.to_text()}\n")
    figures = write_figures(args.figures, findings) if args.figures else []
    print(f"wrote {', '.join(map(str, [args.output, *figures]))}")


if __name__ == "__main__":
    run_command(main)
