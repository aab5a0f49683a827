"""The card that the tests here compare with the CPU."""

import pytest
import torch

from preprocess.base.device import torch_device


@pytest.fixture
def card(request: pytest.FixtureRequest) -> torch.device:
    """The GPU; skips where there is none, unless --card says what stands for it."""
    name = request.config.getoption("--card")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU; --card cpu tries the test on the CPU")
    return torch_device(name)
