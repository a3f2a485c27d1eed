"""Rules on a real Spark: what each kind measures, on rows that are written out here."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.catalog.table_docs import read_docs
from userprofile_assets.demo.log_lines import log_chunks
from userprofile_assets.demo.users import user_rows
from userprofile_assets.errors import SparkError
from userprofile_assets.project_files import sql_directory
from userprofile_assets.quality.facts import DayFacts
from userprofile_assets.quality.measures import broken
from userprofile_assets.quality.quoting import quote_text
from userprofile_assets.quality.run import check_days
from userprofile_assets.quality.table_file import read_table_docs
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets_tests.support.processing import processing
from userprofile_assets_tests.support.sql_tree import write_sql

COLUMNS = {
    "orders": [
        ("id", "string"),
        ("kind", "string"),
        ("amount", "bigint"),
        ("price", "double"),
        ("code", "string"),
        ("at", "timestamp"),
        ("dt", "string"),
    ],
    "kinds": [("name", "string"), ("weight", "bigint"), ("dt", "string")],
}
# id, kind, amount, price, code, at
ROWS = {
    "20240806": [("'a'", "'x'", "1", "1.5D", "'200'", "TIMESTAMP'2024-08-06 12:00:00'")],
    "20240807": [
        ("'a'", "'x'", "1", "1.5D", "'200'", "TIMESTAMP'2024-08-07 12:00:00'"),
        ("'a'", "'y'", "5", "2.5D", "'404'", "TIMESTAMP'2024-08-07 18:00:00'"),
        ("'b'", "'y'", "NULL", "2.0D", "'abc'", "TIMESTAMP'2024-08-07 06:00:00'"),
        ("NULL", "'z'", "10", "4.0D", "NULL", "NULL"),
    ],
}
DAY = "20240807"
EMPTY = "20240809"


@pytest.fixture(scope="module")
def tables(spark_session):
    """Two tables in a database of their own."""
    spark_session.sql("CREATE DATABASE rules_of_orders")
    spark_session.catalog.setCurrentDatabase("rules_of_orders")
    types = {"at": "timestamp"}
    columns = ", ".join(f"`{n}` {types.get(n, t)}" for n, t in COLUMNS["orders"])
    spark_session.sql(f"CREATE TABLE orders ({columns}) USING parquet PARTITIONED BY (dt)")
    for day, rows in ROWS.items():
        values = ", ".join(f"({', '.join(row)}, '{day}')" for row in rows)
        spark_session.sql(f"INSERT INTO orders VALUES {values}")
    spark_session.sql(
        "CREATE TABLE kinds (name string, weight bigint, dt string) USING parquet "
        "PARTITIONED BY (dt)"
    )
    spark_session.sql(
        "INSERT INTO kinds VALUES ('x', 3, '20240807'), ('y', 4, '20240807'), (NULL, 1, '20240807')"
    )
    spark_session.catalog.setCurrentDatabase("default")
    yield spark_session
    spark_session.sql("DROP DATABASE rules_of_orders CASCADE")


@pytest.fixture
def engine(tables):
    """Statements on those tables; they are noted."""
    tables.catalog.setCurrentDatabase("rules_of_orders")
    yield Noted(tables)
    tables.catalog.setCurrentDatabase("default")


class Noted:
    """Runs statements and remembers them."""

    def __init__(self, session):
        self._engine = ClassicEngine(session)
        self.statements = []

    def __call__(self, statement):
        self.statements.append(statement)
        return self._engine.execute(statement)


def doc(directory, rules, *, columns=""):
    write_sql(directory, {"ods/orders.sql": "-- Orders.", "ods/kinds.sql": "-- Kinds."})
    (directory / "ods/orders.yml").write_text(f"{columns}rules:\n{rules}", encoding="utf-8")
    return read_table_docs(directory, COLUMNS)["orders"]


def check(engine, directory, rules, *, days=(DAY,), columns="", **more):
    return check_days(doc(directory, rules, columns=columns), days, query=engine, **more)


VALUES = {
    "rows": ("row_count > 0", 4),
    "rows with a filter": ("{assertion: row_count > 0, where: \"kind = 'y'\"}", 2),
    "sum without the NULL": ("sum(amount) > 0", 16),
    "mean without the NULL": ("avg(amount) > 0", 16 / 3),
    "least": ("min(price) > 0", 1.5),
    "greatest": ("max(price) > 0", 4),
    "standard deviation of a sample": ("stddev(price) > 0", 1.0801234497346435),
    "distinct without NULL": ("count_distinct(id) > 0", 2),
    "NULLs": ("null_count(id) < 9", 1),
    "doubles": ("duplicate_count(id) < 9", 1),
    "doubles of a filter": ("{assertion: duplicate_count(id) < 9, where: \"kind = 'y'\"}", 0),
    "unique": ("unique: [id]", 1),
    "unique of two": ("unique: [id, kind]", 0),
    "not NULL": ("not_null: [id, amount]", 2),
    "accepted values": ("accepted_values: {column: kind, values: [x, y]}", 1),
    "accepted numbers": ("accepted_values: {column: amount, values: [1, 5]}", 1),
    "the whole value matches": ('matches: {column: code, pattern: "[0-9]"}', 3),
    "matches": ('matches: {column: code, pattern: "[0-9]{3}"}', 1),
    "between numbers": ("between: {column: amount, min: 2, max: 9}", 2),
    "between, no number": ("between: {column: code, min: 100, max: 599}", 1),
    "between times": ('between: {column: at, min: "2024-08-07 07:00:00"}', 1),
    "relationship": ("relationship: {column: kind, to: kinds.name}", 1),
    "relationship with a filter there": (
        "{relationship: {column: kind, to: kinds.name}, other_where: weight > 3}",
        2,
    ),
    "freshness in seconds": ("freshness(at) within 36h", 6 * 3600),
    "equals": ("row_count equals kinds", 4),
    "free SQL": (
        "{name: mine, sql: \"SELECT max(weight) FROM kinds WHERE dt = '${bizdate}'\", warn: > 9}",
        4,
    ),
}


@pytest.mark.parametrize(("rule", "value"), VALUES.values(), ids=VALUES)
def test_a_rule_measures(engine, tmp_path, rule, value):
    text = rule.replace("warn: > 9", 'warn: "> 9"')
    (result,) = check(engine, tmp_path, f"  - {text}\n")
    assert result.value == pytest.approx(value)


OF_NOTHING = {
    "row_count > 0": ("failed", 0),
    "sum(amount) > 0": ("unknown", None),
    "count_distinct(id) = 0": ("passed", 0),
    "unique: [id]": ("passed", 0),
    "not_null: [id]": ("passed", 0),
    "null_count(id) <= 5%": ("passed", 0),
    "relationship: {column: kind, to: kinds.name}": ("passed", 0),
    "freshness(at) within 36h": ("unknown", None),
    "row_count equals kinds": ("passed", 0),
}


@pytest.mark.parametrize(("rule", "expected"), OF_NOTHING.items(), ids=OF_NOTHING)
@pytest.mark.parametrize("days", [(EMPTY,), (DAY, EMPTY)], ids=["alone", "with another day"])
def test_a_day_without_rows(engine, tmp_path, rule, expected, days):
    result = check(engine, tmp_path, f"  - {rule}\n", days=days)[-1]
    assert (result.bizdate, result.status, result.value) == (EMPTY, *expected)


def test_nan_breaks_a_range_and_fails_a_sum(engine, tmp_path, tables):
    rows = "('a', 'x', 1, double('NaN'), '1', NULL, '20240901')"
    tables.sql(f"INSERT INTO orders VALUES {rows}")
    rules = "  - sum(price) > 0\n  - between: {column: price, min: 0}\n  - not_null: [price]\n"
    total, ranged, present = check(engine, tmp_path, rules, days=["20240901"])
    assert (total.status, math.isnan(total.value)) == ("failed", True)
    assert (ranged.status, ranged.value) == ("failed", 1)
    assert present.status == "passed"


def test_all_column_rules_of_all_days_are_one_statement_and_one_for_each_key(engine, tmp_path):
    rules = """\
  - row_count > 0
  - sum(amount) > 0
  - row_count volatility 1d error 500%
  - unique: [id, kind]
  - duplicate_count(id) <= 5
  - count_distinct(id) <= 5
  - not_null: [kind]
  - {accepted_values: {column: kind, values: [x, y, z]}, where: amount > 1}
  - matches: {column: kind, pattern: "[xyz]"}
  - freshness(at) within 36h
"""
    results = check(engine, tmp_path, rules, days=["20240806", DAY])
    assert [result.status for result in results] == ["passed"] * 2 + ["unknown"] + ["passed"] * 17
    assert [len(results), len(engine.statements)] == [20, 3]
    assert ["DISTINCT" in statement for statement in engine.statements] == [False, True, True]


def test_a_change_is_against_the_day_of_the_same_run(engine, tmp_path):
    rules = "  - row_count volatility 1d warn 100% error 250%\n"
    _, result = check(engine, tmp_path, rules, days=["2024-08-06", "2024-08-07"])
    assert (result.status, result.value, result.baseline) == ("failed", 4, 1)
    assert result.message == (
        "row_count volatility 1d: 4, 300.0 % above 1 of 2024-08-06 "
        "(warn > 100% of the baseline, error > 250% of the baseline)"
    )


def test_rows_of_a_failed_rule_are_shown_and_personal_values_masked(engine, tmp_path):
    rules = "  - accepted_values: {column: kind, values: [x, y]}\n  - unique: [id]\n"
    one, two = check(engine, tmp_path, rules, columns="columns: {id: {pii: true}}\n")
    assert one.samples.columns == ("id", "kind", "amount", "price", "code", "at", "dt")
    assert one.samples.rows == (("***", "z", "10", "4.0", None, None, DAY),)
    assert {row[:2] for row in two.samples.rows} == {("***", "x"), ("***", "y")}
    assert two.message == "unique(id): 1 of 4 rows break it (25 %) (error > 0)"


@pytest.mark.parametrize("rule", ["min(amount) > 5", "max(amount) < 5", "sum(amount) < 5"])
def test_a_number_of_a_personal_column_is_nowhere(engine, tmp_path, rule):
    (result,) = check(engine, tmp_path, f"  - {rule}\n", columns="columns: {amount: {pii: true}}\n")
    assert (result.status, result.value) == ("failed", None)
    assert result.message.startswith(f"{rule}: *** (error ")


@pytest.mark.parametrize(
    "rule",
    [
        "unique: [id]",
        "not_null: [id, amount]",
        "accepted_values: {column: kind, values: [x, y]}",
        'matches: {column: code, pattern: "[0-9]{3}"}',
        "between: {column: amount, min: 2, max: 9}",
        "relationship: {column: kind, to: kinds.name}",
        "null_count(id) = 0",
        "duplicate_count(id) = 0",
        "row_count > 9",
        "row_count volatility 1d error 1%",
        "row_count dynamic 30d",
        "sum(amount) equals kinds.sum(weight)",
        "freshness(at) within 1h",
        "changed since yesterday",
    ],
)
def test_the_statement_to_look_at_runs(engine, tmp_path, rule):
    (result,) = check(engine, tmp_path, f"  - {rule}\n")
    if rule != "changed since yesterday":
        assert engine(result.sql)


def test_a_rule_that_spark_refuses_fails_alone_and_says_no_values(engine, tmp_path):
    rules = """\
  - row_count > 0
  - {assertion: row_count = 0, name: broken, strength: strong, where: CAST(code AS INT) > 1}
  - {assertion: row_count = 0, name: unknown_column, where: colour = 'red'}
  - unique: [kind]
"""
    good, broken, unknown, last = check(engine, tmp_path, rules)
    assert (good.status, last.value) == ("passed", 1)
    assert broken.blocks
    assert "CAST_INVALID_INPUT" in broken.message
    assert "abc" not in broken.message
    assert "colour" in unknown.message


def test_a_day_that_cannot_be_read_fails_alone(engine, tmp_path):
    def query(statement):
        if "20240806" in statement:
            raise SparkError("the file is broken")
        return engine(statement)

    bad, good = check(query, tmp_path, "  - row_count > 0\n", days=["20240806", DAY])
    assert (bad.status, good.status) == ("failed", "passed")
    assert bad.message == "row_count > 0: cannot be measured: the file is broken"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    value=st.text(
        st.one_of(st.sampled_from("'\"\\$`{};%\n-/*?u0"), st.characters(exclude_categories=["Cs"])),
        max_size=12,
    )
)
def test_a_quoted_text_reads_back_as_itself(engine, value):
    assert engine(f"SELECT {quote_text(value)}") == [(value,)]


def test_a_value_cannot_become_sql_or_a_variable(engine, tmp_path):
    rules = """\
  - accepted_values: {column: kind, values: ["x') OR ('1' = '1", "${env:HOME}", "\\\\' --"]}
"""
    (result,) = check(engine, tmp_path, rules)
    assert result.value == 4


def test_each_way_to_write_an_address_keeps_the_default_rule_and_a_host_name_breaks_it(
    tables, tmp_path
):
    warehouse = load_warehouse(Settings(home=tmp_path))
    docs = read_docs(sql_directory(), warehouse, "standard")
    (rule,) = [rule for rule in docs["dim_ip_region_spark"].rules if rule.kind == "matches"]
    addresses = [
        "203.0.113.7", "203.0.113.7:51234", "2001:DB8::A", "[2001:db8::a]", "[2001:db8::a]:443",
        "fe80::1%eth0", "[FE80::1%eth0]:80", "::ffff:203.0.113.7", "::",
    ]  # fmt: skip
    names = ["www.example.com", "www.example.com:443", "-", "GET"]
    values = ", ".join(f"({quote_text(text)})" for text in (*addresses, *names))
    found = tables.sql(
        f"SELECT ip FROM VALUES {values} AS t (ip) WHERE {broken(rule, {'ip': 'string'})}"
    )
    assert [row.ip for row in found.collect()] == names


def test_the_default_rules_take_a_day_of_the_demo_by_the_tutorials_logic(spark, tmp_path):
    lines, users = 2000, 300
    content = b"".join(
        log_chunks(date(2024, 8, 7), lines=lines, users=users, seed=7, timezone="Asia/Shanghai")
    )
    with processing(spark, tmp_path, logic="tutorial") as made:
        made.run(content, list(user_rows(users=users, seed=7)))
        results = results_of(made, DAY, rows=lines)
    assert [r.message for r in results if r.status not in {"passed", "unknown"}] == []
    assert len(results) >= 40


def test_the_default_rules_take_a_day_of_the_real_log(spark, tmp_path, shared_data):
    content = (shared_data / "elastic_apache_logs.log").read_bytes()
    with processing(spark, tmp_path) as made:
        made.run(content, [("u1", "女", "20-30岁", "狮子座")], bizdate="20150518")
        results = results_of(made, "20150518", rows=10000)
    assert [r.message for r in results if r.status not in {"passed", "unknown"}] == []


def results_of(made, day, *, rows):
    """Check all tables of a day by the project's own rules."""
    engine = ClassicEngine(made.session)
    facts = {day: DayFacts(rows=rows, bytes=1, sha256="a", sha256_before="b")}
    with made.current():
        return [
            result
            for about in read_docs(sql_directory(), made.warehouse, made.settings.logic).values()
            for result in check_days(about, [day], query=engine.execute, facts=facts)
        ]
