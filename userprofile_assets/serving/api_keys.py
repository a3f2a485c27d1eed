"""Keys of the API at rest: making, listing, revoking and finding them.

Belongs here: the table `api_key`. Does not belong here: what a scope opens (`service/access.py`),
the copy that a running server keeps (`service/keyring.py`).

A key is `up_<id>_<secret>`. Its SHA-256 is kept, and nothing else of it. A slow hash (argon2,
bcrypt) protects secrets that people choose, of 20 to 40 bits; this one is 256 random bits, which
nobody guesses from a hash however fast that is, and a slow hash would cost each request 50 ms.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import ApiKeyError
from userprofile_assets.records.moments import now_text
from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import sqlalchemy

    from userprofile_assets.records.database import Records

_PREFIX = "up"
# 40 bits name a key; they are no secret.
_ID_BYTES = 5
# As text 43 characters of base64url.
_SECRET_BYTES = 32
_LONGEST = 200
NAME_LENGTH = 100
"""Most characters of a name."""

# What an unknown id is compared with, so that it takes as long as a known one.
_NO_HASH = "0" * 64


class Scope(StrEnum):
    """What a key opens."""

    AGGREGATES = "aggregates"
    USERS = "users"
    PII = "pii"


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What is known of a key; not the key.

    Attributes:
        id: The part of it that is no secret.
        name: Whose it is, in the words of who made it.
        scopes: What it opens.
        rate: Requests a minute; None: USERPROFILE_API_RATE.
        created_at: When it was made, ISO 8601 in UTC.
        last_used_at: When it was used last, to the minute; None: never.
        revoked_at: When it was revoked; None: it is good.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    rate: int | None
    created_at: str
    last_used_at: str | None = None
    revoked_at: str | None = None


@dataclass(frozen=True)
class KnownKeys:
    """The keys of a database at one moment.

    Attributes:
        good: By id, each with its hash.
        revoked: How many others there are.
    """

    good: Mapping[str, tuple[str, ApiKey]]
    revoked: int

    @property
    def open(self) -> bool:
        """Whether no key was ever made.

        Not: whether none is good. Who revokes the last key shuts a door, and must not open it.
        """
        return not self.good and not self.revoked

    def find(self, text: str) -> ApiKey | None:
        """Return the good key that a text is, or None; takes as long whatever is wrong with it."""
        parts = text.split("_", 2)
        key_id = parts[1] if len(parts) == 3 and len(text) <= _LONGEST else ""
        stored, key = self.good.get(key_id, (_NO_HASH, None))
        same = hmac.compare_digest(stored, hash_of(text[:_LONGEST]))
        return key if same else None


def hash_of(text: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def create_key(
    records: Records, name: str, scopes: Collection[Scope], *, rate: int | None = None
) -> tuple[ApiKey, str]:
    """Make a key; returns it with its text, which is never seen again.

    Args:
        records: The database.
        name: Whose it is; needs not be unique.
        scopes: At least one.
        rate: Requests a minute, or None for USERPROFILE_API_RATE.

    Raises:
        ApiKeyError: The name is empty, too long or not printable, or there is no scope.
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    if not name.strip() or len(name) > NAME_LENGTH or not name.isprintable():
        raise ApiKeyError(
            f"a name is 1 to {NAME_LENGTH} printable characters",
            remedy="name who uses the key, such as `dashboard of the shop`",
        )
    if not scopes:
        raise ApiKeyError(
            "a key needs a scope",
            remedy="`--scope aggregates` opens the least; see docs/api-access.md",
        )
    key = ApiKey(
        id=secrets.token_hex(_ID_BYTES),
        name=name,
        scopes=frozenset(scopes),
        rate=rate,
        created_at=now_text(),
    )
    text = f"{_PREFIX}_{key.id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    table = serving_tables().api_key

    def insert(connection: sqlalchemy.Connection) -> None:
        values = {
            "id": key.id,
            "name": key.name,
            "key_hash": hash_of(text),
            "scopes": " ".join(sorted(key.scopes)),
            "rate": key.rate,
            "created_at": key.created_at,
        }
        connection.execute(table.insert(), [values])

    records.write(insert)
    return key, text


def list_keys(records: Records) -> list[ApiKey]:
    """Return all keys, the revoked ones too, oldest first.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    return [key for _, key in _read(records)]


def revoke_key(records: Records, key_id: str) -> ApiKey:
    """Revoke a key for ever; one that is revoked already stays as it is.

    Args:
        records: The database.
        key_id: Its id, or the whole key.

    Raises:
        ApiKeyError: There is no such key.
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    if key_id.startswith(f"{_PREFIX}_"):
        key_id = key_id.split("_", 2)[1]  # somebody has the whole key at hand
    found = next((key for key in list_keys(records) if key.id == key_id), None)
    if found is None:
        raise ApiKeyError(
            "there is no key with that id", remedy="`userprofile keys list` shows the ids"
        )
    if found.revoked_at is not None:
        return found
    revoked = replace(found, revoked_at=now_text())
    table = serving_tables().api_key
    records.write(
        lambda connection: connection.execute(
            table.update()
            .where(table.c.id == key_id, table.c.revoked_at.is_(None))
            .values(revoked_at=revoked.revoked_at)
        )
    )
    return revoked


def read_known_keys(records: Records) -> KnownKeys:
    """Return all keys with their hashes, as `service/keyring.py` keeps them.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    rows = _read(records)
    good = {key.id: (stored, key) for stored, key in rows if key.revoked_at is None}
    return KnownKeys(good, revoked=len(rows) - len(good))


def write_uses(records: Records, uses: Mapping[str, str]) -> None:
    """Keep when keys were used last.

    Args:
        records: The database.
        uses: A moment for each id.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    table = serving_tables().api_key

    def update(connection: sqlalchemy.Connection) -> None:
        for key_id, moment in sorted(uses.items()):
            statement = table.update().where(table.c.id == key_id)
            connection.execute(statement.values(last_used_at=moment))

    if uses:
        records.write(update)


def _read(records: Records) -> list[tuple[str, ApiKey]]:
    from sqlalchemy import select

    table = serving_tables().api_key
    rows = records.read(select(table).order_by(table.c.created_at, table.c.id))
    return [(row.key_hash, _key(row)) for row in rows]


def _key(row: sqlalchemy.Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=frozenset(_scopes(row.scopes.split())),
        rate=row.rate,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _scopes(names: Iterable[str]) -> Iterable[Scope]:
    """Yield the scopes that are known here, and those that they imply."""
    for name in names:
        if name in set(Scope):  # a newer version may have written others
            yield Scope(name)
            if name == Scope.USERS:
                yield Scope.AGGREGATES
