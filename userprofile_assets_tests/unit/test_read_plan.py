"""By which index a page of profiles is found: the quickest one, and the rows are those of any."""

from __future__ import annotations

import pytest

from userprofile_assets.records.database import open_records
from userprofile_assets.serving.read_days import day_versions
from userprofile_assets.serving.read_filters import Filters
from userprofile_assets.serving.read_plan import plan_page
from userprofile_assets.serving.read_users import PRIMARY, UserQuery, users_page
from userprofile_assets.serving.reader import open_reader
from userprofile_assets_tests.support.served_days import profile, serve_day

DAY = "20240807"
BY_PV, BY_PLACE, BY_REGION, BY_DEVICE = (
    f"ads_user_info_1d_{name}" for name in ("pv", "place", "region", "device")
)
SIZE = 20

# A user in a hundred has an ipad, nearly one in three is in Beijing, one
# in forty in Tibet, half of those in the city C; page views go up to 399.
PROFILES = [
    profile(
        f"user{number:04}",
        pv=number * 7 % 400,
        device="ipad" if number % 100 == 0 else "android",
        country="China",
        region="Tibet" if number % 40 == 1 else ("Zhejiang", "Beijing", "Shanghai")[number % 3],
        city="C" if number % 80 == 1 else "A",
        gender=("f", "m")[number % 2],
        age_range="20-30",
        zodiac="Leo",
        is_registered=True,
    )
    for number in range(4000)
]


def filters(**values):
    return Filters(tuple((name, (value,)) for name, value in sorted(values.items())))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    home = tmp_path_factory.mktemp("plans") / "home"
    with open_records(None, home) as records:
        serve_day(records, DAY, PROFILES)
    opened = open_reader(None, home, query_seconds=10)
    yield opened
    opened.close()


def plan_of(reader, query):
    return reader.read(lambda found: plan_page(found, DAY, day_versions(found, DAY), query, SIZE))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (UserQuery(), PRIMARY),
        (UserQuery(sort="-pv"), BY_PV),
        (UserQuery(filters=filters(region="Beijing")), PRIMARY),
        (UserQuery(filters=filters(region="Tibet")), BY_REGION),
        (UserQuery(filters=filters(region="Tibet", gender="m")), BY_REGION),
        (UserQuery(filters=filters(region="Tibet"), sort="pv"), BY_PLACE),
        (UserQuery(filters=filters(city="C")), BY_PLACE),
        (UserQuery(pv_min=398), BY_PV),
        (UserQuery(filters=filters(device="ipad")), BY_DEVICE),
        (UserQuery(filters=filters(device="ipad"), sort="-pv"), BY_DEVICE),
        (UserQuery(filters=filters(device="android"), pv_min=399), BY_DEVICE),
        (UserQuery(filters=filters(device="android"), pv_min=10), PRIMARY),
    ],
    ids=[
        "all by uid",
        "all by page views",
        "a third of them",
        "a small region",
        "one gender of a small region",
        "a small region by page views",
        "a small city",
        "few page views fit",
        "a rare device",
        "a rare device by page views",
        "few of a common device",
        "most of a common device",
    ],
)
def test_a_page_is_found_by_the_index_that_reads_least(reader, query, index):
    assert plan_of(reader, query).index_name == index


def test_of_a_value_that_no_profile_has_nothing_is_read(reader):
    assert plan_of(reader, UserQuery(filters=filters(device="tv"))).is_empty


@pytest.mark.parametrize("sort", ["uid", "-uid", "pv", "-pv"])
@pytest.mark.parametrize("index", [None, PRIMARY, BY_PV, BY_PLACE, BY_REGION, BY_DEVICE])
def test_by_each_index_pages_have_the_same_rows_in_the_same_order(reader, index, sort):
    query = UserQuery(
        filters=filters(device="ipad", country="China"), pv_min=100, sort=sort, fields=("uid",)
    )
    wanted = sorted(
        (row for row in PROFILES if row["device"] == "ipad" and row["pv"] >= 100),
        key=lambda row: (row["pv"] if sort.endswith("pv") else 0, row["uid"]),
        reverse=sort[0] == "-",
    )
    found, last = [], None
    while True:
        page = reader.read(
            lambda connection, after=last: users_page(
                connection, DAY, query, after=after, size=7, index=index
            )
        )
        found += page.rows
        if (last := page.last) is None:
            break
    assert [uid for (uid,) in found] == [row["uid"] for row in wanted]
    assert len(found) > 14
