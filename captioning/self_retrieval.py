"""Ask a retrieval model for images by what a captioner said of them: does each come back?

Reads captions in COCO's results format, [{"image_id": 42, "caption": "a dog"}, ...], of any
captioner, and what information_retrieval.evaluate reads: a checkpoint of any kind, and
`{data_dir}/{split}.json` with the split's HDF5 files. Prints and writes as JSON R@1, 5 and 10 and
the median rank of image retrieval, with 95 % intervals over images, by

- the generated captions;
- the captions that people wrote, all of them: what this model can do, and so the ceiling;
- a constant caption: chance;

and beside them how many of the captions are distinct, and, with --train_split_file, how many are
copies of training captions.

    python -m captioning.self_retrieval --captions runs/clip_lstm/test_captions.json \\
        --model_name_or_path demo/models/clip --data_dir datasets/demo --split test \\
        --train_split_file datasets/demo/train.json --output runs/clip_lstm/self_retrieval.json

Beside the JSON, in a folder of its name, lies what other commands read on:

    self_retrieval/generated/test.json   the split with the generated captions, one an image
    self_retrieval/generated/test.npz    its rankings, with metrics.json
    self_retrieval/human/test.npz        those of the captions that people wrote
    self_retrieval/human/test.json       with --partial, where images have no caption: the split
                                         that these rankings are of, without those images

With --human_rankings, rankings that the same model has of the split already, nothing is scored for
the last. As with evaluate, the scores grow on the disk: killed at any moment, the same command goes
on; and torchrun starts it on several GPUs. It takes the time of evaluate, twice for the images: the
demo 10 s of CPU time with CLIP.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from captioning.metrics.resampling import CONFIDENCE, N_RESAMPLES
from captioning.results.results_file import read_results
from captioning.self_retrieving.generated_split import GeneratedSplit, generated_split, keep_split
from captioning.self_retrieving.image_recalls import image_recalls
from captioning.self_retrieving.outcome import Outcome
from captioning.self_retrieving.repetition import as_words, count_repetition
from captioning.self_retrieving.same_model import check_made_alike
from information_retrieval.models.arguments import (
    ComputeArguments,
    DataArguments,
    InputArguments,
    ModelArguments,
    ScoreArguments,
)
from information_retrieval.ranking.gallery import gallery_of
from information_retrieval.ranking.rankings import read_rankings
from information_retrieval.scoring.evaluation_output import code_version
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, sha256_of_file, write_json
from preprocess.captions.split_file import read_split

KEPT = "the tiles scored so far are kept; the same command goes on to the same scores"


@dataclass(kw_only=True)
class SelfRetrievalArguments(ScoreArguments, ComputeArguments):
    captions: Path = field(metadata={"help": "results JSON: one caption an image, with its id"})
    output: Path = field(
        metadata={"help": "the JSON file to write; rankings go into a folder of its name"}
    )
    split: str = field(default="test", metadata={"help": "split that was captioned"})
    protocol: Literal["1k", "5k", "full"] | None = field(
        default=None,
        metadata={"help": "gallery, as of information_retrieval.evaluate; default: as there"},
    )
    human_rankings: Path | None = field(
        default=None,
        metadata={"help": "rankings .npz of this split by this model. Default: they are made"},
    )
    train_split_file: Path | None = field(
        default=None, metadata={"help": "split JSON: captions that copies are of"}
    )
    partial: bool = field(
        default=False,
        metadata={
            "help": "take the images that have a caption, if not all have; a smaller gallery"
        },
    )
    n_resamples: int = field(
        default=N_RESAMPLES, metadata={"help": "resamples of the images for the intervals"}
    )
    seed: int = field(default=0, metadata={"help": "seed of the resamples"})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("--n_resamples", self.n_resamples, 2)
        check_at_least("--seed", self.seed, 0)
        if self.output.suffix != ".json":
            raise InputError(f"--output {self.output}: expected a name that ends in .json")

    def file(self, whose: str, suffix: str) -> Path:
        """Return the split file or the rankings of "generated" or "human" captions."""
        return self.output.with_suffix("") / whose / f"{self.split}{suffix}"


def prepare(args: SelfRetrievalArguments, split_file: Path) -> tuple[GeneratedSplit, Path]:
    """Write the split of the generated captions.

    Returns:
        it, and the split file of the same images' captions by people.
    """
    check_writable(args.output)
    split = read_split(split_file)
    results = read_results(args.captions, split, args.partial)
    made = generated_split(split, results)
    for line in (*results.told(), *made.told()):
        print(f"warning: {line}", file=sys.stderr)
    options = ("--output",)
    keep_split(args.file("generated", ".json"), made.generated, options)
    if not results.missing:
        return made, split_file
    keep_split(args.file("human", ".json"), made.human, options)
    return made, args.file("human", ".json")


def report(args: SelfRetrievalArguments, made: GeneratedSplit, split_file: Path) -> None:
    """Print and write what the rankings tell."""
    paths = [args.file("generated", ".npz"), args.human_rankings or args.file("human", ".npz")]
    human_split = read_split(split_file)
    generated = read_rankings(paths[0], made.generated)
    human = read_rankings(paths[1], human_split)
    check_made_alike(human, generated)
    training = (
        as_words(read_split(args.train_split_file).captions) if args.train_split_file else None
    )
    said = {
        "generated": gallery_of(generated, made.generated).captions,
        "human": gallery_of(human, human_split).captions,
    }
    outcome = Outcome(
        len(generated.image_ids),
        image_recalls(generated, args.seed, args.n_resamples),
        image_recalls(human, args.seed, args.n_resamples),
        {name: count_repetition(captions, training) for name, captions in said.items()},
    )
    files: Sequence[Path | None] = (args.captions, split_file, args.train_split_file)
    metadata = {
        "model": generated.metadata["model"],
        "weights": generated.metadata["weights"],
        "dataset": human_split.dataset,
        "split": args.split,
        "protocol": generated.metadata["protocol"],
        "captioner": args.captions.resolve().parent.name,
        "rankings": {"generated": str(paths[0]), "human": str(paths[1])},
        "files": {str(path): sha256_of_file(path) for path in files if path is not None},
        "partial": args.partial,
        "n_resamples": args.n_resamples,
        "seed": args.seed,
        "confidence": CONFIDENCE,
        "ranks": "0-based, expected ties",
        "code_version": code_version(),
        "command": sys.argv,
    }
    write_json(args.output, {"metadata": metadata, **outcome.to_json()})
    print(f"\n{outcome.table()}\nwrote {args.output}")


def main() -> None:
    model_arguments, odd, data, args = parse_arguments(
        ModelArguments, InputArguments, DataArguments, SelfRetrievalArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from information_retrieval.models.loaded_gallery import GalleryFiles, encoder_options
    from information_retrieval.scoring.evaluation import evaluate
    from information_retrieval.scoring.processes import join_processes

    processes = join_processes(args.device)
    options = encoder_options(args, odd, show_progress=processes.is_main, score=args.score)
    files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
    made, split_file = processes.from_main(lambda: prepare(args, data.split_file(args.split)))
    scored = {"generated": args.file("generated", ".json"), "human": split_file}
    if args.human_rankings is not None:
        scored.pop("human")
    name = model_arguments.model_name_or_path
    for whose, path in scored.items():
        if processes.is_main:
            print(f"{whose} captions:")
        output = args.file(whose, ".npz")
        evaluate(name, path, args.protocol, files, options, output, processes)
    if processes.is_main:
        report(args, made, split_file)
    processes.leave()


if __name__ == "__main__":
    run_command(main, KEPT)
