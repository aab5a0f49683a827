"""The options that the commands share which read rankings of several models."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class RankingsArguments:
    rankings: list[Path] = field(
        metadata={"help": "rankings .npz files of one gallery, a model each"}
    )
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    names: list[str] | None = field(
        default=None,
        metadata={"help": "one name a rankings file. Default: the name it has, or its folder's"},
    )
