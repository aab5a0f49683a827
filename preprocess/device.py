"""The torch device that runs a model, from a command's `--device`."""

import torch

from preprocess.errors import InputError


def torch_device(name: str) -> torch.device:
    """Return the device `name`, such as "cpu", "cuda" or "cuda:1", after using it once.

    Raises:
        InputError: there is no such device, or this machine or this build of torch has none.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # the way back fails on "meta", which holds no data
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"--device {name}: expected a device of this machine, such as cpu or cuda:0 ({reason})"
        ) from error
    return device
