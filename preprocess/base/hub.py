"""The Hugging Face hub, told early when it is out of reach."""

import os
import socket
from urllib.parse import urlsplit

from huggingface_hub import constants

SECONDS = 5


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
