"""Make the demo's small models: detector, LXMERT, CLIP, X-VLM, Sx3HRe's arms, captioners.

Reads nothing. Renders 10,500 scenes into ``--scene_dir`` (from another seed than the demo data, so
that no model has seen its pictures; 180 MB, git-ignored), trains on them from scratch, and writes
the folders ``detector``, ``lxmert``, ``clip``, ``xvlm``, ``sx3hre_itc``, ``_cosine``, ``_none``,
``resnet`` and ``captioner_cnn_lstm``, ``_clip_lstm``, ``_clip_attention`` into ``--output_dir``,
together 20 MB.

    python -m demo.train_models --output_dir demo/models

On one CPU core, rendering takes 2 minutes, the detector 11, LXMERT 14, CLIP 7, X-VLM 30 and Sx3HRe
30 (an AMD EPYC with bfloat16 instructions; without them, more), with 2 GB of memory.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from demo.training.train_captioners import train_captioners
from demo.training.train_clip import train_clip
from demo.training.train_detector import train_detector
from demo.training.train_lxmert import train_lxmert
from demo.training.train_sx3hre import train_sx3hre
from demo.training.train_xvlm import train_xvlm
from demo.training.training_scenes import render_training_scenes
from preprocess.base.command_line import parse_arguments, run_command


@dataclass(frozen=True)
class TrainModelsArguments:
    output_dir: Path = field(metadata={"help": "folder for the model folders"})
    scene_dir: Path = field(
        default=Path("runs/demo_training/scenes"),
        metadata={"help": "folder of the training scenes, which are rendered into it"},
    )
    only: Literal["all", "detector", "lxmert", "clip", "xvlm", "sx3hre", "captioners"] = field(
        default="all",
        metadata={"help": "make one; lxmert needs the detector in --output_dir, captioners clip"},
    )


# In this order: LXMERT is trained on the regions that the detector before it finds, captioners on
# what CLIP makes of images.
TRAINERS = {
    "detector": train_detector,
    "lxmert": train_lxmert,
    "clip": train_clip,
    "xvlm": train_xvlm,
    "sx3hre": train_sx3hre,
    "captioners": train_captioners,
}


def main() -> None:
    arguments = parse_arguments(TrainModelsArguments, description=__doc__)
    render_training_scenes(arguments.scene_dir)
    for name in TRAINERS if arguments.only == "all" else (arguments.only,):
        metrics = TRAINERS[name](arguments.output_dir, arguments.scene_dir)
        print(f"wrote {arguments.output_dir / name}")
        print("  on unseen scenes: " + ", ".join(f"{k} {v:.2f}" for k, v in metrics.items()))


if __name__ == "__main__":
    run_command(main)
