"""The types that models compute in on a card, and what float32 products are made of."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# By name, the type and whether products of float32 are made in TF32, of 10 bits.
TYPES = {
    "float32": (torch.float32, False),
    "tf32": (torch.float32, True),
    "bfloat16": (torch.bfloat16, False),
    "float16": (torch.float16, False),
}


@contextmanager
def computing_in(kind: str, device: torch.device, autocast: bool = True) -> Iterator[torch.dtype]:
    """Compute in one of `TYPES`, by autocast where it is not float32 and `autocast` says so."""
    dtype, tf32 = TYPES[kind]
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = tf32
    try:
        with torch.autocast(device.type, dtype, enabled=autocast and dtype != torch.float32):
            yield dtype
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
