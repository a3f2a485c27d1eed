"""The parameters as OpenAPI describes them.

Belongs here: their schemas and examples. Does not belong here: reading them (`filters.py`), which
does not ask these.
"""

from __future__ import annotations

from typing import Any

from userprofile_assets.service.filters import BIGGEST, MOST_VALUES
from userprofile_assets.serving.read_filters import DIMENSIONS
from userprofile_assets.serving.read_users import FIELDS, MOST_PREFIX, SORTS

_EXAMPLES = {
    "country": "China",
    "region": "Zhejiang",
    "city": "Hangzhou",
    "device": "mobile",
    "gender": "female",
    "age_range": "30-40",
    "zodiac": "Leo",
}


def parameter(name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def choice(name: str, description: str, choices: list[str], default: str) -> dict[str, Any]:
    """Return a parameter that is one of some words."""
    return parameter(name, description, {"type": "string", "enum": choices, "default": default})


def whole(name: str, description: str, low: int, high: int, default: int | None) -> dict[str, Any]:
    """Return a parameter that is a whole number."""
    schema: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    return parameter(
        name, description, schema if default is None else schema | {"default": default}
    )


def words(name: str, description: str, choices: list[str], example: list[str]) -> dict[str, Any]:
    """Return a parameter that is words with commas between."""
    return parameter(
        name,
        description,
        {"type": "array", "items": {"type": "string", "enum": choices}, "minItems": 1},
        style="form",
        explode=False,
        example=example,
    )


def extra(*parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what a route adds to its description."""
    return {"parameters": list(parameters)}


def _filter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "example": _EXAMPLES.get(name)}
    empty = '; `""`: an empty text'
    if name == "is_registered":
        schema, empty = {"type": "string", "enum": ["true", "false", ""]}, ""
    return parameter(
        name,
        f"Only this {name}; repeated: any of them. Nothing behind `=` means: not known{empty}.",
        {"type": "array", "items": schema, "minItems": 1, "maxItems": MOST_VALUES},
        style="form",
        explode=True,
    )


DT = parameter(
    "dt",
    "Business date, `2024-08-07` or `20240807`; the newest published day if it is not given.",
    {"type": "string", "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})$"},
    example="2024-08-07",
)

FILTERS = [_filter(name) for name in DIMENSIONS]

USERS = [
    DT,
    whole("page_size", "Rows of a page; nothing to csv and ndjson.", 1, 1000, 100),
    parameter("cursor", "`next` of the page before.", {"type": "string"}),
    choice("sort", "Order; `-` is descending. Equal pv: in the uid's order.", list(SORTS), "uid"),
    words("fields", "Columns of a row, in their order.", list(FIELDS), ["uid", "pv"]),
    parameter(
        "uid_prefix",
        "How the uid begins; every character stands for itself.",
        {"type": "string", "maxLength": MOST_PREFIX},
    ),
    whole("pv_min", "Fewest page views.", -BIGGEST, BIGGEST, None),
    whole("pv_max", "Most page views.", -BIGGEST, BIGGEST, None),
    choice(
        "format",
        "Instead of the header Accept. csv and ndjson give the whole list at once.",
        ["json", "csv", "ndjson"],
        "json",
    ),
    *FILTERS,
]
