"""Without a network, a hub id fails or is found in the cache at once."""

import socket
import time

import pytest
from huggingface_hub import constants
from transformers import PreTrainedConfig

from information_retrieval.models.checkpoint import load_config
from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.base.hub import revision_of_weights, use_cache_if_unreachable


@pytest.fixture
def online(monkeypatch):
    """The hub's library is in its default state, whatever this machine's is."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_hub_out_of_reach_is_told_without_retries(online, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(InputError, match="someone/no-such-model"):
        load_config("someone/no-such-model")
    assert constants.HF_HUB_OFFLINE
    assert not pauses


def test_a_hub_in_reach_is_asked(online, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        use_cache_if_unreachable()
    assert not constants.HF_HUB_OFFLINE


def test_behind_a_proxy_nothing_is_tried(online, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    use_cache_if_unreachable()
    assert not constants.HF_HUB_OFFLINE


def test_weights_are_identified_by_the_hash_of_their_file_or_by_the_commit(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    config = PreTrainedConfig()
    expected = sha256_of_file(tmp_path / "model.safetensors")
    assert revision_of_weights(str(tmp_path), config) == f"sha256:{expected}"
    config._commit_hash = "abc"
    assert revision_of_weights("someone/model", config) == "commit:abc"
