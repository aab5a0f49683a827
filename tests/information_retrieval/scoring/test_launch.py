"""What the environment says of a launch: whole, absent, or left over."""

import pytest

from information_retrieval.scoring.processes import check_launch
from preprocess.base.errors import InputError

TORCHRUN = {
    "RANK": "1",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        TORCHRUN,
        {**TORCHRUN, "PMI_SIZE": "2"},
        {"PMI_SIZE": "1"},
        {"LOCAL_RANK": "-1"},
        {"WORLD_SIZE": "1"},
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"},
    ],
)
def test_a_whole_launch_and_a_process_alone_are_in_order(environment):
    check_launch(environment)


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"LOCAL_RANK": "0"}, r"LOCAL_RANK is set in .*, but RANK, .*MASTER_ADDR, MASTER_PORT not"),
        ({"WORLD_SIZE": "4"}, r"WORLD_SIZE is set .*start with torchrun, or unset WORLD_SIZE$"),
        ({k: v for k, v in TORCHRUN.items() if k != "MASTER_ADDR"}, r"but MASTER_ADDR not: start"),
        ({**TORCHRUN, "RANK": "2"}, r"RANK: expected 0 to 1 of WORLD_SIZE 2, found 2"),
        ({**TORCHRUN, "RANK": "abc"}, r"RANK: expected a number in the environment, found 'abc'"),
        ({"PMI_SIZE": "4", "PMI_RANK": "0"}, r"PMI_SIZE is 4 .*or unset PMI_SIZE$"),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, r"an MPI launcher or srun"),
    ],
)
def test_what_another_job_left_in_the_environment_is_one_line(environment, line):
    with pytest.raises(InputError, match=line):
        check_launch(environment)
