"""A publisher that is killed at any point leaves the former day, and the next one goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest
import sqlalchemy  # noqa: TID253 - what the tests read with

from userprofile_assets.records.database import open_records
from userprofile_assets.serving.publish import publish_day
from userprofile_assets.serving.row_counts import count_served
from userprofile_assets.serving.tables import serving_tables

DAY = "20240807"
FORMER, NEW = 500, 10_000


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request):
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("mariadb").fresh_url()


def batch(name, first, last):
    import pyarrow as pa

    uids = [f"{name}{number:06}" for number in range(first, last)]
    return pa.RecordBatch.from_pydict(
        {"uid": uids, "pv": [1] * len(uids), "device": [f"d{n % 9}" for n in range(len(uids))]}
    )


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def _publish_and_die(url, home, point):
    def rows():
        if point == "before the first row":
            _die()
        yield batch("new", 0, NEW // 2)
        if point == "between two batches":
            _die()
        yield batch("new", NEW // 2, NEW)
        if point == "behind the last row":
            _die()

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def commit(connection):
        # The commit of the day, not one of a look at the revision.
        seen = sqlalchemy.text("SELECT count(*) FROM ads_user_info_1d WHERE uid LIKE 'new%'")
        if point == "before the commit" and connection.execute(seen).scalar():
            _die()

    with open_records(url, home) as records:
        publish_day(records, "ads_user_info_1d", DAY, rows, run_id="run-2", log=print)
        if point == "behind the commit":
            _die()


def served(records):
    day = serving_tables().serving_day
    cube = serving_tables().ads_user_cube_1d
    versions = {row.version for row in records.read(sqlalchemy.select(day))}
    users = records.read(
        sqlalchemy.select(sqlalchemy.func.sum(cube.c.users)).where(cube.c.cube == "totals")
    )
    return versions, count_served(records, "ads_user_info_1d", [DAY])[DAY], int(users[0][0])


@pytest.mark.parametrize(
    ("point", "rows"),
    [
        ("before the first row", FORMER),
        ("between two batches", FORMER),
        ("behind the last row", FORMER),
        ("before the commit", FORMER),
        ("behind the commit", NEW),
    ],
)
def test_a_publisher_that_is_killed_leaves_a_whole_day(url, tmp_path, point, rows):
    with open_records(url, tmp_path) as records:
        former = publish_day(
            records, "ads_user_info_1d", DAY, lambda: [batch("old", 0, FORMER)],
            run_id="run-1", log=print,
        )  # fmt: skip
        killed = multiprocessing.get_context("spawn").Process(
            target=_publish_and_die, args=(url, tmp_path, point)
        )
        killed.start()
        killed.join(120)
        assert killed.exitcode == -signal.SIGKILL

        versions, served_rows, users = served(records)
        assert (served_rows, users) == (rows, rows)
        assert (versions == {former.version}) == (rows == FORMER)

        publish_day(
            records, "ads_user_info_1d", DAY, lambda: [batch("next", 0, 10)],
            run_id="run-3", log=print,
        )  # fmt: skip
        assert served(records)[1:] == (10, 10)


def test_a_killed_publisher_leaves_no_temporary_file(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    from userprofile_assets.ingestion.open_store import open_store

    (tmp_path / "day").mkdir()
    parquet.write_table(pa.table({"uid": ["a"]}), tmp_path / "day" / "part-0.parquet")
    killed = multiprocessing.get_context("spawn").Process(
        target=_read_and_die, args=(tmp_path.as_uri(), tmp_path / "tmp")
    )
    killed.start()
    killed.join(120)

    assert killed.exitcode == -signal.SIGKILL
    assert list((tmp_path / "tmp").iterdir()) == []
    assert open_store(tmp_path.as_uri()).head("day/part-0.parquet")


def _read_and_die(uri, temporary):
    from userprofile_assets.ingestion.open_store import open_store
    from userprofile_assets.serving.parquet_day import parquet_batches

    for _ in parquet_batches(open_store(uri), "day", ["uid"], temporary):
        _die()
