"""Ask whether a small Sx3HRe retrieves without a contrastive loss: its ablation, on drawn scenes.

Reads the demo's data. Renders 10,500 scenes into `--scene_dir` (as `demo.train_models`, which may
have done so); trains a teacher to tell their things and colours, which has seen no caption; and
distils it into the three arms, of one set of random weights, with the same steps and batches: itc,
contrastive losses; cosine, each image with its caption and one other; and none. All of it with
three seeds, of weights and batches. With the first seed also a teacher of random weights, the
control, and the image tower of the demo's CLIP, which has learnt by contrast from captions. Ranks
the demo's test images, and writes `ablation.json` and `ablation.png` in the folders `things`,
`random` and `clip`: recalls with intervals, and whether the published order holds
(`error_analysis.ablation`).

    python -m demo.sx3hre_ablation --output_dir runs/sx3hre_ablation

On one CPU core 7 minutes a model: 1:45 hours for all 15. Repeated, it goes on where it ended;
`--teachers clip` makes the part of one.
"""

from dataclasses import dataclass, field
from pathlib import Path

from demo.training.label_encoders import make_random_teacher
from demo.training.sx3hre_data import write_sx3hre_data
from demo.training.train_sx3hre import (
    ARMS,
    N_STEPS,
    Lesson,
    cache_targets,
    make_labels_teacher,
    make_student,
    rank,
    train_arm,
)
from demo.training.training_scenes import render_training_scenes
from demo.training.xvlm_data import run
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError

CLIP = Path(__file__).resolve().parent / "models" / "clip"
TEACHERS = {
    "things": "which tells things and colours, and has seen no caption",
    "random": "of random weights: the control",
    "clip": "the demo's CLIP, which has learnt from captions, by contrast",
}


@dataclass(frozen=True)
class Sx3hreAblationArguments:
    output_dir: Path = field(metadata={"help": "folder for data, models and rankings"})
    scene_dir: Path = field(
        default=Path("runs/demo_training/scenes"),
        metadata={"help": "folder of the training scenes, which are rendered into it"},
    )
    data_dir: Path = field(
        default=Path("datasets/demo"),
        metadata={"help": "the demo's data (`bash setup.sh demo`), whose test split is ranked"},
    )
    steps: int = field(default=N_STEPS, metadata={"help": "of each model"})
    seeds: list[int] = field(
        default_factory=lambda: [42, 43, 44], metadata={"help": "of the models of an arm"}
    )

    teachers: list[str] = field(
        default_factory=lambda: [*TEACHERS],
        metadata={"help": "things, random, clip: whose part to make"},
    )

    def __post_init__(self) -> None:
        check_at_least("--steps", self.steps, 20)
        for name in self.teachers:
            if name not in TEACHERS:
                raise InputError(
                    f"--teachers: expected some of {', '.join(TEACHERS)}, found {name}"
                )


def compare_arms(
    arguments: Sx3hreAblationArguments, teacher: Path, name: str, seeds: list[int]
) -> None:
    """Train the three arms with a teacher and each seed, rank the demo's test, and compare."""
    folder, data_dir = arguments.output_dir / name, arguments.output_dir / "data"
    targets = folder / "targets.h5"
    cache_targets(teacher, data_dir, targets)
    rankings, arms = [], []
    for seed in seeds:
        for arm in ARMS:
            model = folder / f"{arm}_{seed}"
            lesson = Lesson(arm, seed, arguments.steps)
            student = arguments.output_dir / f"student_{seed}"
            train_arm(student, data_dir, targets, model, lesson)
            arms.append(arm)
            rankings.append(model / "test.npz")
            rank(model, arguments.data_dir, "test", rankings[-1])
    run(
        *("error_analysis.ablation", "--rankings", *rankings, "--arms", *arms),
        *("--split_files", arguments.data_dir / "test.json", "--order", *ARMS),
        *("--output", folder / "ablation.json", "--figure", folder / "ablation.png"),
    )


def main() -> None:
    arguments = parse_arguments(Sx3hreAblationArguments, description=__doc__)
    output_dir, scene_dir = arguments.output_dir, arguments.scene_dir
    render_training_scenes(scene_dir)
    write_sx3hre_data(output_dir / "data", scene_dir)
    for seed in arguments.seeds:
        make_student(output_dir / f"student_{seed}", scene_dir, seed)
    for name in arguments.teachers:
        teacher = CLIP if name == "clip" else output_dir / f"teacher_{name}"
        if name == "things":
            make_labels_teacher(teacher, output_dir / "data", scene_dir)
        elif name == "random" and not teacher.exists():
            make_random_teacher(teacher)
        print(f"\nTeacher {name}, {TEACHERS[name]}:")
        seeds = arguments.seeds if name == "things" else arguments.seeds[:1]
        compare_arms(arguments, teacher, name, seeds)


if __name__ == "__main__":
    run_command(main)
