"""The way out of events: a file, an HTTP endpoint, or nowhere.

Belongs here: a bounded queue and the thread that empties it. A run never waits for an endpoint and
never fails for one: what does not fit is dropped, the first failure is logged, and at the end there
are five seconds for what is left.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from userprofile_assets.lineage_events import events
from userprofile_assets.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from openlineage.client.event_v2 import RunEvent

    from userprofile_assets.lineage_events.facts import StepFacts

FLUSH_SECONDS = 5.0
"""Longest that the end of a run waits for events that are still to be sent."""

_HTTP_SECONDS = 3.0
# Facts of a step are some KiB; a run of a hundred tables has two hundred events.
_MOST_WAITING = 1000
_ENDPOINT = "api/v1/lineage"


class Sink(Protocol):
    """Where events go."""

    where: str

    def send(self, event: RunEvent) -> None:
        """Take one event; raises whatever goes wrong."""
        ...


class FileSink:
    """Appends each event to a file as one line of JSON.

    Not the client's own file transport: that makes no directory, and that a line is written whole
    is a matter of Python's buffers there.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    def send(self, event: RunEvent) -> None:
        """Append an event by one call of the kernel, which appends it whole."""
        from openlineage.client.serde import Serde

        line = Serde.to_json(event).encode() + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(descriptor, line)
        finally:
            os.close(descriptor)
        if written != len(line):
            raise OSError(f"the disk took {written} of {len(line)} bytes")


class HttpSink:
    """Posts each event to an endpoint, once: what fails is lost."""

    def __init__(self, url: str, api_key: str | None, *, seconds: float = _HTTP_SECONDS) -> None:
        self.where = redact_url(url)
        self._url = url
        self._api_key = api_key
        self._seconds = seconds
        self._transport: Any = None

    def send(self, event: RunEvent) -> None:
        """Post an event."""
        if self._transport is None:
            # Here, since this is the background thread: the client takes a while to load.
            self._transport = self._connect()
        self._transport.emit(event)

    def _connect(self) -> Any:
        from openlineage.client.transport.http import (
            ApiKeyTokenProvider,
            HttpConfig,
            HttpTransport,
            TokenProvider,
        )

        key = self._api_key
        has_path = bool(urlsplit(self._url).path.strip("/"))
        return HttpTransport(
            HttpConfig(
                url=self._url if has_path else self._url.rstrip("/") + "/",
                endpoint="" if has_path else _ENDPOINT,
                timeout=self._seconds,
                auth=ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({}),
                retry={"total": 0},
            )
        )


@dataclass
class Emitter:
    """Sends events of steps in the background; no method raises or waits, but for `close`.

    Attributes:
        sink: Where they go; None: nowhere.
        namespace: Of the jobs.
        log: Where the first failure and the number of lost events are said.
        most: Steps that may wait to be sent.
    """

    sink: Sink | None
    namespace: str
    log: Callable[[str], None]
    most: int = _MOST_WAITING
    _queue: queue.Queue[Callable[[], Iterable[RunEvent]] | None] = field(init=False)
    _thread: threading.Thread | None = field(init=False, default=None)
    _given: int = field(init=False, default=0)
    _taken: int = field(init=False, default=0)
    _told: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Make the queue."""
        self._queue = queue.Queue(self.most)

    def start(self, facts: StepFacts) -> None:
        """Tell that a step begins."""
        self._put(lambda: [events.start_event(facts, namespace=self.namespace)])

    def complete(self, facts: StepFacts) -> None:
        """Tell that a step is done, and what its rules found."""
        self._put(lambda: events.complete_events(facts, namespace=self.namespace))

    def fail(self, facts: StepFacts, error: BaseException | str) -> None:
        """Tell that a step failed."""
        text = str(error)
        self._put(lambda: [events.fail_event(facts, text, namespace=self.namespace)])

    def close(self, *, seconds: float = FLUSH_SECONDS) -> None:
        """Send what waits, for at most so many seconds, and say how many are lost."""
        thread = self._thread
        if thread is None:
            return
        deadline = time.monotonic() + seconds
        with suppress(queue.Full):
            self._queue.put(None, timeout=seconds)
        thread.join(max(0.0, deadline - time.monotonic()))
        self._thread = None
        lost = self._given - self._taken
        if lost:
            self._say(f"{lost} of {self._given} OpenLineage events are lost")

    def _put(self, make: Callable[[], Iterable[RunEvent]]) -> None:
        if self.sink is None:
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(self.sink,), name="openlineage", daemon=True
            )
            self._thread.start()
        self._given += 1
        with suppress(queue.Full):
            self._queue.put_nowait(make)

    def _run(self, sink: Sink) -> None:
        while (make := self._queue.get()) is not None:
            try:
                for event in make():
                    sink.send(event)
                self._taken += 1
            except Exception as error:  # noqa: BLE001 - no event is worth a run
                self._tell_once(sink.where, error)

    def _tell_once(self, where: str, error: Exception) -> None:
        if not self._told:
            self._told = True
            said = redact_text(str(error)).partition("\n")[0][:300]
            self._say(f"OpenLineage events do not reach {where}: {type(error).__name__}: {said}")

    def _say(self, text: str) -> None:
        # Dagster's logger refuses after the end of a run.
        with suppress(Exception):
            self.log(text)


def open_emitter(
    *,
    transport: str,
    home: Path,
    log: Callable[[str], None],
    namespace: str = "userprofile",
    url: str | None = None,
    api_key: str | None = None,
    file: Path | None = None,
) -> Emitter:
    """Return the emitter of the settings; connects to nothing yet and never raises.

    Args:
        transport: USERPROFILE_OPENLINEAGE: `off`, `file` or `http`.
        home: USERPROFILE_HOME.
        log: Takes warnings; called from another thread too.
        namespace: USERPROFILE_OPENLINEAGE_NAMESPACE.
        url: USERPROFILE_OPENLINEAGE_URL with its secrets.
        api_key: USERPROFILE_OPENLINEAGE_API_KEY.
        file: USERPROFILE_OPENLINEAGE_FILE.
    """
    sink: Sink | None = None
    if transport == "file":
        sink = FileSink(file or home / "openlineage" / "events.ndjson")
    elif transport == "http" and url:
        sink = HttpSink(url, api_key)
    return Emitter(sink=sink, namespace=namespace, log=log)
