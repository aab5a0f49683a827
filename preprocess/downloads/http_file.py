"""One file over HTTP: resumed where it stopped, checked before it has its name."""

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from preprocess.base.disk_space import FULL
from preprocess.base.errors import InputError
from preprocess.base.files import read_json, sha256_of_file, write_json

CHUNK = 1 << 18  # bytes
TIMEOUT = 60  # seconds without a byte
LONGEST_WAIT = 60  # seconds
# Of the statuses 4xx: a time-out, too early, too many requests; and a range beyond the file, which
# a server may serve anew.
PASSING = (408, 416, 425, 429)


@dataclass(frozen=True)
class Retries:
    """How often to try again, in a row and without a further byte, and after how long."""

    number: int = 6
    wait: float = 2.0  # seconds before the first; each is twice as long as the one before


class UnexpectedReply(Exception):
    """The server answered, with something else than the file."""


def partial_of(path: Path) -> Path:
    """Return where a file grows until it is whole."""
    return path.with_name(path.name + ".partial")


def download(
    url: str,
    path: Path,
    n_bytes: int,
    sha256: str | None,
    retries: Retries = Retries(),
    say: Callable[[str], None] = print,
) -> None:
    """Download a file whose size is known, and mostly its SHA-256.

    Killed at any moment, it has left either the file or `{path}.partial`, from which the same call
    goes on, where the server can (HTTP Range) and still has the same file (ETag, Last-Modified). A
    whole file with another checksum is deleted and downloaded once again.

    Args:
        sha256: None where nobody has published it, and the caller looks at what the file holds.
        say: is told what a user should know on the way.

    Raises:
        InputError: the server refuses, stays away or serves another file; the disk is full.
    """
    partial = partial_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for last in (False, True):
        _download_bytes(url, partial, n_bytes, retries, say)
        found = sha256 and sha256_of_file(partial)
        if found == sha256:
            _keep(partial, path)
            return
        partial.unlink()
        line = f"{url}: expected SHA-256 {sha256}, found {found}"
        if not last:
            say(f"{line}; downloading it once again")
    raise InputError(
        f"{line}, twice: the server has another file; try again, or name another server (--mirror, "
        "--karpathy_url)"
    )


def _keep(partial: Path, path: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, path)
    _record_of(partial).unlink(missing_ok=True)


def size_on_server(
    url: str, retries: Retries = Retries(), say: Callable[[str], None] = print
) -> int:
    """Return how many bytes a file has, as the server says: by the head of a reply that is left.

    Raises:
        InputError: the server refuses, stays away, or does not say it.
    """
    for attempt in range(retries.number + 1):
        try:
            with urllib.request.urlopen(_asking(url), timeout=TIMEOUT) as response:
                if response.headers.get_content_type() == "text/html":
                    raise UnexpectedReply("found a web page instead of the file")
                return int(response.headers["Content-Length"])
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{url}: the server does not tell the file's size; download it with a browser"
            ) from error
        except (OSError, http.client.HTTPException, UnexpectedReply) as error:
            reason = _reason(url, error)
        if attempt < retries.number:
            wait = min(retries.wait * 2**attempt, LONGEST_WAIT)
            say(f"{url}: {reason}; trying again in {wait:g} s")
            time.sleep(wait)
    raise InputError(f"{url}: {reason}; nothing is downloaded. The same command tries again")


def _asking(url: str, **headers: str) -> urllib.request.Request:
    told = {"User-Agent": "low-recall-retrieval", "Accept-Encoding": "identity"}
    return urllib.request.Request(url, headers={**told, **headers})


def _reason(url: str, error: Exception) -> str:
    """Say what went wrong. Raises InputError where it would go wrong again."""
    if not isinstance(error, urllib.error.HTTPError):
        return str(error) or type(error).__name__
    reason = f"the server answered {error.code} {error.reason}"
    if 400 <= error.code < 500 and error.code not in PASSING:
        raise InputError(f"{url}: {reason}; check the address") from error
    return reason


def _download_bytes(
    url: str, partial: Path, n_bytes: int, retries: Retries, say: Callable[[str], None]
) -> None:
    """Fill `partial` to `n_bytes`, in as many requests as it takes while each brings more."""
    furthest, in_vain = _size(partial), 0
    with tqdm(total=n_bytes, desc=partial.stem, unit="B", unit_scale=True, mininterval=1) as bar:
        while _size(partial) != n_bytes:
            try:
                _request(url, partial, n_bytes, bar)
                reason = "the connection ended early"
            except (OSError, http.client.HTTPException, UnexpectedReply) as error:
                reason = _reason(url, error)
            size = _size(partial)
            if size == n_bytes:
                break
            in_vain = 0 if size > furthest else in_vain + 1
            furthest = max(size, furthest)
            state = f"{url}: {reason}; have {size:,} of {n_bytes:,} bytes"
            if in_vain > retries.number:
                raise InputError(f"{state}, in {partial}. The same command goes on from there")
            wait = min(retries.wait * 2 ** max(in_vain - 1, 0), LONGEST_WAIT)
            say(f"{state}; trying again in {wait:g} s")
            time.sleep(wait)


def _request(url: str, partial: Path, n_bytes: int, bar: tqdm) -> None:
    """Ask for what is missing, and append it as it comes.

    Raises:
        OSError, http.client.HTTPException: the network's errors.
        UnexpectedReply: the reply is not (the rest of) a file of `n_bytes`.
        InputError: the disk cannot be written.
    """
    offset = _size(partial)
    if offset > n_bytes:
        offset = 0
    version = _recorded_version(partial, url)
    headers = {}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if version:
            headers["If-Range"] = version
    with urllib.request.urlopen(_asking(url, **headers), timeout=TIMEOUT) as response:
        start = _start(response, offset, n_bytes)
        if start and version and _version(response) not in (version, None):
            _empty(partial)
            raise UnexpectedReply("the file changed on the server; starting anew")
        if not start:
            _empty(partial)
            write_json(_record_of(partial), {"url": url, "version": _version(response)})
        bar.n = start
        _append(response, partial, n_bytes, bar)


def _append(response: http.client.HTTPResponse, partial: Path, n_bytes: int, bar: tqdm) -> None:
    size = _size(partial)
    while chunk := response.read1(CHUNK):
        size += len(chunk)
        if size > n_bytes:
            _empty(partial)
            raise UnexpectedReply(f"expected {n_bytes:,} bytes, found more")
        try:
            with partial.open("ab") as file:
                file.write(chunk)
        except OSError as error:
            advice = "make room, and" if error.errno in FULL else "then"
            raise InputError(
                f"{partial}: cannot be written ({error.strerror}); {advice} the same command "
                "goes on"
            ) from error
        bar.update(len(chunk))


def _start(response: http.client.HTTPResponse, offset: int, n_bytes: int) -> int:
    """Return the byte that the reply begins with: `offset`, or 0 from a server without ranges.

    Raises:
        UnexpectedReply: it is a web page, of another size, or another range.
    """
    if response.headers.get_content_type() == "text/html":
        raise UnexpectedReply("found a web page instead of the file")
    if response.status == 206:
        told = response.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", told)
        if not found or int(found[1]) != offset or found[2] not in ("*", str(n_bytes)):
            raise UnexpectedReply(f"expected bytes {offset}-{n_bytes - 1}/{n_bytes}, found {told}")
        return offset
    if response.status != 200:
        raise UnexpectedReply(f"the server answered {response.status}")
    length = response.headers.get("Content-Length", str(n_bytes))
    if length != str(n_bytes):
        raise UnexpectedReply(f"expected a file of {n_bytes} bytes, found one of {length}")
    return 0


def _version(response: http.client.HTTPResponse) -> str | None:
    """Return what tells the server's file from another one of its name (for If-Range)."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _record_of(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _recorded_version(partial: Path, url: str) -> str | None:
    """Return the version that `partial` is the beginning of; None where another server's is not."""
    try:
        record = read_json(_record_of(partial), "")
    except InputError:  # lost: then the checksum alone decides
        return None
    return record.get("version") if isinstance(record, dict) and record.get("url") == url else None


def _size(partial: Path) -> int:
    return partial.stat().st_size if partial.exists() else 0


def _empty(partial: Path) -> None:
    """Make `partial` a file of no bytes. Raises InputError where it cannot be written."""
    try:
        partial.write_bytes(b"")
    except OSError as error:
        raise InputError(f"{partial}: cannot be written ({error.strerror})") from error
