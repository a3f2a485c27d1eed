"""The data map: datasets, search, lineage; the same values as `userprofile catalog --format json`.

Belongs here: parameters. Does not belong here: the shapes (`catalog/json_shapes.py`), keeping the
map fresh (`open_map.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from userprofile_assets.catalog import json_shapes
from userprofile_assets.catalog.dataset_facts import DatasetFacts, read_facts
from userprofile_assets.catalog.model import Dataset
from userprofile_assets.catalog.search import search
from userprofile_assets.catalog.walk import walk
from userprofile_assets.errors import (
    NotInCatalogError,
    RecordsError,
    RecordsUnavailableError,
)
from userprofile_assets.service import threads
from userprofile_assets.service.access import Caller, Scope, needs
from userprofile_assets.service.answers import tagged_response
from userprofile_assets.service.context import context_of
from userprofile_assets.service.filters import Query, invalid
from userprofile_assets.service.open_map import open_map
from userprofile_assets.service.parameters import choice, extra, parameter, whole
from userprofile_assets.service.plain_route import PlainRoute
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.shapes import DatasetDetails, Datasets, Hits, Lineage

router = APIRouter(prefix="/catalog", tags=["catalog"], route_class=PlainRoute)

AnyCaller = Annotated[Caller, Depends(needs(Scope.AGGREGATES))]


@router.get(
    "/datasets",
    operation_id="catalog_datasets",
    responses={200: {"model": Datasets, "description": "The datasets."}},
)
async def datasets(request: Request, caller: AnyCaller) -> Response:
    """Return all datasets by layer, without their columns."""
    del caller
    Query(request, ())
    catalog = await open_map(request)
    data = [json_shapes.summary(dataset) for dataset in catalog.datasets]
    return tagged_response(request, {"data": data}, is_dated=False)


@router.get(
    "/datasets/{name}",
    operation_id="catalog_dataset",
    responses={200: {"model": DatasetDetails, "description": "The dataset."}},
    openapi_extra=extra(whole("partitions", "Most days, the newest first.", 0, 400, 7)),
)
async def dataset(request: Request, name: str, caller: AnyCaller) -> Response:
    """Return one dataset: columns, what it is made from, its days and what the rules said."""
    del caller
    query = Query(request, {"partitions"})
    days = query.integer("partitions", 7, 0, 400)
    catalog = await open_map(request)
    try:
        found = catalog.find(name)
    except NotInCatalogError as error:
        raise _unknown(error) from None
    facts = await threads.run("list", lambda: _facts(request, found, days))
    return tagged_response(request, json_shapes.details(catalog, found, facts), is_dated=False)


@router.get(
    "/search",
    operation_id="catalog_search",
    responses={200: {"model": Hits, "description": "What was found."}},
    openapi_extra=extra(
        parameter(
            "q",
            "Words that must all be found; a part of a word is enough.",
            {"type": "string"},
            required=True,
            example="region page views",
        )
    ),
)
async def found(request: Request, caller: AnyCaller) -> Response:
    """Find datasets by names, columns, comments, descriptions, owners and tags, the best first."""
    del caller
    words = (Query(request, {"q"}).one("q") or "").split()
    if not words:
        raise invalid("q", "write at least one word")
    catalog = await open_map(request)
    hits = await threads.run("catalog", lambda: search(catalog, words))
    return tagged_response(
        request, {"data": [json_shapes.hit(hit) for hit in hits]}, is_dated=False
    )


@router.get(
    "/lineage/{place}",
    operation_id="catalog_lineage",
    responses={200: {"model": Lineage, "description": "Places and edges."}},
    openapi_extra=extra(
        choice("direction", "Which way.", ["up", "down", "both"], "both"),
        whole("depth", "Most steps; all if not given.", 1, 1000, None),
    ),
)
async def lineage(request: Request, place: str, caller: AnyCaller) -> Response:
    """Return where a dataset or a column (`table.column`) comes from and what is made from it."""
    del caller
    query = Query(request, {"direction", "depth"})
    direction = query.choice("direction", ("up", "down", "both"), "both")
    depth = query.number("depth", 1, 1000)
    catalog = await open_map(request)
    try:
        start = catalog.place(place)
    except NotInCatalogError as error:
        raise _unknown(error) from None

    def walked() -> dict[str, Any]:
        walks = []
        if direction != "down":
            walks.append(walk(catalog, start, "up", depth=depth))
        if direction != "up":
            walks.append(walk(catalog, start, "down", depth=depth))
        return json_shapes.lineage(catalog, walks)

    return tagged_response(request, await threads.run("catalog", walked), is_dated=False)


def _facts(request: Request, dataset: Dataset, days: int) -> DatasetFacts:
    context = context_of(request)
    try:
        return read_facts(context.records, dataset, days)
    except (RecordsError, RecordsUnavailableError) as error:
        context.log(f"days of {dataset.name} and their quality are not known: {error}")
        return DatasetFacts()


def _unknown(error: NotInCatalogError) -> ProblemError:
    return ProblemError(
        404,
        "not-in-catalog",
        "Not in the catalogue",
        f"{error.what[0].upper()}{error.what[1:]}. /api/v1/catalog/datasets lists all.",
    )
