"""The rankings files of an ablation, by gallery and arm; each is read, counted and let go.

Scores are half a gigabyte a file at 5,000 images, and nine files are usual: of each is kept what
intervals and tests need, which is some 10 MB.
"""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, check_same_gallery, ranks_sha256
from error_analysis.queries.protocol_galleries import galleries_of
from error_analysis.statistics.assessment import Sampling
from error_analysis.statistics.bootstrap import Resampled, resample
from information_retrieval.ranking.benchmark_names import NAMES, why_no_benchmark
from information_retrieval.ranking.gallery import gallery_of
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.npz_file import DAMAGED
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Split

OneGallery = Literal["1k", "5k", "full"]


@dataclass(frozen=True)
class Run:
    """What one seed of an arm retrieves on a gallery.

    Attributes:
        path: the rankings file.
        model: what its metadata call the model; None where they do not tell.
        ranks_sha256: of its ranks (see `model_rankings.ranks_sha256`).
        resampled: its metrics on resampled images.
        found: by the names of recalls, such as "i2t_r1", how many of each image's queries are
            found, (n_images,) float64; of ties, the expected number.
    """

    path: Path
    model: str | None
    ranks_sha256: str
    resampled: Resampled
    found: dict[str, np.ndarray]


@dataclass(frozen=True)
class ArmGallery:
    """All runs on one gallery.

    Attributes:
        name: the benchmark's, or the data set's and the split's; unique.
        dataset, split, split_file: of what it is the gallery.
        protocol: which images and captions of the split it has.
        benchmark: its name where it is one's (see `benchmark_names`).
        why_no_benchmark: the reason where it has none.
        n_images, n_captions: its size.
        runs: by arm, in the order in which arms are shown; of each as many seeds.
    """

    name: str
    dataset: str
    split: str
    split_file: Path
    protocol: OneGallery
    benchmark: str | None
    why_no_benchmark: str | None
    n_images: int
    n_captions: int
    runs: dict[str, tuple[Run, ...]]

    @property
    def n_seeds(self) -> int:
        """How many seeds each arm was trained with."""
        return len(next(iter(self.runs.values())))


def assign_splits(
    paths: Sequence[Path], arms: Sequence[str], splits: Mapping[Path, Split]
) -> dict[Path, Path]:
    """Find the split file that each rankings file was made from, before scores are read.

    Args:
        paths: rankings files.
        arms: the name of each one's arm.
        splits: by their files.

    Returns:
        the split file of each rankings file.

    Raises:
        InputError: a file that cannot be read, or fits no split or several; a split without
            rankings of each arm, or with more seeds of one arm than of another.
    """
    found = {path: _split_file_of(path, splits) for path in paths}
    for split_file in splits:
        seeds = {
            arm: sum(found[p] == split_file for p, of in zip(paths, arms, strict=True) if of == arm)
            for arm in dict.fromkeys(arms)
        }
        if len(set(seeds.values())) > 1 or not any(seeds.values()):
            told = ", ".join(f"{n} of {arm}" for arm, n in seeds.items())
            raise InputError(
                f"{split_file}: expected rankings of every arm, of one as many seeds as of another "
                f"and in the same order; found {told}; give the missing --rankings with their "
                "--arms, or leave the split file out"
            )
    return found


def _split_file_of(path: Path, splits: Mapping[Path, Split]) -> Path:
    told = _told_split(path)
    fits = [split_file for split_file, split in splits.items() if split.sha256 == told]
    errors: list[InputError] = []
    if told is None:  # an older file, the original's, or none at all: it is tried
        for split_file, split in splits.items():
            try:
                read_rankings(path, split)
                fits.append(split_file)
            except InputError as error:
                errors.append(error)
    if len(fits) == 1:
        return fits[0]
    names = ", ".join(map(str, fits or splits))
    if fits:
        raise InputError(
            f"{path}: fits {names}, and does not tell of which it is; compare the arms on one "
            "gallery at a time, each with its own --split_files"
        )
    if len(set(map(str, errors))) == 1:
        raise errors[0]  # it has nothing to do with the split
    raise InputError(
        f"{path}: expected rankings of {names}, found those of another split, whose images, "
        "captions or pairs differ; give the split file that they were made with"
    )


def _told_split(path: Path) -> str | None:
    """Return the hash of the split that a rankings file says it is of, without its scores."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return json.loads(str(arrays["metadata"])).get("split_sha256")
    except DAMAGED:
        return None  # reading it as rankings tells what is wrong


def read_galleries(
    split_file_of: Mapping[Path, Path],
    arms: Sequence[str],
    splits: Mapping[Path, Split],
    protocol: OneGallery | None,
    sampling: Sampling,
    shown_first: Sequence[str] = (),
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> list[ArmGallery]:
    """Read all rankings files, one at a time.

    Args:
        split_file_of: of each rankings file (see `assign_splits`).
        arms: the name of each one's arm, in the same order.
        protocol: None: the whole gallery that each file has.
        sampling: every file is asked for the same images.
        shown_first: arms to begin with.
        progress: wraps the rankings files, such as `tqdm`.

    Raises:
        InputError: an unreadable file; files of one split with other galleries; too few images for
            the protocol; fewer than 2 images.
    """
    firsts: dict[Path, ModelRankings] = {}
    names = dict.fromkeys([*shown_first, *arms])
    runs: dict[Path, dict[str, list[Run]]] = {f: {arm: [] for arm in names} for f in splits}
    for path, arm in zip(progress(split_file_of), arms, strict=True):
        split_file = split_file_of[path]
        model = _read_gallery(path, arm, splits[split_file], protocol)
        check_same_gallery([firsts.setdefault(split_file, model), model])
        runs[split_file][arm].append(_run_of(model, sampling))
    for of in runs.values():
        _warn_of_equals([run for seeds in of.values() for run in seeds])
    found = [_gallery(file, splits[file], firsts[file], of) for file, of in runs.items()]
    names_of = [gallery.name for gallery in found]
    return [
        gallery
        if names_of.count(gallery.name) == 1
        else replace(gallery, name=f"{gallery.name} of {gallery.split_file}")
        for gallery in found
    ]


def _read_gallery(path: Path, arm: str, split: Split, protocol: OneGallery | None) -> ModelRankings:
    rankings = read_rankings(path, split)
    model = ModelRankings(arm, path, gallery_of(rankings, split), rankings)
    # The scores of five folds are those of the 5,000 images among each other.
    whole = "5k" if model.protocol == "5fold" else model.protocol
    return galleries_of(model, protocol or whole)[0]


def _run_of(model: ModelRankings, sampling: Sampling) -> Run:
    found = {
        f"{direction}_r{k}": np.bincount(
            model.image_of_query(direction), model.query_ranks(direction).found(k)
        )
        for direction in DIRECTIONS
        for k in CUTOFFS
    }
    resampled = resample([model], sampling.generator(), sampling.n_resamples)
    told = model.rankings.metadata.get("model")
    return Run(model.path, told, ranks_sha256(model), resampled, found)


def _warn_of_equals(runs: Sequence[Run]) -> None:
    """Warn of two files with the same ranks: a seed that was not set, or a file that was copied."""
    first_of: dict[str, Path] = {}
    for run in runs:
        first = first_of.setdefault(run.ranks_sha256, run.path)
        if first != run.path:
            warnings.warn(
                f"{run.path}: every rank is that of {first}: one model under two names? Seeds that "
                "do not differ make the standard deviation too small",
                InputWarning,
                stacklevel=3,
            )


def _gallery(
    split_file: Path, split: Split, model: ModelRankings, runs: Mapping[str, Sequence[Run]]
) -> ArmGallery:
    protocol = model.rankings.metadata.get("protocol", "full")
    why_not = why_no_benchmark(split, model.rankings)
    benchmark = NAMES.get((split.dataset, protocol)) if why_not is None else None
    if why_not is None and benchmark is None:
        why_not = f"under protocol {protocol} it has another gallery"
    return ArmGallery(
        name=benchmark or f"{split.dataset} {split.split}",
        dataset=split.dataset,
        split=split.split,
        split_file=split_file,
        protocol=protocol,
        benchmark=benchmark,
        why_no_benchmark=why_not,
        n_images=len(model.gallery.images),
        n_captions=len(model.gallery.captions),
        runs={arm: tuple(seeds) for arm, seeds in runs.items()},
    )
