"""Pretrained models come from the hub, or from the server that HF_ENDPOINT names."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "pytorch_model.bin": bytes(range(256)) * 100,
    "tf_model.h5": b"for TensorFlow",
    "flax_model.msgpack": b"for Flax",
}


def lfs_of(name: str) -> dict:
    """What the hub says of a large file."""
    sha256, size = hashlib.sha256(FILES[name]).hexdigest(), len(FILES[name])
    return {"lfs": {"sha256": sha256, "size": size, "pointerSize": 130}} if size > 2 else {}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as a download of public files takes."""

    asked: list[str] = []  # noqa: RUF012 (of the one server of a test)
    is_damaging = False  # weights on their way, as to their size whole

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body: bool):
        path, _, name = self.path.partition(f"/resolve/{COMMIT}/")
        if path == "/some/model" and name in FILES:
            self.asked.append(name)
            body, kind = FILES[name], "application/octet-stream"
            if self.is_damaging and name == "pytorch_model.bin":
                body = bytes(len(body))
        elif path.startswith("/api/models/some/model/tree/"):
            rows = [
                {"type": "file", "path": name, "size": len(data), "oid": name}
                for name, data in FILES.items()
            ]
            body, kind = json.dumps(rows).encode(), "application/json"
        elif path.startswith("/api/models/some/model"):
            siblings = [{"rfilename": name, **lfs_of(name)} for name in FILES]
            info = {"id": "some/model", "sha": COMMIT, "siblings": siblings}
            body, kind = json.dumps(info).encode(), "application/json"
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Hub.asked.clear()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def fetch(endpoint: str, home: Path, *models: str) -> subprocess.CompletedProcess:
    # In a process of its own: the hub's library reads its environment when it is imported.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    kept |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-m", "preprocess.download_weights", "--models", *models],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    )


def test_a_model_arrives_without_the_weights_of_other_libraries(hub, tmp_path):
    shown = fetch(hub, tmp_path, "some/model")
    assert shown.returncode == 0, shown.stderr
    name, _, folder = shown.stdout.strip().partition(": ")
    assert name == "some/model"
    arrived = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    assert arrived == {name: FILES[name] for name in ("config.json", "pytorch_model.bin")}
    Hub.asked.clear()
    assert fetch(hub, tmp_path, "some/model").returncode == 0
    assert "pytorch_model.bin" not in Hub.asked


@pytest.mark.long
def test_weights_that_are_others_than_the_hubs_are_told(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(Hub, "is_damaging", True)
    shown = fetch(hub, tmp_path, "some/model")
    assert shown.returncode == 1
    line = shown.stderr.strip().splitlines()[-1]
    expected = hashlib.sha256(FILES["pytorch_model.bin"]).hexdigest()
    assert line.startswith(f"error: some/model: pytorch_model.bin: expected SHA-256 {expected}")
    monkeypatch.setattr(Hub, "is_damaging", False)
    assert fetch(hub, tmp_path, "some/model").returncode == 1
    Path(line.partition("remove ")[2].partition(", and")[0]).unlink()
    assert fetch(hub, tmp_path, "some/model").returncode == 0


def test_a_model_that_is_there_needs_no_network(hub, tmp_path):
    assert fetch(hub, tmp_path, "some/model").returncode == 0
    shown = fetch("http://127.0.0.1:9", tmp_path, "some/model")
    assert shown.returncode == 0, shown.stderr
    assert "(not compared: the hub does not answer)" in shown.stdout


@pytest.mark.parametrize("model", ["some/other", "not a name/"])
def test_a_model_that_is_not_there_is_one_line(model, hub, tmp_path):
    shown = fetch(hub, tmp_path, model)
    assert shown.returncode == 1
    line = shown.stderr.strip().splitlines()[-1]
    assert line.startswith(f"error: {model}: cannot be downloaded")


def test_a_hub_that_is_not_there_is_one_line(tmp_path):
    shown = fetch("http://127.0.0.1:9", tmp_path, "some/model")
    assert shown.returncode == 1
    assert shown.stderr.strip().splitlines()[-1].startswith("error: some/model: cannot be")
    assert "Traceback" not in shown.stderr
