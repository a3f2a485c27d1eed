"""The data map as JSON; docs/catalog.md describes it.

Belongs here: the names and their order. Does not belong here: text for people
(`catalog_text.py`).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from userprofile_assets.cli.plain_text import visible_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from userprofile_assets.catalog.model import Catalog, Dataset, Place
    from userprofile_assets.catalog.search import Hit
    from userprofile_assets.catalog.walk import Walk
    from userprofile_assets.cli.catalog_facts import DatasetFacts


def write_list(values: Iterable[dict[str, Any]]) -> None:
    """Write one JSON array, an object a line."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    sys.stdout.write(visible_json(f"[\n{lines}\n]\n" if lines else "[]\n"))


def write_object(value: dict[str, Any]) -> None:
    """Write one JSON object."""
    sys.stdout.write(visible_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def summary(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset without its columns."""
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "layer": dataset.group,
        "description": dataset.description,
        "owner": dataset.owner,
        "tags": list(dataset.tags),
        "file": dataset.file,
        "column_count": len(dataset.columns),
        "dependencies": list(dataset.dependencies),
    }


def hit(found: Hit) -> dict[str, Any]:
    """Return a hit of a search."""
    return {
        **summary(found.dataset),
        "score": found.score,
        "matches": [match._asdict() for match in found.matches],
    }


def details(catalog: Catalog, dataset: Dataset, facts: DatasetFacts) -> dict[str, Any]:
    """Return everything about a dataset."""
    from userprofile_assets.catalog.model import Place

    seen = facts.source
    keys = {c.name: c.key for c in seen.schema.columns} if seen else {}
    return {
        **summary(dataset),
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "comment": column.comment,
                "pii": column.pii,
                "tags": list(column.tags),
                "partition": column.partition,
                "key": keys.get(column.name),
                "sources": [_place(Place(*source)) for source in column.sources],
            }
            for column in dataset.columns
        ],
        "upstream": [place.dataset for place in catalog.upstream(Place(dataset.name))],
        "downstream": [place.dataset for place in catalog.downstream(Place(dataset.name))],
        "source": seen
        and {
            "row_estimate": seen.schema.row_estimate,
            "byte_estimate": seen.schema.byte_estimate,
            "accepted": seen.accepted,
            "run_id": seen.run_id,
            "seen_at": seen.seen_at,
        },
        "partitions": [
            {
                **asdict(partition),
                "quality": asdict(facts.quality[partition.dt])
                if partition.dt in facts.quality
                else None,
            }
            for partition in facts.partitions
        ],
        "more_partitions": facts.more_partitions,
    }


def lineage(catalog: Catalog, walks: Sequence[Walk]) -> dict[str, Any]:
    """Return what walks from one place have reached: nodes and edges."""
    nodes: dict[Place, dict[str, Any]] = {}
    edges: set[tuple[Place, Place]] = set()
    for walk in walks:
        for place, distance in walk.distance.items():
            dataset = catalog.find(place.dataset)
            nodes[place] = {
                **_place(place),
                "kind": dataset.kind,
                "layer": dataset.group,
                "direction": None if place == walk.start else walk.direction,
                "distance": distance,
                "more": place in walk.cut or nodes.get(place, {}).get("more", False),
            }
        edges |= set(walk.edges())
    return {
        "start": _place(walks[0].start),
        "nodes": list(nodes.values()),
        "edges": [
            {"from": _place(one), "to": _place(other)}
            for one, other in sorted(edges, key=lambda edge: (str(edge[0]), str(edge[1])))
        ],
    }


def _place(place: Place) -> dict[str, str | None]:
    return {"dataset": place.dataset, "column": place.column}
