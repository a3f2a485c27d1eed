"""What `userprofile doctor` tests of Spark: where it is, its catalogue, its way to the storage.

Each function returns what it found, in a sentence, or raises an error of this project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.cli.spark import options_without_storage, session_options
from userprofile_assets.errors import LockTimeoutError
from userprofile_assets.locks import exclusive_lock

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def server(settings: Settings) -> str:
    """Run a statement on the server that is used, where one is."""
    from userprofile_assets.warehouse.open_engine import effective_remote, open_engine

    options = options_without_storage(settings, "doctor")
    if effective_remote(options) is None:
        return f"each run starts its own driver, master {options.master}"
    notes: list[str] = []
    with open_engine(options, on_wait=notes.append) as engine:
        facts = ", ".join(f"{name} {value}" for name, value in engine.facts().items())
        return "\n".join([f"{engine.address} answers: {facts}", *notes])


def metastore(settings: Settings) -> str:
    """Look whether the embedded catalogue is free."""
    from userprofile_assets.warehouse.open_engine import effective_remote

    options = options_without_storage(settings, "doctor")
    if effective_remote(options) is not None:
        return "the server's"
    if not options.uses_embedded_metastore:
        return "by SPARK_CONF; not tested here"
    try:
        with exclusive_lock(options.metastore_lock, purpose="userprofile doctor", timeout=0):
            return "embedded (Derby), free"
    except LockTimeoutError as error:
        return f"embedded (Derby), in use: {error.what}; others wait for it"


def storage(settings: Settings) -> str:
    """Show the configuration by which Spark reaches the object storage; secrets left out."""
    from userprofile_assets.warehouse.open_engine import effective_remote
    from userprofile_assets.warehouse.storage_conf import needs_jars, shown_conf

    options = session_options(settings, "doctor")
    uri = settings.effective_spark_uri
    if not needs_jars(uri):
        return f"{uri}, by Spark itself"
    if effective_remote(options) is not None:
        return f"{uri}, by the server's own configuration"
    jars = f"{len(options.jars)} jars of ours" if options.jars else "jars that Spark has"
    lines = [f"{key} = {value}" for key, value in shown_conf(options.storage).items()]
    return "\n".join([f"{uri}, by {jars} and", *lines])


def start(settings: Settings) -> str:
    """Tell whether local Spark starts with the class archive."""
    from userprofile_assets.warehouse.class_archive import archive_path
    from userprofile_assets.warehouse.java import find_java

    if archive_path(settings.home, find_java()).is_file():
        return "with the class archive"
    return "without a class archive; `userprofile spark archive` makes it start faster"
