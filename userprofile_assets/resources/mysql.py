"""The `mysql` resource: the database that holds the users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from userprofile_assets.demo.sources import ensure_users
from userprofile_assets.ingestion.table_source import engine_for

if TYPE_CHECKING:
    from sqlalchemy import Engine


class MySQLResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Opens the users' database; without a URL, makes the embedded demo database (SQLite)."""

    url: str = Field(
        default="", description="USERPROFILE_MYSQL_URL, a SQLAlchemy URL. Empty: the demo users."
    )
    home: str = Field(description="USERPROFILE_HOME: where the demo users are made.")
    demo_users: int = Field(description="Rows of the demo table.")
    demo_seed: int = Field(description="Seed of the demo table.")

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give an engine whose connections are closed at the end of the block.

        Raises:
            SettingsError: The URL's driver is not installed.
            StorageError: The demo database cannot be written.
        """
        url = self.url
        if not url:
            made = ensure_users(Path(self.home), users=self.demo_users, seed=self.demo_seed)
            url = f"sqlite:///{made}"
        engine = engine_for(url)
        try:
            yield engine
        finally:
            engine.dispose()
