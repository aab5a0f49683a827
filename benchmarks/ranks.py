"""Ranks and top documents of a score matrix: counted, against the plain way, by sorting.

Reads and writes nothing: the scores are random. Prints for each way the seconds (the best of
some rounds in which the ways take turns), how many times the plain way they are, the memory
beside the matrix and of the whole process (each way in a process of its own), and whether the
results agree.

    python -m benchmarks.ranks --n_images 5000 --captions_per_image 5

Time and memory: 3 minutes and 2.7 GB at the default size, nearly all of it for the plain way.
"""

import multiprocessing
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from benchmarks.timing import compare, fastest, hardware
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from information_retrieval.ranking.rank_counter import RankCounter
from preprocess.base.command_line import check_at_least, parse_arguments, run_command

SEED = 0
# ru_maxrss is in KB, on macOS in bytes.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
Result = dict[Direction, tuple[np.ndarray, np.ndarray]]
PLAIN = "argsort, axis 1 and 0"


@dataclass
class BenchmarkArguments:
    n_images: int = field(default=5000, metadata={"help": "rows of the matrix"})
    captions_per_image: int = field(default=5, metadata={"help": "columns for each row"})
    k: int = field(default=10, metadata={"help": "top documents of each query"})
    repeats: int = field(default=3, metadata={"help": "rounds, of which the best counts"})


def random_scores(n_images: int, captions_per_image: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (n_images, n_captions) float32 with raised ground truths, and each caption's image."""
    index = np.repeat(np.arange(n_images), captions_per_image)
    generator = np.random.default_rng(SEED)
    scores = generator.standard_normal((n_images, len(index)), dtype=np.float32)
    scores[index, np.arange(len(index))] += 3
    return scores, index


def sort_axes(scores: np.ndarray, index: np.ndarray, k: int) -> Result:
    """The plain way: argsort of the matrix along each axis, labels gathered in that order."""
    labels = index == np.arange(len(scores))[:, None]  # (n_images, n_captions)
    order = np.argsort(-scores, axis=1)
    i2t = np.take_along_axis(labels, order, axis=1).argmax(axis=1), order[:, :k].copy()
    del order
    order = np.argsort(-scores, axis=0)
    t2i = np.take_along_axis(labels, order, axis=0).argmax(axis=0), order[:k].T.copy()
    return {"i2t": i2t, "t2i": t2i}


def sort_transposed(scores: np.ndarray, index: np.ndarray, k: int) -> Result:
    """The plain way made faster: a transposed copy, so that both sorts run along memory."""
    labels = index == np.arange(len(scores))[:, None]  # (n_images, n_captions)
    order = np.argsort(-scores, axis=1)
    i2t = np.take_along_axis(labels, order, axis=1).argmax(axis=1), order[:, :k].copy()
    del order
    order = np.argsort(np.negative(scores.T, order="C"), axis=1)  # (n_captions, n_images)
    t2i = np.take_along_axis(labels.T, order, axis=1).argmax(axis=1), order[:, :k].copy()
    return {"i2t": i2t, "t2i": t2i}


def count(scores: np.ndarray, index: np.ndarray, k: int) -> RankCounter:
    """Our way; k = 0: ranks alone."""
    counter = RankCounter.of(scores, index, k)
    counter.ranks()
    return counter


def count_alone(scores: np.ndarray, index: np.ndarray, k: int) -> RankCounter:
    """Our way, without the top documents."""
    return count(scores, index, 0)


WAYS: dict[str, Callable] = {
    PLAIN: sort_axes,
    "argsort, transposed copy": sort_transposed,
    "counted, with top k": count,
    "counted, ranks alone": count_alone,
}


def peak_bytes() -> int:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def peak_memory(way: str, args: BenchmarkArguments) -> tuple[int, int]:
    """Run a way in a process of its own; return its peak bytes, beside the matrix and in all."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure_memory, (way, args))


def _measure_memory(way: str, args: BenchmarkArguments) -> tuple[int, int]:
    scores, index = random_scores(args.n_images, args.captions_per_image)
    before = peak_bytes()
    WAYS[way](scores, index, args.k)
    return peak_bytes() - before, peak_bytes()


def agreement(scores: np.ndarray, counter: RankCounter, by_sorting: Result) -> str:
    """Compare counted with sorted: ranks of untied queries, bounds of tied ones, top scores."""
    lines = []
    for direction in DIRECTIONS:
        ranks, top = by_sorting[direction]
        queries, matrix = counter.ranks().of(direction), scores
        if direction == "t2i":
            matrix = scores.T
        untied = queries.tied == 0
        equal = np.count_nonzero(ranks[untied] == queries.ranks()[untied])
        low, high = queries.ranks("optimistic")[~untied], queries.ranks("pessimistic")[~untied]
        within = np.count_nonzero((low <= ranks[~untied]) & (ranks[~untied] <= high))
        # Sorting leaves tied documents in any order, but their scores in this one.
        same = np.array_equal(
            np.take_along_axis(matrix, top, axis=1), counter.top[direction].scores
        )
        lines.append(
            f"{direction}: {equal:,} of {untied.sum():,} ranks without ties are equal, {within:,} "
            f"of {(~untied).sum():,} with ties within the bounds; "
            f"scores of the top documents {'equal' if same else 'DIFFER'}"
        )
    return "\n".join(lines)


def main() -> None:
    args = parse_arguments(BenchmarkArguments, description=__doc__)
    for option in ("n_images", "captions_per_image", "k", "repeats"):
        check_at_least(f"--{option}", getattr(args, option), 1)
    # Before the matrix is made here: a new process starts from its parent's peak.
    memory = {way: peak_memory(way, args) for way in WAYS}
    scores, index = random_scores(args.n_images, args.captions_per_image)
    counter, by_sorting = count(scores, index, args.k), sort_axes(scores, index, args.k)
    agrees = agreement(scores, counter, by_sorting)
    del counter, by_sorting
    runs = {way: lambda run=run: run(scores, index, args.k) for way, run in WAYS.items()}
    seconds = fastest(compare(runs, args.repeats))
    n_images, n_captions = scores.shape
    print(hardware(torch.device("cpu")))
    print(
        f"{n_images:,} x {n_captions:,} scores, {scores.nbytes / 2**20:,.0f} MiB, top {args.k}, "
        f"best of {args.repeats} rounds"
    )
    print(f"{'':26}{'seconds':>9}{'times':>8}{'MiB beside':>12}{'GB in all':>11}")
    for way, best in seconds.items():
        beside, whole = memory[way]
        print(
            f"{way:26}{best:9.3f}{seconds[PLAIN] / best:8.1f}{beside / 2**20:12,.0f}"
            f"{whole / 1e9:11.2f}"
        )
    print(agrees)


if __name__ == "__main__":
    run_command(main)
