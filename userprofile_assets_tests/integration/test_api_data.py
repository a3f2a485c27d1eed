"""What a running `userprofile serve` answers about days that are published, on each database."""

from __future__ import annotations

import csv
import io
import json
import socket
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest

from userprofile_assets.quality.history import RecordsHistory
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.records.database import open_records
from userprofile_assets.service import shapes
from userprofile_assets.serving.cubes import CUBES
from userprofile_assets.serving.read_users import FIELDS
from userprofile_assets_tests.support.api_server import api_server
from userprofile_assets_tests.support.served_days import profile, serve_day

UIDS = [
    *("", "/", "//", "..", "../..", ".", "%2F", "%", "%25", "?", "#", "&a=b", "+", "a b"),
    *(" lead", "trail ", "trail", " ", "  ", "A", "a", "Ä", "A\u0308", "ä", "ß", "ss"),
    *("'", '"', "\\", "\\%", "_", "a_b", "axb", "a%b", "';DROP TABLE x;--", "-", "=1+1"),
    *("😀", "😀😀", "日本", "\u200b", "\ufeffx", "\ue000", "\ud7ff", "a\nb", "a\r\nb", "\t"),
    *("zz" * 150, "zz" * 150 + "x", "~" + "0" * 64, "null", "None", "0", "1e5", "\U0010ffff"),
]
NEWEST, DAY_BEFORE, WEEK_BEFORE, OLDEST = "20240808", "20240807", "20240801", "20240731"


def odd_profiles():
    """Profiles with odd uids, ties of pv, values that are not known."""
    return [
        profile(
            uid,
            pv=None if n % 11 == 5 else n % 4,
            country=("China", None, "", "china")[n % 4],
            region=(f"r{n % 3}", None)[n % 5 == 0],
            city=(f"c{n % 7}", None)[n % 6 == 0],
            device=("pc", "phone")[n % 2],
            gender=("f", "m", None)[n % 3],
            age_range=("20-30", "30-40")[n % 2],
            zodiac="Leo" if n % 13 else None,
            is_registered=(True, False, None)[n % 3],
        )
        for n, uid in enumerate(UIDS)
    ]


TABLES: dict[str, list[dict[str, Any]]] = {
    "ads_traffic_1d": [
        {"outcome": "parsed", "identity": "user", "device": "pc", "line_count": 100, "pv": 90},
        {"outcome": "parsed", "identity": "crawler", "device": None, "line_count": 7, "pv": 0},
        {"outcome": "parsed", "identity": "feed", "device": None, "line_count": 5, "pv": 0},
        {"outcome": "parsed", "identity": None, "device": None, "line_count": 1, "pv": 0},
        {"outcome": "too_short", "identity": None, "device": None, "line_count": 3, "pv": 0},
        {"outcome": "outside", "identity": None, "device": None, "line_count": 2, "pv": 0},
    ],
    "ads_region_pv_1d": [
        {"country": "China", "region": "r1", "city": "c1", "people": 3, "pv": 9},
        {"country": "China", "region": "r1", "city": "c2", "people": 2, "pv": 20},
        {"country": None, "region": None, "city": None, "people": 4, "pv": 4},
    ],
    "ads_city_registration_1d": [
        {"country": "b", "region": "r", "city": "x", "registered_users": 5, "city_rank": 1},
        {"country": "a", "region": "r", "city": "y", "registered_users": 5, "city_rank": 1},
        {"country": "a", "region": "r", "city": "z", "registered_users": 2, "city_rank": 3},
        {"country": None, "region": None, "city": None, "registered_users": 9, "city_rank": None},
    ],
}
LINES = {
    "lines": 118,
    "parsed_lines": 113,
    "crawler_lines": 7,
    "feed_lines": 5,
    "quarantined_lines": 3,
    "outside_lines": 2,
}


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "mysql8"])
def served(request, tmp_path_factory):
    """A server over four days, and what writes to its database."""
    home = tmp_path_factory.mktemp(request.param) / "home"
    url = None
    if request.param != "sqlite":
        url = request.getfixturevalue(request.param).fresh_url()
    records = open_records(url, home)
    serve_day(records, OLDEST, [profile("only")], cubes=())
    serve_day(records, WEEK_BEFORE, [profile("only", pv=3, country="China")])
    serve_day(records, NEWEST, odd_profiles(), tables=TABLES)
    variables = {"SERVING_URL": url} if url else {}
    import httpx

    with (
        api_server(home, variables | {"UI_URL": "http://dagster.example:3000"}) as server,
        httpx.Client(base_url=f"{server.url}/api/v1", trust_env=False, timeout=60) as client,
    ):

        def get(path, **parameters):
            query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
            return client.get(f"{path}{query}")

        yield SimpleNamespace(server=server, records=records, get=get)
    records.close()


def shown(row, fields=FIELDS):
    from userprofile_assets.serving.stored_text import stored

    return {name: stored(row[name], 255) if name == "uid" else row[name] for name in fields}


def order(row):
    return (row["pv"] is not None, row["pv"] or 0, shown(row)["uid"].encode())


EXPECTED = {
    "uid": sorted(odd_profiles(), key=lambda row: shown(row)["uid"].encode()),
    "-uid": sorted(odd_profiles(), key=lambda row: shown(row)["uid"].encode(), reverse=True),
    "pv": sorted(odd_profiles(), key=order),
    "-pv": sorted(odd_profiles(), key=order, reverse=True),
}


def all_pages(served, **parameters):
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = served.get("/users", **parameters, **cursor)
        assert answer.status_code == 200, answer.text
        rows += answer.json()["data"]
        if answer.json()["next"] is None:
            return rows
        cursor = {"cursor": answer.json()["next"]}


@pytest.mark.parametrize("uid", UIDS, ids=ascii)
def test_a_user_is_found_whatever_the_characters_of_the_uid(served, uid):
    expected = next(row for row in odd_profiles() if row["uid"] == uid)
    # Clients resolve `.` and `..` unless they are escaped.
    answer = served.get(f"/users/{quote(uid, safe='').replace('.', '%2E')}")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"dt": NEWEST, **shown(expected)}


@pytest.mark.parametrize("uid", ["Trail", "trail  ", "aa", "a\u0308", "%2f", "/ ", "'' OR 1=1"])
def test_a_user_that_is_not_there_is_a_problem(served, uid):
    answer = served.get(f"/users/{quote(uid, safe='')}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-user")
    said = "No profile of 2024-08-08 has this uid. `A` is not `a`, and blanks count."
    assert answer.json()["detail"] == said


def test_a_uid_of_bytes_that_no_text_has_is_found_or_not_there(tmp_path):
    with open_records(None, tmp_path / "home") as records:
        serve_day(records, NEWEST, [profile("a\0b", pv=1), profile("\udcff", pv=2)])
    with api_server(tmp_path / "home") as server:
        for path, pv in (("a%00b", 1), ("%FF", 2)):
            found = server.get(f"/api/v1/users/{path}")
            assert (found.status_code, found.json()["pv"]) == (200, pv)
        for path in ("a%00c", "%FE", "%EF%BF%BD", "%00", "%C0%AF"):
            answer = server.get(f"/api/v1/users/{path}")
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-user")
        assert server.get("/api/v1/devices/%FF").status_code == 400


def test_a_uid_that_was_shortened_is_found_as_lists_show_it(served):
    long = "zz" * 150
    listed = served.get("/users", uid_prefix="zzz").json()["data"]
    uids = [row["uid"] for row in listed]
    assert len(uids) == 2
    assert all(len(uid) == 255 for uid in uids)
    found = {served.get(f"/users/{uid}").json()["uid"] for uid in (*uids, long, long + "x")}
    assert found == set(uids)


@pytest.mark.parametrize("sort", list(EXPECTED))
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pages_give_every_row_once_and_in_order(served, sort, size):
    rows = all_pages(served, sort=sort, page_size=size)
    assert rows == [shown(row) for row in EXPECTED[sort]]


CASES: list[tuple[dict[str, Any], Any]] = [
    ({"country": "China"}, lambda row: row["country"] == "China"),
    ({"country": ""}, lambda row: row["country"] is None),
    ({"country": '""'}, lambda row: row["country"] == ""),
    ({"country": ['""', ""]}, lambda row: row["country"] in {"", None}),
    ({"country": ["China", "china"]}, lambda row: row["country"] in {"China", "china"}),
    ({"country": ["China", ""]}, lambda row: row["country"] in {"China", None}),
    ({"region": "r1"}, lambda row: row["region"] == "r1"),
    ({"city": "c3"}, lambda row: row["city"] == "c3"),
    (
        {"city": ["c3", ""], "region": "r1"},
        lambda row: row["city"] in {"c3", None} and row["region"] == "r1",
    ),
    ({"country": "China", "city": "c2"}, lambda r: (r["country"], r["city"]) == ("China", "c2")),
    ({"device": "pc", "gender": "f"}, lambda row: (row["device"], row["gender"]) == ("pc", "f")),
    ({"gender": ""}, lambda row: row["gender"] is None),
    (
        {"age_range": "20-30", "zodiac": ""},
        lambda row: (row["age_range"], row["zodiac"]) == ("20-30", None),
    ),
    ({"is_registered": "true"}, lambda row: row["is_registered"] is True),
    ({"is_registered": ["false", ""]}, lambda row: row["is_registered"] in {False, None}),
    ({"pv_min": 2}, lambda row: (row["pv"] or 0) >= 2),
    ({"pv_max": 1}, lambda row: row["pv"] is not None and row["pv"] <= 1),
    ({"pv_min": 1, "pv_max": 1, "device": "pc"}, lambda r: (r["pv"], r["device"]) == (1, "pc")),
    ({"uid_prefix": "a"}, lambda row: row["uid"].startswith("a")),
    ({"uid_prefix": "%"}, lambda row: row["uid"].startswith("%")),
    ({"uid_prefix": "_"}, lambda row: row["uid"].startswith("_")),
    ({"uid_prefix": "\\"}, lambda row: row["uid"].startswith("\\")),
    ({"uid_prefix": "😀"}, lambda row: row["uid"].startswith("😀")),
    ({"uid_prefix": "\U0010ffff"}, lambda row: row["uid"].startswith("\U0010ffff")),
    (
        {"uid_prefix": "trail", "pv_min": 0},
        lambda row: row["uid"].startswith("trail") and row["pv"] is not None,
    ),
    ({"uid_prefix": " ", "gender": "f"}, lambda r: r["uid"].startswith(" ") and r["gender"] == "f"),
    ({"country": "' OR '1'='1"}, lambda row: False),
    ({"zodiac": "Leo; DROP TABLE serving_day"}, lambda row: False),
]


@pytest.mark.parametrize("sort", list(EXPECTED))
@pytest.mark.parametrize(
    ("asked", "fits"), CASES, ids=[urlencode(one, doseq=True) for one, _ in CASES]
)
def test_filters_let_through_what_fits_and_nothing_else(served, asked, fits, sort):
    rows = all_pages(served, sort=sort, page_size=3, fields="uid", **asked)
    assert rows == [shown(row, ["uid"]) for row in EXPECTED[sort] if fits(row)]


def test_fields_choose_columns_and_their_order(served):
    answer = served.get("/users", fields="pv,uid,pv", page_size=1, sort="-uid")
    assert list(answer.json()["data"][0]) == ["pv", "uid"]
    other = served.get("/users", fields="uid,pv", page_size=1, sort="-uid")
    assert list(other.json()["data"][0]) == ["uid", "pv"]
    assert answer.headers["etag"] != other.headers["etag"]
    csv_answer = served.get("/users", fields="pv,uid", format="csv")
    assert csv_answer.text.startswith("pv,uid\r\n")
    assert served.get("/users", fields="").status_code == 400
    assert "did you mean pv" in served.get("/users", fields="pvv").json()["detail"]


def test_csv_and_ndjson_give_the_whole_list(served):
    lines = served.get("/users", format="ndjson", sort="pv", page_size=1).text.split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [shown(row) for row in EXPECTED["pv"]]
    answer = served.get("/users", format="csv", fields="uid,pv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    unmarked = [[uid.removeprefix("'"), pv] for uid, pv in rows[1:]]
    assert rows[0] == ["uid", "pv"]
    assert unmarked == [
        [shown(row)["uid"], "" if row["pv"] is None else str(row["pv"])] for row in EXPECTED["uid"]
    ]


def test_a_stream_of_more_pages_than_one_is_complete(served):
    dt = "20240601"
    rows = [profile(f"u{n:05}", pv=n % 3) for n in range(5_001)]
    serve_day(served.records, dt, rows)
    answer = served.get("/users", dt=dt, format="ndjson", fields="uid", sort="-pv")
    uids = [json.loads(line)["uid"] for line in answer.text.splitlines()]
    assert uids == [r["uid"] for r in sorted(rows, key=lambda r: (r["pv"], r["uid"]), reverse=True)]


def test_a_day_that_is_published_anew_cuts_the_streams_of_the_old_one(served):
    dt = "20240605"
    rows = [profile(f"u{n:05}", city="x" * 180) for n in range(20_000)]
    serve_day(served.records, dt, rows)
    request = f"GET /api/v1/users?dt={dt}&format=ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as slow:
        # So little that the server cannot send all before anybody reads.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(60)
        slow.connect(("127.0.0.1", served.server.port))
        slow.sendall(request.encode())
        answer = slow.recv(1000)
        serve_day(served.records, dt, [profile("new")])
        while piece := slow.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding: chunked" in answer.lower()
    assert not answer.endswith(b"0\r\n\r\n")
    assert b'"u00000"' in answer
    assert b'"u19999"' not in answer
    assert b'"new"' not in answer


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("application/json;q=0.2, text/csv;q=0.5", "text/csv"),
        ("text/html, */*", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_the_format_follows_accept(served, accept, media):
    answer = served.server.get("/api/v1/users?page_size=1", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(media)
    assert "Accept" in answer.headers["vary"]


def test_a_cursor_holds_for_its_list_only(served):
    cursor = served.get("/users", page_size=1).json()["next"]
    again = served.get("/users", page_size=5, fields="pv", cursor=cursor)
    assert again.status_code == 200
    for other in ({"sort": "-uid"}, {"country": "x"}, {"uid_prefix": "a"}, {"pv_min": 0}):
        answer = served.get("/users", cursor=cursor, **other)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-cursor")
    assert served.get("/users", cursor=cursor, dt=OLDEST).status_code == 400
    assert served.get("/users", cursor=cursor, dt=NEWEST).status_code == 200
    assert served.get("/users", cursor=cursor[:-2]).status_code == 400


def test_a_day_that_is_published_anew_ends_its_cursors_and_tags(served):
    dt = "20240602"
    serve_day(served.records, dt, [profile(f"u{n}") for n in range(4)])
    page = served.get("/users", dt=dt, page_size=2)
    summary = served.get("/summary", dt=dt)
    serve_day(served.records, dt, [profile(f"u{n}") for n in range(4)])
    answer = served.get("/users", dt=dt, page_size=2, cursor=page.json()["next"])
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/day-changed")
    assert answer.json()["detail"].startswith("2024-06-02 was published anew")
    for path, first in (("/users", page), ("/summary", summary)):
        parameters = {"dt": dt, "page_size": 2} if path == "/users" else {"dt": dt}
        again = served.server.get(
            f"/api/v1{path}?{urlencode(parameters)}",
            headers={"If-None-Match": first.headers["etag"]},
        )
        assert again.status_code == 200
        assert again.json()["dt"] == first.json()["dt"]


PATHS = [
    *("/users", "/users?format=csv", "/users/a", "/summary", "/regions", "/cities", "/devices"),
    *("/demographics", "/trend", "/quality", "/partitions", "/catalog/datasets"),
    *("/catalog/search?q=region", "/catalog/lineage/ads_user_info_1d_spark"),
    "/catalog/datasets/ads_user_info_1d_spark",
]


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_the_caller_has_is_not_sent_again(served, path):
    first = served.server.get(f"/api/v1{path}")
    assert first.status_code == 200, first.text
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    again = served.server.get(f"/api/v1{path}", headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"].removeprefix("W/") == tag.removeprefix("W/")
    head = served.server.request("HEAD", f"/api/v1{path}")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/users", "/users/a", "/summary", "/regions", "/trend"])
def test_a_day_that_was_asked_for_may_be_kept_for_a_minute(served, path):
    answer = served.get(path, dt="2024-08-08")
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert answer.json() == served.get(path).json()


def test_the_summary_has_the_day_before_and_the_week_before(served):
    answer = served.get("/summary").json()
    shapes.Summary.model_validate(answer)
    rows = odd_profiles()
    assert answer["data"] == {
        "users": len(rows),
        "registered": sum(row["is_registered"] is True for row in rows),
        "pv": sum(row["pv"] or 0 for row in rows),
        **LINES,
    }
    assert answer["date"] == "2024-08-08"
    assert answer["previous_day"] is None
    nothing = dict.fromkeys(LINES)
    week = {"dt": WEEK_BEFORE, "users": 1, "registered": 0, "pv": 3, **nothing}
    assert answer["previous_week"] == week
    filtered = served.get("/summary", gender="f").json()["data"]
    assert filtered["users"] == sum(row["gender"] == "f" for row in rows)
    assert {name: filtered[name] for name in LINES} == nothing


AGGREGATES = [
    ("/regions", {"level": "country"}, ["country"], shapes.Regions),
    ("/regions", {}, ["country", "region"], shapes.Regions),
    ("/regions", {"level": "city"}, ["country", "region", "city"], shapes.Regions),
    ("/devices", {}, ["device"], shapes.Devices),
    ("/demographics", {}, ["gender", "age_range"], shapes.Demographics),
    ("/demographics", {"by": "zodiac"}, ["zodiac"], shapes.Demographics),
    (
        "/demographics",
        {"by": "is_registered,gender"},
        ["is_registered", "gender"],
        shapes.Demographics,
    ),
]
AGGREGATE_FILTERS: list[dict[str, Any]] = [
    {},
    {"country": "China"},
    {"country": ["", "china"], "is_registered": "true"},
    {"city": "c3", "gender": "m", "device": "phone"},
    {"zodiac": "", "region": ["r1", ""]},
    {"city": "nowhere"},
]


@pytest.mark.parametrize("is_cubed", [True, False], ids=["by cubes", "by profiles"])
@pytest.mark.parametrize("filters", AGGREGATE_FILTERS, ids=lambda f: urlencode(f, doseq=True))
@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda one: f"{one[0]} {one[2]}")
def test_aggregates_are_the_sums_of_the_profiles(served, aggregate, filters, is_cubed):
    path, asked, by, shape = aggregate
    dt = NEWEST
    if not is_cubed:
        dt = "20240603"
        if served.get("/devices", dt=dt).status_code == 404:
            serve_day(served.records, dt, odd_profiles(), cubes=())
    answer = served.get(path, dt=dt, **asked, **filters).json()
    shape.model_validate(answer)
    assert all(list(row) == [*by, "users", "pv"] for row in answer["data"])
    expected: dict[tuple[object, ...], tuple[int, int]] = {}
    for row in odd_profiles():
        if all(_value(row, name) in _listed(values) for name, values in filters.items()):
            users, pv = expected.get(tuple(row[name] for name in by), (0, 0))
            expected[tuple(row[name] for name in by)] = (users + 1, pv + (row["pv"] or 0))
    found = {tuple(row[name] for name in by): (row["users"], row["pv"]) for row in answer["data"]}
    assert found == expected
    assert len(answer["data"]) == len(expected)
    numbers = [row["users"] for row in answer["data"]]
    assert numbers == sorted(numbers, reverse=True)


def _value(row, name):
    value = row[name]
    return str(value).lower() if isinstance(value, bool) else value


def _listed(values):
    return [value or None for value in (values if isinstance(values, list) else [values])]


@pytest.mark.parametrize("dimension", ["country", "region", "gender", "zodiac"])
def test_a_filter_by_each_value_of_a_dimension_counts_the_people_of_its_row(served, dimension):
    path = "/demographics" if dimension in {"gender", "zodiac"} else "/regions"
    own = {"by": dimension} if path == "/demographics" else {"level": dimension}
    people: dict[str | None, int] = {}
    for row in served.get(path, **own).json()["data"]:
        people[row[dimension]] = people.get(row[dimension], 0) + row["users"]
    for value, users in people.items():
        spelt = {None: "", "": '""'}.get(value, value)
        found = served.get("/summary", **{dimension: spelt}).json()["data"]["users"]
        assert (value, found) == (value, users)
    assert sum(people.values()) == len(UIDS)


def test_a_cube_is_left_out_on_a_day_and_the_numbers_stay(served):
    dt = "20240604"
    serve_day(served.records, dt, odd_profiles(), cubes=[name for name in CUBES if "_" not in name])
    for filters in AGGREGATE_FILTERS:
        for path in ("/regions", "/cities", "/demographics"):
            one = served.get(path, dt=dt, **filters).json()["data"]
            other = served.get(path, dt="20240603", **filters)
            if other.status_code == 200:
                assert one == other.json()["data"]


def test_regions_by_visits_count_people_at_each_place(served):
    answer = served.get("/regions", by="visits", level="country").json()
    assert answer["data"] == [
        {"country": "China", "users": 5, "pv": 29},
        {"country": None, "users": 4, "pv": 4},
    ]
    assert served.get("/regions", by="visits", city="c2").json()["data"] == [
        {"country": "China", "region": "r1", "users": 2, "pv": 20}
    ]
    assert served.get("/regions", by="visits", gender="f").status_code == 400


def test_visits_of_a_day_that_has_profiles_only_are_not_published(served):
    answer = served.get("/regions", by="visits", dt=WEEK_BEFORE)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-day")
    assert "ads_region_pv_1d" in answer.json()["detail"]
    assert served.get("/regions", dt=WEEK_BEFORE).status_code == 200


def test_cities_are_ranked_as_published_and_those_of_a_filter_alike(served):
    answer = served.get("/cities").json()
    shapes.Cities.model_validate(answer)
    assert [(row["rank"], row["country"], row["city"]) for row in answer["data"]] == [
        (1, "a", "y"),
        (1, "b", "x"),
        (3, "a", "z"),
    ]
    assert len(served.get("/cities", limit=1).json()["data"]) == 1
    ranked = served.get("/cities", device=["pc", "phone"]).json()["data"]
    assert all(row["city"] and row["registered_users"] for row in ranked)
    for one, other in pairwise(ranked):
        if one["registered_users"] == other["registered_users"]:
            assert one["rank"] == other["rank"]
        else:
            assert one["registered_users"] > other["registered_users"]
            assert other["rank"] == ranked.index(other) + 1
    assert served.get("/cities", is_registered="false").json()["data"] == []


def test_the_trend_has_published_days_only_oldest_first(served):
    answer = served.get("/trend", days=8).json()
    shapes.Trend.model_validate(answer)
    assert [day["dt"] for day in answer["data"]] == [WEEK_BEFORE, NEWEST]
    assert answer["data"][1]["crawler_lines"] == 7
    assert answer["data"][0]["lines"] is None
    days = served.get("/trend", days=9).json()["data"]
    assert [day["dt"] for day in days] == [OLDEST, WEEK_BEFORE, NEWEST]
    one = served.get("/trend", dt=WEEK_BEFORE, days=1, country="China").json()["data"]
    assert [(day["users"], day["pv"], day["lines"]) for day in one] == [(1, 3, None)]


def rule_result(table, rule, status):
    return RuleResult(
        table=table,
        bizdate=NEWEST,
        rule=rule,
        text=rule,
        metric=rule,
        strength="strong",
        status=status,
        value=1.0,
        baseline=None,
        thresholds="> 0",
        message="m",
        sql=None,
        samples=None,
    )


def test_quality_has_the_last_run_that_asked_of_each_table(served):
    history = RecordsHistory(served.records, print)
    history.save([rule_result("t1", "old", "failed"), rule_result("t2", "r", "warned")], "run-1")
    history.save([rule_result("t1", "new", "passed")], "run-2")
    answer = served.get("/quality").json()
    shapes.Quality.model_validate(answer)
    assert answer["state"] == "warned"
    assert [(row["table"], row["rule"], row["status"]) for row in answer["data"]] == [
        ("t1", "new", "passed"),
        ("t2", "r", "warned"),
    ]
    assert answer["data"][0]["run_url"] == "http://dagster.example:3000/runs/run-2"
    newest = served.get("/partitions", limit=1).json()["data"][0]
    assert newest["quality"] == {"state": "warned", "counts": {"warned": 1, "passed": 1}}


def test_partitions_are_paged_newest_first(served):
    answer = served.get("/partitions", limit=1).json()
    shapes.Partitions.model_validate(answer)
    (newest,) = answer["data"]
    assert (newest["dt"], newest["users"]) == (NEWEST, len(UIDS))
    assert set(newest["tables"]) == {"ads_user_info_1d", *TABLES}
    assert newest["tables"]["ads_traffic_1d"]["rows"] == 6
    following = served.get("/partitions", limit=1, cursor=answer["next"]).json()
    assert following["data"][0]["dt"] == WEEK_BEFORE
    days = [day["dt"] for day in served.get("/partitions").json()["data"]]
    assert days == sorted(days, reverse=True)
    assert served.get("/partitions", cursor="x").status_code == 400


@pytest.mark.parametrize("path", ["/summary", "/users", "/users/a", "/quality", "/trend"])
def test_a_day_that_is_not_there_is_told_with_the_newest(served, path):
    missing = served.get(path, dt="2020-01-01")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/unknown-day")
    malformed = served.get(path, dt="2024-13-01")
    assert (malformed.status_code, malformed.json()["type"]) == (400, "/problems/invalid-parameter")
    for answer in (missing, malformed):
        assert "2024-08-08" in answer.json()["detail"]
        assert answer.json()["newest"] == NEWEST


def test_the_first_and_the_last_day_of_the_calendar_are_days(served):
    for dt in ("0001-01-01", "9999-12-31"):
        for path in ("/summary", "/trend"):
            assert served.get(path, dt=dt).status_code == 404
    serve_day(served.records, "00010101", [profile("a")])
    assert served.get("/summary", dt="0001-01-01").json()["previous_day"] is None
    assert len(served.get("/trend", dt="0001-01-01").json()["data"]) == 1


def test_the_catalogue_answers_as_the_command_does(served):
    data = served.get("/catalog/datasets").json()
    shapes.Datasets.model_validate(data)
    command = served.server.userprofile("catalog", "--format", "json")
    assert data["data"] == json.loads(command.stdout)
    details = served.get("/catalog/datasets/ads_user_info_1d_spark").json()
    shapes.DatasetDetails.model_validate(details)
    assert next(column for column in details["columns"] if column["name"] == "uid")["pii"]
    hits = served.get("/catalog/search", q="region pv").json()
    shapes.Hits.model_validate(hits)
    assert hits["data"]
    up = served.get("/catalog/lineage/ads_user_info_1d_spark.region", direction="up").json()
    shapes.Lineage.model_validate(up)
    assert {node["direction"] for node in up["nodes"]} == {None, "up"}
    for path in ("/catalog/datasets/nothing", "/catalog/lineage/nothing.x"):
        problem = served.get(path).json()
        said = "There is no dataset nothing. /api/v1/catalog/datasets lists all."
        assert (problem["type"], problem["detail"]) == ("/problems/not-in-catalog", said)
    assert served.get("/catalog/search").status_code == 400


def test_an_empty_database_says_what_to_run(tmp_path):
    with api_server(tmp_path / "home") as server:
        for path in (
            "/users",
            "/users/a",
            "/summary",
            "/trend",
            "/quality",
            "/summary?dt=20240807",
        ):
            answer = server.get(f"/api/v1{path}")
            assert (answer.status_code, answer.json()["type"]) == (
                404,
                "/problems/nothing-published",
            )
            assert "make demo" in answer.json()["detail"]
        assert server.get("/api/v1/partitions").json() == {"data": [], "next": None}


def test_personal_data_needs_its_scope(tmp_path):
    with open_records(None, tmp_path / "home") as records:
        serve_day(records, NEWEST, [profile(f"secret{n}", pv=n) for n in range(5)])
    with api_server(tmp_path / "home") as server:
        users = server.create_key("users")
        both = server.create_key("users", "pii")
        aggregates = server.create_key("aggregates")
        first = server.get("/api/v1/users?page_size=2", key=users)
        assert "secret" not in first.text
        assert "uid" not in first.json()["data"][0]
        cursor = first.json()["next"]
        second = server.get(f"/api/v1/users?page_size=2&cursor={cursor}", key=users)
        assert [row["pv"] for row in first.json()["data"] + second.json()["data"]] == [0, 1, 2, 3]
        assert b"secret" not in _decoded(cursor)
        # What a caller may not read must not be found by guessing either.
        guess = orjson.loads(_decoded(cursor))
        del guess["s"]
        guessed = _encoded(orjson.dumps({**guess, "k": ["secret1", 1]}))
        answer = server.get(f"/api/v1/users?cursor={guessed}", key=users)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-cursor")
        third = server.get("/api/v1/users?page_size=2", key=users)
        fourth = server.get(f"/api/v1/users?page_size=2&cursor={third.json()['next']}", key=users)
        assert fourth.json()["data"] == second.json()["data"]
        assert fourth.headers["ETag"] != second.headers["ETag"]
        assert "uid" not in server.get("/api/v1/users?format=csv", key=users).text
        for path in ("?fields=uid", "?uid_prefix=s", "?sort=uid", "?sort=-uid", "/secret1"):
            answer = server.get(f"/api/v1/users{path}", key=users)
            assert (answer.status_code, answer.json()["scope"]) == (403, "pii")
            assert server.get(f"/api/v1/users{path}", key=both).status_code == 200
            assert server.get(f"/api/v1/users{path}", key=aggregates).status_code == 403
        assert server.get("/api/v1/summary", key=aggregates).status_code == 200


def _decoded(cursor):
    from userprofile_assets.service.paging import _decode

    return _decode(cursor)


def _encoded(raw):
    from userprofile_assets.service.paging import _encode

    return _encode(raw)


def test_a_query_that_takes_too_long_is_cancelled_and_says_what_helps(tmp_path):
    with open_records(None, tmp_path / "home") as records:
        rows = [profile(f"u{n:06}", gender=str(n % 7), pv=n % 100) for n in range(20_000)]
        serve_day(records, NEWEST, rows, cubes=())
    with api_server(tmp_path / "home", {"API_QUERY_SECONDS": "0.000001"}) as server:
        answer = server.get("/api/v1/users?gender=x")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/query-too-slow")
        assert "uid_prefix" in answer.json()["detail"]
        assert server.get("/api/v1/users/u000001").status_code == 200
