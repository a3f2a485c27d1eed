"""A fast HTTP server for one folder: sendfile(2), one thread for each connection.

`http.server` copies through Python and knows no ranges, so it would be what is measured. This one
answers GET and HEAD with Content-Length, a strong ETag, Last-Modified, and one Range (with
If-Range), which is what resuming and parallel readers need.

Arguments: the folder, the port.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_MOST = 1 << 20  # bytes a sendfile call, so that an ending client is seen soon


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    directory: Path

    def do_GET(self) -> None:
        """Send the file or a range of it."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Send only what describes it."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base
        """Say nothing."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.directory / self.path.partition("?")[0].removeprefix("/")
        if not path.is_file() or path.parent != self.directory:
            self.send_error(404)
            return
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            etag = f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
            first, last = self._range(stat.st_size, etag)
            if first > last and stat.st_size:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{stat.st_size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            partial = last - first + 1 < stat.st_size
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {first}-{last}/{stat.st_size}")
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("Content-Type", "text/plain")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", formatdate(stat.st_mtime, usegmt=True))
            self.end_headers()
            if with_body:
                self.wfile.flush()
                self._send(file.fileno(), first, last + 1)

    def _range(self, size: int, etag: str) -> tuple[int, int]:
        """Return the first and the last byte that are asked for."""
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if asked is None or asked.group() == "bytes=-" or condition not in {None, etag}:
            return 0, size - 1
        if not asked[1]:
            return max(0, size - int(asked[2])), size - 1
        return int(asked[1]), min(int(asked[2] or size), size - 1)

    def _send(self, file: int, start: int, end: int) -> None:
        try:
            while start < end:
                sent = os.sendfile(self.connection.fileno(), file, start, min(_MOST, end - start))
                if not sent:
                    break
                start += sent
        except ConnectionError:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _Handler.directory = Path(sys.argv[1]).resolve()
    try:
        _Server(("127.0.0.1", int(sys.argv[2])), _Handler).serve_forever()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
