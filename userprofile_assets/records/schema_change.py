"""What a source looks like, and what differs between two looks at it.

Belongs here: plain values and their comparison. Does not belong here: keeping them
(`source_schemas.py`), looking at a source (`ingestion/table_source.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_INTEGER_WIDTH = re.compile(r"\b(tinyint|smallint|mediumint|int|integer|bigint|year)\s*\(\d+\)")
_LOG_FIELD = "line"
_NOT_KNOWN = frozenset({"", "unknown"})


@dataclass(frozen=True, kw_only=True)
class SourceColumn:
    """A column of a source.

    Attributes:
        name: Its name.
        type: As the source writes it.
        comment: Its comment there, or None.
        nullable: Whether it may be NULL.
        key: `primary`, `unique`, `index` (the first column of one), or None.
    """

    name: str
    type: str
    comment: str | None = None
    nullable: bool = True
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class SourceSchema:
    """A source as it was seen.

    Attributes:
        columns: In the order of the source.
        row_estimate: Rows by its statistics, or None.
        byte_estimate: Bytes by its statistics; of a file its size; or None.
        identity: Which source it is, without secrets; None where it is not known, as in rows
            that were kept before there was one.
    """

    columns: tuple[SourceColumn, ...]
    row_estimate: int | None = None
    byte_estimate: int | None = None
    identity: str | None = None


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """What differs between two looks at a source.

    Attributes:
        added: Columns that are new.
        missing: Columns that are gone.
        retyped: Columns of another type: name -> (former, now).
        commented: Columns of another comment: name -> (former, now).
        harmless: Of those missing or retyped the ones that nobody reads.
        another: Whether it is another source than before.
    """

    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    commented: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()
    another: bool = False

    @property
    def blocks(self) -> bool:
        """Whether, in the same source, a column that is read is missing or has another type."""
        return not self.another and any(
            name not in self.harmless for name in (*self.missing, *self.retyped)
        )

    @property
    def warns(self) -> bool:
        """Whether there is something to tell without blocking."""
        differ = self.another or self.added or self.missing or self.retyped
        return not self.blocks and bool(differ)

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.another or self.added or self.missing or self.retyped or self.commented)

    def __str__(self) -> str:
        """Say it in one line: `missing: zodiac; added: sign`."""
        parts = []
        if self.missing:
            parts.append(f"missing: {', '.join(self.missing)}")
        if self.retyped:
            shown = (f"{name} ({old} -> {new})" for name, (old, new) in self.retyped.items())
            parts.append(f"other type: {', '.join(shown)}")
        if self.added:
            parts.append(f"added: {', '.join(self.added)}")
        if self.commented:
            parts.append(f"other comment: {', '.join(self.commented)}")
        told = "; ".join(parts)
        if self.another:
            taken = "another source than before: its columns are taken as they are"
            return f"{taken} ({told})" if told else taken
        return told or "nothing changed"


def schema_from(facts: Mapping[str, Any]) -> SourceSchema:
    """Return what an observation or the `source` of a manifest says of a source.

    Args:
        facts: `observe_table`'s for a table, and its `identity`; for a log, with `bytes`, that of
            its manifest.
    """
    if "columns" not in facts:
        return SourceSchema(
            columns=(SourceColumn(name=_LOG_FIELD, type="string"),),
            byte_estimate=facts.get("bytes"),
        )
    keys = _keys(facts.get("keys") or ())
    return SourceSchema(
        columns=tuple(
            SourceColumn(
                name=column["name"],
                type=column["type"],
                comment=column.get("comment"),
                nullable=column.get("nullable", True),
                key=keys.get(column["name"]),
            )
            for column in facts["columns"]
        ),
        row_estimate=facts.get("row_estimate"),
        byte_estimate=facts.get("byte_estimate"),
        identity=facts.get("identity"),
    )


def _keys(keys: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Return for each column the strongest key it is in; of an index only the first counts."""
    found: dict[str, str] = {}
    for kind in ("index", "unique", "primary"):
        for key in keys:
            if key["kind"] == kind:
                columns = key["columns"][:1] if kind == "index" else key["columns"]
                found.update(dict.fromkeys(columns, kind))
    return found


def compare(
    former: SourceSchema, now: SourceSchema, *, used: Collection[str] | None = None
) -> SchemaChange:
    """Say what has changed between two looks.

    Names are compared without regard to case, as MySQL does; types without blanks, case and the
    display width of integers, which MySQL 8 no longer shows. The order does not matter: columns are
    read by name.

    Args:
        former: What was accepted last.
        now: What is there.
        used: Columns that are read; a change of others never blocks. None: all are.
    """
    before = {column.name.lower(): column for column in former.columns}
    after = {column.name.lower(): column for column in now.columns}
    both = [(before[name], after[name]) for name in before if name in after]
    missing = tuple(column.name for name, column in before.items() if name not in after)
    retyped = {new.name: (old.type, new.type) for old, new in both if _differ(old, new)}
    read = None if used is None else {name.lower() for name in used}
    return SchemaChange(
        added=tuple(column.name for name, column in after.items() if name not in before),
        missing=missing,
        retyped=retyped,
        commented={
            new.name: (old.comment, new.comment)
            for old, new in both
            if (old.comment or None) != (new.comment or None)
        },
        harmless=frozenset(
            name for name in (*missing, *retyped) if read is not None and name.lower() not in read
        ),
        another=None not in {former.identity, now.identity} and former.identity != now.identity,
    )


def _differ(old: SourceColumn, new: SourceColumn) -> bool:
    before, after = _plain_type(old.type), _plain_type(new.type)
    # A view of SQLite tells no types: what is not known is no change.
    return before != after and not {before, after} & _NOT_KNOWN


def _plain_type(text: str) -> str:
    plain = " ".join(text.lower().split())
    return plain if "zerofill" in plain else _INTEGER_WIDTH.sub(r"\1", plain)
