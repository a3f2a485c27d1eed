"""Rules judged from literal numbers: thresholds, baselines, spreads, the sentence."""

from __future__ import annotations

import math

import pytest

from userprofile_assets.errors import SparkError
from userprofile_assets.quality.baselines import Compared, compared_with, days_needed
from userprofile_assets.quality.facts import DayFacts
from userprofile_assets.quality.judge import judge
from userprofile_assets.quality.measurement import Measurement, failed_to_measure
from userprofile_assets.quality.rule import Baseline
from userprofile_assets.quality.run import check_days
from userprofile_assets.quality.table_file import read_table_docs
from userprofile_assets.quality.threshold import Threshold, parse_threshold
from userprofile_assets_tests.support.sql_tree import write_sql

COLUMNS = {
    "orders": [("id", "string"), ("amount", "bigint"), ("at", "date"), ("dt", "string")],
    "users": [("phone", "bigint"), ("level", "unknown"), ("dt", "string")],
}


@pytest.fixture
def doc(tmp_path):
    """The table with rules."""

    def doc(*rules, about=""):
        write_sql(tmp_path, {"ods/orders.sql": "-- Orders.", "ods/users.sql": "-- Users."})
        (tmp_path / "ods/users.yml").write_text("columns:\n  phone: {pii: true}\n")
        lines = "".join(f"  - {rule}\n" for rule in rules)
        (tmp_path / "ods/orders.yml").write_text(f"{about}rules:\n{lines}")
        return read_table_docs(tmp_path, COLUMNS)["orders"]

    return doc


@pytest.mark.parametrize(
    ("text", "meets", "not_"),
    [
        ("> 0", 1, 0),
        (">= 1.5", 1.5, 1.4),
        ("< 0", -1, 0),
        ("<= -2e3", -2000, -1999),
        ("= 7", 7, 8),
        ("!= 7", 8, 7),
        ("between 1 and 3", 3, 4),
        ("not between 1 and 3", 0.9, 1),
    ],
)
def test_a_threshold_is_met(text, meets, not_):
    threshold = parse_threshold(text)
    assert (threshold.is_met(meets), threshold.is_met(not_)) == (True, False)
    assert (threshold.opposite().is_met(meets), threshold.opposite().is_met(not_)) == (False, True)


def test_a_bare_number_needs_an_operator_that_is_agreed():
    assert parse_threshold("10%", bare=">") == Threshold(">", 10, percent=True)
    with pytest.raises(ValueError, match="no threshold"):
        parse_threshold("10%")


TWO_LEVELS = '{assertion: row_count, warn: "< 10", error: "< 5"}'
SHARE_THEN_COUNT = '{assertion: null_count(id), warn: "> 1%", error: "> 100"}'
COUNT_THEN_SHARE = '{not_null: [id], warn: "> 10", error: "> 5%"}'
DIFFERENCE_THEN_SHARE = '{assertion: row_count equals manifest, warn: "3", error: "5%"}'
NEARLY_EQUAL = '{assertion: row_count equals manifest, error: "1%"}'
JUDGED = {
    "holds": ("row_count > 0", Measurement(1, 1), "passed"),
    "does not": ("row_count > 0", Measurement(0, 0), "failed"),
    "warns first": (TWO_LEVELS, Measurement(7, 7), "warned"),
    "then fails": (TWO_LEVELS, Measurement(4, 4), "failed"),
    "only warns": ('{assertion: row_count, warn: "< 10"}', Measurement(0, 0), "warned"),
    "1 % is not above 1 %": ('{unique: [id], error: "> 1%"}', Measurement(1, 100), "passed"),
    "1.01 % is": ('{unique: [id], error: "> 1%"}', Measurement(101, 10_000), "failed"),
    "a share of nothing is 0": ('{unique: [id], error: "> 1%"}', Measurement(0, 0), "passed"),
    "5000 are above 100": (SHARE_THEN_COUNT, Measurement(5000, 10_000), "failed"),
    "101 of a million are too": (SHARE_THEN_COUNT, Measurement(101, 1_000_000), "failed"),
    "2 % are above 1 %": (SHARE_THEN_COUNT, Measurement(2, 100), "warned"),
    "400 are above 10, 4 % are not above 5 %": (
        COUNT_THEN_SHARE, Measurement(400, 10_000), "warned",
    ),
    "6 % are": (COUNT_THEN_SHARE, Measurement(6, 100), "failed"),
    "4 less is above 3, 0.4 % is not above 5 %": (
        DIFFERENCE_THEN_SHARE, Measurement(996, 996, there=1000), "warned",
    ),
    "6 % less is": (DIFFERENCE_THEN_SHARE, Measurement(47, 47, there=50), "failed"),
    "nothing to add": ("sum(amount) > 0", Measurement(None, 0), "unknown"),
    "NaN": ("sum(amount) > 0", Measurement(math.nan, 3), "failed"),
    "not measurable": ("row_count > 0", Measurement(error="no"), "failed"),
    "an old day": ("freshness(at) within 1h", Measurement(3601, 3), "failed"),
    "a day in time": ("freshness(at) within 1h", Measurement(3600, 3), "passed"),
    "equal": ("row_count equals manifest", Measurement(3, 3, there=3), "passed"),
    "one less": ("row_count equals manifest", Measurement(2, 2, there=3), "failed"),
    "no rows here": ("row_count equals manifest", Measurement(None, 0, there=3), "failed"),
    "no rows there": ("row_count equals manifest", Measurement(3, 3, there=None), "failed"),
    "no rows on either side": ("row_count equals manifest", Measurement(None, 0), "unknown"),
    "within 1 %": (NEARLY_EQUAL, Measurement(99, 99, there=100), "passed"),
    "nothing there": (NEARLY_EQUAL, Measurement(1, 1, there=0), "failed"),
    "the same object": ("changed since yesterday", Measurement(1), "failed"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "found", "status"), JUDGED.values(), ids=JUDGED)
def test_a_measurement_is_judged(doc, rule, found, status):
    assert judge(doc(rule).rules[0], found).status == status


CHANGED = {
    "10 % more is not above 10 %": (110, 100, "passed"),
    "11 % more": (111, 100, "warned"),
    "11 % less": (89, 100, "warned"),
    "51 % less": (49, 100, "failed"),
    "from nothing to nothing": (0, 0, "passed"),
    "from nothing to something": (1, 0, "failed"),
    "to nothing": (0, 5, "failed"),
    "of a negative number": (-111, -100, "warned"),
}


@pytest.mark.parametrize(("value", "baseline", "status"), CHANGED.values(), ids=CHANGED)
def test_a_change_is_judged_by_its_size_in_both_directions(doc, value, baseline, status):
    (rule,) = doc("sum(amount) volatility 7d warn 10% error 50%").rules
    assert judge(rule, Measurement(value, 1), Compared(baseline, "a day")).status == status


def test_a_change_from_nothing_has_no_percentage(doc):
    (rule,) = doc("row_count volatility 7d error 50%").rules
    assert judge(rule, Measurement(5, 5), Compared(0, "2024-07-31")).message == (
        "row_count volatility 7d: 5, and 0 of 2024-07-31 (error > 50% of the baseline)"
    )


def test_without_a_baseline_nothing_is_judged_and_it_says_so(doc):
    (rule,) = doc("row_count volatility 7d error 50%").rules
    compared = compared_with(Baseline("day", 7), "20240807", {})
    assert judge(rule, Measurement(5, 5), compared).message == (
        "row_count volatility 7d: 5; no baseline yet, since 2024-07-31 has no value yet"
    )


@pytest.mark.parametrize(
    ("baseline", "day", "needed"),
    [
        (Baseline("day", 7), "20240303", ("20240225",)),
        (Baseline("average", 3), "20240301", ("20240227", "20240228", "20240229")),
        (Baseline("first_of_month"), "20240807", ("20240801",)),
        (Baseline("first_of_month"), "20240801", ("20240701",)),
    ],
)
def test_the_days_that_a_baseline_needs(baseline, day, needed):
    assert days_needed(baseline, day) == needed


def test_a_mean_needs_half_of_its_days():
    days = {"20240806": 10.0, "20240804": 20.0}
    assert compared_with(Baseline("average", 4), "20240807", days).value == 15
    assert compared_with(Baseline("average", 5), "20240807", days).value is None


def test_a_dynamic_threshold_needs_seven_days():
    days = {f"202408{day:02}": 100.0 for day in range(1, 7)}
    assert compared_with(Baseline("dynamic", 30), "20240808", days).value is None
    found = compared_with(Baseline("dynamic", 30), "20240808", {**days, "20240807": 100.0})
    # All equal: 2 % of the middle is the spread.
    assert (found.value, found.spread) == (100, 2)


@pytest.mark.parametrize("outlier", [0, 1_000_000])
def test_one_outlier_hardly_moves_a_dynamic_threshold(doc, outlier):
    values = (96, 104, 98, 102, 100, 97, 103, 99, 101)
    days = {f"202408{day:02}": float(value) for day, value in enumerate(values, start=1)}
    days["20240810"] = float(outlier)
    found = compared_with(Baseline("dynamic", 30), "20240811", days)
    assert found.value in {99.5, 100.5}
    assert found.spread == pytest.approx(2.5 * 1.4826)
    (rule,) = doc("row_count dynamic 30d").rules
    statuses = [judge(rule, Measurement(n, n), found).status for n in (100, 110, 115, 200)]
    assert statuses == ["passed", "passed", "warned", "failed"]


class Values:
    """A history of literal values."""

    def __init__(self, **days):
        self.days = {day.removeprefix("d"): value for day, value in days.items()}

    def values(self, table, metrics, days):
        return {(m, day): self.days[day] for m in metrics for day in days if day in self.days}


def counting(**days):
    """Return a query that knows numbers of rows by day, in place of Spark."""

    def query(statement):
        asked = [day for day in days if day.removeprefix("d") in statement]
        return [(day.removeprefix("d"), days[day]) for day in asked]

    return query


def test_a_day_is_compared_with_the_history(doc):
    (result,) = check_days(
        doc("row_count volatility 1d warn 10% error 50%"),
        ["20240807"],
        query=counting(d20240807=120),
        history=Values(d20240806=100, d20240807=1),
    )
    assert (result.status, result.value, result.baseline) == ("warned", 120, 100)
    assert result.message == (
        "row_count volatility 1d: 120, 20.0 % above 100 of 2024-08-06 "
        "(warn > 10% of the baseline, error > 50% of the baseline)"
    )


def test_days_of_one_run_are_baselines_of_each_other_before_the_history(doc):
    one, two = check_days(
        doc("row_count volatility 1d error 50%"),
        ["20240807", "20240806"],
        query=counting(d20240806=100, d20240807=120),
        history=Values(d20240805=90, d20240806=1),
    )
    assert [(r.bizdate, r.baseline, r.status) for r in (one, two)] == [
        ("20240806", 90, "passed"),
        ("20240807", 100, "passed"),
    ]


def test_only_a_strong_rule_that_fails_blocks(doc):
    results = check_days(
        doc(
            "row_count > 9",
            "{assertion: row_count > 8, strength: strong}",
            '{assertion: row_count, name: warns, strength: strong, warn: "< 9"}',
        ),
        ["20240807"],
        query=counting(d20240807=1),
    )
    assert [(r.status, r.blocks) for r in results] == [
        ("failed", False),
        ("failed", True),
        ("warned", False),
    ]


SAME = {
    "another object": (DayFacts(rows=1, bytes=1, sha256="a", sha256_before="b"), "passed"),
    "that of yesterday": (DayFacts(rows=1, bytes=1, sha256="a", sha256_before="a"), "failed"),
    "no yesterday": (DayFacts(rows=1, bytes=1, sha256="a"), "unknown"),
    "a place without days": (
        DayFacts(rows=1, bytes=1, sha256="a", sha256_before="a", is_same_source=True),
        "unknown",
    ),
}


@pytest.mark.parametrize(("facts", "status"), SAME.values(), ids=SAME)
def test_yesterdays_file_is_noticed(doc, facts, status):
    (result,) = check_days(
        doc("changed since yesterday"), ["20240807"], query=counting(), facts={"20240807": facts}
    )
    assert result.status == status


def test_rows_are_compared_with_the_manifest(doc):
    facts = {"20240807": DayFacts(rows=5, bytes=1, sha256="a")}
    (result,) = check_days(
        doc("row_count equals manifest"),
        ["20240807"],
        query=counting(d20240807=4),
        facts=facts,
    )
    assert (result.status, result.value, result.baseline) == ("failed", 4, 5)
    assert result.message == "row_count equals manifest: 4 here, 5 there (error > 0)"


def test_what_spark_says_is_kept_without_a_value_of_a_row():
    said = "[CAST_OVERFLOW] The value 13800138000L of the type cannot be cast SQLSTATE: 22003"
    assert failed_to_measure(SparkError(said)).error == (
        "[CAST_OVERFLOW] what Spark says may hold values of rows, so it is not shown. "
        "SQLSTATE: 22003"
    )


def answering(**answers):
    """Return a query in place of Spark: a table's name -> its number, or what it raises."""

    def query(statement):
        answer = answers["users" if "users" in statement else "orders"]
        if isinstance(answer, Exception):
            raise answer
        return [("20240807", answer)]

    return query


def test_a_personal_number_of_the_other_table_is_judged_and_not_shown(doc):
    (result,) = check_days(
        doc("row_count equals users.max(phone)"),
        ["20240807"],
        query=answering(orders=3, users=13800138000),
    )
    assert (result.status, result.value, result.baseline) == ("failed", None, None)
    assert result.message == "row_count equals users.max(phone): *** (error > 0)"


FRESH = {
    3600: ("passed", "freshness(at): within the limit"),
    3601: ("failed", "freshness(at): over the limit (error > 3600)"),
}


@pytest.mark.parametrize(("seconds", "said"), FRESH.items())
def test_the_newest_personal_moment_is_judged_and_not_shown(doc, seconds, said):
    def query(statement):
        return [("20240807", seconds, 3)]

    (result,) = check_days(
        doc("freshness(at) within 1h", about="columns:\n  at: {pii: true}\n"),
        ["20240807"],
        query=query,
    )
    assert (result.status, result.message) == said
    assert result.value is None


UNEXPECTED = {
    "a text": ("Ann Smith", "it gives something that is no number"),
    "what nobody expects": (RuntimeError("Ann Smith"), "RuntimeError"),
}


@pytest.mark.parametrize(("answer", "said"), UNEXPECTED.values(), ids=UNEXPECTED)
def test_a_rule_that_gives_no_number_fails_alone(doc, answer, said):
    results = check_days(
        doc("row_count equals users.max(level)", "row_count > 0"),
        ["20240807"],
        query=answering(orders=3, users=answer),
    )
    assert [(one.status, one.message) for one in results] == [
        ("failed", f"row_count equals users.max(level): cannot be measured: {said}"),
        ("passed", "row_count > 0: 3"),
    ]


def test_a_rule_of_the_table_itself_that_gives_no_number_fails_alone(doc):
    def query(statement):
        if "max" in statement:
            return [("20240807", "Ann Smith", 3)]
        return [("20240807", 3)]

    results = check_days(
        doc(
            "max(amount) > 0",
            "row_count > 0",
        ),
        ["20240807"],
        query=query,
    )
    assert [one.status for one in results] == ["failed", "passed"]
    assert results[0].message == (
        "max(amount) > 0: cannot be measured: it gives something that is no number"
    )


WITHOUT_A_VALUE = {
    "a sum": ("sum(amount) > 0", 3, "failed", "cannot be measured: none of 3 rows has a amount"),
    "a sum of no rows": (
        "sum(amount) > 0", 0, "unknown", "not judged, since there are no rows to measure",
    ),
    "a sum against a former day": (
        "sum(amount) volatility 1d error 50%", 3, "failed",
        "cannot be measured: none of 3 rows has a amount",
    ),
    "the spread of one row": (
        "stddev(amount) > 0", 1, "unknown", "not judged, since a stddev needs two rows",
    ),
    "the spread of more": (
        "stddev(amount) > 0", 3, "failed",
        "cannot be measured: fewer than two of 3 rows have a amount",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "rows", "status", "said"), WITHOUT_A_VALUE.values(), ids=WITHOUT_A_VALUE
)
def test_rows_without_any_value_are_told_from_no_rows(doc, rule, rows, status, said):
    def query(statement):
        return [("20240807", None, rows)]

    (result,) = check_days(doc(rule), ["20240807"], query=query, history=Values(d20240806=9))
    assert (result.status, result.message) == (status, f"{result.text}: {said}")
