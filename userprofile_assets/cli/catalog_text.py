"""The data map as text for people.

Belongs here: what stands where. Does not belong here: widths and escaping (`plain_text.py`), JSON
(`catalog_json.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.catalog.model import Place
from userprofile_assets.catalog.tree import tree_lines
from userprofile_assets.cli.plain_text import aligned, fold, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from userprofile_assets.catalog.dataset_facts import DatasetFacts
    from userprofile_assets.catalog.model import Catalog, Column, Dataset
    from userprofile_assets.catalog.search import Hit, Match
    from userprofile_assets.catalog.walk import Walk
    from userprofile_assets.cli.plain_text import Look

_MOST_SOURCES = 3
_MOST_MATCHES = 4
_RUN_DIGITS = 8
_HEADINGS = {"up": "Made from", "down": "Read by"}


def list_lines(datasets: Sequence[Dataset], look: Look) -> Iterator[str]:
    """Yield all datasets, by layer."""
    name_width = max((len(dataset.name) for dataset in datasets), default=0)
    layer = None
    for dataset in datasets:
        if dataset.group != layer:
            layer = dataset.group
            yield look.bold(visible(layer))
        head = f"  {dataset.name:<{name_width}}  {dataset.kind:<6}  "
        left = None if look.width is None else max(10, look.width - len(head))
        yield f"{head}{shortened(_first_line(dataset.description), left)}".rstrip()


def hit_lines(hits: Sequence[Hit], limit: int, look: Look) -> Iterator[str]:
    """Yield the best hits, each with where the words were found."""
    for hit in hits[:limit]:
        dataset = hit.dataset
        yield f"{look.bold(dataset.name)}  {look.dim(f'{dataset.group}, {dataset.kind}')}"
        for match in hit.matches[:_MOST_MATCHES]:
            yield f"  {shortened(_match(match), look.width and look.width - 2)}"
        more = len(hit.matches) - _MOST_MATCHES
        if more > 0:
            yield f"  and {more} more"


def dataset_lines(
    catalog: Catalog, dataset: Dataset, facts: DatasetFacts, look: Look
) -> Iterator[str]:
    """Yield everything about a dataset."""
    yield f"{look.bold(dataset.name)}  {look.dim(f'{dataset.group}, {dataset.kind}')}"
    for line in _paragraphs(dataset.description, look):
        yield from fold(visible(line), look.width or 10**9)
    yield ""
    place = Place(dataset.name)
    notes = {
        "owner": dataset.owner or "",
        "tags": ", ".join(dataset.tags),
        "file": dataset.file or "",
        "made from": ", ".join(other.dataset for other in catalog.upstream(place)),
        "read by": ", ".join(other.dataset for other in catalog.downstream(place)),
        "seen": _seen(facts),
    }
    width = max(len(name) for name in notes)
    for name, text in notes.items():
        if text:
            left = 10**9 if look.width is None else max(20, look.width - width - 2)
            for number, line in enumerate(fold(visible(text), left)):
                label = "" if number else name
                yield f"{look.dim(f'{label:<{width}}')}  {line}"
    yield ""
    yield from _column_lines(dataset, facts, look)
    if dataset.kind != "source":
        yield ""
        yield from _partition_lines(facts, look)


def lineage_lines(walks: Sequence[Walk], look: Look) -> Iterator[str]:
    """Yield a tree for each direction."""
    for number, walk in enumerate(walks):
        if number:
            yield ""
        yield look.bold(_HEADINGS[walk.direction])
        yield from tree_lines(walk, visible)


def _first_line(text: str) -> str:
    return visible(text.partition("\n")[0])


def _paragraphs(text: str, look: Look) -> list[str]:
    """Return the lines of a text; where they are folded anyway, each paragraph as one."""
    if look.width is None:
        return text.split("\n")
    lines: list[str] = []
    for line in text.split("\n"):
        goes_on = bool(lines and lines[-1] and line) and line.strip()[:1] not in {"-", "*"}
        if goes_on:
            lines[-1] = f"{lines[-1]} {line.strip()}"
        else:
            lines.append(line)
    return lines


def _match(match: Match) -> str:
    if match.where == "comment":
        return f"{match.column}: {visible(match.text)}"
    if match.where == "tag" and match.column is not None:
        return f"{match.column}: tag {visible(match.text)}"
    text = " ".join(match.text.split()) if match.where == "description" else match.text
    return f"{match.where} {visible(text)}"


def _seen(facts: DatasetFacts) -> str:
    seen = facts.source
    if seen is None:
        return ""
    parts = [f"{seen.seen_at[:16].replace('T', ' ')} UTC by run {seen.run_id[:_RUN_DIGITS]}"]
    if seen.schema.row_estimate is not None:
        parts.append(f"about {seen.schema.row_estimate:,} rows")
    if seen.schema.byte_estimate is not None:
        parts.append(f"{seen.schema.byte_estimate:,} bytes")
    if not seen.accepted:
        parts.append("its columns have changed and block runs, see `userprofile catalog accept`")
    return ", ".join(parts)


def _column_lines(dataset: Dataset, facts: DatasetFacts, look: Look) -> Iterator[str]:
    if not dataset.columns:
        yield "No column is known before the first run."
        return
    keys = {c.name: c.key for c in facts.source.schema.columns} if facts.source else {}
    rows = [
        (
            column.name,
            column.type,
            ", ".join(_marks(column, keys.get(column.name))),
            " ".join((column.comment or "").split("\n")),
            _sources(column, dataset),
        )
        for column in dataset.columns
    ]
    yield from aligned(("column", "type", "tags", "comment", "from"), rows, look)


def _marks(column: Column, key: str | None) -> list[str]:
    return [*(["pii"] if column.pii else []), *([f"{key} key"] if key else []), *column.tags]


def _sources(column: Column, dataset: Dataset) -> str:
    """Name where a column comes from; the table is left out where there is only one."""
    by_table: dict[str, list[str]] = {}
    for table, name in column.sources:
        by_table.setdefault(table, []).append(name)
    parts = []
    for table, names in by_table.items():
        more = len(names) - _MOST_SOURCES
        shown = ", ".join(names[:_MOST_SOURCES]) + (f", {more} more" if more > 0 else "")
        parts.append(shown if len(dataset.dependencies) == 1 else f"{table}: {shown}")
    return "; ".join(parts)


def _partition_lines(facts: DatasetFacts, look: Look) -> Iterator[str]:
    if not facts.partitions:
        yield "No partition is on record."
        return
    rows = []
    for partition in facts.partitions:
        quality = facts.quality.get(partition.dt)
        rows.append(
            (
                partition.dt,
                "" if partition.row_count is None else f"{partition.row_count:,}",
                "" if partition.byte_count is None else f"{partition.byte_count:,}",
                "not checked"
                if quality is None
                else ", ".join(f"{count} {state}" for state, count in quality.counts.items()),
                partition.run_id[:_RUN_DIGITS],
                partition.made_at[:16].replace("T", " "),
            )
        )
    yield from aligned(("dt", "rows", "bytes", "rules", "run", "made at, UTC"), rows, look)
    if facts.more_partitions:
        yield f"There are older ones; {len(facts.partitions)} shown, see --partitions."
