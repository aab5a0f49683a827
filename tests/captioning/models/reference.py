"""The recorded captioners beside the project, and the models they are of."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.losses import NO_TARGET
from captioning.models.lstm_captioner import LstmCaptioner

MODELS = ("lstm", "lstm2", "attention")
START, END, UNKNOWN, MAX_TOKENS = 0, 1, 2, 12
OUR_NAMES = {
    "word_embeddings": "embedding",
    "embedding": "embedding",
    "lstm": "decoder.lstm",
    "linear": "output",
    "fc": "output",
    "attention.encoder_att": "decoder.key",
    "attention.decoder_att": "decoder.query",
    "attention.full_att": "decoder.score",
    "init_h": "decoder.initial_h",
    "init_c": "decoder.initial_c",
    "f_beta": "decoder.gate",
    "decode_step": "decoder.cell",
}


def our_name(name: str) -> str:
    module, _, parameter = name.rpartition(".")
    return f"{OUR_NAMES[module]}.{parameter}"


class Reference:
    """What was recorded, and the weights that its script regenerates.

    Attributes:
        arrays: of `captioning_reference.npz`, by name.
        shapes: of each model's weights, by the original's names.
    """

    def __init__(self, folder: Path):
        self.arrays = np.load(folder / "captioning_reference.npz")
        path = folder / "captioning_reference_shapes.json"
        self.shapes = json.loads(path.read_text())["shapes"]
        spec = importlib.util.spec_from_file_location("seeded", folder / "seeded_weights.py")
        assert spec is not None
        assert spec.loader is not None
        self.seeded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.seeded)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def model(self, name: str, **config) -> LstmCaptioner:
        """A recorded model in float64, in eval mode."""
        attends = name == "attention"
        model = LstmCaptioner(
            LstmCaptionerConfig(
                decoder="attention" if attends else "lstm",
                vocab_size=11,
                image_width=8 if attends else 6,
                projection="none",
                word_width=6,
                hidden_size=7,
                num_layers=2 if name == "lstm2" else 1,
                attention_width=5,
                pad_token_id=START,
                bos_token_id=START,
                eos_token_id=END,
                unk_token_id=UNKNOWN,
                **config,
            )
        )
        weights = self.seeded.seeded_state_dict(name, self.shapes[name])
        state = {our_name(key): torch.from_numpy(value) for key, value in weights.items()}
        model.double().load_state_dict(state)
        return model.eval()

    def images(self, name: str) -> Tensor:
        return torch.from_numpy(self["pixels" if name == "attention" else "features"])

    @property
    def labels(self) -> Tensor:
        """(4, 7): the recorded captions without the word of the beginning."""
        labels = torch.from_numpy(self["captions"])[:, 1:].clone()
        for row, length in enumerate(self["lengths"]):
            labels[row, length - 1 :] = NO_TARGET
        return labels


@pytest.fixture(scope="session")
def recorded(shared_data) -> Reference:
    folder = shared_data / "captioning_reference"
    if not folder.is_dir():
        pytest.skip("needs the recorded numbers in ../shared/data/captioning_reference")
    return Reference(folder)
