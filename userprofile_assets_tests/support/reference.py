"""The tables of a day by docs/processing.md: the second opinion on `sql/`.

Belongs here: quarantine, joins, profiles and counts, from the bytes of a log, the registered users
and the rows of the dimension tables. Does not belong here: lines (`reference_lines.py`), what they
mean (`reference_log.py`), running the SQL (`processing.py`).

Written from the page, not from the SQL: where the two differ, one of them or the page is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from userprofile_assets_tests.support.reference_lines import Line, Rules, read_lines
from userprofile_assets_tests.support.reference_log import Knowledge, log_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = dict[str, Any]
    User = tuple[str | None, str | None, str | None, str | None]

_TEXT = pl.String
_LOG = {
    **dict.fromkeys(("ip", "uid", "time", "status", "bytes", "region", "method", "url"), _TEXT),
    **dict.fromkeys(("protocol", "referer", "device", "identity", "country", "city"), _TEXT),
    **dict.fromkeys(("browser", "os", "anonymous_id"), _TEXT),
    "event_time": pl.Int64,
    "is_page_view": pl.Boolean,
}
_USERS = dict.fromkeys(("uid", "gender", "age_range", "zodiac"), _TEXT)
_PERSON = ("gender", "age_range", "zodiac")
_PLACE = ("country", "region")
_OF_LINE = ("region", "device", "identity", "method", "url", "referer", "time")
_DWS = ("uid", *_PERSON, *_OF_LINE, "country", "city", "event_time", "is_page_view")


@dataclass(frozen=True)
class ReferenceDay:
    """One day, computed without Spark.

    Args:
        lines: The lines of the log.
        users: The registered users: uid, gender, age_range, zodiac.
        rules: The settings.
        key: Key of the log's object.
        knowledge: The dimension tables.
    """

    lines: Sequence[Line]
    users: Sequence[User]
    rules: Rules
    key: str
    knowledge: Knowledge

    def outcomes(self) -> dict[str, int]:
        """Return the number of lines by outcome."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.outcome] = found.get(line.outcome, 0) + 1
        return found

    def quarantine(self) -> list[Row]:
        """Return `dwd_log_quarantine_di_spark`."""
        return [
            {
                "file": self.key,
                "line_number": line.number,
                "reason": line.outcome,
                "text": line.raw.decode("utf-8", "backslashreplace"),
            }
            for line in self.lines
            if line.outcome not in ("parsed", "outside")
        ]

    @cached_property
    def log(self) -> list[Row]:
        """Rows of the parsed lines."""
        return [
            log_row(line, self.knowledge, self.rules)
            for line in self.lines
            if line.outcome == "parsed"
        ]

    def parsed(self) -> list[Row]:
        """Return `dwd_log_info_di_spark`."""
        return self.log

    def joined(self) -> list[Row]:
        """Return `dws_user_info_all_di_spark`."""
        return self._joined.to_dicts()

    def profiles(self) -> list[Row]:
        """Return `ads_user_info_1d_spark`."""
        return self._profiles.to_dicts()

    def places(self) -> list[Row]:
        """Return `ads_region_pv_1d_spark`."""
        views = self._joined.filter("is_page_view")
        counts = views.group_by(*_PLACE, "city").agg(
            people=pl.col("uid").drop_nulls().n_unique().cast(pl.Int64),
            pv=pl.len().cast(pl.Int64),
        )
        return counts.to_dicts()

    def traffic(self) -> list[Row]:
        """Return `ads_traffic_1d_spark`."""
        parsed: dict[tuple[str, str], list[bool]] = {}
        for row in self.log:
            parsed.setdefault((row["identity"], row["device"]), []).append(row["is_page_view"])
        known = [("parsed", *client, len(of), sum(of)) for client, of in parsed.items()]
        others = [
            (outcome, None, None, number, 0)
            for outcome, number in self.outcomes().items()
            if outcome != "parsed"
        ]
        names = ("outcome", "identity", "device", "line_count", "pv")
        return [dict(zip(names, row, strict=True)) for row in (*known, *others)]

    def registrations(self) -> list[Row]:
        """Return `ads_city_registration_1d_spark`."""
        uids = self._users.filter(~_is_nobody()).select("uid").unique()
        homes = self._profiles.select("uid", *_PLACE, "city").filter(pl.col("city").is_not_null())
        counts = (
            uids.join(homes, on="uid", how="left")
            .group_by(*_PLACE, "city")
            .agg(registered_users=pl.len().cast(pl.Int64))
            .to_dicts()
        )
        sizes = [row["registered_users"] for row in counts if row["city"] is not None]
        for row in counts:
            larger = sum(size > row["registered_users"] for size in sizes)
            row["city_rank"] = None if row["city"] is None else larger + 1
        return counts

    @cached_property
    def _users(self) -> pl.DataFrame:
        return pl.DataFrame(list(self.users), schema=_USERS, orient="row")

    @cached_property
    def _people(self) -> pl.DataFrame:
        """Registered users as they are joined."""
        if self.rules.logic == "tutorial":
            return self._users
        return (
            self._users.filter(~_is_nobody())
            .sort(*_PERSON, descending=True, nulls_last=True)
            .unique("uid", keep="first", maintain_order=True)
        )

    @cached_property
    def _joined(self) -> pl.DataFrame:
        log = pl.DataFrame(self.log, schema=_LOG)
        people = self._people.with_columns(is_registered=True)
        if self.rules.logic != "tutorial":
            visitor = pl.when(_is_nobody()).then("anonymous_id").otherwise("uid")
            log = log.with_columns(visitor.alias("uid")).filter(pl.col("uid").is_not_null())
        joined = log.join(people, on="uid", how="left").select(*_DWS, "is_registered")
        if self.rules.logic != "tutorial" and self.rules.inactive_users:
            idle = people.join(log, on="uid", how="anti").with_columns(is_page_view=False)
            joined = pl.concat([joined, idle], how="diagonal")
        return joined.with_columns(pl.col("is_registered").fill_null(value=False))

    @cached_property
    def _profiles(self) -> pl.DataFrame:
        if self.rules.logic == "tutorial":
            columns = [*_PLACE, "city", "device", *_PERSON, "is_registered"]
            return self._joined.group_by("uid").agg(
                pl.len().cast(pl.Int64).alias("pv"), *(pl.col(name).max() for name in columns)
            )
        views = self._joined.filter("is_page_view")
        place = _most(views, _PLACE)
        at_place = views.join(place, on=["uid", *_PLACE], how="semi", nulls_equal=True)
        person = self._joined.select("uid", *_PERSON, "is_registered").unique()
        profiles = (
            views.group_by("uid")
            .agg(pv=pl.len().cast(pl.Int64))
            .join(place, on="uid")
            .join(_most(at_place, ("city",)), on="uid")
            .join(_most(views, ("device",)), on="uid")
            .join(person, on="uid")
        )
        if self.rules.inactive_users:
            idle = person.filter("is_registered").join(profiles, on="uid", how="anti")
            idle = idle.with_columns(pv=pl.lit(0, pl.Int64))
            profiles = pl.concat([profiles, idle], how="diagonal")
        return profiles


def reference_day(
    content: bytes,
    users: Iterable[User],
    rules: Rules,
    *,
    bizdate: str,
    key: str,
    dimensions: tuple[Mapping[str, Row], Mapping[str, Row]] | None = None,
) -> ReferenceDay:
    """Return a day.

    Args:
        content: The bytes of the log's object.
        users: The registered users.
        rules: The settings.
        bizdate: The day, as `20240807`.
        key: Key of the log's object.
        dimensions: Rows of the dimension tables by agent and by address; without them only lines,
            outcomes and quarantine can be asked for.
    """
    lines = read_lines(content, bizdate, rules)
    return ReferenceDay(lines, list(users), rules, key, Knowledge(*(dimensions or ({}, {}))))


def distinct(lines: Iterable[Line], field: str) -> list[str]:
    """Return the values of a field of the parsed lines, without NULL."""
    values = {getattr(line.fields, field) for line in lines if line.outcome == "parsed"}
    return sorted(values - {None})


def _is_nobody() -> pl.Expr:
    return pl.col("uid").is_null() | pl.col("uid").is_in(["", "-"])


def _most(views: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return for each uid the values of most page views: then the latest, then the greatest."""
    counts = views.group_by("uid", *columns).agg(n=pl.len(), last=pl.col("event_time").max())
    return (
        counts.sort("n", "last", *columns, descending=True, nulls_last=True)
        .unique("uid", keep="first", maintain_order=True)
        .drop("n", "last")
    )
