"""The recorded numbers beside the project, and the models they are of."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

WIDTH, HEADS, HIDDEN = 24, 3, 96


class Reference:
    """What was recorded in float64, and the weights that its script regenerates.

    Attributes:
        arrays: of `sx3hre_reference.npz`, by name.
        shapes: `shapes.json`.
    """

    def __init__(self, folder: Path):
        self.arrays = np.load(folder / "sx3hre_reference.npz")
        self.shapes = json.loads((folder / "shapes.json").read_text())
        spec = importlib.util.spec_from_file_location("seeded", folder / "seeded_weights.py")
        assert spec is not None
        assert spec.loader is not None
        self.seeded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.seeded)

    def __getitem__(self, name: str) -> Tensor:
        """An array, float64 if it is of numbers."""
        value = torch.from_numpy(self.arrays[name])
        return value.double() if value.is_floating_point() else value

    def state(self, group: str, prefix: str = "") -> dict[str, Tensor]:
        """The weights of a group whose names begin so, by the rest of their names, float64."""
        return {
            name.removeprefix(prefix): torch.from_numpy(value).double()
            for name, value in self.seeded.state_dict(self.shapes[group]).items()
            if name.startswith(prefix)
        }


def assert_equal(found: Tensor, expected: Tensor, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected.numpy(), atol=tolerance, rtol=0)


@pytest.fixture(scope="session")
def recorded(shared_data) -> Reference:
    folder = shared_data / "sx3hre_reference"
    if not folder.is_dir():
        pytest.skip("needs the recorded numbers in ../shared/data/sx3hre_reference")
    return Reference(folder)
