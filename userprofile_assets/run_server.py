"""Start runs from a process that has imported everything already.

Belongs here: the server that forks runs, and how it is asked. Does not belong here: what Dagster
wants of a launcher (`run_launcher.py`), the server's own start (`cli/dagster_dev.py`).

`python -m userprofile_assets.run_server DIRECTORY` listens on `DIRECTORY/run-server`, a link to a
socket. Each run is a fork that does what `dagster api execute_run` does. Nothing of this project is
imported before the fork but this module: a run sees the files of `sql/`, the code and the settings
as they are when it begins, as with Dagster's own launcher.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.context import ForkProcess

LINK = "run-server"
# What a run needs on any way through it: 3.4 of its 6 CPU seconds. A module that is not installed
# is none that a run can need.
_MODULES = (
    "dagster._cli",
    "dagster_pyspark",
    "httpx",
    "is_bot",
    "pyarrow.parquet",
    "pymysql",
    "pyspark.sql.connect.session",
    "s3fs",
    "sqlalchemy.dialects.sqlite",
    "sqlglot.dialects.spark",
    "stamina",
    "ua_parser",
)
_ANSWER_SECONDS = 60.0
_REQUEST_SECONDS = 5.0
_MAX_REQUEST = 1 << 22


class NoRunServerError(Exception):
    """No server listens there; nothing was asked."""


def ask(place: str | Path, **request: Any) -> dict[str, Any]:
    """Ask a server for something and return its answer.

    Args:
        place: The path of its socket.
        request: `prepare`, which has it import everything; or a `run_id`, alone or with `launch`
            (the arguments of `dagster`) or `terminate`.

    Raises:
        NoRunServerError: No server listens there.
        OSError: It was asked and did not answer.
        ValueError: It ended in the middle.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        try:
            connection.connect(str(place))
        except OSError as error:
            raise NoRunServerError(f"no run server listens at {place} ({error})") from error
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(_line(connection))
        return answer


def find_server(directory: str | Path) -> str | None:
    """Return the path of the socket that the server of a directory listens on."""
    try:
        return str((Path(directory) / LINK).readlink())
    except OSError:
        return None


class RunServer:
    """Forks runs, asks them to end, and records the end of one that died.

    One thread does it all: a process with threads cannot be forked safely.

    Args:
        listener: The socket that it is asked on.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._fork = multiprocessing.get_context("fork")
        self._runs: dict[str, ForkProcess] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answer until the process is ended."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._collect(key.data)

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        request = {}
        # Whoever hangs up in the middle has not asked for anything.
        with connection, suppress(OSError, ValueError):
            connection.settimeout(_REQUEST_SECONDS)
            request = json.loads(_line(connection))
            answer = self._answer(request, connection)
            connection.sendall(json.dumps(answer).encode() + b"\n")
        if "prepare" in request:
            _import_modules()

    def _answer(self, request: Mapping[str, Any], connection: socket.socket) -> dict[str, Any]:
        run_id = request.get("run_id", "")
        if "launch" in request:
            self._start(run_id, request["launch"], connection)
        process = self._runs.get(run_id)
        if process is not None and process.pid is not None and "terminate" in request:
            os.kill(process.pid, signal.SIGINT)
        return {"running": process is not None}

    def _start(self, run_id: str, arguments: Sequence[str], connection: socket.socket) -> None:
        _import_modules()
        inherited = (self._listener, connection, self._selector)
        process = self._fork.Process(target=_run_dagster, args=(arguments, inherited))
        process.start()
        self._runs[run_id] = process
        self._selector.register(process.sentinel, selectors.EVENT_READ, run_id)

    def _collect(self, run_id: str) -> None:
        process = self._runs.pop(run_id)
        self._selector.unregister(process.sentinel)
        process.join()
        if process.exitcode != 0:
            # A fork of its own, so that this process never opens the history.
            self._fork.Process(target=_record_end, args=(run_id, process.exitcode)).start()
        process.close()


def _import_modules() -> None:
    """Import what runs need; the second time it costs nothing."""
    for module in _MODULES:
        with suppress(ImportError):
            importlib.import_module(module)


def _run_dagster(arguments: Sequence[str], inherited: Sequence[Any]) -> None:
    """Be `dagster` with these arguments, in a fork."""
    for one in inherited:
        one.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.argv = ["dagster", *arguments]
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


def _record_end(run_id: str, exit_code: int) -> None:
    """Record the end of a run whose process did not."""
    import dagster as dg  # noqa: PLC0415 - whoever asks the server need not import it

    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        ended = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        message = f"The process of the run ended with {ended} before the run did."
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message=message)
        else:
            instance.report_run_failed(run, message=message)


def _line(connection: socket.socket) -> bytes:
    """Read up to the end of a line."""
    found = b""
    while not found.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part or len(found) > _MAX_REQUEST:
            raise ValueError("the line has no end")
        found += part
    return found


@contextmanager
def _listening(directory: Path) -> Iterator[socket.socket]:
    """Listen on a socket that only this user reaches, and link it into a directory."""
    link = directory / LINK
    with suppress(OSError):
        # One that was killed leaves its socket behind.
        former = link.readlink()
        link.unlink()
        former.unlink()
        former.parent.rmdir()
    with (
        # Not in the directory itself: the path of a socket has 107 bytes at most.
        tempfile.TemporaryDirectory(prefix="userprofile-runs-") as place,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        path = Path(place) / "socket"
        listener.bind(str(path))
        listener.listen()
        link.symlink_to(path)
        try:
            yield listener
        finally:
            link.unlink(missing_ok=True)


def main(directory: Path) -> None:
    """Start runs until the process is asked to end; then it ends at once, and leaves them alone."""
    # OpenBLAS starts threads otherwise, which no fork takes with it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Python 3.12 warns of threads. The one that is left is the allocator's, which expects forks.
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with _listening(directory) as listener:
            RunServer(listener).serve()
    except SystemExit:
        # Without the wait for its forks that multiprocessing adds to the end of a process.
        os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
