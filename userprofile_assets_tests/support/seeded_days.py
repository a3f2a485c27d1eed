"""Published days that look like those of a website, for what people see of them.

Belongs here: profiles, lines and results of rules that follow from the day. Does not belong here:
putting rows into the database (`served_days.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from userprofile_assets.records.tables import tables
from userprofile_assets_tests.support.served_days import profile, serve_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from userprofile_assets.records.database import Records

NEWEST = date(2024, 8, 7)

RUN = "3f2b7c1e-8d4a-4c52-9d0e-6a5b1f0c2d11"

# Country, region, city, how many of 1,000 are there.
_PLACES: tuple[tuple[str | None, str | None, str | None, int], ...] = (
    ("China", "Guangdong", "Guangzhou", 96), ("China", "Guangdong", "Shenzhen", 88),
    ("China", "Guangdong", "Dongguan", 31), ("China", "Guangdong", "Foshan", 27),
    ("China", "Beijing", "Beijing", 104), ("China", "Shanghai", "Shanghai", 92),
    ("China", "Zhejiang", "Hangzhou", 62), ("China", "Zhejiang", "Ningbo", 24),
    ("China", "Zhejiang", "Wenzhou", 19), ("China", "Jiangsu", "Nanjing", 44),
    ("China", "Jiangsu", "Suzhou", 39), ("China", "Jiangsu", "Wuxi", 18),
    ("China", "Sichuan", "Chengdu", 52), ("China", "Sichuan", "Mianyang", 11),
    ("China", "Hubei", "Wuhan", 41), ("China", "Shandong", "Jinan", 22),
    ("China", "Shandong", "Qingdao", 25), ("China", "Fujian", "Xiamen", 17),
    ("China", "Henan", "Zhengzhou", 23), ("China", None, None, 21),
    ("United States", "California", "Los Angeles", 21),
    ("United States", "California", "San Jose", 17), ("United States", "Texas", "Dallas", 12),
    ("United States", "New York", "New York", 15),
    ("Japan", "Tokyo", "Tokyo", 18), ("Japan", "Osaka", "Osaka", 7),
    ("Germany", "Bavaria", "Munich", 6), ("Germany", "Berlin", "Berlin", 7),
    ("Singapore", "Singapore", "Singapore", 9), (None, None, None, 14),
)  # fmt: skip
_DEVICES = ("mobile",) * 52 + ("desktop",) * 36 + ("tablet",) * 9 + ("unknown",) * 2 + (None,)
_GENDERS = ("男",) * 25 + ("女",) * 24 + (None,)
_AGES = (
    ("20岁以下",) * 5 + ("20-30岁",) * 12 + ("30-40岁",) * 9
    + ("40-50岁",) * 4 + ("50岁以上",) * 2 + (None,)
)  # fmt: skip
_SIGNS = (
    "白羊座", "金牛座", "双子座", "巨蟹座", "狮子座", "处女座",
    "天秤座", "天蝎座", "射手座", "摩羯座", "水瓶座", "双鱼座", None,
)  # fmt: skip


def bizdate(day: date) -> str:
    """Return a day as the tables have it."""
    return day.strftime("%Y%m%d")


def profiles_of(day: date, people: int) -> list[dict[str, Any]]:
    """Return the profiles of a day, always the same ones; weekends have fewer."""
    chance = random.Random(bizdate(day))
    count = int(people * (0.8 if day.weekday() > 4 else 1) * chance.uniform(0.93, 1.07))
    places = chance.choices(_PLACES, [place[3] for place in _PLACES], k=count)
    return [
        profile(
            f"{16_000_000_000 + number * 9_001:013d}",
            country=country,
            region=region,
            city=city,
            device=chance.choice(_DEVICES),
            pv=1 + int(chance.expovariate(0.18)),
            **_person(chance),
        )
        for number, (country, region, city, _) in enumerate(places)
    ]


def _person(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.35:
        return {}
    return {
        "gender": chance.choice(_GENDERS),
        "age_range": chance.choice(_AGES),
        "zodiac": chance.choice(_SIGNS),
        "is_registered": True,
    }


def cities_of(profiles: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ranking of cities that follows from some profiles."""
    counts = Counter(
        (row["country"], row["region"], row["city"])
        for row in profiles
        if row["is_registered"] and row["city"] is not None
    )
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return [
        {
            "country": country,
            "region": region,
            "city": city,
            "registered_users": users,
            "city_rank": 1 + sum(other > users for other in counts.values()),
        }
        for (country, region, city), users in ranked
    ]


def traffic_of(profiles: Sequence[dict[str, Any]], day: date) -> list[dict[str, Any]]:
    """Return the lines of a day's log: of people, crawlers, feeds, and those that are no lines."""
    chance = random.Random(f"lines {bizdate(day)}")
    pv = sum(row["pv"] for row in profiles)

    def lines(outcome: str, identity: str | None, count: float, views: int = 0) -> dict[str, Any]:
        device = None if identity is None else "desktop"
        return {
            "outcome": outcome, "identity": identity, "device": device,
            "line_count": int(count), "pv": views,
        }  # fmt: skip

    return [
        lines("parsed", "user", pv * 3.1, pv),
        lines("parsed", "crawler", pv * chance.uniform(0.52, 0.75)),
        lines("parsed", "feed", pv * 0.04),
        lines("too few fields", None, pv * 3.8 * (0.019 if day == NEWEST else 0.004)),
        lines("outside", None, pv * 0.01),
    ]


def result(
    day: date,
    rule: str,
    status: str,
    message: str,
    *,
    table: str = "ads_user_info_1d_spark",
    strength: str = "weak",
) -> dict[str, Any]:
    """Return a row of dq_result."""
    checked = f"{day + timedelta(days=1)}T00:31:07.000000Z"
    return {
        "table_name": table, "dt": bizdate(day), "rule": rule, "metric": rule, "strength": strength,
        "status": status, "value": 1.0, "baseline": None, "threshold": None, "message": message,
        "sql_text": None, "run_id": RUN, "checked_at": checked,
    }  # fmt: skip


def record_results(records: Records, rows: Iterable[dict[str, Any]]) -> None:
    """Put results of rules into the records."""
    all_rows = list(rows)
    records.write(lambda connection: connection.execute(tables().dq_result.insert(), all_rows))


def seed_day(records: Records, day: date, profiles: Sequence[dict[str, Any]]) -> None:
    """Publish a day with some profiles, and with the lines and cities that follow from them."""
    served = {
        "ads_city_registration_1d": cities_of(profiles),
        "ads_traffic_1d": traffic_of(profiles, day),
    }
    serve_day(records, bizdate(day), profiles, tables=served, run_id=RUN)


def seed_days(records: Records, *, days: int = 9, people: int = 400) -> None:
    """Publish days up to NEWEST, all but the third before it.

    The rules passed, but for some: two warned about the newest day, one failed the day before it.
    """
    shown = [NEWEST - timedelta(days=back) for back in range(days) if back != 3]
    for day in shown:
        seed_day(records, day, profiles_of(day, people))
        record_results(
            records,
            (
                result(day, f"{name} complete", "passed", "all rows have one")
                for name in ("uid", "pv")
            ),
        )
    now, before = (len(profiles_of(day, people)) for day in shown[:2])
    way = "more" if now > before else "fewer"
    changed = f"{now:,} rows, {abs(now / before - 1):.1%} {way} than the day before"
    quarantined = "1.9 % of the lines are in quarantine; expected at most 1 %"
    log = "dwd_log_quarantine_di_spark"
    twice = "3 rows have the uid of another; expected none"
    record_results(
        records,
        [
            result(NEWEST, "row_count change", "warned", f"{changed}; expected at most 10 %"),
            result(NEWEST, "share of quarantined lines", "warned", quarantined, table=log),
            result(shown[1], "uid unique", "failed", twice, strength="strong"),
        ],
    )
