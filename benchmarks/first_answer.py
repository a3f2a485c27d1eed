"""Open the project's local Spark session, ask it once, and print the seconds until the answer."""

from __future__ import annotations

import sys
import time

from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.session import open_session
from userprofile_assets.warehouse.session_options import SessionOptions


def main() -> None:
    """Ask what the metastore holds: the first statement that needs it costs most."""
    settings = Settings.load()
    options = SessionOptions(
        home=settings.home, master=settings.spark_master, timezone=settings.timezone
    )
    begin = time.perf_counter()
    with open_session(options) as running:
        running.session.sql("SHOW TABLES").collect()
        sys.stdout.write(f"{time.perf_counter() - begin:.3f}\n")


if __name__ == "__main__":
    main()
