"""The files `sql/<layer>/<table>.yml`: what people say about a table, and its rules.

Belongs here: which file is whose, its keys. Does not belong here: rules (`rule_parser.py`).

`<table>.tutorial.yml` takes the place of `<table>.yml` under USERPROFILE_LOGIC=tutorial; where
there is none, the plain file holds for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from userprofile_assets.errors import QualityFileError
from userprofile_assets.quality.known_columns import Columns, KnownColumns
from userprofile_assets.quality.masking import tells_values
from userprofile_assets.quality.rule_parser import RuleParser
from userprofile_assets.quality.yaml_nodes import Node, nearest, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from userprofile_assets.quality.rule import Rule

Logic = Literal["standard", "tutorial"]

_VARIANT = "tutorial"
_KEYS = ("description", "owner", "tags", "columns", "rules")
_COLUMN_KEYS = ("comment", "pii", "tags")


@dataclass(frozen=True)
class ColumnDoc:
    """What the file says about a column.

    Args:
        comment: Takes the place of the SQL's COMMENT; None: that one holds.
        pii: Whether its values tell something about a person, so that nobody may see them.
        tags: Words to find it by.
    """

    comment: str | None = None
    pii: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableDoc:
    """What the file says about a table; empty for a table without a file.

    Args:
        table: The table.
        file: Relative to `sql/`, such as `ods/orders.yml`; None if there is none.
        description: Takes the place of the SQL file's header; None: that one holds.
        owner: Who answers for it.
        tags: Words to find it by.
        columns: Column -> what is said about it; only those that the file names.
        rules: In the order of the file.
    """

    table: str
    file: str | None = None
    description: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    columns: Mapping[str, ColumnDoc] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict, repr=False)

    def is_pii(self, column: str) -> bool:
        """Tell whether nobody may see the values of a column."""
        found = self.columns.get(column)
        return found is not None and found.pii


def read_table_docs(
    directory: Path, columns: Columns, logic: Logic = "standard"
) -> dict[str, TableDoc]:
    """Read all files under `sql/`.

    Args:
        directory: The directory `sql/`.
        columns: All tables with names and types of their columns, `dt` included.
        logic: Whose variants are read.

    Returns:
        Something for each table of `columns`.

    Raises:
        QualityFileError: A file belongs to no table, or cannot be used; names file and line.
    """
    docs = {table: TableDoc(table, types=dict(known)) for table, known in columns.items()}
    for path in sorted(directory.rglob("*.y*ml")):
        relative = path.relative_to(directory)
        if any(part.startswith(".") for part in relative.parts):
            continue
        name = relative.as_posix()
        table = _table_of(path, name, columns)
        is_variant = path.stem != table
        other = path.with_name(f"{table}.{_VARIANT}.yml")
        if is_variant if logic == "standard" else not is_variant and other.is_file():
            # It does not hold, but what is wrong with it should not wait for the other logic.
            _read(path, name, table, columns)
            continue
        docs[table] = _read(path, name, table, columns)
    return {table: _knowing(doc, docs) for table, doc in docs.items()}


def _knowing(doc: TableDoc, docs: Mapping[str, TableDoc]) -> TableDoc:
    """Return what a file says, with what the files of other tables say of columns in its rules."""
    rules = tuple(
        replace(rule, other=replace(rule.other, hidden=True))
        if rule.other
        and rule.other.aggregate
        and tells_values(rule.other.aggregate, docs[rule.other.table])
        else rule
        for rule in doc.rules
    )
    return replace(doc, rules=rules)


def _table_of(path: Path, name: str, columns: Columns) -> str:
    table, _, variant = path.stem.partition(".")
    if path.suffix != ".yml" or variant not in {"", _VARIANT}:
        raise QualityFileError(
            "this name is none of a file about a table",
            where=name,
            remedy=f"name it {table}.yml, or {table}.{_VARIANT}.yml",
        )
    if table not in columns or not path.with_name(f"{table}.sql").is_file():
        raise QualityFileError(
            f"there is no table {table!r} beside it{nearest(table, columns)}",
            where=name,
            remedy=f"put it beside {table}.sql",
        )
    return table


def _read(path: Path, name: str, table: str, columns: Columns) -> TableDoc:
    root = read_yaml(path, name)
    entries = root.entries("the file", _KEYS)
    known = KnownColumns(table, columns)
    about = _columns(entries["columns"], known) if "columns" in entries else {}
    pii = frozenset(column for column, said in about.items() if said.pii)
    return TableDoc(
        table=table,
        file=name,
        description=_text(entries, "description"),
        owner=_text(entries, "owner"),
        tags=entries["tags"].texts("tags") if "tags" in entries else (),
        columns=about,
        rules=_rules(entries["rules"], RuleParser(known, pii)) if "rules" in entries else (),
        types=dict(columns[table]),
    )


def _text(entries: Mapping[str, Node], key: str) -> str | None:
    return entries[key].text(key) if key in entries else None


def _columns(node: Node, known: KnownColumns) -> dict[str, ColumnDoc]:
    found = {}
    for column, said in node.entries("columns").items():
        known.column(column, Node(node.file, node.key_lines[column], column, {}))
        if isinstance(said.value, str):
            found[column] = ColumnDoc(comment=said.text("a comment"))
            continue
        entries = said.entries("a column", _COLUMN_KEYS)
        found[column] = ColumnDoc(
            comment=_text(entries, "comment"),
            pii=entries["pii"].flag("pii") if "pii" in entries else False,
            tags=entries["tags"].texts("tags") if "tags" in entries else (),
        )
    return found


def _rules(node: Node, parser: RuleParser) -> tuple[Rule, ...]:
    if node.value is not None and not isinstance(node.value, tuple):
        raise node.error("rules is not a list", "begin each rule with `- `")
    rules: dict[str, Rule] = {}
    for item in node.value or ():
        rule = parser.read(item)
        if rule.name in rules:
            raise item.error(
                f"there are two rules {rule.name}, the first at {rules[rule.name].where_from}",
                "give one of them a `name` of its own",
            )
        rules[rule.name] = rule
    return tuple(rules.values())
