"""The lock on an output: one holder at a time, however it ends, and nothing is left."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from preprocess.base import file_lock
from preprocess.base.errors import InputError
from preprocess.base.output_lock import lock_output

ROOT = Path(__file__).resolve().parents[3]

# Holds the output, starts a process that outlives it, and is killed.
KILLED = """
import os, signal, sys, time
from pathlib import Path
from preprocess.base.output_lock import lock_output

with lock_output(Path(sys.argv[1])):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(read, 1)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def output(tmp_path):
    return tmp_path / "new" / "test.npz"


def files(output) -> list[str]:
    return sorted(path.name for path in output.parent.iterdir())


def assert_held(output) -> None:
    line = r"test\.npz: another process is writing it"
    with pytest.raises(InputError, match=line), lock_output(output):
        pass


def test_a_second_holder_is_refused_until_the_first_has_ended(output):
    with lock_output(output):
        assert_held(output)
        assert_held(output)
        with lock_output(output.with_name("other.npz")):
            pass
        assert files(output) == [".test.npz.lock"]
    assert files(output) == []
    with lock_output(output):
        assert_held(output)


def test_an_error_lets_go_of_the_output(output):
    with pytest.raises(ZeroDivisionError), lock_output(output):
        1 / 0  # noqa: B018
    assert files(output) == []


def test_the_lock_of_a_killed_process_vanishes_though_its_child_lives_on(output, tmp_path):
    with (tmp_path / "out").open("w") as out:
        process = subprocess.run([sys.executable, "-c", KILLED, output], cwd=ROOT, stdout=out)
    assert process.returncode == -signal.SIGKILL
    child = int((tmp_path / "out").read_text())
    try:
        assert files(output) == [".test.npz.lock"]
        with lock_output(output):
            assert_held(output)
        os.kill(child, 0)  # it lives
    finally:
        os.kill(child, signal.SIGKILL)
    assert files(output) == []


def test_who_opens_the_file_while_its_holder_removes_it_holds_a_new_one(output, monkeypatch):
    first = lock_output(output)
    first.__enter__()
    flock, n_calls = fcntl.flock, []

    def end_first_then_lock(file, operation):
        if not n_calls:  # the second has opened the file, and not yet locked it
            first.__exit__(None, None, None)
        n_calls.append(file)
        flock(file, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", end_first_then_lock)
        second = lock_output(output)
        second.__enter__()
    assert len(n_calls) == 2
    assert_held(output)
    second.__exit__(None, None, None)
    assert files(output) == []


# Each of them, while it holds the output, makes a file that may not be there and removes it.
TAKES_TURNS = """
import sys
from pathlib import Path
from preprocess.base.output_lock import lock_output
from preprocess.base.errors import InputError

output, turns = Path(sys.argv[1]), 0
while turns < 200:
    try:
        with lock_output(output):
            output.touch(exist_ok=False)
            output.unlink()
            turns += 1
    except InputError:
        pass
"""


def test_processes_that_come_and_go_never_hold_it_together(output):
    arguments = [sys.executable, "-c", TAKES_TURNS, output]
    processes = [subprocess.Popen(arguments, cwd=ROOT) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert files(output) == []


def test_a_file_system_without_locks_is_warned_of_and_used(output, monkeypatch):
    def unsupported(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    file_lock.say_that_there_are_no_locks.cache_clear()  # it warns once for the process
    with pytest.warns(UserWarning, match="has no locks; start no second run"), lock_output(output):
        pass
    assert files(output) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "test.npz"
    with pytest.raises(InputError, match="cannot be written"), lock_output(output):
        pass
