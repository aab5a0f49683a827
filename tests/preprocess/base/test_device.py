"""The device of a command."""

import torch

from preprocess.base.device import torch_device


def test_float32_is_float32_on_every_device_that_a_command_asks_for(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch_device("cpu")
    assert torch.backends.cudnn.allow_tf32 is False
    assert torch.backends.cuda.matmul.allow_tf32 is False
