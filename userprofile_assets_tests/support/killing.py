"""Child processes, and a store that kills its process with SIGKILL at its n-th call.

The wrapped store is the only place where the process can die, so production code needs no hooks;
between two calls of a publisher nothing outside its memory changes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkServerContext

    from userprofile_assets.ingestion.store import ObjectInfo, ObjectStore, Upload

# Imported once by the server that forks; else each process would take 0.3 s for it.
_PRELOADED = [
    "numpy",
    "s3fs",
    "userprofile_assets.ingestion.s3_store",
    "userprofile_assets_tests.integration.test_s3_store",
    "userprofile_assets_tests.unit.test_publish",
]

_MEMORY = Path("/dev/shm")
_ROOM = 1 << 30


class DyingUpload:
    """An upload whose calls count."""

    def __init__(self, upload: Upload, tick: Callable[[], None]) -> None:
        self._upload = upload
        self._tick = tick

    def write(self, data: bytes) -> None:
        self._tick()
        self._upload.write(data)

    def stage(self) -> None:
        self._tick()
        self._upload.stage()

    def commit(self) -> None:
        self._tick()
        self._upload.commit()


class DyingStore:
    """An ObjectStore that kills its process before the n-th call.

    Args:
        n: Which call is the last that is not made.
        store: Where the calls go until then.
    """

    def __init__(self, n: int, store: ObjectStore) -> None:
        self._left = n
        self._store = store

    def _tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def uri(self) -> str:
        return self._store.uri

    @contextmanager
    def upload(self, key: str) -> Iterator[Upload]:
        self._tick()
        with self._store.upload(key) as upload:
            yield DyingUpload(upload, self._tick)

    def read(self, key: str) -> Iterator[bytes]:
        self._tick()
        return self._store.read(key)

    def head(self, key: str) -> ObjectInfo | None:
        self._tick()
        return self._store.head(key)

    def delete(self, key: str) -> None:
        self._tick()
        self._store.delete(key)

    def copy(self, source: str, target: str) -> None:
        self._tick()
        self._store.copy(source, target)

    def leftovers(self, prefix: str) -> list[ObjectInfo]:
        """Pass it on."""
        return self._store.leftovers(prefix)

    def sweep(self, directory: str) -> None:
        self._tick()
        self._store.sweep(directory)

    def list(self, prefix: str) -> list[ObjectInfo]:
        self._tick()
        return self._store.list(prefix)


def children() -> ForkServerContext:
    """Return a way to start processes that shares nothing and costs little per process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    # Python 3.11 does not pass sys.path on to the server, which says nothing of what it cannot
    # import: each process would import it then, for half a second.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        forkserver.ensure_running()
    return context


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is room for it.

    A test of all kill points publishes hundreds of days, and each waits for the disk ten times.
    What a killed process leaves is the same in both.
    """
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY, prefix="userprofile-tests-") as directory:
        yield Path(directory)


def exit_code(function: Callable[..., Any], *args: Any, **kwargs: Any) -> int | None:
    """Run a function of a module in a process of its own; negative: the signal that ended it."""
    process = children().Process(target=function, args=args, kwargs=kwargs)
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    return code


def each_kill_point(
    function: Callable[..., Any], prepare: Callable[[], tuple[Any, ...]], *, step: int = 1
) -> Iterator[tuple[Any, ...]]:
    """Let `function` die at each of its store calls in turn, and yield after each death.

    Args:
        function: A function of a module, called as `function(*prepare(), wrap=...)` in a process
            of its own. It wraps its store by calling `wrap(store)`.
        prepare: Called before each try; returns the arguments, which are yielded too.
        step: Calls between two tries.
    """
    for n in itertools.count(1, step):
        args = prepare()
        code = exit_code(function, *args, wrap=partial(DyingStore, n))
        if code == 0:
            assert n > 10, "the store was hardly called; is it wrapped?"
            return
        assert code == -signal.SIGKILL, f"the process ended with {code}"
        yield args
