"""Which images a process takes, from its options or its Slurm task."""

import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.extracting.shards import Shard, choose_shard, find_shards


def array(task: int, count: int, first: int, last: int, step: int = 1) -> dict[str, str]:
    names = ("ID", "COUNT", "MIN", "MAX", "STEP")
    values = (task, count, first, last, step)
    return {
        f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in zip(names, values, strict=True)
    }


def test_shards_hold_every_image_once_and_differ_by_one_image_at_most():
    rows = [Shard(index, 4).rows(10).tolist() for index in range(4)]
    assert rows == [[0, 4, 8], [1, 5, 9], [2, 6], [3, 7]]
    assert sorted(row for shard in rows for row in shard) == list(range(10))
    assert np.array_equal(Shard(0, 1).rows(3), [0, 1, 2])


def test_a_shards_file_is_named_after_the_output(tmp_path):
    output = tmp_path / "test_features.h5"
    path = Shard(3, 8).path(output)
    assert path == tmp_path / "test_features.shard-00003-of-00008.h5"
    assert Shard(0, 1).path(output) == output
    assert Shard(0, 1).attributes == {}
    for name in (path.name, "test_features.h5", "val_features.shard-00003-of-00008.h5", "a.txt"):
        (tmp_path / name).touch()
    assert find_shards(output) == [path]
    assert find_shards(tmp_path / "nowhere" / "f.h5") == []


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ((None, None), {}, Shard(0, 1)),
        ((1, None), {}, Shard(0, 1)),
        ((4, 2), {}, Shard(2, 4)),
        ((4, 2), array(0, 9, 0, 8), Shard(2, 4)),
        ((1, None), array(5, 9, 0, 8), Shard(0, 1)),
        ((None, None), array(0, 8, 0, 7), Shard(0, 8)),
        ((None, None), array(8, 8, 1, 8), Shard(7, 8)),
        ((None, None), array(20, 3, 10, 30, 10), Shard(1, 3)),
        ((None, None), {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4"}, Shard(2, 4)),
        ((8, None), array(3, 1, 3, 3), Shard(3, 8)),
    ],
)
def test_the_shard_comes_from_the_options_or_else_from_the_slurm_array(
    options, environment, expected
):
    assert choose_shard(*options, environment)[0] == expected


@pytest.mark.parametrize(
    ("options", "environment", "line"),
    [
        ((None, 2), {}, "--shard_index 2: expected --num_shards with it"),
        ((4, None), {}, "--shard_index: expected 0 to 3 of --num_shards 4, found none"),
        ((4, 4), {}, "--shard_index: expected 0 to 3 of --num_shards 4, found 4"),
        ((4, -1), {}, "expected 0 to 3 of --num_shards 4, found -1"),
        ((0, 0), {}, "--num_shards: expected at least 1, found 0"),
        ((8, None), array(8, 8, 1, 8), "SLURM_ARRAY_TASK_ID: expected 0 to 7 of --num_shards 8"),
        ((None, None), array(3, 1, 3, 3), "give --num_shards 1 for the whole split"),
        ((None, None), array(3, 3, 1, 7), "expected evenly spaced tasks"),
        ((None, None), {"SLURM_ARRAY_TASK_ID": "1"}, "SLURM_ARRAY_TASK_COUNT: expected a number"),
    ],
)
def test_numbers_that_name_no_shard_are_refused(options, environment, line):
    with pytest.raises(InputError, match=line):
        choose_shard(*options, environment)
