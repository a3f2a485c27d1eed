"""Days, their quality and the sources' columns in a real database: SQLite and MariaDB."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from userprofile_assets.errors import RecordsError
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import (
    PartitionRecord,
    read_partitions,
    read_quality,
    record_partitions,
)
from userprofile_assets.records.schema_change import SourceColumn, SourceSchema
from userprofile_assets.records.source_schemas import accept, last_accepted, last_seen, remember
from userprofile_assets.records.tables import tables

RECORD = PartitionRecord(
    asset="ads_users",
    dt="20240807",
    row_count=3,
    byte_count=5_000_000_000,
    location="s3a://bucket/ads_users/run=1/dt=20240807",
    run_id="run-1",
    made_at="2024-08-08T00:31:02.000000Z",
)
SCHEMA = SourceSchema(
    columns=(SourceColumn(name="uid", type="varchar(20)", comment="会员😀", key="primary"),),
    row_estimate=3,
)


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request):
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("mariadb").fresh_url()


@pytest.fixture
def records(url, tmp_path):
    with open_records(url, tmp_path) as opened:
        yield opened


def result(dt, rule, status, *, run="run-1", at="2024-08-08T00:32:00.000000Z", table="ads_users"):
    return {
        "table_name": table,
        "dt": dt,
        "rule": rule,
        "metric": rule,
        "strength": "soft",
        "status": status,
        "message": "",
        "run_id": run,
        "checked_at": at,
    }


def present(found):
    assert found is not None
    return found


def write_results(records, *rows):
    records.write(lambda connection: connection.execute(tables().dq_result.insert(), list(rows)))


def test_a_day_is_read_back_as_it_was_recorded(records):
    record_partitions(records, [RECORD])

    assert read_partitions(records, "ads_users") == [RECORD]


def test_a_day_without_counts_is_one_too(records):
    view = dataclasses.replace(RECORD, row_count=None, byte_count=None, location=None)
    record_partitions(records, [view])

    assert read_partitions(records, "ads_users") == [view]


def test_a_day_that_is_made_again_replaces_the_former(records):
    record_partitions(records, [RECORD])
    again = dataclasses.replace(RECORD, row_count=4, run_id="run-2")
    record_partitions(records, [again])

    assert read_partitions(records, "ads_users") == [again]


def test_days_come_newest_first_and_those_of_other_assets_stay_out(records):
    days = [dataclasses.replace(RECORD, dt=f"2024080{n}") for n in (2, 9, 5)]
    record_partitions(records, [*days, dataclasses.replace(RECORD, asset="ods_users")])

    assert [r.dt for r in read_partitions(records, "ads_users")] == [
        "20240809", "20240805", "20240802",
    ]  # fmt: skip
    assert [r.dt for r in read_partitions(records, "ads_users", limit=1)] == ["20240809"]
    assert read_partitions(records, "nothing") == []


def test_recording_nothing_is_no_error(records):
    record_partitions(records, [])

    assert read_partitions(records, "ads_users") == []


def test_two_runs_that_record_one_day_at_once_leave_one_of_them(records, url, tmp_path):
    record_partitions(records, [dataclasses.replace(RECORD, dt="20240801")])
    start = threading.Barrier(4)
    failed = []

    def run(number):
        try:
            with open_records(url, tmp_path) as own:
                start.wait()
                for _ in range(5):
                    record_partitions(own, [dataclasses.replace(RECORD, row_count=number)])
        except Exception as error:  # noqa: BLE001 - a thread's error would be lost
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    (left,) = read_partitions(records, "ads_users", limit=1)
    assert left.row_count in {0, 1, 2, 3}


def test_the_quality_of_a_day_is_its_worst_result(records):
    write_results(
        records,
        result("20240807", "a", "passed"),
        result("20240807", "b", "warned"),
        result("20240807", "c", "passed"),
        result("20240808", "a", "passed"),
        result("20240808", "b", "unknown"),
        result("20240809", "a", "failed", table="ods_users"),
    )

    found = read_quality(records, "ads_users", ["20240807", "20240808", "20240809"])

    assert {dt: (day.state, day.counts) for dt, day in found.items()} == {
        "20240807": ("warned", {"warned": 1, "passed": 2}),
        "20240808": ("unknown", {"unknown": 1, "passed": 1}),
    }


def test_only_the_last_run_that_checked_a_day_counts(records):
    later = "2024-08-09T00:00:00.000000Z"
    write_results(
        records,
        result("20240807", "renamed since", "failed"),
        result("20240807", "a", "failed", run="run-2", at=later),
        result("20240807", "a", "passed", run="run-2", at=later),
    )

    day = read_quality(records, "ads_users", ["20240807"])["20240807"]

    assert (day.state, day.counts, day.run_id, day.checked_at) == (
        "passed", {"passed": 1}, "run-2", later,
    )  # fmt: skip


def test_no_days_have_no_quality(records):
    assert read_quality(records, "ads_users", []) == {}


def test_a_source_is_compared_with_what_was_accepted_last(records):
    assert last_seen(records, "users") is None
    assert last_accepted(records, "users") is None
    now = SourceSchema(columns=())
    remember(records, "users", SCHEMA, run_id="run-1", seen_at="2024-08-07T00:00:00.000000Z")
    remember(
        records, "users", now, run_id="run-2", seen_at="2024-08-08T00:00:00.000000Z", accepted=False
    )
    remember(records, "other", now, run_id="run-3", seen_at="2024-08-09T00:00:00.000000Z")

    seen, accepted = present(last_seen(records, "users")), present(last_accepted(records, "users"))

    assert (seen.schema, seen.accepted, seen.run_id) == (now, False, "run-2")
    assert (accepted.schema, accepted.accepted, accepted.run_id) == (SCHEMA, True, "run-1")


def test_a_source_is_kept_with_what_it_is(records):
    named = dataclasses.replace(SCHEMA, identity="mysql://db/shop, table users")
    remember(records, "users", named, run_id="r", seen_at="2024-08-08T00:00:00.000000Z")

    assert present(last_accepted(records, "users")).schema == named


def test_a_source_that_was_kept_before_sources_had_an_identity_is_read(records):
    facts = '{"columns": [], "row_estimate": null, "byte_estimate": null, "accepted": true}'
    row = {"source": "users", "seen_at": "2024", "run_id": "r", "facts": facts}
    records.write(lambda connection: connection.execute(tables().source_schema.insert(), [row]))

    assert present(last_accepted(records, "users")).schema == SourceSchema(columns=())


def test_what_was_seen_last_can_be_accepted(records):
    assert accept(records, "users") is None
    remember(
        records, "users", SCHEMA, run_id="run-2", seen_at="2024-08-08T00:00:00.000000Z",
        accepted=False,
    )  # fmt: skip

    assert not present(accept(records, "users")).accepted
    assert present(last_accepted(records, "users")).schema == SCHEMA
    assert present(accept(records, "users")).accepted


def test_a_table_of_a_thousand_columns_fits(records):
    wide = SourceSchema(
        columns=tuple(
            SourceColumn(name=f"column_{n}", type="varchar(20)", comment="会" * 30)
            for n in range(1000)
        )
    )
    remember(records, "users", wide, run_id="r", seen_at="2024-08-08T00:00:00.000000Z")

    assert present(last_seen(records, "users")).schema == wide


def test_a_row_of_somebody_else_is_an_error_that_names_it(records):
    row = {"source": "users", "seen_at": "2024", "run_id": "r", "facts": '{"columns": 1}'}
    records.write(lambda connection: connection.execute(tables().source_schema.insert(), [row]))

    with pytest.raises(RecordsError, match="source_schema, users: the row of 2024"):
        last_seen(records, "users")


def test_a_directory_that_cannot_be_made_is_an_error_with_what_to_do(tmp_path):
    home = tmp_path / "home"
    home.write_text("a file")
    with open_records(None, home) as records, pytest.raises(RecordsError) as raised:
        read_partitions(records, "ads_users")
    assert str(raised.value) == (
        f"{home}/serving: the directory of the database cannot be made (Not a directory)\n"
        "What to do: make USERPROFILE_HOME a directory that this user may write to; with "
        "USERPROFILE_SERVING_URL set, correct the path in it"
    )
