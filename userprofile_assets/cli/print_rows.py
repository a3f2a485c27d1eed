"""How rows of a query are printed: as a table for people or whole for programs.

Belongs here: the three formats. Does not belong here: where rows come from (`query.py`,
`query_serving.py`).
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from userprofile_assets.errors import QueryRefusedError

Rows = Iterable[Sequence[Any]]


def print_rows(output: str, names: Sequence[str], rows: Rows, *, limit: int) -> None:
    """Print rows on standard output.

    Args:
        output: `table`, `csv` or `json`.
        names: Of the columns.
        rows: The rows.
        limit: Most rows of `table`.
    """
    if output == "csv":
        write_csv(sys.stdout, names, rows)
    elif output == "json":
        write_json(sys.stdout, names, rows)
    else:
        print_table(Console(), names, rows, limit=limit)


def write_csv(out: IO[str], names: Sequence[str], rows: Rows) -> None:
    """Write a header and all rows, RFC 4180 quoting, LF line ends; NULL is an empty field."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([None if v is None else _plain(v) for v in row] for row in rows)


def write_json(out: IO[str], names: Sequence[str], rows: Rows) -> None:
    """Write all rows as one JSON array of objects, an object a line.

    What JSON does not know is null (NaN, infinity) or text.

    Raises:
        QueryRefusedError: Several columns have one name, of which an object could keep one.
    """
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        raise QueryRefusedError(
            f"JSON has no room for several columns of one name: {', '.join(double)}",
            where="the statement",
            remedy="give each column a name of its own (AS), or use --format csv",
        )
    separator = "[\n"
    for row in rows:
        values = {name: _finite(_plain(value)) for name, value in zip(names, row, strict=True)}
        out.write(separator + json.dumps(values, ensure_ascii=False))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def print_table(console: Console, names: Sequence[str], rows: Rows, *, limit: int) -> None:
    """Print the first rows as a table, and say so when there are more."""
    if not names:
        console.print("Done.")
        return
    table = Table(show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    shown = 0
    more = False
    for row in rows:
        if shown == limit:
            more = True
            break
        table.add_row(*(_for_people(value) for value in row))
        shown += 1
    console.print(table, markup=False)
    suffix = f"; there are more, see --limit and --format ({limit} shown)" if more else ""
    console.print(f"{shown} {'row' if shown == 1 else 'rows'}{suffix}", highlight=False)


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it; bytes become hex, what it lacks text.

    Decimals stay exact that way.
    """
    match value:
        case datetime():
            return value.isoformat(sep=" ")
        case bytes() | bytearray():
            return value.hex()
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def _finite(value: Any) -> Any:
    """Return a value of `_plain` without the numbers that JSON has no word for."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list():
            return [_finite(item) for item in value]
        case _:
            return value


def _for_people(value: Any) -> Any:
    """Return a cell: NULL by name, control characters visible, no markup."""
    from rich.text import Text

    if value is None:
        return Text("NULL", style="dim")
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in _text(value))
    return Text("".join(shown))


def _text(value: Any) -> str:
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, (dict, list)) else str(plain)
