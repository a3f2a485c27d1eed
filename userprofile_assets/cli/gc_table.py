"""What of one table `userprofile gc` removes.

    <table's LOCATION>/run=<run id>.<attempt>/dt=<bizdate>/...

Belongs here: the rules, and applying them to one table. Does not belong here: printing (`gc.py`),
names of directories (`warehouse/run_directories.py`).

Nobody keeps a list of who reads a directory or writes to it. So a business date is left alone
altogether until it was neither written nor pointed elsewhere for some time, by default 24 hours: by
then whoever read its former rows when they were replaced has finished, and a run that writes has
been given up.

Nor does anybody know why a day has rows and no partition. Mostly a run was killed; but after a
catalogue was made anew, or in a second one, these are the days that were good. So they stay until
somebody says that they may go.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.partitions import Partitions
from userprofile_assets.warehouse.places import is_under, key_under
from userprofile_assets.warehouse.run_directories import (
    Attempt,
    attempt_of,
    is_writer,
    read_run_path,
)

if TYPE_CHECKING:
    from userprofile_assets.ingestion.store import ObjectInfo, ObjectStore
    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import TableDefinition

_TEMPORARY = "_temporary/"


@dataclass(frozen=True)
class Keeping:
    """What is kept.

    Args:
        runs: Directories of each day, the one that it shows included.
        untouched_since: A day to which anything was written since then is left alone.
        unshown: Whether the days that have no partition in the catalogue are kept.
    """

    runs: int
    untouched_since: datetime
    unshown: bool = True


@dataclass(frozen=True)
class Removed:
    """One directory that was removed, or would be."""

    path: str
    reason: str
    objects: int
    bytes: int


@dataclass
class Collected:
    """What was found about one table."""

    table: str
    removed: list[Removed] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unshown: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Bytes of all that was removed."""
        return sum(item.bytes for item in self.removed)


@dataclass
class _Run:
    """What one attempt left below the table's LOCATION."""

    days: dict[str, list[ObjectInfo]] = field(default_factory=lambda: defaultdict(list))
    others: list[ObjectInfo] = field(default_factory=list)
    unfinished: list[ObjectInfo] = field(default_factory=list)


class TableCollector:
    """Finds and removes what no day of one table needs.

    Args:
        executor: Runs the statements.
        store: The storage.
        table: A filled table or a lookup.
        spark_uri: How Spark names the storage.
        keeping: What is kept.
    """

    def __init__(
        self,
        executor: Executor,
        store: ObjectStore,
        table: TableDefinition,
        *,
        spark_uri: str,
        keeping: Keeping,
    ) -> None:
        self._executor = executor
        self._store = store
        self._table = table
        self._name = table.table
        self._where = f"{table.table} (sql/{table.file.name})"
        self._key = key_under(table.location or "", spark_uri) or ""
        self._keeping = keeping
        self._partitions = Partitions(
            self._name, lambda statement: executor.run(statement, where=self._where)
        )

    def collect(self, *, dry_run: bool) -> Collected:
        """Remove what may be removed.

        Args:
            dry_run: Find it only.

        Raises:
            SparkError: Spark refused a statement.
            StorageError: The storage refused.
        """
        found = Collected(self._name)
        if not self._executor.table_exists(self._name):
            # Another catalogue may show these days: without it nothing can be told.
            found.told.append("not in Spark's catalogue, so left alone")
            return found
        writers = self._writers()
        runs = self._runs()
        live = {attempt for attempt, run in runs.items() if self._is_live(attempt, run)}
        live |= {attempt for attempt, made in writers.values() if made is None and attempt}
        for name, (attempt, made) in writers.items():
            if made is not None and attempt not in live:
                found.dropped.append(name)
                if not dry_run:
                    self._executor.run(f"DROP TABLE IF EXISTS {name}", where=self._where)
        shown = self._partitions.days()
        for bizdate in sorted({day for run in runs.values() for day in run.days}):
            attempts = sorted((a for a, run in runs.items() if bizdate in run.days), reverse=True)
            if live.isdisjoint(attempts):
                for attempt, reason in self._unneeded(bizdate, attempts, shown, found):
                    objects = runs[attempt].days.pop(bizdate)
                    path = f"{attempt.name}/dt={bizdate}"
                    self._remove(found, path, reason, objects, dry_run=dry_run)
        for attempt in sorted(runs.keys() - live):
            run = runs[attempt]
            # A day that was killed while it was written; without any day, also `_SUCCESS`.
            unneeded = [o for o in run.others if not run.days or f"/{_TEMPORARY}" in o.key]
            unneeded += run.unfinished
            if unneeded:
                killed = run.days or run.unfinished
                reason = "left by a run that was killed" if killed else "no day is left in it"
                self._remove(found, attempt.name, reason, unneeded, dry_run=dry_run)
        return found

    def _unneeded(
        self, bizdate: str, attempts: list[Attempt], shown: set[str], found: Collected
    ) -> list[tuple[Attempt, str]]:
        """Return the attempts, of which `attempts` are the newest first, that a day can spare."""
        if bizdate not in shown:
            if self._keeping.unshown:
                found.unshown.append(bizdate)
                return []
            return [(attempt, "not shown in this catalogue") for attempt in attempts]
        if len(attempts) == 1:
            # The one that is shown; asking Spark costs 50 ms a day.
            return []
        # Asked just before: a run that points the day elsewhere now points it to a live one.
        location = self._partitions.location(bizdate)
        current = attempt_of(location)
        if current is None or not is_under(location, self._table.location or ""):
            found.told.append(f"dt={bizdate} points to {location}, so left alone")
            return []
        if self._began(current) > self._keeping.untouched_since or self._was_moved(bizdate):
            return []
        former = [attempt for attempt in attempts if attempt < current]
        return [
            *((attempt, "never shown") for attempt in attempts if attempt > current),
            *((attempt, "replaced") for attempt in former[self._keeping.runs - 1 :]),
        ]

    def _writers(self) -> dict[str, tuple[Attempt | None, datetime | None]]:
        """Return the tables that runs write through: attempt, and when made if long enough ago."""
        writers: dict[str, tuple[Attempt | None, datetime | None]] = {}
        for row in self._executor.run(f"SHOW TABLES LIKE '{self._name}__*'", where=self._where):
            name = str(row[1])
            if not is_writer(self._name, name):
                continue
            try:
                rows = self._executor.run(f"DESCRIBE EXTENDED {name} AS JSON", where=self._where)
            except SparkError:
                continue  # its run has just dropped it
            described = json.loads(rows[0][0])
            made = datetime.fromisoformat(described["created_time"])
            is_old = made <= self._keeping.untouched_since
            writers[name] = attempt_of(described["location"]), made if is_old else None
        return writers

    def _runs(self) -> dict[Attempt, _Run]:
        """Return what lies below the table's LOCATION, by attempt."""
        runs: dict[Attempt, _Run] = defaultdict(_Run)
        for item in self._store.list(f"{self._key}/run="):
            path = read_run_path(item.key.removeprefix(f"{self._key}/"))
            if path is None:
                continue
            run = runs[path.attempt]
            (run.others if path.bizdate is None else run.days[path.bizdate]).append(item)
        for item in self._store.leftovers(f"{self._key}/run="):
            path = read_run_path(item.key.removeprefix(f"{self._key}/"))
            if path is not None:
                runs[path.attempt].unfinished.append(item)
        return dict(runs)

    def _is_live(self, attempt: Attempt, run: _Run) -> bool:
        since = self._keeping.untouched_since
        written = [
            *run.others,
            *run.unfinished,
            *(item for items in run.days.values() for item in items),
        ]
        return self._began(attempt) > since or any(
            item.modified is None or item.modified > since for item in written
        )

    def _was_moved(self, bizdate: str) -> bool:
        """Tell whether a day was pointed elsewhere lately: some still read what it showed then."""
        moved = self._partitions.pointed_at(bizdate)
        # The catalogue knows whole seconds.
        return moved is not None and moved >= self._keeping.untouched_since.replace(microsecond=0)

    @staticmethod
    def _began(attempt: Attempt) -> datetime:
        return datetime.strptime(attempt.began, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)

    def _remove(
        self,
        found: Collected,
        path: str,
        reason: str,
        objects: list[ObjectInfo],
        *,
        dry_run: bool,
    ) -> None:
        found.removed.append(
            Removed(path, reason, len(objects), sum(item.size for item in objects))
        )
        if dry_run:
            return
        # Deepest first: a local directory is removed with the last file in it.
        for item in sorted(objects, key=lambda item: item.key.count("/"), reverse=True):
            self._store.delete(item.key)
        # What of a local store is empty now. A run's directory has one above its days, too.
        for directory in (path, path.partition("/")[0]):
            self._store.delete(f"{self._key}/{directory}")
