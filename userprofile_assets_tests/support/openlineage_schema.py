"""JSON schemas of OpenLineage's events and facets, made from the classes of openlineage-python.

The client's classes are generated from the published schemas (its `generated/` directory), each
naming the one that it is of; no package brings the schemas themselves. So what is checked here is:
every field is one of its class, the required ones are there, types and formats are right, and each
facet stands under the kind of thing (run, job, dataset, input, output) that its class is for.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
import types
import typing
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import generated  # noqa: TID253 - a test may load it
from openlineage.client.generated import base  # noqa: TID253 - a test may load it

# What the published schemas say of these fields besides their type.
_FORMATS = {
    "eventTime": "date-time",
    "nominalStartTime": "date-time",
    "nominalEndTime": "date-time",
    "runId": "uuid",
    "producer": "uri",
    "schemaURL": "uri",
    "_producer": "uri",
    "_schemaURL": "uri",
}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def validate(event: dict[str, Any]) -> None:
    """Check an event as it was sent, its facets each by the class that their `_schemaURL` names.

    Raises:
        jsonschema.ValidationError: Something in it is not as its schema says.
    """
    _check(event, base.RunEvent)
    places = [
        (event["run"].get("facets"), base.RunFacet),
        (event["job"].get("facets"), base.JobFacet),
    ]
    for dataset in event["inputs"]:
        places += [(dataset.get("facets"), base.DatasetFacet)]
        places += [(dataset.get("inputFacets"), base.InputDatasetFacet)]
    for dataset in event["outputs"]:
        places += [(dataset.get("facets"), base.DatasetFacet)]
        places += [(dataset.get("outputFacets"), base.OutputDatasetFacet)]
    for facets, kind in places:
        for name, facet in (facets or {}).items():
            cls = _facet_classes()[facet["_schemaURL"]]
            assert issubclass(cls, kind), f"{name} is no {kind.__name__}"
            _check(facet, cls)


_FORMAT_CHECKER = FormatChecker()


@_FORMAT_CHECKER.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return isinstance(text, str) and "T" in text and datetime.fromisoformat(text).tzinfo is not None


@_FORMAT_CHECKER.checks("uri")
def _is_uri(text: object) -> bool:
    return isinstance(text, str) and bool(urlsplit(text).scheme)


def _check(value: Any, cls: type) -> None:
    Draft202012Validator(_schema(cls), format_checker=_FORMAT_CHECKER).validate(value)


@cache
def _facet_classes() -> dict[str, type]:
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for cls in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(cls, type) and issubclass(cls, base.BaseFacet):
                found[cls._get_schema()] = cls
    return found


@cache
def _schema(cls: type) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    return {**_reference(cls, definitions), "$defs": definitions}


def _reference(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a reference to a class's schema: a field of a struct has fields of its own."""
    name = f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
    if name not in definitions:
        definitions[name] = {}
        attr.resolve_types(cls)
        fields = attr.fields(cls)
        definitions[name] = {
            "type": "object",
            "properties": {field.name: _field(field, definitions) for field in fields},
            "required": [field.name for field in fields if _is_required(field)],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _is_required(field: Any) -> bool:
    if field.default is attr.NOTHING:
        return True
    # The client fills these in by itself, so that they have a default there.
    return field.name in _FORMATS and type(None) not in typing.get_args(field.type)


def _field(field: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _of(field.type, definitions)
    return {**schema, "format": _FORMATS[field.name]} if field.name in _FORMATS else schema


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    schema: dict[str, Any] = {}
    if origin in {typing.Union, types.UnionType}:
        some = [_of(arg, definitions) for arg in args if arg is not type(None)]
        schema = some[0] if len(some) == 1 else {"anyOf": some}
    elif origin is list:
        schema = {"type": "array", "items": _of(args[0], definitions)}
    elif origin is dict:
        # Facets are looked at by their own classes.
        loose = isinstance(args[1], type) and issubclass(args[1], base.BaseFacet)
        schema = {
            "type": "object",
            "additionalProperties": {} if loose else _of(args[1], definitions),
        }
    elif kind in _PLAIN:
        schema = {"type": _PLAIN[kind]}
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        schema = {"enum": [member.value for member in kind]}
    elif attr.has(kind):
        schema = _reference(kind, definitions)
    return schema
