"""Former results in the database: which value is a baseline; a database that does not answer."""

from __future__ import annotations

import threading

import pytest

from userprofile_assets.quality.history import RecordsHistory
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.quality.run import check_days
from userprofile_assets.quality.table_file import read_table_docs
from userprofile_assets.records.database import default_path, open_records
from userprofile_assets.records.tables import tables
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.sql_tree import write_sql

DAY = "20240807"


@pytest.fixture(params=["sqlite", "mariadb"])
def records(request, tmp_path):
    """An empty database of the records, of each kind."""
    url = None
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").fresh_url()
    with open_records(url, tmp_path) as opened:
        yield opened


@pytest.fixture
def history(records):
    return RecordsHistory(records, pytest.fail)


def result(day, value, *, rule="rows", metric="row_count", status="passed"):
    return RuleResult(
        table="orders",
        rule=rule,
        text=rule,
        bizdate=day,
        metric=metric,
        strength="soft",
        status=status,
        value=value,
        thresholds="error > 50%",
        message=f"{rule}: 女 '{value}'",
        sql="SELECT 1",
    )


def test_the_last_result_of_a_day_counts_whatever_the_rule_was_called(history):
    history.save([result("20240805", 1), result("20240806", 2)], "run 1")
    history.save([result("20240806", 3, rule="renamed")], "run 2")
    history.save([result("20240806", 9, metric="sum(pv)")], "run 3")
    assert history.values("orders", {"row_count"}, {"20240805", "20240806", DAY}) == {
        ("row_count", "20240805"): 1,
        ("row_count", "20240806"): 3,
    }
    assert history.values("users", {"row_count"}, {"20240806"}) == {}


def test_a_last_result_without_a_value_leaves_the_day_without_one(history):
    history.save([result("20240806", 2)], "run 1")
    history.save([result("20240806", None, status="unknown")], "run 2")
    assert history.values("orders", {"row_count"}, {"20240806"}) == {}
    history.save([result("20240806", 3)], "run 3")
    assert history.values("orders", {"row_count"}, {"20240806"}) == {("row_count", "20240806"): 3}


def test_everything_about_a_result_is_kept(history, records):
    history.save([result(DAY, 2.5)], "run 1")
    (row,) = records.read(tables().dq_result.select())
    assert (row.table_name, row.dt, row.rule, row.metric) == ("orders", DAY, "rows", "row_count")
    assert (row.strength, row.status, row.value) == ("soft", "passed", 2.5)
    assert (row.threshold, row.message) == ("error > 50%", "rows: 女 '2.5'")
    assert (row.sql_text, row.run_id) == ("SELECT 1", "run 1")
    assert row.checked_at.endswith("Z")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_kept_as_no_value(history, value):
    assert history.save([result("20240806", value, status="failed")], "run 1")
    assert history.values("orders", {"row_count"}, {"20240806"}) == {}


def test_values_of_more_days_than_one_statement_takes(history):
    history.save([result("20240806", 2)], "run 1")
    days = {f"{number:08}" for number in range(1200)} | {"20240806"}
    assert history.values("orders", {"row_count"}, days) == {("row_count", "20240806"): 2}


@pytest.fixture
def doc(tmp_path):
    root = write_sql(
        tmp_path / "sql",
        {
            "ods/orders.sql": "-- Orders.",
            "ods/orders.yml": "rules:\n  - row_count volatility 1d error 50%\n  - row_count > 0\n",
        },
    )
    return read_table_docs(root, {"orders": [("id", "string"), ("dt", "string")]})["orders"]


def rows(number):
    return lambda _: [(DAY, number)]


def test_a_rerun_does_not_use_itself_as_its_baseline(history, doc):
    history.save([result("20240806", 100), result(DAY, 1)], "run 1")
    found, _ = check_days(doc, [DAY], query=rows(100), history=history)
    assert (found.status, found.baseline) == ("passed", 100)


def test_a_database_that_does_not_answer_costs_the_baselines_and_is_told_once(doc, tmp_path):
    url = f"mysql+pymysql://user:secret-word@127.0.0.1:{free_port()}/records"
    told: list[str] = []
    with open_records(url, tmp_path, tls="disabled") as records:
        history = RecordsHistory(records, told.append)
        change, present = check_days(doc, [DAY], query=rows(100), history=history)
        assert not history.save([change, present], "run 1")
    assert (change.status, present.status) == ("unknown", "passed")
    (sentence,) = told
    assert "no baselines" in sentence
    assert "secret-word" not in sentence


def test_several_writers_at_once_lose_nothing(tmp_path):
    def write(number):
        with open_records(None, tmp_path) as records:
            assert RecordsHistory(records, pytest.fail).save([result(DAY, number)], f"run {number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_records(None, tmp_path) as records:
        found = records.read(tables().dq_result.select())
    assert sorted(row.value for row in found) == list(range(8))
    assert default_path(tmp_path).is_file()
