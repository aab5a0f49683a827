"""The recorded outputs of the published code, beside the project, and the models they are of."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from information_retrieval.models.xvlm.conversion import convert
from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.official_names import official_config

HEAD_SIZE = 12  # of the small model's text encoder


class Reference:
    """What was recorded, and the weights and pixels that its script regenerates.

    Attributes:
        arrays: of `xvlm_reference.npz`, by name.
        shapes: `state_dict_shapes.json`.
        seeded: the module that makes weights and pixels from names.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.arrays = np.load(folder / "xvlm_reference.npz")
        self.shapes = json.loads((folder / "state_dict_shapes.json").read_text())
        spec = importlib.util.spec_from_file_location("seeded", folder / "seeded_weights.py")
        assert spec is not None
        assert spec.loader is not None
        self.seeded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.seeded)

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self.arrays[name])

    def pixels(self, name: str, n: int, side: int) -> torch.Tensor:
        return torch.from_numpy(self.seeded.pixels(name, n, side))

    def state(self) -> dict[str, torch.Tensor]:
        """The small pre-trained model's weights, by official names, derived entries too."""
        return self._tensors(
            {
                **self.seeded.state_dict(self.shapes["pretrain"]["shapes"]),
                **{n: np.zeros(s) for n, s in self.shapes["pretrain"]["buffers"].items()},
            }
        )

    def retrieval_state(self) -> dict[str, torch.Tensor]:
        """The same weights as a fine-tuned file names them; their windows still have 4 tokens."""
        return self._tensors(self.seeded.retrieval_state_dict(self.shapes["pretrain"]["shapes"]))

    @staticmethod
    def _tensors(weights: dict) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(np.asarray(value)) for name, value in weights.items()}


def small_model(state: dict[str, torch.Tensor], image_size: int | None = None) -> XvlmModel:
    return convert(state, official_config(state, image_size, HEAD_SIZE))


def assert_equal(found: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected.numpy(), atol=tolerance, rtol=0)


@pytest.fixture(scope="session")
def reference(shared_data) -> Reference:
    return Reference(shared_data / "xvlm_reference")


@pytest.fixture(scope="session")
def pretrained(reference) -> XvlmModel:
    """The small model of 128 pixels; read only."""
    return small_model(reference.state())


@pytest.fixture(scope="session")
def fine_tuned(reference) -> XvlmModel:
    """The small retrieval model of 192 pixels, its tables resized; read only."""
    return small_model(reference.retrieval_state(), 192)
