"""Saving a small model: a Hugging Face folder that appears whole, its weights in half precision."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import PreTrainedModel


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`, which takes its place when the block succeeds."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(partial, folder)


def save_half(model: PreTrainedModel, folder: Path) -> None:
    """Save weights as float16, and a configuration that has them loaded as float32.

    Half the bytes, and no half-precision arithmetic: `from_pretrained` goes by the `dtype` that
    the configuration names. `model` itself is left in half precision.
    """
    model.to(torch.float16).save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["dtype"] = "float32"
    path.write_text(json.dumps(config, indent=2) + "\n")
