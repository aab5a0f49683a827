"""Training the demo's three captioners, the paper's in small, on drawn scenes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from captioning.models.loading import load_captioner
from demo.training.checkpoints import replacing_folder, save_half
from demo.training.label_encoders import train_resnet
from demo.training.sx3hre_data import write_sx3hre_data
from demo.training.xvlm_data import run
from preprocess.base.files import read_json
from preprocess.storage.encodings_file import Kind

EPOCHS = 6


@dataclass(frozen=True)
class Reading:
    """What a captioner reads: a frozen encoder's folder in the models, and which of its outputs."""

    encoder: str
    kind: Kind


CAPTIONERS = {
    "cnn_lstm": Reading("resnet", "vector"),
    "clip_lstm": Reading("clip", "embedding"),
    "clip_attention": Reading("clip", "tokens"),
}


def train_captioners(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Train a ResNet on labels, and captioners on what it and the demo's CLIP make of the scenes.

    Writes `output_dir`/resnet, captioner_cnn_lstm, captioner_clip_lstm and
    captioner_clip_attention; `output_dir`/clip is there.

    Returns the CIDEr-D of 300 scenes that were kept apart, by captioner, in [0, 10].
    """
    folder = scene_dir.parent / "captioners"
    data_dir = scene_dir.parent / "sx3hre" / "data"
    write_sx3hre_data(data_dir, scene_dir)
    if not (output_dir / "resnet").exists():
        instances = scene_dir / "annotations" / "instances_train2014.json"
        loss = train_resnet(output_dir / "resnet", data_dir / "train_images.h5", instances)
        print(f"wrote {output_dir / 'resnet'}: binary cross entropy {loss:.4f}")
    found = {}
    for name, reading in CAPTIONERS.items():
        encode(output_dir / reading.encoder, reading.kind, data_dir)
        train_captioner(data_dir, reading, folder / name)
        with replacing_folder(output_dir / f"captioner_{name}") as partial:
            captioner = load_captioner(str(folder / name))
            save_half(captioner.model, partial)
            for file in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(folder / name / file, partial)
        state = read_json(folder / name / "trainer_state.json", "delete it")
        found[f"{name}_CIDEr"] = state["best_metric"]
    return found


def encode(encoder: Path, kind: Kind, data_dir: Path) -> None:
    """Encode the images of `train` and `minival`; goes on where it was killed."""
    for split in ("train", "minival"):
        run(
            *("preprocess.encode_images", "--encoder", encoder, "--kind", kind),
            *("--images", data_dir / f"{split}_images.h5"),
            *("--output", data_dir / f"{split}_{kind}.h5"),
        )


def train_captioner(data_dir: Path, reading: Reading, output_dir: Path) -> None:
    """Run `captioning.train`, a model narrow enough to ship; goes on where it was killed."""
    # Of two layers, an LSTM is slow to heed an image that it was shown at its first step.
    of_decoder = ("--attention_width", 128) if reading.kind == "tokens" else ("--num_layers", 1)
    run(
        *("captioning.train", "--data_dir", data_dir, "--encodings", reading.kind),
        *("--output_dir", output_dir, "--word_width", 160, "--hidden_size", 192, *of_decoder),
        *("--dropout", 0.1, "--num_train_epochs", EPOCHS, "--per_device_train_batch_size", 128),
        *("--learning_rate", 4e-3, "--lr_scheduler_type", "cosine", "--save_total_limit", 1),
    )
