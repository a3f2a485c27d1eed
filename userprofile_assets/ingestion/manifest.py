"""The manifest of one day: what was published, from which source, by which run.

Belongs here: its fields, its JSON, its key. Does not belong here: when it is written
(`publish.py`).

It lies beside the object as `_manifest.json`; Spark and Hive do not read names that begin with `_`.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import NotPublishedError

if TYPE_CHECKING:
    import builtins  # `bytes` is a field of Manifest

MANIFEST_NAME = "_manifest.json"

_KINDS: dict[str, tuple[type, ...]] = {
    "bytes": (int,),
    "rows": (int,),
    "source": (dict,),
    "versions": (dict,),
    "copied_from": (str, type(None)),
}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of one published object.

    Attributes:
        asset: Name of the asset that published it.
        bizdate: The day as `yyyymmdd`.
        key: The object's key.
        bytes: Its size.
        rows: Its rows by the rule of `publish.Sink`.
        sha256: Hex digest of its bytes.
        source: Facts about what was read: kind, redacted name, bytes or rows there.
        taken_at: When the source was read, ISO 8601 in UTC.
        published_at: When the object was published, ISO 8601 in UTC.
        run_id: The run that published it.
        copied_from: The bizdate whose bytes these are; None when they were read for this day.
        versions: Versions of this project and of Python.
    """

    asset: str
    bizdate: str
    key: str
    bytes: int
    rows: int
    sha256: str
    source: dict[str, Any]
    taken_at: str
    published_at: str
    run_id: str
    copied_from: str | None
    versions: dict[str, str]

    def to_json(self) -> builtins.bytes:
        """Return it as JSON, readable by people, the same bytes for the same manifest."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2, sort_keys=True)
        return f"{text}\n".encode()

    @classmethod
    def from_json(cls, data: builtins.bytes) -> Manifest:
        """Read a manifest; fields that this version does not know are left out.

        Raises:
            NotPublishedError: The bytes are no manifest; says which field is wrong.
        """
        try:
            values = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _unreadable(f"it is not JSON ({type(error).__name__})") from error
        if not isinstance(values, dict):
            raise _unreadable("it is not a JSON object")
        known: dict[str, Any] = {}
        for item in fields(cls):
            kinds = _KINDS.get(item.name, (str,))
            value = values.get(item.name)
            missing = item.name not in values
            if missing or isinstance(value, bool) or not isinstance(value, kinds):
                state = "is missing" if missing else f"is a {type(value).__name__}"
                raise _unreadable(f"its field {item.name!r} {state}")
            known[item.name] = value
        return cls(**known)


def manifest_key(object_key: str) -> str:
    """Return the key of the manifest beside an object: `a/b.txt` -> `a/_manifest.json`."""
    directory, slash, _ = object_key.rpartition("/")
    return f"{directory}{slash}{MANIFEST_NAME}"


def utc_now() -> str:
    """Return the time of the clock as manifests hold it: `2024-08-08T00:30:00Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def running_versions() -> dict[str, str]:
    """Return the versions that a manifest of this process holds."""
    try:
        own = version("userprofile_assets")
    except PackageNotFoundError:
        own = "not installed"
    return {"userprofile_assets": own, "python": platform.python_version()}


def _unreadable(why: str) -> NotPublishedError:
    return NotPublishedError(
        f"the manifest cannot be read: {why}",
        remedy="materialize the day again; that writes a new manifest",
    )
