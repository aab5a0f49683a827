"""Show how good the demo's captioners are, and how often what they say is true of the scene.

Reads the captions of each, their metrics (of captioning.evaluate) and how a model finds images by
them (captioning.self_retrieval), which lie in its folder as `test_captions.json`,
`test_metrics.json` and `{model}.json`, and makes the scenes of the rendered split again. Prints a
line a captioner. *True* is a caption of which all
is right: things, colours, sizes, numbers, places, sides; *things* one whose things are there at
least. Both are read by the grammar of the demo's captions, so that this works for no other data.

    python -m demo.captioners --runs runs/demo/cnn_lstm runs/demo/clip_lstm \\
        runs/demo/clip_attention --asked xvlm --data_dir datasets/demo

Takes 2 seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from captioning.results.results_file import read_results
from demo.image_reasons import read_records
from demo.scenes.captions import Caption
from demo.scenes.claims import claims_of
from demo.scenes.scenes import Scene
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.files import read_json
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Split, read_split

METRICS = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "METEOR", "ROUGE_L", "CIDEr")
SHOWN = ("B1", "B2", "B3", "B4", "METEOR", "ROUGE-L", "CIDEr-D")


@dataclass(frozen=True)
class CaptionersArguments:
    runs: list[Path] = field(metadata={"help": "a folder a captioner, with the three files above"})
    asked: str = field(metadata={"help": "the model that was asked, {model}.json"})
    data_dir: Path = field(metadata={"help": "folder of demo.render"})
    split: str = field(default="test", metadata={"help": "name of the split"})


@dataclass(frozen=True)
class Truth:
    """How many of a captioner's captions are right of their scenes, as shares in [0, 1].

    Attributes:
        true: all that is said is true, and a thing is named.
        things: each thing that is named is there, whatever its colour, size and place.
    """

    true: float
    things: float


def truth_of(captions: Mapping[int, str], scenes: Mapping[int, Scene]) -> Truth:
    """Hold captions against the scenes of the same image ids; one that names nothing is not true.

    Raises:
        KeyError: captions of an image that has no scene.
    """
    true = things = 0
    for image_id, text in captions.items():
        claims = claims_of(Caption(text, "long_modifier" if " that " in text else "plain", text))
        # Of one thing beside nothing that the grammar knows, all cannot be right.
        whole = len(claims.things) > (claims.side is not None)
        true += whole and claims.true_of(scenes[image_id])
        things += whole and claims.kinds_in(scenes[image_id])
    return Truth(true / len(captions), things / len(captions))


def row_of(run: Path, asked: str, split: Split, scenes: Mapping[int, Scene]) -> list[str]:
    """Return a captioner's line of the table."""
    hint = "make it with `bash setup.sh demo --all`"
    metrics = read_json(run / f"{split.split}_metrics.json", hint)
    recalls = read_json(run / f"{asked}.json", hint)["metrics"]["generated"]
    results = read_results(run / f"{split.split}_captions.json", split)
    truth = truth_of(results.captions, scenes)
    values = [metrics["metrics"].get(name) for name in METRICS]
    return [
        run.name,
        *("-" if value is None else f"{value['value']:.3f}".lstrip("0") for value in values),
        str(metrics["counts"]["distinct"]),
        f"{100 * truth.true:.0f} %",
        f"{100 * truth.things:.0f} %",
        f"{recalls['r1']['value']:.1f} / {recalls['r10']['value']:.1f}",
    ]


def main() -> None:
    arguments = parse_arguments(CaptionersArguments, description=__doc__)
    records = read_records(arguments.data_dir, arguments.split)
    split = read_split(arguments.data_dir / f"{arguments.split}.json")
    scenes = {record.image_id: record.scene for record in records}
    header = [
        "captioner",
        *SHOWN,
        "distinct",
        "true",
        "things",
        f"asked {arguments.asked}: R@1 / 10",
    ]
    rows = [header, *(row_of(run, arguments.asked, split, scenes) for run in arguments.runs)]
    print("\n".join(text_table(rows, "l" + "r" * (len(header) - 1))))


if __name__ == "__main__":
    run_command(main)
