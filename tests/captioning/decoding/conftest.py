"""Recorded numbers of the captioners, for all tests here."""

import pytest
import torch

from tests.captioning.models.reference import recorded  # noqa: F401 (a fixture)


@pytest.fixture
def no_gradients():
    with torch.no_grad():
        yield
