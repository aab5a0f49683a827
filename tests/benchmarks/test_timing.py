"""Ways timed in turns."""

import time

import torch

from benchmarks.timing import compare, hardware, processor_clock


def test_ways_take_turns_and_the_seconds_of_every_round_are_kept():
    ran = []
    seconds = compare({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, repeats=3)
    assert ran == ["a", "b"] * 3
    assert list(seconds) == ["a", "b"]
    assert all(len(rounds) == 3 and min(rounds) >= 0 for rounds in seconds.values())


def test_what_the_figures_were_measured_on_is_named():
    assert f"torch {torch.__version__}" in hardware(torch.device("cpu"))


def test_the_processors_clock_stands_still_while_a_process_waits():
    ways = {"wait": lambda: time.sleep(0.2)}
    passed, of_processor = (
        compare(ways, repeats=1, clock=clock)["wait"][0]
        for clock in (time.perf_counter, processor_clock)
    )
    assert passed >= 0.2
    assert of_processor < 0.1
