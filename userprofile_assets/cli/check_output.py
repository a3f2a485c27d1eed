"""How `userprofile check` shows results: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from userprofile_assets.cli.plain_text import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from userprofile_assets.quality.rule import RuleResult, Status

_STYLES: dict[Status, str] = {
    "passed": "green",
    "warned": "yellow",
    "failed": "red",
    "unknown": "dim",
}


def print_results(console: Console, results: Sequence[RuleResult], day: str) -> None:
    """Print a line for each rule, then rows and SQL of those that failed, then the sum."""
    for table in dict.fromkeys(result.table for result in results):
        of_table = [result for result in results if result.table == table]
        console.print(Text(f"{table}, {day}", style="bold"))
        console.print(_table(of_table))
        for result in of_table:
            if result.status in {"failed", "warned"}:
                _print_why(console, result)
    console.print(_sum(results), highlight=False)


def print_json(results: Sequence[RuleResult]) -> None:
    """Print all results as one JSON array, a result an object."""
    found = [{**asdict(result), "blocks": result.blocks} for result in results]
    text = json.dumps([_finite(item) for item in found], ensure_ascii=False, indent=2)
    sys.stdout.write(f"{visible_json(text)}\n")


def _finite(result: dict[str, Any]) -> dict[str, Any]:
    # JSON has no NaN; such a value is told in the message.
    return {
        key: None if isinstance(value, float) and value - value != 0 else value
        for key, value in result.items()
    }


def _table(results: Sequence[RuleResult]) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for name in ("status", "strength", "rule", "what it says"):
        table.add_column(name, overflow="fold")
    for result in results:
        status = f"{result.status}, blocks" if result.blocks else result.status
        table.add_row(
            Text(status, style=_STYLES[result.status]),
            Text(result.strength),
            Text(result.rule),
            Text(visible(result.message)),
        )
    return table


def _print_why(console: Console, result: RuleResult) -> None:
    if result.sql:
        console.print(Text(f"  {result.rule}: {visible(_line(result.sql))}"), soft_wrap=True)
    if result.samples is None or not result.samples.rows:
        return
    table = Table(show_edge=False, pad_edge=False, title=f"rows of {result.rule}")
    for column in result.samples.columns:
        table.add_column(Text(column), overflow="fold")
    for row in result.samples.rows:
        table.add_row(
            *(Text("NULL", style="dim") if value is None else Text(visible(value)) for value in row)
        )
    console.print(table)


def _line(sql: str) -> str:
    return " ".join(sql.split())


def _sum(results: Sequence[RuleResult]) -> str:
    counts = {
        status: sum(result.status == status for result in results)
        for status in ("passed", "warned", "failed", "unknown")
    }
    said = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    blocking = sum(result.blocks for result in results)
    return f"{len(results)} rules: {said or 'none'}" + (f"; {blocking} block" if blocking else "")
