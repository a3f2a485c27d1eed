"""The errors of this project: permanent or transient, each with what, where and what to do.

Belongs here: the two base classes and the few types that more than one room raises or catches.
Does not belong here: turning them into Dagster failures (`assets/failures.py`), retrying
(`ingestion/retry.py`).

A *permanent* error comes back on every try until a person changes something (404, a missing
column, an unknown table). A *transient* one may go away by itself (connection lost, 429, 5xx), so
it is retried. No message ever holds a secret: pass URLs through `redaction.redact_url` first.
"""

from __future__ import annotations


class UserProfileError(Exception):
    """Base of every error that this project raises on purpose.

    Args:
        what: What was attempted and what came back, in one sentence.
        where: The thing it happened on: a URL without secrets, a path, a table, a setting.
        remedy: What a person can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        parts = [what if where is None else f"{where}: {what}"]
        if remedy:
            parts.append(f"What to do: {remedy}")
        super().__init__("\n".join(parts))


class PermanentError(UserProfileError):
    """Comes back on every try until somebody changes something; never retried."""


class TransientError(UserProfileError):
    """May go away by itself; retried with backoff, then raised."""


class SettingsError(PermanentError):
    """A `USERPROFILE_*` variable is unknown, malformed or contradicts another one."""


class SourceMissingError(PermanentError):
    """The file, table or column that should be read is not there."""


class SourceError(PermanentError):
    """The source is there, but what it holds cannot be used: wrong encoding, broken archive."""


class SourceChangedError(PermanentError):
    """A column of the source is missing or has another type than when it was accepted."""


class SourceUnavailableError(TransientError):
    """The source did not answer, or the transfer broke off."""


class StorageError(PermanentError):
    """Object storage refused: no permission, no such bucket, an impossible key."""


class StorageFullError(StorageError):
    """No space left where the object should be written (ENOSPC, EDQUOT, EFBIG)."""


class StorageUnavailableError(TransientError):
    """Object storage did not answer, or the transfer to it broke off."""


class NotPublishedError(PermanentError):
    """A day that was asked for has no published object, or object and manifest disagree."""


class NotInCatalogError(PermanentError):
    """The data map has no dataset or column of that name."""


class RefusedDayError(PermanentError):
    """A day breaks a strong quality rule, so nothing is built on it."""


class RecordsError(PermanentError):
    """The database of the records (USERPROFILE_SERVING_URL) refused."""


class RecordsUnavailableError(TransientError):
    """The database of the records did not answer."""


class QueryTooSlowError(PermanentError):
    """A query of the API took longer than its limit and was cancelled, on the server too."""


class ApiKeyError(PermanentError):
    """A key of the API cannot be made, or there is none of that id."""


class QueryRefusedError(PermanentError):
    """A person's statement is none that reads, or the serving database does not understand it."""


class ServingError(RecordsError):
    """A day cannot be published to the serving database as it is: one uid twice, no number."""


class LockTimeoutError(TransientError):
    """Another process held a lock for longer than this one may wait."""


class SqlFileError(PermanentError):
    """A file of `sql/` cannot be used: it does not parse, or contradicts the others."""


class QualityFileError(PermanentError):
    """A `.yml` of `sql/` cannot be used: an unknown key, column or rule, a bad threshold."""


class SparkError(PermanentError):
    """Spark cannot start or refused a statement: Java missing, table differs from its file."""


class SparkTimeoutError(PermanentError):
    """A statement took longer than its limit and was cancelled, on the server too."""


class SparkEndedError(PermanentError):
    """The JVM of our own that Spark runs in has ended, and this process gets no other."""


class SparkUnavailableError(TransientError):
    """Spark, or the storage behind it, did not answer; or it was restarted in the middle."""
