"""What every command does with its options and with bad input."""

import os
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from torch.utils.data import DataLoader, Dataset

from preprocess.base.command_line import parse_arguments
from preprocess.base.errors import InputError, InputWarning
from tests.conftest import assert_one_clear_line

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Arguments:
    split_file: Path = field(metadata={"help": "a file"})
    size: int = field(default=3, metadata={"help": "a number"})


class Failing(Dataset):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int):
        raise InputError(f"image{index}.jpg: expected one thing,\nfound another")


@dataclass
class ManyArguments:
    kind: Literal["one", "two"] = field(default="one", metadata={"help": "a choice"})
    fast: bool = field(default=False, metadata={"help": "a switch"})
    careful: bool = field(default=True, metadata={"help": "on by default"})
    places: list[Path] = field(default_factory=list, metadata={"help": "files"})
    device: str | None = field(default=None, metadata={"help": "nothing by default"})


def test_options_are_typed_and_never_abbreviated(run_main, capsys):
    parsed = []

    def main():
        parsed.append(parse_arguments(Arguments, description="What it does."))

    assert run_main(main, "--split_file", "a/b.json") == 0
    assert parsed == [Arguments(Path("a/b.json"), 3)]
    assert_one_clear_line(run_main(main, "--split", "a/b.json"), "unknown option --split;")
    status = run_main(main, "--split_file", "a/b.json", "--sise", "4")
    assert_one_clear_line(status, "unknown option --sise; did you mean --size?")
    assert run_main(main, "--help") == 0
    assert "What it does." in capsys.readouterr().out


def test_a_mistyped_option_is_named_before_one_that_is_missing(run_main):
    def main():
        parse_arguments(Arguments, description="")

    assert_one_clear_line(
        run_main(main, "--split_fiel=a"), "--split_fiel; did you mean --split_file?"
    )
    status = run_main(main, "--size", "4")
    assert_one_clear_line(status, "required: --split_file; ")
    assert_one_clear_line(run_main(main, "--split_file", "a", "--size", "x"), "--size", "'x'")
    assert_one_clear_line(run_main(main, "stray", "--split_file", "a"), "'stray' belongs to no")


def test_help_spells_an_option_once_and_shows_defaults_that_say_something(run_main, capsys):
    def main():
        parse_arguments(Arguments, ManyArguments, description="")

    assert run_main(main, "--help") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: command --split_file PATH [options]\n")
    assert "--kind {one,two}" in shown
    assert "a choice (default: one)" in shown
    assert "--careful true|false" in shown
    assert "--places PATH ..." in shown
    assert "--fast " in shown
    assert "None" not in shown
    for hidden in ("--split-file", "--no_careful", "[FAST]"):
        assert hidden not in shown


def test_options_of_another_library_are_listed_only_when_asked_for(run_main, capsys):
    parsed = []

    def main():
        parsed.append(
            parse_arguments(
                Arguments, description="", others=lambda: ManyArguments, epilog="and many of HF's"
            )
        )

    assert run_main(main, "--help") == 0
    shown = capsys.readouterr().out
    assert "and many of HF's" in shown
    assert "--kind" not in shown
    assert run_main(main, "--help_all") == 0
    assert "--kind" in capsys.readouterr().out
    assert run_main(main, "--split_file", "a", "--kind", "two") == 0
    assert parsed == [(Arguments(Path("a")), ManyArguments("two"))]
    assert_one_clear_line(run_main(main, "--split_file", "a", "--knid", "two"), "--kind?")


def test_ctrl_c_says_what_is_kept(run_main, monkeypatch, capsys):
    def main():
        raise KeyboardInterrupt

    monkeypatch.delenv("RANK", raising=False)
    assert run_main(main) == 130
    assert capsys.readouterr().err == (
        "\ninterrupted: nothing is half-written; the same command begins anew\n"
    )
    monkeypatch.setenv("RANK", "1")  # of several processes one speaks
    assert run_main(main) == 130
    assert not capsys.readouterr().err


@pytest.mark.parametrize("num_workers", [0, 2])
def test_bad_input_is_one_line_also_from_a_worker(run_main, num_workers):
    def main():
        list(DataLoader(Failing(), num_workers=num_workers))

    status = run_main(main)
    assert_one_clear_line(status)
    assert status == "error: image0.jpg: expected one thing, found another"


@pytest.mark.parametrize(
    "code",
    ["lowrecall.main()", *(f"run_command(lambda: print('a' * {n}))" for n in (1, 1_000_000))],
)
def test_a_reader_who_has_read_enough_is_no_error(code):
    imports = "import lowrecall; from preprocess.base.command_line import run_command; "
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", imports + code]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    shown = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=buffered
    )
    os.close(writer)
    assert shown.stderr == ""
    assert shown.returncode in (0, 141)


def test_an_output_that_the_shell_has_closed_is_no_error():
    code = "from preprocess.base.command_line import run_command; run_command(lambda: print('a'))"
    command = ["bash", "-c", 'exec "$0" -c "$1" >&-', sys.executable, code]
    shown = subprocess.run(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_another_broken_pipe_keeps_its_traceback(run_main):
    def main():
        raise BrokenPipeError("of a worker")

    with pytest.raises(BrokenPipeError, match="of a worker"):
        run_main(main)


def test_a_defect_keeps_its_traceback(run_main):
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_main(main)


def test_a_command_run_as_a_user_runs_it_exits_with_one(tmp_path):
    command = [sys.executable, "-m", "preprocess.splits", "--output_dir", tmp_path]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert_one_clear_line(shown.stderr.rstrip("\n"), "--karpathy_json")


def test_a_warning_of_odd_input_is_one_line_and_others_stay_as_they_are(run_main, capsys):
    def main():
        warnings.warn("three images\nhave no captions", InputWarning, stacklevel=1)

    assert run_main(main) == 0
    assert capsys.readouterr().err == "warning: three images have no captions\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_want_of_memory_is_one_line(run_main, error):
    def main():
        raise error

    assert_one_clear_line(run_main(main), "not enough memory", "allocate")


@pytest.mark.long
def test_a_defect_of_this_project_keeps_its_traceback(run_main):
    def main():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run_main(main)
