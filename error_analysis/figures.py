"""Draw the rank histograms and the scatter plots of two models' ranks for a paper.

Reads one or more rankings files of one gallery and their split file; writes, as PNG (200 dots an
inch) and PDF, `ranks_i2t` and `ranks_t2i`, and of each two models `scatter_{model}_{model}_i2t` and
`_t2i`.

    python -m error_analysis.figures --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --output_dir runs/demo/figures

Seconds on one CPU core. Hard caption queries with their images are drawn by error_analysis.figure.
"""

from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.arguments import RankingsArguments
from error_analysis.queries.model_rankings import read_model_rankings
from error_analysis.site.figures import FORMATS, rank_figures, save_figure
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.files import atomic_path
from preprocess.captions.split_file import read_split


@dataclass(kw_only=True)
class FiguresArguments(RankingsArguments):
    output_dir: Path = field(metadata={"help": "the folder to write into; made where missing"})


def main() -> None:
    arguments = parse_arguments(FiguresArguments, description=__doc__)
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    for figure in rank_figures(models):
        drawn = figure.draw()
        for ending in FORMATS:
            path = arguments.output_dir / f"{figure.name}.{ending}"
            with atomic_path(path) as partial:
                save_figure(drawn, partial, ending)
            print(f"wrote {path}: {figure.label}")


if __name__ == "__main__":
    run_command(main)
