"""`userprofile keys ...`: who may call the API.

Belongs here: commands and what they print. Does not belong here: keys at rest
(`serving/api_keys.py`), what a scope opens (`service/access.py`).
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from userprofile_assets.records.database import Records
    from userprofile_assets.serving.api_keys import ApiKey
    from userprofile_assets.settings import Settings

keys_app = typer.Typer(
    no_args_is_help=True,
    help="Keys of the API: who may call it, and what each may see.\n\n"
    "They are kept in the serving database, as hashes only.",
)


class ScopeName(StrEnum):
    """Those of `serving/api_keys.py`, which loads SQLAlchemy's neighbours."""

    AGGREGATES = "aggregates"
    USERS = "users"
    PII = "pii"


class Format(StrEnum):
    """How keys are printed."""

    TABLE = "table"
    JSON = "json"


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="Whose key it is, in your words.")],
    scopes: Annotated[
        list[ScopeName],
        typer.Option(
            "--scope",
            help="What it opens: `aggregates`; `users` (the profiles, and aggregates); `pii` "
            "(their uids). May be given several times.",
        ),
    ],
    rate: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, help="Requests a minute; USERPROFILE_API_RATE if not given."
        ),
    ] = None,
) -> None:
    """Make a key and print it, this once, on standard output.

    Example: `userprofile keys create shop --scope users --scope pii`
    """
    from userprofile_assets.serving.api_keys import Scope, create_key

    with _records() as records:
        key, text = create_key(records, name, [Scope(one.value) for one in scopes], rate=rate)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    _tell(
        f"This is the key {key.id} of {key.name}; it is not shown again. Scopes: {_scopes(key)}. "
        f"A running server knows it within 5 seconds. `userprofile keys revoke {key.id}` ends it."
    )


@keys_app.command("list")
def keys_list(
    output: Annotated[
        Format, typer.Option("--format", help="With `json` nothing else is on standard output.")
    ] = Format.TABLE,
) -> None:
    """List all keys, the revoked ones too; the keys themselves are not known."""
    from userprofile_assets.serving.api_keys import list_keys

    with _records() as records:
        keys = list_keys(records)
    if output is Format.JSON:
        from userprofile_assets.cli.catalog_json import write_list

        write_list(_as_json(key) for key in keys)
        return
    from rich.console import Console

    from userprofile_assets.cli.plain_text import Look, aligned

    if not keys:
        _tell(
            "There is no key: the API answers on loopback only, and asks nobody for one. "
            "`userprofile keys create NAME --scope aggregates` makes one."
        )
        return
    header = ("id", "name", "scopes", "a minute", "made", "last used", "revoked")
    rows = [
        (
            key.id,
            key.name,
            _scopes(key),
            str(key.rate or ""),
            _minute(key.created_at),
            _minute(key.last_used_at) or "never",
            _minute(key.revoked_at),
        )
        for key in keys
    ]
    _print(aligned(header, rows, Look.of(Console())))


@keys_app.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")],
) -> None:
    """Revoke a key, for ever; a running server refuses it within 5 seconds.

    The API stays closed when the last key is revoked.
    """
    from userprofile_assets.serving.api_keys import revoke_key

    with _records() as records:
        key = revoke_key(records, key_id)
    _tell(f"The key {key.id} of {key.name} is revoked since {key.revoked_at}.")


def _records() -> Records:
    from userprofile_assets.cli.serve import open_records_of

    return open_records_of(_settings())


def _settings() -> Settings:
    from userprofile_assets.settings import Settings

    return Settings.load()


def _as_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "rate": key.rate,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _scopes(key: ApiKey) -> str:
    return ", ".join(sorted(key.scopes))


def _minute(moment: str | None) -> str:
    """Return a moment without its seconds; in UTC, as it is kept."""
    return f"{moment[:16]}Z" if moment else ""


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _tell(message: str) -> None:
    sys.stderr.write(f"{message}\n")
