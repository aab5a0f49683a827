"""A file that is downloaded is the right one, whatever the server and the connection do."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.downloads.http_file import Retries, download, partial_of, size_on_server
from tests.preprocess.downloads.coco_server import serving

ROOT = Path(__file__).resolve().parents[3]
BODY = np.random.default_rng(0).bytes(50_000)
OTHER = np.random.default_rng(1).bytes(50_000)
AT_ONCE = Retries(number=2, wait=0.0)


@pytest.fixture
def server():
    with serving({"/file.zip": BODY}) as served:
        yield served


def fetch(server, path: Path, retries: Retries = AT_ONCE) -> list[str]:
    said: list[str] = []
    digest = hashlib.sha256(BODY).hexdigest()
    download(f"{server.url}/file.zip", path, len(BODY), digest, retries, said.append)
    return said


def assert_whole(path: Path) -> None:
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "faults",
    [
        [],
        ["drop", "drop", "drop", "drop", "drop"],
        ["short"],
        ["drop", "short"],
        ["long"],
        ["drop", "long"],
        ["page"],
        ["drop", "page"],
        ["chunked"],
        ["drop", "shifted"],
        [503, 503],
        ["drop", 503, 429, "drop"],
        ["corrupt"],
        ["drop", "corrupt"],
    ],
    ids=str,
)
@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_file_arrives_whole_in_spite_of(faults, has_ranges, server, tmp_path):
    server.faults, server.has_ranges = list(faults), has_ranges
    fetch(server, tmp_path / "file.zip", Retries(number=5, wait=0.0))
    assert not server.faults
    assert_whole(tmp_path / "file.zip")


def test_a_dropped_connection_is_gone_on_with_from_where_it_was(server, tmp_path):
    server.faults = ["drop", "drop"]
    said = fetch(server, tmp_path / "file.zip")
    assert server.ranges == [None, "bytes=25000-", "bytes=37500-"]
    assert "the connection ended early; have 25,000 of 50,000 bytes" in said[0]


def test_a_server_without_ranges_starts_anew_and_the_file_is_whole(server, tmp_path):
    server.faults, server.has_ranges = ["drop"], False
    fetch(server, tmp_path / "file.zip")
    assert [status for _, _, status in server.requests] == [200, 200]
    assert_whole(tmp_path / "file.zip")


@pytest.mark.parametrize("has_etags", [True, False])
def test_a_file_that_changes_on_the_server_is_not_joined_to_the_former_one(
    has_etags, server, tmp_path
):
    server.has_etags = has_etags
    server.files["/file.zip"], server.faults = OTHER, ["drop"]
    with pytest.raises(InputError, match="have 25,000 of 50,000 bytes"):
        fetch(server, tmp_path / "file.zip", Retries(number=-1))
    assert partial_of(tmp_path / "file.zip").read_bytes() == OTHER[:25_000]
    server.files["/file.zip"] = BODY
    fetch(server, tmp_path / "file.zip")
    assert_whole(tmp_path / "file.zip")
    # The ETag tells before the rest is downloaded in vain, the checksum after it.
    assert [status for _, _, status in server.requests] == (
        [200, 200] if has_etags else [200, 206, 200]
    )


def test_a_changed_file_is_noticed_on_a_server_that_goes_on_all_the_same(server, tmp_path):
    server.obeys_if_range = False
    server.files["/file.zip"], server.faults = OTHER, ["drop"]
    with pytest.raises(InputError, match="have 25,000 of 50,000 bytes"):
        fetch(server, tmp_path / "file.zip", Retries(number=-1))
    server.files["/file.zip"] = BODY
    said = fetch(server, tmp_path / "file.zip")
    assert "the file changed on the server; starting anew; have 0 of 50,000" in said[0]
    assert [status for _, _, status in server.requests] == [200, 206, 200]
    assert_whole(tmp_path / "file.zip")


def test_what_one_server_began_another_ends(server, tmp_path):
    server.faults = ["drop"]
    with pytest.raises(InputError, match="The same command goes on from there"):
        fetch(server, tmp_path / "file.zip", Retries(number=-1))
    with serving({"/file.zip": BODY}) as mirror:
        fetch(mirror, tmp_path / "file.zip")
        assert mirror.ranges == ["bytes=25000-"]
    assert_whole(tmp_path / "file.zip")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_told_at_once(status, server, tmp_path):
    server.faults = [status]
    with pytest.raises(InputError, match=f"file.zip: the server answered {status} .*; check the"):
        fetch(server, tmp_path / "file.zip")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (503, "the server answered 503"),
        ("page", "found a web page instead of the file"),
        ("short", "expected a file of 50000 bytes, found one of 25000"),
        ("long", "expected a file of 50000 bytes, found one of 50004"),
    ],
)
def test_a_server_that_stays_wrong_is_given_up_in_one_line(fault, line, server, tmp_path):
    server.faults = [fault] * 10
    with pytest.raises(InputError) as found:
        fetch(server, tmp_path / "file.zip")
    assert str(found.value).startswith(f"{server.url}/file.zip: {line}")
    assert "have 0 of 50,000 bytes" in str(found.value)
    assert "The same command goes on" in str(found.value)
    assert len(server.requests) == 1 + AT_ONCE.number
    assert not (tmp_path / "file.zip").exists()


def test_a_server_without_ranges_that_always_drops_is_given_up(server, tmp_path):
    server.faults, server.has_ranges = ["drop"] * 10, False
    with pytest.raises(InputError, match="the connection ended early; have 25,000 of 50,000"):
        fetch(server, tmp_path / "file.zip")
    assert len(server.requests) == 2 + AT_ONCE.number


def test_a_wrong_checksum_is_downloaded_once_again_and_then_an_error(server, tmp_path):
    server.files["/file.zip"] = OTHER
    with pytest.raises(InputError) as found:
        fetch(server, tmp_path / "file.zip")
    for digest in (hashlib.sha256(body).hexdigest() for body in (BODY, OTHER)):
        assert digest in str(found.value)
    assert len(server.requests) == 2
    server.files["/file.zip"] = BODY
    fetch(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    with serving({}) as gone:
        pass
    with pytest.raises(InputError, match=r"Connection refused.*have 0 of 50,000 bytes"):
        fetch(gone, tmp_path / "file.zip")


@pytest.mark.parametrize("left", [b"", b"x" * 60_000, OTHER[:30_000], OTHER], ids=len)
def test_a_partial_file_of_anything_ends_as_the_right_file(left, server, tmp_path):
    partial_of(tmp_path / "file.zip").write_bytes(left)
    fetch(server, tmp_path / "file.zip")
    assert_whole(tmp_path / "file.zip")


@pytest.mark.parametrize("record", ["", "[]", '{"url": 1}', "\x00"])
def test_a_damaged_record_beside_the_partial_file_does_no_harm(record, server, tmp_path):
    partial = partial_of(tmp_path / "file.zip")
    partial.write_bytes(BODY[:30_000])
    Path(f"{partial}.json").write_text(record)
    fetch(server, tmp_path / "file.zip")
    assert_whole(tmp_path / "file.zip")


def test_a_full_disk_is_one_line_and_what_arrived_is_kept(server, tmp_path):
    limited = subprocess.run(
        [sys.executable, "-c", LIMITED.format(limit=20_000, **call(server, tmp_path))],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert limited.returncode == 1
    assert "file.zip.partial: cannot be written (File too large); make room" in limited.stderr
    assert 0 < partial_of(tmp_path / "file.zip").stat().st_size <= 20_000
    fetch(server, tmp_path / "file.zip")
    assert server.ranges[-1] == "bytes=20000-"
    assert_whole(tmp_path / "file.zip")


LIMITED = """
import resource, sys
from pathlib import Path
from preprocess.downloads.http_file import download
from preprocess.base.errors import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
try:
    download({url!r}, Path({path!r}), {n_bytes}, {sha256!r})
except InputError as error:
    sys.exit(str(error))
"""


def call(server, folder: Path) -> dict:
    return {
        "url": f"{server.url}/file.zip",
        "path": str(folder / "file.zip"),
        "n_bytes": len(BODY),
        "sha256": hashlib.sha256(BODY).hexdigest(),
    }


@pytest.mark.parametrize("least", [1, 15_000, 40_000])
def test_killed_in_the_middle_the_same_call_goes_on(least, server, tmp_path):
    server.seconds_a_piece = 0.05
    unlimited = LIMITED.format(limit=10**9, **call(server, tmp_path))
    child = subprocess.Popen([sys.executable, "-c", unlimited], cwd=ROOT)
    partial = partial_of(tmp_path / "file.zip")
    while not partial.exists() or partial.stat().st_size < least:
        assert child.poll() is None, "the download ended before it was killed"
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    there = partial.stat().st_size
    server.seconds_a_piece = 0.0
    fetch(server, tmp_path / "file.zip")
    assert server.ranges == [None, f"bytes={there}-"]
    assert_whole(tmp_path / "file.zip")


@pytest.mark.parametrize(("faults", "n_said"), [([], 0), ([503, "page"], 2), (["drop"], 0)])
def test_a_size_is_what_the_server_says_also_after_a_bad_reply(server, faults, n_said):
    server.faults = faults
    said: list[str] = []
    assert size_on_server(f"{server.url}/file.zip", AT_ONCE, said.append) == len(BODY)
    assert len(said) == n_said


@pytest.mark.parametrize(
    ("faults", "line"),
    [
        (["chunked"], "the server does not tell the file's size; download it with a browser"),
        ([404], "the server answered 404 Not Found; check the address"),
        (["page"] * 3, "found a web page instead of the file; nothing is downloaded"),
    ],
    ids=str,
)
def test_a_size_that_the_server_does_not_say_is_one_line(server, faults, line):
    server.faults = faults
    with pytest.raises(InputError, match=line):
        size_on_server(f"{server.url}/file.zip", AT_ONCE, lambda _: None)


def test_a_file_whose_checksum_nobody_knows_is_kept_as_it_comes(server, tmp_path):
    server.faults = ["drop"]
    url = f"{server.url}/file.zip"
    download(url, tmp_path / "file.zip", len(BODY), None, AT_ONCE, lambda _: None)
    assert_whole(tmp_path / "file.zip")
