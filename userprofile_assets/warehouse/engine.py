"""What the warehouse needs of Spark, whatever the protocol.

Belongs here: the interface only. Its implementations: `classic.py` (a driver's JVM of our own),
`connect.py` (Spark Connect), `thrift.py` (a Thrift server, Kyuubi). `open_engine.py` chooses.

Everything is a SQL statement: that is the one thing that all protocols have, and EMR Serverless
Spark takes no functions of ours anyway (docs/decisions/0011-spark-engines.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = tuple[Any, ...]

JAVA_VERSION = "SELECT java_method('java.lang.System', 'getProperty', 'java.version')"
"""Asks a server for the version of its Java, which no protocol tells."""


class Engine(Protocol):
    """A connection to Spark with a session of its own.

    Attributes:
        address: Where it is, without token or password: `local[2]`, `sc://localhost:15002`.
    """

    address: str

    def execute(self, statement: str) -> list[Row]:
        """Run one statement and return all its rows.

        Raises:
            SparkEndedError: Its JVM ended, and there is no other.
            SparkError: Spark refused it, or it was cancelled.
            SparkUnavailableError: Spark, or the storage behind it, did not answer.
        """

    def stream(self, statement: str) -> tuple[list[str], Iterator[Row]]:
        """Run one statement and return the names of its columns and its rows, bit by bit.

        Raises:
            SparkError: As for `execute`, also while the rows are taken.
            SparkUnavailableError: As for `execute`.
        """

    def table_exists(self, table: str) -> bool:
        """Tell whether the catalogue has a table of this name."""

    def cancel(self) -> None:
        """End what `execute` is doing, on the server too; from any thread, never an error."""

    def progress(self) -> str | None:
        """Return how far the running statement is, such as `3 of 8 tasks`; None if unknown."""

    def facts(self) -> dict[str, str]:
        """Return versions and names for people: `Spark`, `Java`, `application`."""

    def is_alive(self) -> bool:
        """Tell whether it can be used at all; one that cannot is opened anew by its owner."""

    def reopen(self) -> None:
        """Make a new session after the former one was lost; keeps one that still works.

        Raises:
            SparkError: Spark refused.
            SparkUnavailableError: It does not answer.
        """
