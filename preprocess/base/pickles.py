"""Files of `torch.save`, read without running any code that they may hold."""

import pickle
import warnings
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.base.lfs_pointer import check_no_pointer


def load_pickle(path: Path, expected: str) -> Any:
    """Load a file of `torch.save` onto the CPU, with `weights_only=True`.

    Args:
        expected: what the error line says the file should be.

    Raises:
        InputError: the file is missing, cannot be read, is no pickle, or would run code.
    """
    import torch  # not above: it takes seconds, and few commands read such files

    if path.is_file():
        check_no_pointer(path)
    try:
        with warnings.catch_warnings():
            # About the protocol number that it takes from bytes that are no pickle.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    # To the unpickler any bytes are a program: "hello" fails on an unknown operation, "a cat" on
    # an empty stack, others with KeyError, struct.error, UnicodeDecodeError, MemoryError, ...
    except Exception as error:
        if lack := lack_of_machine(error):
            raise UnreadableError(f"{path}: cannot be read ({lack})") from error
        if isinstance(error, pickle.UnpicklingError):
            # Not torch's own reason, which advises to run what code the file holds.
            reason = "not a file of tensors that torch.save wrote"
        else:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{path}: expected {expected}, found a damaged or other file ({reason})"
        ) from error
