"""HF checkpoints: the hub, told early when out of reach; configurations; weights' identity."""

import os
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from huggingface_hub import constants
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.base.lfs_pointer import check_no_pointer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

SECONDS = 5
# What reading a damaged .safetensors or .bin file can raise.
DAMAGED_WEIGHTS = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    EOFError,
    SafetensorError,
    pickle.UnpicklingError,
)


def use_cache_if_unreachable() -> None:
    """Let the hub's library read its cache alone where its server cannot be connected to.

    Otherwise it tries six times, for half a minute, before it looks into the cache or gives up.
    Nothing is tried where a proxy stands between, which answers for all servers.
    """
    proxies = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
    if constants.HF_HUB_OFFLINE or any(os.environ.get(name) for name in proxies):
        return
    server = urlsplit(constants.ENDPOINT)
    port = server.port or (80 if server.scheme == "http" else 443)
    try:
        socket.create_connection((server.hostname or "", port), SECONDS).close()
    except OSError:
        constants.HF_HUB_OFFLINE = True


def read_config(name_or_path: str, expected: str = "an HF checkpoint") -> "PreTrainedConfig":
    """Read the configuration of a folder or hub id.

    Args:
        expected: what the error line says it should be.

    Raises:
        InputError: nothing there, or nothing that HF knows.
    """
    from transformers import AutoConfig  # takes seconds

    folder = Path(name_or_path)
    if folder.is_dir():
        check_no_pointer(folder)
    else:
        use_cache_if_unreachable()
    try:
        return AutoConfig.from_pretrained(name_or_path)
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        here = "" if folder.exists() else ", found no such folder here, and on the hub"
        raise InputError(
            f"{name_or_path}: expected {expected} folder or hub id{here}: {error}"
        ) from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep HF from its report of missing and unused weights, for callers that look at them."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def revision_of_weights(name_or_path: str, config: "PreTrainedConfig") -> str:
    """Return what identifies the weights: "sha256:..." of a folder, "commit:..." of a hub id.

    Args:
        config: as read from there.
    """
    folder = Path(name_or_path)
    if not folder.is_dir():
        return f"commit:{config._commit_hash}"
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    return "sha256:" + ",".join(sha256_of_file(path) for path in weights)
