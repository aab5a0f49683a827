"""The torch device that runs a model, from a command's `--device`, and its `--precision`."""

import warnings

import torch

from preprocess.base.errors import InputError


def default_device() -> str:
    """Return "cuda" where torch finds a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def torch_device(name: str | None) -> torch.device:
    """Return the device `name`, such as "cpu", "cuda" or "cuda:1", after using it once.

    A part of the public interface (docs/python.md).

    None is a GPU where there is one, else the CPU.

    From then on float32 is float32 there: by default, cuDNN's convolutions round to the 10 bits of
    TF32, which changes which regions win, and the scores of what embeds patches by a convolution.

    Raises:
        InputError: there is no such device, or this machine or this build of torch has none.
    """
    name = name or default_device()
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # the way back fails on "meta", which holds no data
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"--device {name}: expected a device of this machine, such as cpu or cuda:0 ({reason})"
        ) from error
    torch.backends.cudnn.allow_tf32 = False
    return device


def autocast_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the type `name` that convolutions run in on a device, after using it once.

    Raises:
        InputError: the device, or this build of torch, does not compute in it.
    """
    dtype = getattr(torch, name)
    if dtype == torch.float32:
        return dtype
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch may warn, and go on in float32
            with torch.autocast(device.type, dtype):
                torch.nn.Conv2d(1, 1, 1, device=device)(torch.zeros(1, 1, 1, 1, device=device))
    except (RuntimeError, UserWarning) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"--precision {name}: not on the device {device} ({reason}); choose float32"
        ) from error
    return dtype


def check_compiler(device: torch.device) -> None:
    """Compile a function for a device.

    Raises:
        InputError: torch.compile does not work there, mostly for want of a C++ compiler or Triton.
    """
    try:
        torch.compile(lambda x: x.relu() + 1)(torch.zeros(8, device=device))
    except RuntimeError as error:
        reason = " ".join(str(error).splitlines()[:2])
        raise InputError(f"--compile: torch cannot compile for {device} ({reason})") from error
