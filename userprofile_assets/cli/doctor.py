"""`userprofile doctor`: each setting and each connection on a line of its own."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from userprofile_assets.bizdate import to_bizdate, yesterday
from userprofile_assets.cli import doctor_alerts, doctor_spark
from userprofile_assets.errors import SettingsError, UserProfileError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.settings import DOTENV, PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGES = ("dagster", "dagster-pyspark", "pyspark", "sqlalchemy", "pymysql", "s3fs", "httpx")


@dataclass(frozen=True)
class Outcome:
    """What one test found."""

    name: str
    said: str
    ok: bool = True


def run_doctor() -> int:
    """Print every setting and run every test; return the exit code."""
    console = Console()
    try:
        settings = Settings.load()
    except SettingsError as error:
        _print(console, Outcome("settings", str(error), ok=False))
        return 1
    title = "[bold]Settings[/bold]"
    console.print(f"{title} (docs/configuration.md; {_where_from()})", highlight=False)
    for name, value in shown_settings(settings):
        console.print(f"  {PREFIX}{name} = {value}", markup=False, highlight=False, soft_wrap=True)
    console.print("[bold]Tests[/bold]")
    failed = 0
    for name, test in _tests(settings):
        with console.status(name):
            outcome = _try(name, test)
        failed += not outcome.ok
        _print(console, outcome)
    console.print(f"{failed} failed" if failed else "All is well.")
    return 1 if failed else 0


def shown_settings(settings: Settings) -> list[tuple[str, str]]:
    """Return every setting as text; a secret only tells whether it is set."""
    return [
        (field.upper(), _shown(getattr(settings, field))) for field in type(settings).model_fields
    ]


def _shown(value: Any) -> str:
    if value is None:
        return "(not set)"
    if isinstance(value, SecretStr):
        return "(set, secret)"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def _where_from() -> str:
    found = Path(DOTENV)
    return f".env of {found.absolute().parent} is read" if found.is_file() else "no .env here"


def _tests(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    return [
        ("Python packages", _packages),
        ("Java", _java),
        ("SQL files", lambda: _sql_files(settings)),
        ("home directory", lambda: _home(settings)),
        ("log source", lambda: _log_source(settings)),
        ("user source", lambda: _user_source(settings)),
        ("object storage", lambda: _storage(settings)),
        ("log lines", lambda: _log_lines(settings)),
        ("Spark", lambda: doctor_spark.server(settings)),
        ("Spark metastore", lambda: doctor_spark.metastore(settings)),
        ("Spark storage", lambda: doctor_spark.storage(settings)),
        ("Spark start", lambda: doctor_spark.start(settings)),
        ("Dagster instance", lambda: _instance(settings)),
        ("alerts", lambda: doctor_alerts.channels(settings)),
    ]


def _try(name: str, test: Callable[[], str]) -> Outcome:
    try:
        return Outcome(name, test())
    except UserProfileError as error:
        return Outcome(name, str(error), ok=False)


def _print(console: Console, outcome: Outcome) -> None:
    mark, style = ("ok  ", "green") if outcome.ok else ("FAIL", "bold red")
    first, _, rest = outcome.said.partition("\n")
    console.print(Text.assemble("  ", (mark, style), f"  {outcome.name}: {first}"), soft_wrap=True)
    for line in rest.splitlines():
        console.print(Text(f"        {line}"), soft_wrap=True)


def _packages() -> str:
    try:
        return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    except PackageNotFoundError as error:
        raise SettingsError(f"{error.name} is not installed", remedy="make install") from error


def _java() -> str:
    from userprofile_assets.warehouse.java import find_java

    java = find_java()
    return f"{java.version} ({java.program})"


def _sql_files(settings: Settings) -> str:
    from userprofile_assets.catalog.sql_tables import load_warehouse

    return ", ".join(table.table for table in load_warehouse(settings).tables)


def _home(settings: Settings) -> str:
    with exclusive_lock(
        settings.home / "locks" / "doctor.lock", purpose="userprofile doctor", timeout=5
    ):
        return f"{settings.home} is writable"


def _resources(settings: Settings) -> dict[str, Any]:
    from userprofile_assets.build import build_resources

    return {
        name: resource.process_config_and_initialize()
        for name, resource in build_resources(settings).items()
        if name != "spark"
    }


def _log_source(settings: Settings) -> str:
    from userprofile_assets.ingestion.log_source import open_log

    bizdate = to_bizdate(yesterday(settings.timezone))
    resource = _resources(settings)["http"]
    # Whoever waits for a doctor does not wait for the deadline of a copy.
    http = replace(resource.options_of(bizdate), read_timeout=5, deadline_seconds=8)
    with open_log(resource.url_of(bizdate), http=http) as source:
        first = next(iter(source.chunks()), b"")
        kind = "the embedded demo log" if settings.log_url is None else source.name
        return f"{kind} of {bizdate} answers, {len(first)} bytes read"


def _user_source(settings: Settings) -> str:
    from userprofile_assets.assets.ingest import table_options
    from userprofile_assets.ingestion.table_source import observe_table, probe_table

    options = table_options(settings, to_bizdate(yesterday(settings.timezone)))
    with _resources(settings)["mysql"].engine() as engine:
        facts = observe_table(engine, options)
        row = "a row reads well" if probe_table(engine, options) else "it has no row"
    kind = "the embedded demo table" if settings.mysql_url is None else facts["name"]
    names = ", ".join(column["name"] for column in facts["columns"])
    return f"{kind} answers, {row}, columns {names}"


def _storage(settings: Settings) -> str:
    from userprofile_assets.ingestion.store import get, put

    store = _resources(settings)["oss"].store()
    key = f"_doctor/{uuid.uuid4().hex}"
    put(store, key, b"probe")
    try:
        found = get(store, key)
    finally:
        store.delete(key)
    if found != b"probe":
        raise UserProfileError("a probe object reads back differently", where=store.uri)
    return f"{store.uri} takes, returns and deletes an object"


def _log_lines(settings: Settings) -> str:
    from userprofile_assets.cli.doctor_log import log_day

    return log_day(settings, _resources(settings)["oss"].store())


def _instance(settings: Settings) -> str:
    home = os.environ.get("DAGSTER_HOME")
    if home is None:
        return f"DAGSTER_HOME is not set; demo and make ui use {settings.home / 'dagster'}"
    if not (Path(home) / "dagster.yaml").is_file():
        raise SettingsError(
            "there is no dagster.yaml, so Dagster keeps its limits at operations, where kill -9 "
            "of a run leaves them taken",
            where=f"DAGSTER_HOME={home}",
            remedy="copy the project's dagster.yaml there",
        )
    return home
