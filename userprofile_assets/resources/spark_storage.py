"""What Spark needs to reach the object storage that the ingest assets write to.

Belongs here: from the store's options to Spark's configuration and jars; it stands above both
rooms, which do not know each other. Knows no Dagster: commands use it without loading that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from userprofile_assets.ingestion.s3_profiles import profile_for
from userprofile_assets.warehouse.jars import find_jars
from userprofile_assets.warehouse.open_engine import effective_remote
from userprofile_assets.warehouse.storage_conf import StorageAccess, needs_jars, storage_conf

if TYPE_CHECKING:
    from userprofile_assets.ingestion.store import S3Options
    from userprofile_assets.warehouse.session_options import SessionOptions

# Whoever sets one of these brings the client along.
_OWN_JARS = ("spark.jars", "spark.jars.packages", "spark.driver.extraClassPath")


def with_storage(options: SessionOptions, spark_uri: str, store: S3Options) -> SessionOptions:
    """Return the options with what a driver of ours needs for the store's addresses.

    A server elsewhere has a configuration of its own, and takes none of this from a client.

    Args:
        options: Where and how Spark runs.
        spark_uri: How Spark names the storage, such as `s3a://bucket/prefix`.
        store: How the store is reached.

    Raises:
        SettingsError: The jars of the client have not been fetched, or a setting asks for what
            that client cannot do.
    """
    if not needs_jars(spark_uri) or effective_remote(options) is not None:
        return options
    brings_jars = any(key in options.conf for key in _OWN_JARS)
    return replace(
        options,
        storage=storage_conf(spark_uri, storage_access(store)),
        jars=() if brings_jars else find_jars(options.home, urlsplit(spark_uri).scheme),
    )


def storage_access(store: S3Options) -> StorageAccess:
    """Return the store's options in the terms of Spark's configuration."""
    profile = profile_for(store)
    return StorageAccess(
        profile=cast("Any", profile.name),  # one of the profiles there are
        endpoint=store.endpoint,
        region=store.region,
        addressing=store.addressing,
        access_key_id=store.access_key_id,
        access_key_secret=store.access_key_secret,
        security_token=store.security_token,
        encryption=store.encryption,
        encryption_key_id=store.encryption_key_id,
    )
