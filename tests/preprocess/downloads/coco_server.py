"""A web server of this machine that serves a few files, well or in one of many wrong ways."""

import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PAGE = b"<html><body>Down for maintenance</body></html>"


class FileServer(ThreadingHTTPServer):
    """Serves `files` (path to bytes); the first of `faults` is what goes wrong with a request.

    Faults: "drop" closes the connection in the middle; "short" tells and sends half of the body;
    "long" tells and sends more than the file; "corrupt" changes a byte; "page" is a web page with
    status 200; "chunked" tells no length, and stops in the middle; "shifted" answers a range with
    another one; a number is a status; None is none.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.faults: list[str | int | None] = []
        self.has_ranges = True
        self.has_etags = True
        self.obeys_if_range = True
        self.seconds_a_piece = 0.0  # of 4096 bytes
        self.requests: list[tuple[str, str | None, int]] = []  # path, Range, status
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range of each request, in order."""
        return [asked for _, asked, _ in self.requests]

    def handle_error(self, request, client_address):
        """A client that was killed is no error."""


@contextmanager
def serving(files: dict[str, bytes]):
    server = FileServer(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("no_proxy", "NO_PROXY"):  # as for those who reach the web through a proxy
                patch.setenv(name, "127.0.0.1")
            yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        fault = self.server.faults.pop(0) if self.server.faults else None
        body = self.server.files.get(self.path)
        if body is None:
            fault = 404
        if isinstance(fault, int):
            self.reply(fault, PAGE, {"Content-Type": "text/html"})
        elif fault == "page":
            self.reply(200, PAGE, {"Content-Type": "text/html"})
        else:
            self.serve(body, fault)

    def serve(self, body: bytes, fault: str | None):
        headers = {"Content-Type": "application/zip"}
        etag = f'"{hash(body)}"'
        if self.server.has_etags:
            headers["ETag"] = etag
        start = self.start(etag, len(body))
        status = 200 if start is None else 206
        first = (start or 0) - (fault == "shifted") * bool(start)
        if status == 206:
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        sent = body[first:]
        if fault == "corrupt":
            sent = sent[:-1] + bytes([sent[-1] ^ 1])
        if fault == "short":
            sent = sent[: len(sent) // 2]
        if fault == "long":
            sent += b"more"
        headers["Content-Length"] = str(len(sent))
        if fault == "chunked":
            del headers["Content-Length"]
        if fault in ("drop", "chunked"):
            sent = sent[: len(sent) // 2]
        self.reply(status, sent, headers)

    def start(self, etag: str, n_bytes: int) -> int | None:
        """Where the asked range begins; None where the whole file is the answer."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", etag) == etag or not self.server.obeys_if_range
        if not asked or not same or not self.server.has_ranges:
            return None
        return int(asked[1]) if int(asked[1]) < n_bytes else None

    def reply(self, status: int, body: bytes, headers: dict[str, str]):
        self.server.requests.append((self.path, self.headers.get("Range"), status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for begin in range(0, len(body), 4096):
            self.wfile.write(body[begin : begin + 4096])
            self.wfile.flush()
            time.sleep(self.server.seconds_a_piece)
        self.close_connection = True
