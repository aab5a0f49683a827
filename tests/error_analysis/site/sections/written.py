"""Rankings of two models, and what other commands find in them, as files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from preprocess.captions.split_file import Split, write_split
from tests.error_analysis.scored import make_split, save_rankings, scores_with_ranks

# Of 14 image queries with one caption each: hard under a are 0 and 3, under b is 1.
A = [12, 0, 0, 11] + [0] * 10
B = [0, 13, 2, 3] + [0] * 10


@dataclass(frozen=True)
class Written:
    """A folder with test.json, and a/test.npz and b/test.npz."""

    folder: Path
    split: Split

    @property
    def paths(self) -> list[Path]:
        return [self.folder / name / "test.npz" for name in "ab"]

    def models(self, *names: str) -> list[ModelRankings]:
        """The models of these names; both, where none are told."""
        paths = [self.folder / name / "test.npz" for name in names] or self.paths
        return read_model_rankings(paths, self.split)

    def output_of(self, run_main, main: Callable, *options) -> Path:
        """Run a command over both models, and return the file that it wrote."""
        path = self.folder / f"{main.__module__.rpartition('.')[2]}.json"
        files = ["--split_file", self.folder / "test.json", "--output", path]
        assert run_main(main, "--rankings", *self.paths, *files, *options) == 0
        return path


def write_rankings(folder: Path, first=A, second=B) -> Written:
    split = make_split([1] * len(first))
    write_split(folder / "test.json", split)
    for name, ranks in (("a", first), ("b", second)):
        save_rankings(folder / name / "test.npz", scores_with_ranks(ranks), split, weights=name)
    return Written(folder, split)


def rewrite(path: Path, change: Callable[[dict], object]) -> Path:
    """Change a JSON file, which then has no seal: else it would be damaged."""
    content = json.loads(path.read_text("utf-8"))
    content.pop("sha256", None)
    change(content)
    path.write_text(json.dumps(content), "utf-8")
    return path


def other_scores(written: Written) -> None:
    """Rank once more under the same name: a is another model now."""
    scores = scores_with_ranks([11] * len(A)) + np.float32(0)
    save_rankings(written.paths[0], scores, written.split, weights="a")
