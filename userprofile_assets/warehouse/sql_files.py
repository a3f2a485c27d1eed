"""Find and read the files of `sql/`: `<layer>/<table>.sql`, each with a header comment.

`<table>.tutorial.sql` beside it takes its place under USERPROFILE_LOGIC=tutorial.

Belongs here: the directory, names, variants, encoding, the header. Does not belong here: what the
statements mean (`statements.py`, `ddl.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.table_model import SqlFile

if TYPE_CHECKING:
    from pathlib import Path

Logic = Literal["standard", "tutorial"]

_VARIANT = "tutorial"
# Dagster's asset names and the metastore, which knows lower case only, both take these.
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HEADER = re.compile(
    r"\s*(?:/\*(?P<block>.*?)\*/|(?P<lines>(?:[ \t]*--[^\n]*(?:\n|\Z))+))", re.DOTALL
)
_COMMENT_MARK = re.compile(r"[ \t]*(?:--|\*)? ?")


def read_sql_files(directory: Path, logic: Logic = "standard") -> list[SqlFile]:
    """Read the `<layer>/<table>.sql` under `directory`, sorted by path, one for each table.

    Hidden files and files with another ending are left out.

    Args:
        directory: The directory `sql/`.
        logic: With `tutorial`, `<table>.tutorial.sql` is read in place of `<table>.sql` where
            there is one. Otherwise such a file is left out.

    Raises:
        SqlFileError: There is no such directory or no file in it, or a file lies elsewhere than
            in a layer's directory, has a name that is no table name, is not UTF-8, or has no
            header comment; two files define one table; or a variant is not beside its file.
    """
    if not directory.is_dir():
        raise SqlFileError(
            "there is no such directory",
            where=str(directory),
            remedy="run from a complete checkout, or install the package again",
        )
    paths = [
        path
        for path in sorted(directory.rglob("*.sql"))
        if not any(part.startswith(".") for part in path.relative_to(directory).parts)
    ]
    files = [read_sql_file(path, root=directory) for path in _chosen(paths, directory, logic)]
    if not files:
        raise SqlFileError(
            "there is no <layer>/<table>.sql in it",
            where=str(directory),
            remedy="run from a complete checkout, or install the package again",
        )
    _check_one_file_each(files)
    return files


def _chosen(paths: list[Path], root: Path, logic: Logic) -> list[Path]:
    """Return the files of a logic: a table's variant, if it has one, or its plain file."""
    plain = {path for path in paths if "." not in path.stem}
    variants = {}
    for path in paths:
        if path in plain:
            continue
        name = path.relative_to(root).as_posix()
        table, _, variant = path.stem.partition(".")
        if variant != _VARIANT:
            raise SqlFileError(
                f"{variant!r} is no variant of a table",
                where=name,
                remedy=f"name it {table}.sql, or {table}.{_VARIANT}.sql if it takes the place of "
                f"{table}.sql under USERPROFILE_LOGIC={_VARIANT}",
            )
        base = path.with_name(f"{table}.sql")
        if base not in plain:
            raise SqlFileError(
                f"there is no {table}.sql beside it, whose place it could take",
                where=name,
                remedy=f"put {table}.sql into the same directory: both logics have the same tables",
            )
        variants[base] = path
    return [variants.get(path, path) if logic == _VARIANT else path for path in sorted(plain)]


def read_sql_file(path: Path, *, root: Path) -> SqlFile:
    """Read one file; `root` is the directory `sql/` that it is in.

    Raises:
        SqlFileError: See `read_sql_files`.
    """
    relative = path.relative_to(root)
    name = relative.as_posix()
    if len(relative.parts) != 2:
        raise SqlFileError(
            "the file is not in the directory of a layer",
            where=name,
            remedy="move it to <layer>/<table>.sql, such as ods/ods_raw_log_d_spark.sql",
        )
    layer, table = relative.parts[0], path.stem.removesuffix(f".{_VARIANT}")
    for part in (layer, table):
        if not _NAME.fullmatch(part):
            raise SqlFileError(
                f"{part!r} cannot be the name of a {'layer' if part is layer else 'table'}",
                where=name,
                remedy="use small letters, digits and underscores, a letter first",
            )
    try:
        # utf-8-sig: an editor on Windows may put a byte order mark first.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SqlFileError(
            f"the file cannot be read ({error.strerror})",
            where=name,
            remedy="make it readable for this user",
        ) from error
    except UnicodeDecodeError as error:
        raise SqlFileError(
            f"the file is not UTF-8 (byte {error.start})", where=name, remedy="save it as UTF-8"
        ) from error
    return SqlFile(
        path=path.absolute(),
        layer=layer,
        table=table,
        text=text,
        description=_description(text, name),
    )


def _description(text: str, name: str) -> str:
    """Return the header comment, without its marks."""
    header = _HEADER.match(text)
    body = "" if header is None else header["block"] or header["lines"] or ""
    lines = [_COMMENT_MARK.sub("", line, count=1).rstrip() for line in body.split("\n")]
    description = "\n".join(lines).strip()
    if not description:
        raise SqlFileError(
            "the file has no header comment",
            where=f"{name}:1",
            remedy="begin it with `-- ` lines that say what a row of the table is; "
            "they become the asset's description",
        )
    return description


def _check_one_file_each(files: list[SqlFile]) -> None:
    first: dict[str, SqlFile] = {}
    for file in files:
        other = first.setdefault(file.table, file)
        if other is not file:
            raise SqlFileError(
                f"the table {file.table} has two files: {other.name} and {file.name}",
                where=file.name,
                remedy="remove one of them, or give it the name of its own table",
            )
