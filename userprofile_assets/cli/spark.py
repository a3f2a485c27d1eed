"""Spark for a command: opened in the background, its waits told on standard error."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.ingestion.store import S3Options
from userprofile_assets.json_objects import read_strings
from userprofile_assets.resources.spark_storage import with_storage
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.open_engine import BackgroundEngine, effective_remote
from userprofile_assets.warehouse.session_options import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from userprofile_assets.settings import Settings


def session_options(settings: Settings, command: str) -> SessionOptions:
    """Return the options of a command's session, as the `spark` resource makes a run's.

    Raises:
        SettingsError: The jars for the object storage are missing.
    """
    options = options_without_storage(settings, command)
    return with_storage(options, settings.effective_spark_uri, _store_options(settings))


def options_without_storage(settings: Settings, command: str) -> SessionOptions:
    """Return the same options without what is needed to read the object storage."""
    name = f"userprofile-{command}-{os.getpid()}"
    return SessionOptions(
        home=settings.home,
        master=settings.spark_master,
        remote=_revealed(settings.spark_remote),
        timezone=settings.timezone,
        conf=read_strings(_revealed(settings.spark_conf) or "{}"),
        app_name=name,
        lock_seconds=settings.spark_lock_seconds,
        tag=name,
    )


def _store_options(settings: Settings) -> S3Options:
    return S3Options(
        endpoint=settings.oss_endpoint,
        region=settings.oss_region,
        profile=settings.oss_profile,
        addressing=settings.oss_addressing,
        access_key_id=_revealed(settings.oss_access_key_id),
        access_key_secret=_revealed(settings.oss_access_key_secret),
        security_token=_revealed(settings.oss_security_token),
        encryption=settings.oss_encryption,
        encryption_key_id=settings.oss_encryption_key_id,
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def uses_local_spark(settings: Settings) -> bool:
    """Tell whether a command starts a local Spark of its own."""
    options = options_without_storage(settings, "look")
    return options.is_local and effective_remote(options) is None


@contextmanager
def background_engine(settings: Settings, command: str) -> Iterator[BackgroundEngine]:
    """Give an engine that is opening; it closes with the block."""
    background = BackgroundEngine(session_options(settings, command))
    background.start()
    try:
        yield background
    finally:
        _hush()
        background.close()


def command_executor(settings: Settings, background: BackgroundEngine) -> Executor:
    """Wait for the engine and return what runs a command's statements, limited as a run's are.

    Raises:
        SparkError: Java is missing or too old, or Spark did not start.
        SparkUnavailableError: The server does not answer.
        LockTimeoutError: Another process had the embedded metastore open for too long.
    """
    limit = settings.spark_statement_seconds or None
    return Executor(background.get(tell), lambda _: None, limit_seconds=limit)


def _hush() -> None:
    """Let pyspark's client not tell that it releases statements of a session that just ended."""
    if "pyspark.sql.connect.logging" in sys.modules:
        logging.getLogger("pyspark.sql.connect.logging").setLevel(logging.CRITICAL)


def tell(sentence: str) -> None:
    """Print a sentence on standard error."""
    Console(stderr=True).print(sentence, style="yellow", markup=False, highlight=False)
