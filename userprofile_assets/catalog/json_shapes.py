"""The data map as plain values for JSON; docs/catalog.md describes them.

Belongs here: the names and their order, for the command and for the API. Does not belong here:
writing them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from userprofile_assets.catalog.model import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from userprofile_assets.catalog.dataset_facts import DatasetFacts
    from userprofile_assets.catalog.model import Catalog, Dataset
    from userprofile_assets.catalog.search import Hit
    from userprofile_assets.catalog.walk import Walk


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
