"""Copying a table with the real publisher and the local store, for tests.

Belongs here: the parts put together once, and a hook between two batches, at which a test can do
something to the source while rows flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import stamina

from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.table_copy import TableOptions, copy_table
from userprofile_assets.ingestion.table_engine import engine_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from userprofile_assets.ingestion.manifest import Manifest

KEY = "users/user_20240807/user_20240807.txt"
USERS = TableOptions(
    table="users", columns=("uid", "name"), where=None, split_key="uid", delimiter="|"
)


def ignore(message: str) -> None:
    """Log nothing."""


class _HookedSink:
    def __init__(self, sink: Any, after_batch: Callable[[int], None]) -> None:
        self._sink = sink
        self._after_batch = after_batch
        self._batches = 0

    def write(self, data: bytes) -> None:
        self._sink.write(data)
        self._batches += 1
        self._after_batch(self._batches)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)


@dataclass
class HookedPublisher(Publisher):
    """A publisher that calls `after_batch` with 1, 2, ... after each batch of an attempt."""

    after_batch: Callable[[int], None] = lambda batch: None

    def publish(self, target: Target, write: Callable[[Any], dict[str, Any]]) -> Manifest:
        return super().publish(target, lambda sink: write(_HookedSink(sink, self.after_batch)))


def object_path(into: Path) -> Path:
    """Return where the object of `publish_table(..., into=into)` is."""
    return into / "storage" / KEY


def publish_table(
    url: str,
    options: TableOptions = USERS,
    *,
    into: Path,
    log: Callable[[str], None] = ignore,
    after_batch: Callable[[int], None] = lambda batch: None,
) -> Manifest:
    """Copy a table into the directory `into`."""
    publisher = HookedPublisher(
        store=open_store((into / "storage").as_uri()),
        locks=into / "locks",
        after_batch=after_batch,
    )
    return copy_table(
        engine_for(url),
        publisher=publisher,
        target=Target(asset="user_info_oss", key=KEY, bizdate="20240807", run_id="run-1"),
        options=options,
        log=log,
    )


@pytest.fixture
def three_tries() -> Iterator[None]:
    """Retry at most twice, and without waiting in between."""
    with stamina.set_testing(True, attempts=3):
        yield
