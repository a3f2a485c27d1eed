"""The `mysql` resource: the database that holds the users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from userprofile_assets.demo.sources import ensure_users
from userprofile_assets.ingestion.table_engine import engine_for

if TYPE_CHECKING:
    from sqlalchemy import Engine


class MySQLResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Opens the users' database; without a URL, makes the embedded demo database (SQLite)."""

    url: str = Field(
        default="", description="USERPROFILE_MYSQL_URL, a SQLAlchemy URL. Empty: the demo users."
    )
    tls: str | None = Field(
        default=None,
        description="USERPROFILE_MYSQL_TLS: disabled, required, verify_ca or verify_identity. "
        "Unset: verify_identity for another host, disabled on loopback and sockets.",
    )
    ca: str | None = Field(
        default=None,
        description="USERPROFILE_MYSQL_CA: the authority of the server's certificate (PEM). "
        "Unset: those of the system.",
    )
    home: str = Field(description="USERPROFILE_HOME: where the demo users are made.")
    demo_users: int = Field(description="Rows of the demo table.")
    demo_seed: int = Field(description="Seed of the demo table.")

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give an engine whose connections are closed at the end of the block.

        Raises:
            SettingsError: The URL's driver is not installed, or cannot keep the mode of TLS.
            StorageError: The demo database cannot be written.
        """
        if self.url:
            engine = engine_for(self.url, tls=self.tls, ca=self.ca)
        else:
            made = ensure_users(Path(self.home), users=self.demo_users, seed=self.demo_seed)
            engine = engine_for(f"sqlite:///{made}")
        try:
            yield engine
        finally:
            engine.dispose()
