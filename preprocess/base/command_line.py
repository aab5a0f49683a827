"""What every command shares: parsing a dataclass, and one clear line on bad input."""

import argparse
import difflib
import gc
import os
import re
import select
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from transformers import HfArgumentParser

from preprocess.base.errors import NO_MEMORY, InputError, InputWarning

LISTED = 10  # failures in one line
# Values, and no options; argparse itself does not know -1e9.
NEGATIVE = re.compile(r"^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
STDOUT = 1  # the file descriptor


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """One spelling of an option, what it takes, and its default where that says something."""

    def add_argument(self, action: argparse.Action) -> None:
        # Of an option that is on by default, HF's parser makes a second one, --no_...
        if not action.option_strings[0].startswith("--no_"):
            super().add_argument(action)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if action.nargs == 0:
            return ", ".join(action.option_strings)
        return f"{action.option_strings[0]} {_value_shown(action)}".rstrip()

    def _get_help_string(self, action: argparse.Action) -> str | None:
        says_nothing = any(action.default is one for one in (None, False, argparse.SUPPRESS))
        if action.required or says_nothing:
            return action.help
        return f"{action.help} (default: %(default)s)"


def _value_shown(action: argparse.Action) -> str:
    """Return what stands for an option's value in a help text; "" for a switch."""
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    if action.nargs == "?":
        return "" if action.default is False else "true|false"
    # HF wraps the type of a list's items, and of a choice, in functions of its own.
    shown = {Path: "PATH", int: "N", float: "X"}.get(action.type, "TEXT")  # type: ignore[call-overload]
    return f"{shown} ..." if action.nargs == "+" else shown


class _Parser(HfArgumentParser):
    """Raises what is wrong with the options as InputError."""

    def error(self, message: str) -> NoReturn:
        # HF gives each option a second spelling, with dashes.
        message = re.sub(r"(--\w+)/--[\w-]+", r"\1", message)
        raise InputError(f"{message}; {self.prog} --help lists the options")

    def check_known(self, words: Sequence[str]) -> None:
        """Raise InputError for an option that there is not, before any that is missing."""
        known = {option for action in self._actions for option in action.option_strings}
        for word in words:
            option = word.partition("=")[0]
            if option.startswith("--") and option not in known:
                close = difflib.get_close_matches(option, sorted(known), n=1)
                hint = f"did you mean {close[0]}?" if close else f"{self.prog} --help lists them"
                raise InputError(f"unknown option {option}; {hint}")


def program_name() -> str:
    """Return how a user runs this process's command: `python -m preprocess.splits`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    is_ours = spec is not None and spec.name.partition(".")[0] not in ("pytest", "lowrecall")
    return f"python -m {spec.name}" if is_ours and spec is not None else sys.argv[0]


def _make_parser(dataclasses: Sequence[Any], description: str, epilog: str | None) -> _Parser:
    parser = _Parser(
        dataclasses,
        prog=program_name(),
        description=description,
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=_HelpFormatter,
    )
    parser._negative_number_matcher = NEGATIVE
    required = [
        f"{action.option_strings[0]} {_value_shown(action)}"
        for action in parser._actions
        if action.required
    ]
    parser.usage = " ".join(["%(prog)s", *required, "[options]"])
    return parser


def parse_arguments(
    *dataclasses: type,
    description: str,
    others: Callable[[], type] | None = None,
    epilog: str | None = None,
):
    """Parse ``sys.argv`` into one instance of each given dataclass, in order.

    Options are never abbreviated, so that a command keeps its meaning when options are added.

    Args:
        description: the module docstring of the command, printed by ``--help``.
        others: returns one dataclass more, whose import takes seconds and whose options are many:
            ``--help`` leaves them to `epilog`, ``--help_all`` lists them.

    Raises:
        InputError: an unknown option, one that is missing, or a value of the wrong kind.
    """
    words = sys.argv[1:]
    parser = _make_parser(dataclasses, description, epilog)
    if others is not None and not {"-h", "--help"} & set(words):
        parser = _make_parser([*dataclasses, others()], description, epilog)
        parser.add_argument("--help_all", action="help", help="list all options")
    parser.check_known(words)
    *parsed, words = parser.parse_args_into_dataclasses(
        look_for_args_file=False, return_remaining_strings=True
    )
    if words:
        raise InputError(f"{words[0]!r} belongs to no option; {parser.prog} --help lists them")
    parsed = parsed[: len(dataclasses) + (others is not None)]
    return parsed[0] if len(parsed) == 1 else tuple(parsed)


def check_at_least(option: str, value: int, least: int) -> None:
    """Raise InputError when the value of `option`, such as "--num_workers", is below `least`."""
    if value < least:
        raise InputError(f"{option}: expected at least {least}, found {value}")


def named(failures: list[str]) -> str:
    """Return the first failures as a part of a line; print all of more to stderr, a line each."""
    if len(failures) <= LISTED:
        return "; ".join(failures)
    print(*failures, sep="\n", file=sys.stderr)
    return "; ".join(failures[:LISTED]) + "; ... (all are listed above)"


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    shown = warnings.showwarning

    def show(message, category, *where, **more) -> None:
        if issubclass(category, InputWarning):
            print("warning: " + " ".join(str(message).split()), file=sys.stderr)
        else:
            shown(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def error_line(error: InputError) -> str:
    """Return ``error: <one line>``, as commands print it."""
    # A DataLoader worker's exception arrives as its whole traceback, the message at the end.
    message = str(error).rpartition("InputError: ")[2]
    return "error: " + " ".join(message.split())


def _is_stdout_closed() -> bool:
    """Tell whether nobody reads what is printed; what is left of it then goes nowhere."""
    watch = select.poll()
    watch.register(STDOUT, 0)
    is_closed = bool(watch.poll(0))
    if is_closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
    return is_closed


def run_command(
    main: Callable[[], None], kept: str = "nothing is half-written; the same command begins anew"
) -> None:
    """Run `main`; an `InputError` becomes ``error: <one line>`` on stderr and exit status 1.

    An `InputWarning` becomes ``warning: <one line>``.

    Args:
        kept: what Ctrl-C leaves, and how to go on.
    """
    # Threads that wait for work let others have the core (docs/scoring.md, Threads, has figures).
    # Heeded by what loads OpenMP later.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # What a command reads stays until its end: searching all of it for cycles whenever it had grown
    # by a quarter took a seventh of explain's time. What is young is searched as before.
    gc.set_threshold(*gc.get_threshold()[:2], 1000)
    try:
        with _warnings_in_one_line():
            try:
                main()
            finally:
                if sys.stdout is not None:  # as it is where a shell has closed it
                    sys.stdout.flush()  # here, where it is known what to do if nobody reads it
    except InputError as error:
        sys.exit(error_line(error))
    except (MemoryError, RuntimeError) as error:
        # torch's allocator on the CPU raises RuntimeError.
        if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
            first = str(error).strip().partition("\n")[0]
            sys.exit(f"error: not enough memory ({first}); free some, or use smaller batches")
        raise
    except BrokenPipeError:
        if not _is_stdout_closed():
            raise
        sys.exit(141)  # as of SIGPIPE: `| head` has read enough
    except KeyboardInterrupt:
        if os.environ.get("RANK", "0") == "0":  # of a launcher's processes one speaks
            print(f"\ninterrupted: {kept}", file=sys.stderr)
        sys.exit(130)
