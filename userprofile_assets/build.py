"""Put the parts together: the only place that knows all of them.

Assets, resources and schedules are made elsewhere; this module stays a list. Tests and commands
call `build_definitions` with other settings instead of patching globals.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import dagster as dg

from userprofile_assets.assets.common import Daily
from userprofile_assets.assets.ingest import build_ingest_assets
from userprofile_assets.assets.serving import build_serving_assets
from userprofile_assets.assets.sources import build_sources
from userprofile_assets.assets.step_events import LineageEvents
from userprofile_assets.assets.warehouse import build_table_assets
from userprofile_assets.automation import build_job, build_schedule, build_sensors
from userprofile_assets.catalog.contributions import Known, all_datasets
from userprofile_assets.catalog.model import Catalog
from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.catalog.table_docs import read_docs
from userprofile_assets.project_files import sql_directory as own_sql_directory
from userprofile_assets.resources.enrichment import EnrichmentResource
from userprofile_assets.resources.http import HttpResource
from userprofile_assets.resources.mysql import MySQLResource
from userprofile_assets.resources.oss import OssResource
from userprofile_assets.resources.records import RecordsResource
from userprofile_assets.resources.spark import SparkResource
from userprofile_assets.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import SecretStr


def build_definitions(
    *,
    settings: Settings,
    sql_directory: Path | None = None,
    resource_overrides: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Return everything Dagster needs to know.

    Starts nothing, connects to nothing, and needs no secret.

    Args:
        settings: The settings.
        sql_directory: Where the SQL files are; the project's own if None.
        resource_overrides: Resources that replace the ones made from the settings.

    Raises:
        SqlFileError: The SQL files contradict each other, or read what nothing produces.
        QualityFileError: A YAML file beside them has an unknown key, column or rule.
    """
    daily = Daily.of(settings)
    directory = sql_directory or own_sql_directory()
    warehouse = load_warehouse(settings, directory)
    docs = read_docs(directory, warehouse, settings.logic)
    known = Known(settings=settings, warehouse=warehouse, docs=docs, sources={})
    catalog = Catalog(all_datasets(known))
    events = LineageEvents(settings, catalog)
    job = build_job()
    with warnings.catch_warnings():
        # `backfill_policy` of an asset is beta in Dagster 1.13, and said so once for each asset;
        # `partitions_def` of a check is a preview.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        assets = [
            *build_ingest_assets(settings, daily, events),
            *build_table_assets(settings, daily, warehouse, docs, events),
            *build_serving_assets(settings, daily, catalog, events),
        ]
    return dg.Definitions(
        assets=[*build_sources(), *assets],
        jobs=[job],
        schedules=[build_schedule(job, settings)],
        sensors=build_sensors(settings),
        resources={**build_resources(settings), **(resource_overrides or {})},
        # One process, so one JVM and one Spark session for all steps of a run. The default executor
        # starts a process, and with it a JVM, for each step: 25 s instead of 11 for two tables.
        executor=dg.in_process_executor,
    )


def build_resources(settings: Settings) -> dict[str, Any]:
    """Return the resources `http`, `mysql`, `oss`, `records`, `enrichment` and `spark`."""
    home = str(settings.home)
    store = _store(settings)
    return {
        "http": HttpResource(
            url=_secret("LOG_URL", settings.log_url),
            method=settings.log_method,
            parameters=_secret("LOG_PARAMETERS", settings.log_parameters),
            headers=_secret("LOG_HEADERS", settings.log_headers),
            token=_secret("LOG_TOKEN", settings.log_token),
            sha256=_secret("LOG_SHA256", settings.log_sha256),
            allowed_hosts=list(settings.log_allowed_hosts),
            proxy=_secret("LOG_PROXY", settings.log_proxy),
            ca=str(settings.log_ca or ""),
            deadline_seconds=settings.log_deadline_seconds,
            read_timeout=settings.log_read_timeout_seconds,
            min_rate=settings.log_min_rate,
            connections=settings.log_connections,
            home=home,
            timezone=settings.timezone,
            demo_lines=settings.demo_lines,
            demo_users=settings.demo_users,
            demo_seed=settings.demo_seed,
        ),
        "mysql": MySQLResource(
            url=_secret("MYSQL_URL", settings.mysql_url),
            tls=settings.mysql_tls,
            ca=str(settings.mysql_ca) if settings.mysql_ca else None,
            home=home,
            demo_users=settings.demo_users,
            demo_seed=settings.demo_seed,
        ),
        "oss": OssResource(storage_uri=settings.effective_storage_uri, home=home, **store),
        "records": RecordsResource(
            url=_secret("SERVING_URL", settings.serving_url),
            tls=settings.serving_tls,
            ca=str(settings.serving_ca) if settings.serving_ca else None,
            home=home,
        ),
        "enrichment": EnrichmentResource(
            home=home,
            region_db=settings.region_db,
            anonymous_key=_secret("ANONYMOUS_KEY", settings.anonymous_key),
        ),
        "spark": SparkResource(
            master=settings.spark_master,
            remote=_secret("SPARK_REMOTE", settings.spark_remote),
            conf=_secret("SPARK_CONF", settings.spark_conf),
            home=home,
            timezone=settings.timezone,
            lock_seconds=settings.spark_lock_seconds,
            statement_seconds=settings.spark_statement_seconds,
            spark_uri=settings.effective_spark_uri,
            **store,
        ),
    }


def _store(settings: Settings) -> dict[str, Any]:
    """Return how the object storage is reached, for all that reach it."""
    return {
        "endpoint": settings.oss_endpoint or "",
        "region": settings.oss_region or "",
        "profile": settings.oss_profile,
        "addressing": settings.oss_addressing,
        "encryption": settings.oss_encryption or "",
        "encryption_key_id": settings.oss_encryption_key_id or "",
        "parts_in_flight": settings.oss_parts_in_flight,
        "part_mib": settings.oss_part_mib,
        "access_key_id": _secret("OSS_ACCESS_KEY_ID", settings.oss_access_key_id),
        "access_key_secret": _secret("OSS_ACCESS_KEY_SECRET", settings.oss_access_key_secret),
        "security_token": _secret("OSS_SECURITY_TOKEN", settings.oss_security_token),
    }


def _secret(name: str, value: SecretStr | None) -> Any:
    """Return a secret as an EnvVar, which Dagster resolves at run time and shows by name only.

    A variable that is not set cannot be one: Dagster calls that an error at run time.
    """
    variable = PREFIX + name
    literal = "" if value is None else value.get_secret_value()
    return dg.EnvVar(variable) if literal and os.environ.get(variable) == literal else literal
