"""BLEU, ROUGE-L and CIDEr-D of many captions: ours, against pycocoevalcap where it is installed.

Reads the captions of a split file, and makes of them as many images as asked for, each with the
same number of references and one caption: images are drawn from the split, and one word in five
is another of its words, so that copies differ. Prints the seconds of each part (the best of some
rounds in which the ways take turns), how many times the other's they are, and the largest
difference of their values. Writes nothing.

    python -m benchmarks.caption_metrics --split_file datasets/coco/test.json

For the comparison: `pip install --no-deps pycocoevalcap==1.2`; its tokenizer, of which the words
are counted apart, needs Java too.

Time at the default size: 2 minutes on one core of an AMD EPYC.
"""

import contextlib
import importlib.util
import io
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from benchmarks.timing import compare, fastest, hardware
from captioning.metrics.scores import prepare_references, score_captions
from captioning.metrics.words import caption_words
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.captions.split_file import Split, read_split

SEED = 0
CHANGED = 0.2  # share of words that become others
WORDS, SCORES = "words", "BLEU, ROUGE-L, CIDEr-D"
OURS, THEIRS = "ours", "pycocoevalcap"


@dataclass
class CaptionMetricsArguments:
    split_file: Path = field(metadata={"help": "split JSON whose captions are used"})
    n_images: int = field(default=7542, metadata={"help": "images; VizWiz' val has 7,542"})
    n_references: int = field(default=5, metadata={"help": "references of each image"})
    repeats: int = field(default=3, metadata={"help": "rounds, of which the best counts"})


@dataclass(frozen=True)
class Captions:
    """One caption and the references of each image."""

    candidates: list[str]
    references: list[list[str]]


def draw_captions(split: Split, n_images: int, n_references: int) -> Captions:
    """Draw images of a split, and change some words of their captions."""
    generator = np.random.default_rng(SEED)
    vocabulary = np.array(" ".join(split.captions).split())

    def changed(caption: str) -> str:
        words = np.array(caption.split(), vocabulary.dtype)
        others = generator.choice(vocabulary, len(words))
        return " ".join(np.where(generator.random(len(words)) < CHANGED, others, words).tolist())

    candidates, references = [], []
    for row in generator.integers(0, len(split.images), n_images).tolist():
        own = [caption.caption for caption in split.images[row].captions]
        candidate, *others = generator.choice(own, n_references + 1).tolist()
        candidates.append(changed(candidate))
        references.append([changed(one) for one in others])
    return Captions(candidates, references)


def score_ours(captions: Captions) -> dict[str, float]:
    """Cut into words and score."""
    return score_captions(captions.candidates, prepare_references(captions.references)).values()


def cut_ours(captions: Captions) -> None:
    """Cut into words."""
    for own in ([*captions.candidates], *captions.references):
        for one in own:
            caption_words(one)


def score_theirs(words: Captions) -> dict[str, float]:
    """Score what is cut into words already."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    references = dict(enumerate(words.references))
    candidates = {row: [caption] for row, caption in enumerate(words.candidates)}
    with contextlib.redirect_stdout(io.StringIO()):
        bleu, _ = Bleu(4).compute_score(references, candidates)
        rouge, _ = Rouge().compute_score(references, candidates)
        cider, _ = Cider().compute_score(references, candidates)
    return {f"Bleu_{n}": v for n, v in enumerate(bleu, 1)} | {"ROUGE_L": rouge, "CIDEr": cider}


def cut_theirs(captions: Captions) -> None:
    """Cut into words, by a Java process each for captions and references."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    for own in ([[one] for one in captions.candidates], captions.references):
        PTBTokenizer().tokenize(
            {row: [{"caption": one} for one in texts] for row, texts in enumerate(own)}
        )


def ways_of(captions: Captions, words: Captions) -> dict[str, Callable[[], object]]:
    """Return what can be run here, ours first; scores include the words with us."""
    ways: dict[str, Callable[[], object]] = {
        f"{OURS}: {WORDS}": lambda: cut_ours(captions),
        f"{OURS}: {WORDS} and {SCORES}": lambda: score_ours(captions),
    }
    if importlib.util.find_spec(THEIRS) is None:
        print("pycocoevalcap is not installed: ours alone", file=sys.stderr)
        return ways
    if shutil.which("java"):
        ways[f"{THEIRS}: {WORDS}"] = lambda: cut_theirs(captions)
    ways[f"{THEIRS}: {SCORES}"] = lambda: score_theirs(words)
    return ways


def main() -> None:
    args = parse_arguments(CaptionMetricsArguments, description=__doc__)
    for option in ("n_images", "n_references", "repeats"):
        check_at_least(f"--{option}", getattr(args, option), 1)
    captions = draw_captions(read_split(args.split_file), args.n_images, args.n_references)
    words = Captions(
        [" ".join(caption_words(one)) for one in captions.candidates],
        [[" ".join(caption_words(one)) for one in own] for own in captions.references],
    )
    ways = ways_of(captions, words)
    seconds = fastest(compare(ways, args.repeats))
    print(hardware(torch.device("cpu")))
    print(f"{args.n_images:,} images, {args.n_references} references each")
    for way, best in seconds.items():
        print(f"{way:45}{best:9.2f} s")
    theirs = sum(best for way, best in seconds.items() if way.startswith(THEIRS))
    if theirs:
        both = seconds[f"{OURS}: {WORDS} and {SCORES}"]
        print(f"{THEIRS} / {OURS}: {theirs / both:.1f}")
        found, expected = score_ours(captions), score_theirs(words)
        apart = max(abs(found[name] - expected[name]) for name in expected)
        print(f"largest difference of a metric: {apart:.1g}")


if __name__ == "__main__":
    run_command(main)
