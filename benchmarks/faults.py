"""What is lost, left behind or read wrong when commands are killed, disks full or files damaged.

Runs the commands of the project on small random data, in forked processes, and

- kills each at random moments and repeats it: the result must be that of an uninterrupted run,
  byte for byte, with nothing else left behind;
- stops it at random moments and runs it a second time with the same output: the second stops with
  a clear line, or makes the result, which the first does not spoil;
- lets files grow to a share of what it needs, as on a full disk, and then gives it room;
- forbids writing in its folder, or puts something else under its output's name;
- cuts files that are written and changes single bytes: they must be read right or refused.

    python -m benchmarks.faults --folder runs/benchmarks

prints Markdown tables, and exits with status 1 and a line for each failure when there is one. It
takes 10 minutes on 2 CPU cores. Needs Linux.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks.faulting.commands import Command, make_commands, must_run
from benchmarks.faulting.damage import READ, kinds_of, read_damaged
from benchmarks.faulting.interruptions import KILLED, TOGETHER, kill, run_twice
from benchmarks.faulting.obstacles import REFUSED, block, fill_disk
from benchmarks.faulting.results import Result, markdown_table
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError

CAMPAIGNS = ("killed", "twice", "full", "forbidden", "damaged")
RESUMED = ("splits", "images", "features", "merged features", "training", "scoring")
OTHERS = ("top rankings", "hard queries", "comparison", "reasons")  # whose files are damaged too
# (title of the table's first column, its columns of trials that held)
TITLES = {
    "killed": ("killed and repeated", KILLED),
    "twice": ("run twice at once", TOGETHER),
    "full": ("full disk, then room", REFUSED),
    "forbidden": ("output that cannot be written", REFUSED),
    "damaged": ("damaged file", READ),
}


@dataclass
class FaultsArguments:
    folder: Path = field(metadata={"help": "where the small data are made, for the while"})
    kills: int = field(default=50, metadata={"help": "times that each command is killed"})
    stops: int = field(default=10, metadata={"help": "times that each command is run twice"})
    cuts: int = field(default=20, metadata={"help": "sizes that each file is cut to"})
    flips: int = field(default=200, metadata={"help": "bytes changed in each file, one at a time"})
    seed: int = field(default=0, metadata={"help": "of the moments and the bytes"})
    campaigns: list[str] = field(
        default_factory=lambda: list(CAMPAIGNS), metadata={"help": f"some of {CAMPAIGNS}"}
    )
    commands: list[str] | None = field(
        default=None, metadata={"help": "commands to try, by the names in the tables; default: all"}
    )


def trials_of(
    campaign: str, data: Path, commands: dict[str, Command], args: FaultsArguments
) -> list[Callable[[], Result]]:
    """Return what a campaign tries, of each command or file."""
    out = data.with_name("out")
    tries = {
        "killed": lambda command: kill(command, out, args.kills, args.seed),
        "twice": lambda command: run_twice(command, out, args.stops, args.seed),
        "full": lambda command: fill_disk(command, out),
        "forbidden": lambda command: block(command, out),
    }
    if campaign == "damaged":
        for name in OTHERS:
            must_run(commands[name], data)
        return [
            partial(read_damaged, kind, out, args.cuts, args.flips, args.seed)
            for kind in kinds_of(data)
        ]
    names = RESUMED if campaign in ("killed", "twice") else commands
    wanted = [name for name in names if args.commands is None or name in args.commands]
    return [partial(tries[campaign], commands[name]) for name in wanted]


def main() -> None:
    args = parse_arguments(FaultsArguments, description=__doc__)
    for option in ("kills", "stops", "cuts", "flips"):
        check_at_least(f"--{option}", getattr(args, option), 1)
    for name in args.campaigns:
        if name not in CAMPAIGNS:
            raise InputError(f"--campaigns: expected some of {CAMPAIGNS}, found {name}")
    args.folder.mkdir(parents=True, exist_ok=True)
    failures = []
    with tempfile.TemporaryDirectory(prefix="faults-", dir=args.folder) as name:
        data = Path(name).resolve() / "data"
        data.mkdir()
        commands = make_commands(data)
        for campaign in args.campaigns:
            trials = trials_of(campaign, data, commands, args)
            results = [run() for run in tqdm(trials, campaign)]
            failures += [line for result in results for line in result.failures]
            title, columns = TITLES[campaign]
            print(f"\n{markdown_table(title, results, columns)}", flush=True)
    for line in failures:
        print(f"FAILED {line}")
    if failures:
        raise InputError(f"{len(failures)} trials failed, listed above")


if __name__ == "__main__":
    run_command(main)
