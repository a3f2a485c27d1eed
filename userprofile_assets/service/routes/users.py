"""Profiles: one user, or the list.

Belongs here: parameters, who may see which column, pages. Does not belong here: the SELECTs
(`serving/read_users.py`), cursors (`paging.py`), CSV and NDJSON (`streams.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import unquote_to_bytes

import orjson
import sqlalchemy
from fastapi import APIRouter, Depends, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.service import etags, paging, streams, threads
from userprofile_assets.service.access import Caller, Scope, needs
from userprofile_assets.service.answers import (
    JSON,
    asked_day,
    found_version,
    json_response,
    missing_day,
    query_problems,
    read,
)
from userprofile_assets.service.context import context_of
from userprofile_assets.service.filters import Query, invalid
from userprofile_assets.service.open_map import pii_fields, seal_of
from userprofile_assets.service.parameters import DT, USERS, extra
from userprofile_assets.service.plain_route import PlainRoute
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.request_limits import ANY_BYTES
from userprofile_assets.service.shapes import OneProfile, ProfilePage
from userprofile_assets.serving.read_days import day_versions, served_version
from userprofile_assets.serving.read_filters import DIMENSIONS
from userprofile_assets.serving.read_plan import Plan, plan_page
from userprofile_assets.serving.read_users import (
    FIELDS,
    MOST_PREFIX,
    SORTS,
    Key,
    Page,
    UserQuery,
    find_user,
    users_page,
)

router = APIRouter(tags=["users"], route_class=PlainRoute)

_LIST = {"dt", "page_size", "cursor", "sort", "fields", "uid_prefix", "pv_min", "pv_max", "format"}
_LIST |= set(DIMENSIONS)
_HELPS = (
    "A filter by country, region or device, a uid_prefix, or a narrow range of pv makes the list "
    "shorter to look for; `sort=uid` needs no sorting."
)
_MEDIA = {JSON: "json", "text/csv": "csv", "application/x-ndjson": "ndjson"}
_QUALITY = re.compile(r";\s*q=(0(?:\.\d*)?|1(?:\.0*)?)\s*$")


class _AnyText(Convertor[str]):
    """The rest of a path, line breaks included; Starlette's own `path` takes none."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Return it as it is."""
        return value


register_url_convertor("anytext", _AnyText())


@router.get(
    "/users/{uid:anytext}",
    operation_id="user",
    responses={200: {"model": OneProfile, "description": "The profile."}},
    openapi_extra=extra(DT),
)
async def user(
    request: Request, uid: str, caller: Annotated[Caller, Depends(needs(Scope.USERS))]
) -> Response:
    """Return the profile of one user on one day.

    The uid may be any text, percent-encoded: `/` as it is or as `%2F`. One that is longer than 255
    characters, or has characters that no database keeps, is found by its whole text, or by
    the shortened one that lists show.
    """
    _may_see(caller, "uid", {"uid"})
    query = Query(request, {"dt"})
    dt = await asked_day(request, query)
    uid = _as_sent(request, uid)

    reader = context_of(request).reader
    with query_problems(""):
        found = await threads.run("lookup", lambda: find_user(reader, dt, uid))
    if found is None:
        raise await read(request, lambda connection: missing_day(connection, dt))
    if found.row is None:
        raise ProblemError(
            404,
            "unknown-user",
            "No such user",
            f"No profile of {to_partition_key(found.dt)} has this uid. `A` is not `a`, and blanks "
            "count.",
            dt=found.dt,
        )
    sent = uid.encode("utf-8", "surrogateescape").hex()
    tag = etags.tag_of("user", found.dt, found.version, sent)
    head = etags.headers(tag, is_dated=dt is not None)
    if etags.is_known(request, tag):
        return etags.not_modified(head)
    return json_response({"dt": found.dt, **dict(zip(FIELDS, found.row, strict=True))}, head)


def _as_sent(request: Request, uid: str) -> str:
    """Return a uid with bytes that are no UTF-8 as `surrogateescape` decodes them.

    A log has such users, and the path that the server decodes has U+FFFD in their place.
    """
    raw: bytes = request.scope.get("raw_path") or b""
    if not raw.startswith(ANY_BYTES):
        return uid
    return unquote_to_bytes(raw.removeprefix(ANY_BYTES)).decode("utf-8", "surrogateescape")


@router.get(
    "/users",
    operation_id="users",
    responses={
        200: {
            "model": ProfilePage,
            "description": "A page; as CSV or NDJSON the whole list.",
            "content": {
                "text/csv": {
                    "schema": {"type": "string"},
                    "example": "uid,pv\r\nuser00000042,17\r\n",
                },
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": '{"uid":"user00000042","pv":17}\n',
                },
            },
        },
        410: {"description": "The day was published anew since the first page."},
    },
    openapi_extra=extra(*USERS),
)
async def users(
    request: Request, caller: Annotated[Caller, Depends(needs(Scope.USERS))]
) -> Response:
    """Return the profiles of one day, page by page; or all of them as CSV or NDJSON.

    `next` is the `cursor` of the next page. Pages fit together whatever is published meanwhile:
    once the day is published anew, a cursor is answered with 410, and the list begins anew.
    """
    query = Query(request, _LIST)
    asked = await _asked(request, query, caller)
    dt = await asked_day(request, query)
    kind = query.choice("format", list(_MEDIA.values()), _accepted(request))
    size = query.integer("page_size", 100, 1, 1000)
    text = query.one("cursor")
    cursor = None
    if text is not None:
        sealed_only = not caller.may(Scope.PII)
        cursor = paging.decode(text, asked, seal_of(request), sealed_only=sealed_only)
    if cursor is not None and dt not in {None, cursor.dt}:
        raise invalid("dt", "the cursor is one of another day")
    listing = _Listing(request, asked, dt if cursor is None else cursor.dt, cursor, text)
    if kind == "json":
        return await listing.page(size, caller, is_dated=dt is not None)
    return await listing.stream(kind, is_dated=dt is not None)


class _Listing:
    """One list of one request."""

    def __init__(
        self,
        request: Request,
        asked: UserQuery,
        dt: str | None,
        cursor: paging.Cursor | None,
        cursor_text: str | None,
    ) -> None:
        self._request = request
        self._asked = asked
        self._dt = dt
        self._after = None if cursor is None else cursor.key
        self._version = None if cursor is None else cursor.version
        self._cursor_text = cursor_text
        self._plan: Plan | None = None

    async def page(self, size: int, caller: Caller, *, is_dated: bool) -> Response:
        """Return one page as JSON."""
        day, version, found = await read(
            self._request,
            lambda connection: self._read(connection, size),
            kind="list",
            helps=_HELPS,
        )
        following = None
        if found is not None and found.last is not None:
            seal = None if caller.may(Scope.PII) else seal_of(self._request)
            cursor = paging.Cursor(day, version, found.last)
            following = paging.encode(cursor, self._asked, seal)
        head = self._head(day, version, "json", size, is_dated=is_dated)
        if found is None:
            return etags.not_modified(head)
        rows = [dict(zip(self._asked.fields, row, strict=True)) for row in found.rows]
        return Response(
            orjson.dumps({"dt": day, "data": rows, "next": following}),
            headers=head,
            media_type=JSON,
        )

    async def stream(self, kind: str, *, is_dated: bool) -> Response:
        """Return the whole list as CSV or NDJSON."""
        day, version, found = await read(
            self._request,
            lambda connection: self._read(connection, streams.ROWS, kind),
            kind="list",
            helps=_HELPS,
        )
        head = self._head(day, version, kind, None, is_dated=is_dated)
        if found is None:
            return etags.not_modified(head)
        self._dt, self._version = day, version
        media = streams.CSV if kind == "csv" else streams.NDJSON
        head["Content-Disposition"] = f'attachment; filename="users_{day}.{kind}"'
        first = self._piece(kind, found)
        if kind == "csv":
            first = streams.csv_line(self._asked.fields).encode() + first[0], first[1]
        return streams.PieceResponse(first, head, media, context_of(self._request).log)

    def _piece(self, kind: str, page: Page) -> streams.Piece:
        fields = self._asked.fields
        lines = (
            streams.csv_lines(page.rows)
            if kind == "csv"
            else streams.ndjson_lines(page.rows, fields)
        )
        last = page.last
        if last is None:
            return lines, None

        async def following() -> streams.Piece | None:
            return await read(
                self._request,
                lambda connection: self._next_piece(connection, kind, last),
                kind="list",
                helps=_HELPS,
            )

        return lines, following

    def _next_piece(
        self, connection: sqlalchemy.Connection, kind: str, after: Key
    ) -> streams.Piece | None:
        day, version = served_version(connection, self._dt)
        if day is None or version != self._version:
            return None
        page = self._page(connection, day, after, streams.ROWS)
        return self._piece(kind, page)

    def _read(
        self, connection: sqlalchemy.Connection, size: int, kind: str = "json"
    ) -> tuple[str, str, Page | None]:
        """Return day, version and rows; no rows if the caller has them."""
        if self._version is None:
            day, version = found_version(connection, self._dt)
        else:
            day, version = self._same_version(connection)
        tag = self._tag(day, version, kind, size if kind == "json" else None)
        if etags.is_known(self._request, tag):
            return day, version, None
        return day, version, self._page(connection, day, self._after, size)

    def _page(
        self, connection: sqlalchemy.Connection, day: str, after: Key | None, size: int
    ) -> Page:
        if self._plan is None:
            versions = day_versions(connection, day)
            self._plan = plan_page(connection, day, versions, self._asked, size)
        index, query, is_empty = self._plan
        if is_empty:
            return Page([], None)
        return users_page(connection, day, query, after=after, size=size, index=index)

    def _same_version(self, connection: sqlalchemy.Connection) -> tuple[str, str]:
        day, version = served_version(connection, self._dt)
        if day is None or version is None:
            raise missing_day(connection, self._dt)
        if version != self._version:
            raise ProblemError(
                410,
                "day-changed",
                "The day was published anew",
                f"{to_partition_key(day)} was published anew since the first page; begin anew "
                "without cursor.",
                dt=day,
            )
        return day, version

    def _tag(self, day: str, version: str, kind: str, size: int | None) -> str:
        asked = self._asked
        # Not the key of the cursor: it has a uid, which a caller who may not see it could find by
        # trying, knowing all the rest.
        return etags.tag_of(
            "users", day, version, paging.digest(asked), asked.fields, kind, size, self._cursor_text
        )

    def _head(
        self, day: str, version: str, kind: str, size: int | None, *, is_dated: bool
    ) -> dict[str, str]:
        return etags.headers(self._tag(day, version, kind, size), is_dated=is_dated)


async def _asked(request: Request, query: Query, caller: Caller) -> UserQuery:
    """Read the list that is asked for, and whether the caller may see it."""
    hidden: frozenset[str] = frozenset()
    if not caller.may(Scope.PII):
        hidden = await pii_fields(request)
    fields = query.words("fields", FIELDS)
    for name in fields or ():
        _may_see(caller, name, hidden)
    sort = query.choice("sort", SORTS, "uid")
    if "sort" in query:
        _may_see(caller, sort.lstrip("-"), hidden)
    for name in (*DIMENSIONS, "uid_prefix", "pv_min", "pv_max"):
        if name in query:
            _may_see(caller, name.partition("_m")[0].removesuffix("_prefix"), hidden)
    prefix = query.one("uid_prefix") or ""
    if len(prefix) > MOST_PREFIX:
        raise invalid("uid_prefix", f"write {MOST_PREFIX} characters at most")
    return UserQuery(
        filters=query.filters(),
        uid_prefix=prefix,
        pv_min=query.number("pv_min"),
        pv_max=query.number("pv_max"),
        sort=sort,
        fields=tuple(fields or (name for name in FIELDS if name not in hidden)),
    )


def _may_see(caller: Caller, name: str, hidden: Sequence[str] | frozenset[str] | set[str]) -> None:
    if name in hidden and not caller.may(Scope.PII):
        raise ProblemError(
            403,
            "missing-scope",
            "The key lacks a scope",
            f"{name} is personal data; it needs a key with the scope {Scope.PII}.",
            scope=str(Scope.PII),
        )


def _accepted(request: Request) -> str:
    """Return the format that the caller likes best; JSON if it likes none of ours."""
    best, kind = 0.0, "json"
    for part in ",".join(request.headers.getlist("accept")).split(","):
        media, _, _ = part.strip().partition(";")
        found = _QUALITY.search(part.strip())
        quality = float(found[1]) if found else 1.0
        name = _MEDIA.get(media.strip().lower())
        if media.strip() in {"*/*", "application/*"}:
            name = "json"
        if name is not None and quality > best:
            best, kind = quality, name
    return kind
