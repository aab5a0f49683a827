"""Minival, which every epoch captions, and what that is worth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from captioning.decoding.captions import GeneratedCaption, caption_images
from captioning.decoding.image_batches import encoding_batches
from captioning.decoding.settings import Decoding
from captioning.metrics.constant_caption import constant_caption
from captioning.metrics.resampling import intervals, resample
from captioning.metrics.scores import PreparedReferences, prepare_references, score_captions
from captioning.metrics.words import caption_words
from captioning.models.loading import LoadedCaptioner
from captioning.results.caption_counts import CaptionCounts, count_captions
from captioning.results.matched import FEW_IMAGES
from captioning.results.results_file import image_name, listed
from captioning.training.captioner_options import CaptionDataArguments
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.encodings_file import EncodingsFile

RESAMPLING_SEED = 0


@dataclass(frozen=True)
class JudgedCaptions:
    """What captions of minival are worth.

    Attributes:
        metrics: BLEU-1 to -4, ROUGE-L and CIDEr-D by coco-caption's names, and the ends of their
            95 % intervals over images, as Bleu_1_low and Bleu_1_high; distinct, the number of
            different captions; words_mean; commonest_share, cut_share and unknown_share, in [0, 1].
    """

    metrics: dict[str, float]
    counts: CaptionCounts


@dataclass(frozen=True)
class Minival:
    """Images with references, the encodings of them, and how they are captioned.

    Attributes:
        split: of images that have a reference with words.
        wordless: names of images that have none, and are left out.
        references: as the metrics need them.
        constant, constant_metrics: one sentence said of all images, and what it scores.
    """

    split: Split
    wordless: tuple[str, ...]
    encodings: EncodingsFile
    references: PreparedReferences
    constant: str
    constant_metrics: dict[str, float]
    decoding: Decoding
    batch_size: int

    def caption(self, captioner: LoadedCaptioner, rows: np.ndarray) -> list[GeneratedCaption]:
        """Caption some of the images, by their positions."""
        image_ids = self.split.image_ids[rows]
        batches = encoding_batches(self.encodings, image_ids, self.batch_size)
        return list(caption_images(captioner, batches, self.decoding))

    def judge(self, captions: Sequence[GeneratedCaption]) -> JudgedCaptions:
        """Score a caption of each image.

        Raises:
            InputError: a probability that is no number: training has diverged.
        """
        if not all(math.isfinite(one.log_probability) for one in captions):
            raise InputError(
                "training has diverged: the captioner's probabilities are no numbers; lower "
                "--learning_rate"
            )
        texts = [one.text for one in captions]
        names = [image_name(image) for image in self.split.images]
        counts = count_captions(names, texts)
        more = {
            "distinct": counts.distinct,
            "words_mean": counts.words_mean,
            "commonest_share": counts.commonest_share,
            "cut_share": sum(not one.ended for one in captions) / len(captions),
            "unknown_share": counts.unknown_share,
        }
        scores = score_captions(texts, self.references)
        found = intervals(scores, resample(scores, RESAMPLING_SEED))
        values = {name: one.value for name, one in found.items()}
        low = {f"{name}_low": one.low for name, one in found.items()}
        high = {f"{name}_high": one.high for name, one in found.items()}
        return JudgedCaptions({**values, **low, **high, **more}, counts)

    def told(self) -> list[str]:
        """Return a line for each oddity that was worked around, or makes scores mean less."""
        lines = []
        n = len(self.split.images)
        if self.wordless:
            lines.append(
                f"minival: {len(self.wordless):,} images have no reference with words, and are "
                f"left out: {listed(self.wordless)}"
            )
        if n < FEW_IMAGES:
            lines.append(f"minival: {n} images are few: CIDEr-D, by which epochs are chosen, jumps")
        return lines


def read_minival(
    data: CaptionDataArguments, train: Split, decoding: Decoding, batch_size: int
) -> Minival:
    """Read minival and open the encodings of its images.

    Raises:
        InputError: no minival, fewer than two images with references, or no encodings of them.
    """
    whole = read_split(data.split_file("minival"))
    has_words = [any(caption_words(c.caption) for c in image.captions) for image in whole.images]
    pairs = list(zip(whole.images, has_words, strict=True))
    kept = tuple(image for image, has in pairs if has)
    wordless = tuple(image_name(image) for image, has in pairs if not has)
    if len(kept) < 2:
        raise InputError(
            f"{data.split_file('minival')}: expected two or more images that have references with "
            f"words, found {len(kept)}; CIDEr-D, by which epochs are chosen, is always 0 of one"
        )
    split = replace(whole, images=kept)
    encodings = EncodingsFile(encodings_path(data, whole, train))
    encodings.check_split(split)
    references = prepare_references([[c.caption for c in image.captions] for image in kept])
    sentence = constant_caption(references)
    constant = score_captions([sentence] * len(kept), references).values()
    return Minival(split, wordless, encodings, references, sentence, constant, decoding, batch_size)


def encodings_path(data: CaptionDataArguments, minival: Split, train: Split) -> Path:
    """Return the file with minival's encodings: its own, or that of the split it was taken from.

    Which that is, the images' ids and file names tell: those of another split may be numbered anew.
    """
    own = data.encodings_file("minival")
    if own.exists():
        return own
    if data.split_file("val").exists():
        val = read_split(data.split_file("val"))
        if data.encodings_file("val").exists() and n_shared(minival, val) == len(minival.images):
            return data.encodings_file("val")
    if n_shared(minival, train) == len(minival.images):
        return data.encodings_file("train")
    return own  # whose absence is told


def n_shared(minival: Split, other: Split) -> int:
    """Return how many of minival's images are in another split."""
    files = {image.image_id: image.file_name for image in other.images}
    return sum(files.get(image.image_id) == image.file_name for image in minival.images)


def with_interval(metrics: Mapping[str, float], name: str) -> str:
    """Return one of the metrics of `judge` with its 95 % interval: "0.812 [0.703, 0.921]"."""
    low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
    return f"{metrics[name]:.3f} [{low:.3f}, {high:.3f}]"


def evaluation_line(
    epoch: float, metrics: Mapping[str, float], constant: Mapping[str, float]
) -> str:
    """Return an evaluation in a line.

    Args:
        metrics: those of `judge` with the prefix eval_.
        constant: those of a constant caption.
    """
    of = {name.removeprefix("eval_"): value for name, value in metrics.items()}
    return (
        f"epoch {epoch:.3g}: CIDEr-D {with_interval(of, 'CIDEr')}, BLEU-4 "
        f"{with_interval(of, 'Bleu_4')} (a constant caption {constant['CIDEr']:.3f}, "
        f"{constant['Bleu_4']:.3f}); {of['distinct']:,.0f} distinct captions of "
        f"{of['words_mean']:.1f} words, {100 * of['cut_share']:.1f} % cut off, "
        f"{100 * of['unknown_share']:.1f} % with <unk>"
    )
