"""The parts of a loss from one log to the next."""

import torch

from information_retrieval.training.objectives.loss_parts import LossParts


def scalars(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_each_part_is_the_mean_of_the_batches_that_have_it():
    parts = LossParts()
    parts.add(scalars(itc=1.0))
    parts.add(scalars(itc=2.0, box=4.0))
    parts.add(scalars(box=5.0))
    assert parts.take(lambda values: values) == {"itc": 1.5, "box": 4.5}
    assert parts.take(lambda values: values) == {}
    parts.add(scalars(itc=3.0))
    assert parts.take(lambda values: values) == {"itc": 3.0}


def test_a_loss_of_0_is_told_and_batches_that_lack_nothing_are_not():
    parts = LossParts()
    parts.add(scalars(itm=0.0, without_negatives=0.0))
    assert parts.take(lambda values: values) == {"itm": 0.0}
    parts.add(scalars(itm=0.0, without_negatives=0.0))
    parts.add(scalars(itm=1.0, without_negatives=1.0))
    assert parts.take(lambda values: values) == {"itm": 0.5, "without_negatives": 0.5}


def test_processes_are_asked_once_for_all_parts():
    parts, asked = LossParts(), []

    def mean(values: torch.Tensor) -> torch.Tensor:
        asked.append(values.tolist())
        return values + 1

    parts.add(scalars(b=2.0, a=1.0))
    assert parts.take(mean) == {"a": 2.0, "b": 3.0}
    assert asked == [[1.0, 2.0]]
