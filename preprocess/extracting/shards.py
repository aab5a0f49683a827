"""Shards: a split's images dealt out to processes, each with a features file of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from preprocess.base.command_line import check_at_least
from preprocess.base.errors import InputError

ID, COUNT = "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"
FIRST, LAST, STEP = "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"


@dataclass(frozen=True)
class Shard:
    """Every `count`-th image of a split, from `index` (0-based) on; one of one is the split."""

    index: int
    count: int

    def rows(self, n_images: int) -> np.ndarray:
        """Return its rows of a split of `n_images`, ascending, (n,) int64."""
        # Dealt out, not cut: where images are sorted by size or source, each gets of all kinds.
        return np.arange(self.index, n_images, self.count)

    def path(self, output: Path) -> Path:
        """Return the file of this shard of `output`, beside it."""
        if self.count == 1:
            return output
        number = f"shard-{self.index:05}-of-{self.count:05}"
        return output.with_name(f"{output.stem}.{number}{output.suffix}")

    @property
    def options(self) -> str:
        """The options of preprocess.extract_features that make its file."""
        return f"--num_shards {self.count} --shard_index {self.index}"

    @property
    def attributes(self) -> dict[str, int]:
        """What the shard's file says of it; nothing where it is the whole split."""
        return {"shard_index": self.index, "num_shards": self.count} if self.count > 1 else {}


def shard_of_name(path: Path) -> Shard | None:
    """Return the shard that a file is by its name, None where the name does not tell."""
    numbers = re.search(r"\.shard-(\d{5})-of-(\d{5})\.", path.name)
    return numbers and Shard(int(numbers[1]), int(numbers[2]))


def find_shards(output: Path) -> list[Path]:
    """Return the shard files of `output`, by name."""
    stem, suffix = re.escape(output.stem), re.escape(output.suffix)
    name = re.compile(rf"{stem}\.shard-\d{{5}}-of-\d{{5}}{suffix}")
    if not output.parent.is_dir():
        return []
    return sorted(path for path in output.parent.iterdir() if name.fullmatch(path.name))


def choose_shard(
    num_shards: int | None, shard_index: int | None, environment: Mapping[str, str]
) -> tuple[Shard, str]:
    """Choose the shard from the options, or else from a Slurm array's task.

    Args:
        environment: usually `os.environ`.

    Returns:
        The shard, and where it was taken from, in words.

    Raises:
        InputError: an option without the other, a number out of range, or an array whose tasks
            do not tell which shards they are.
    """
    if num_shards is None and shard_index is None:
        return _shard_of_task(environment) if ID in environment else (Shard(0, 1), "no shards")
    if num_shards is None:
        raise InputError(f"--shard_index {shard_index}: expected --num_shards with it")
    check_at_least("--num_shards", num_shards, 1)
    source = "--shard_index"
    if shard_index is None and num_shards == 1:
        shard_index = 0
    elif shard_index is None and ID in environment:
        shard_index, source = _number(environment, ID), ID
    if shard_index is None or not 0 <= shard_index < num_shards:
        found = "none" if shard_index is None else shard_index
        raise InputError(
            f"{source}: expected 0 to {num_shards - 1} of --num_shards {num_shards}, found {found}"
        )
    return Shard(shard_index, num_shards), f"--num_shards and {source}"


def _shard_of_task(environment: Mapping[str, str]) -> tuple[Shard, str]:
    """Number the tasks of the array from 0, whatever its own numbers start from."""
    task, count = _number(environment, ID), _number(environment, COUNT)
    first, step = _number(environment, FIRST, 0), _number(environment, STEP, 1)
    last = _number(environment, LAST, first + (count - 1) * step)
    if count == 1:
        # The array of a whole split, or one shard of a larger array that is repeated alone.
        raise InputError(
            f"{COUNT} is 1: expected an array of several tasks; give --num_shards 1 for the whole "
            "split, or --num_shards and --shard_index to repeat one shard"
        )
    index, rest = divmod(task - first, step)
    if rest or not 0 <= index < count or last != first + (count - 1) * step:
        raise InputError(
            f"{ID} {task} of {count} tasks from {first} to {last}: expected evenly spaced tasks, "
            "such as --array=0-7; or give --num_shards and --shard_index"
        )
    return Shard(index, count), f"Slurm array task {task} of {count} from {first}"


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = environment.get(name, "" if default is None else str(default))
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{name}: expected a number, found {text!r}") from error
