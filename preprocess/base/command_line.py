"""What every command shares: parsing a dataclass, and one clear line on bad input."""

import argparse
import difflib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transformers import HfArgumentParser

from preprocess.base.errors import NO_MEMORY, InputError, InputWarning

LISTED = 10  # failures in one line


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the description, and shows defaults."""


def parse_arguments(*dataclasses, description: str):
    """Parse ``sys.argv`` into one instance of each given dataclass, in order.

    Options are never abbreviated, so that a command keeps its meaning when options are added.
    `description` is the module docstring of the command, printed by ``--help``.

    Raises:
        InputError: an unknown option.
    """
    parser = HfArgumentParser(
        dataclasses, description=description, allow_abbrev=False, formatter_class=_HelpFormatter
    )
    *parsed, unknown = parser.parse_args_into_dataclasses(return_remaining_strings=True)
    if unknown:
        known = [option for action in parser._actions for option in action.option_strings]
        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {close[0]}?" if close else "--help lists the options"
        raise InputError(f"unknown option {unknown[0]}; {hint}")
    return parsed[0] if len(parsed) == 1 else parsed


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


def run_command(main: Callable[[], None]) -> None:
    """Run `main`; an `InputError` becomes ``error: <one line>`` on stderr and exit status 1.

    An `InputWarning` becomes ``warning: <one line>``.
    """
    try:
        with _warnings_in_one_line():
            main()
    except InputError as error:
        sys.exit(error_line(error))
    except (MemoryError, RuntimeError) as error:
        # torch's allocator on the CPU raises RuntimeError.
        if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
            first = str(error).strip().partition("\n")[0]
            sys.exit(f"error: not enough memory ({first}); free some, or use smaller batches")
        raise
    except KeyboardInterrupt:
        sys.exit(130)
