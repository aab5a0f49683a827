"""When a signal stops training: after a step, and not before an epoch's own end."""

import os
from signal import SIGTERM, SIGUSR1, getsignal
from types import SimpleNamespace

import pytest
from transformers import TrainerControl

from information_retrieval.training.interruption import SIGNALS, Interruption


@pytest.fixture
def interruption():
    interruption = Interruption()
    interruption.on_train_begin(None, None, None)
    yield interruption
    interruption.end()


def state_at(step: int, epoch: float) -> SimpleNamespace:
    return SimpleNamespace(global_step=step, epoch=epoch, max_steps=10)


def control() -> TrainerControl:
    """What HF asks for at the end of an epoch."""
    return TrainerControl(should_log=True, should_evaluate=True, should_save=True)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_within_an_epoch_saves_and_stops_and_is_no_end_of_the_epoch(interruption, number):
    asked, state = TrainerControl(), state_at(3, epoch=0.6)
    interruption.on_step_end(None, state, asked)
    assert not asked.should_training_stop
    os.kill(os.getpid(), number)
    interruption.on_step_end(None, state, asked)
    assert interruption.received == number
    assert asked.should_save
    assert asked.should_training_stop
    asked = control()
    interruption.on_epoch_end(None, state, asked)
    assert not asked.should_log
    assert not asked.should_evaluate
    assert not asked.should_save


def test_a_signal_at_the_last_step_of_an_epoch_leaves_its_evaluation(interruption):
    os.kill(os.getpid(), SIGUSR1)
    asked, state = TrainerControl(), state_at(5, epoch=1.0)
    interruption.on_step_end(None, state, asked)
    assert not asked.should_training_stop
    assert not asked.should_save
    asked = control()
    interruption.on_epoch_end(None, state, asked)
    assert asked.should_log
    assert asked.should_evaluate
    assert asked.should_save
    assert asked.should_training_stop


def test_a_signal_while_the_processes_ask_each_other_is_heard_at_the_next_step(
    interruption, monkeypatch
):
    def asked_too_early() -> int:
        os.kill(os.getpid(), SIGTERM)
        return 0

    asked, state = TrainerControl(), state_at(3, epoch=0.6)
    with monkeypatch.context() as patched:
        patched.setattr(interruption, "_received_by_any", asked_too_early)
        interruption.on_step_end(None, state, asked)
    assert not asked.should_training_stop
    interruption.on_step_end(None, state, asked)
    assert asked.should_training_stop


def test_a_signal_at_the_last_step_of_all_stops_nothing(interruption):
    os.kill(os.getpid(), SIGTERM)
    asked, state = control(), state_at(10, epoch=2.0)
    interruption.on_step_end(None, state, asked)
    interruption.on_epoch_end(None, state, asked)
    assert asked.should_evaluate
    assert not asked.should_training_stop


def test_after_training_signals_are_as_they_were_before():
    before = [getsignal(number) for number in SIGNALS]
    interruption = Interruption()
    interruption.on_train_begin(None, None, None)
    assert [getsignal(number) for number in SIGNALS] != before
    interruption.end()
    assert [getsignal(number) for number in SIGNALS] == before
