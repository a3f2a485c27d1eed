"""The `.yml` beside a table: what is read, and what is refused, with its place."""

from __future__ import annotations

import pytest

from userprofile_assets.errors import QualityFileError
from userprofile_assets.quality.masking import mask
from userprofile_assets.quality.table_file import ColumnDoc, read_table_docs
from userprofile_assets_tests.support.sql_tree import write_sql

COLUMNS = {
    "orders": [
        ("id", "string"),
        ("amount", "bigint"),
        ("at", "timestamp"),
        ("note", "unknown"),
        ("dt", "string"),
    ],
    "users": [("uid", "string"), ("age", "int"), ("dt", "string")],
}


@pytest.fixture
def read(tmp_path):
    """Reads the text of ods/orders.yml."""

    def read(text, *, logic="standard", **files):
        write_sql(tmp_path, {"ods/orders.sql": "-- O.", "ods/users.sql": "-- U."})
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "ods/orders.yml").write_bytes(content)
        for name, more in files.items():
            (tmp_path / "ods" / name.replace("__", ".")).write_text(more)
        return read_table_docs(tmp_path, COLUMNS, logic)

    return read


def rule(read, text):
    (found,) = read(f"rules:\n  - {text}\n")["orders"].rules
    return found


def test_everything_that_a_file_may_say(read):
    about = read("""\
description: Orders of a day.
owner: team:sales
tags: [money, daily]
columns:
  id: {comment: The number, pii: true, tags: [key]}
  amount: In cents
rules:
  - row_count > 0
""")["orders"]
    assert (about.file, about.description, about.owner) == (
        "ods/orders.yml",
        "Orders of a day.",
        "team:sales",
    )
    assert about.tags == ("money", "daily")
    assert about.columns == {
        "id": ColumnDoc(comment="The number", pii=True, tags=("key",)),
        "amount": ColumnDoc(comment="In cents"),
    }
    assert [about.is_pii(column) for column in ("id", "amount", "at")] == [True, False, False]
    assert mask([("7", 3, None)], ["id", "amount", "at"], about) == [("***", 3, None)]


def test_a_table_without_a_file_has_nothing_to_say(read):
    about = read("owner: a\n")["users"]
    assert (about.file, about.rules, about.is_pii("uid")) == (None, (), False)


def test_a_variant_takes_the_place_of_the_plain_file_in_its_logic(read):
    variant = {"orders__tutorial__yml": "owner: b\n"}
    assert read("owner: a\n", **variant)["orders"].owner == "a"
    assert read("owner: a\n", logic="tutorial", **variant)["orders"].owner == "b"


def test_without_a_variant_the_plain_file_holds_for_both(read):
    assert read("owner: a\n", logic="tutorial")["orders"].owner == "a"


NAMED = {
    "row_count > 0": ("row_count_above_0", "row_count", "error <= 0"),
    "row_count != 3": ("row_count_is_not_3", "row_count", "error = 3"),
    "sum(amount) between -1 and 2.5": (
        "sum_amount_between_minus_1_and_2_5",
        "sum(amount)",
        "error not between -1 and 2.5",
    ),
    "null_count(id) <= 5%": ("null_count_id_at_most_5_percent", "null_count(id)", "error > 5%"),
    "unique: [id, amount]": ("unique_id_amount", "duplicate_count(id, amount)", "error > 0"),
    "unique: id": ("unique_id", "duplicate_count(id)", "error > 0"),
    'accepted_values: {column: id, values: [no, 007]}': (
        "accepted_values_id",
        "accepted_values(id: no, 007)",
        "error > 0",
    ),
    "row_count volatility 7d warn 10% error 50%": (
        "row_count_volatility_7d",
        "row_count",
        "warn > 10% of the baseline, error > 50% of the baseline",
    ),
    "sum(amount) volatility 30d average error > 50%": (
        "sum_amount_volatility_30d_average",
        "sum(amount)",
        "error > 50% of the baseline",
    ),
    "avg(amount) volatility first-of-month warn 5%": (
        "avg_amount_volatility_first_of_month",
        "avg(amount)",
        "warn > 5% of the baseline",
    ),
    "row_count dynamic 30d": (
        "row_count_dynamic_30d",
        "row_count",
        "warn > 3 spreads, error > 6 spreads",
    ),
    "row_count equals manifest": (
        "row_count_equals_manifest",
        "row_count equals manifest",
        "error > 0",
    ),
    "row_count equals users": ("row_count_equals_users", "row_count equals users", "error > 0"),
    "freshness(at) within 36h": ("freshness_at", "freshness(at)", "error > 129600"),
    "changed since yesterday": (
        "changed_since_yesterday",
        "changed since yesterday",
        "error > 0",
    ),
    '{unique: [id], where: amount > 3, strength: strong, warn: "> 0", error: "> 1%", name: mine}': (
        "mine",
        "duplicate_count(id) where amount > 3",
        "warn > 0, error > 1%",
    ),
    '{assertion: row_count, warn: "< 10", error: "< 5"}': (
        "row_count",
        "row_count",
        "warn < 10, error < 5",
    ),
    '{sql: "SELECT 1;", expect: "= 0", name: mine}': ("mine", "sql SELECT 1", "error != 0"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NAMED.items(), ids=NAMED)
def test_a_rule_has_a_name_a_metric_and_thresholds(read, text, expected):
    found = rule(read, text)
    assert (found.name, found.metric, found.thresholds()) == expected


def test_the_metric_stays_when_a_rule_is_renamed_or_tightened(read):
    one = rule(read, '{assertion: row_count volatility 7d, error: "> 50%"}')
    two = rule(read, "{assertion: row_count volatility 1d error 5%, name: other, strength: strong}")
    assert (one.metric, two.metric) == ("row_count", "row_count")


def test_a_metric_fits_its_column_in_the_database(read):
    long = rule(read, "{assertion: row_count > 0, where: \"id != '" + 300 * "x" + "'\"}").metric
    other = rule(read, "{assertion: row_count > 0, where: \"id != '" + 301 * "x" + "'\"}").metric
    foreign = rule(read, "{assertion: row_count > 0, where: \"id = '女'\"}").metric
    assert len(long) == len(other) == 191
    assert long != other
    assert foreign.isascii()


def test_rules_are_soft_unless_they_say_strong(read):
    assert rule(read, "unique: [id]").strength == "soft"
    assert rule(read, "{unique: [id], strength: strong}").strength == "strong"


REFUSED = {
    "unknown key": ("ownr: a", 1, "the file has no 'ownr'; did you mean owner?"),
    "unknown column": ("columns:\n  amuont: x", 2, "no column 'amuont'; did you mean amount?"),
    "unknown key of a column": ("columns:\n  id:\n    pi: true", 3, "did you mean pii?"),
    "pii that is no boolean": ("columns:\n  id: {pii: ja}", 2, "neither true nor false"),
    "unknown column of a rule": ("rules:\n  - unique: [idd]", 2, "did you mean id?"),
    "unknown rule": ("rules:\n  - row_cnt > 0", 2, "no rule 'row_cnt'; did you mean row_count?"),
    "unknown key of a rule": ("rules:\n  - uniqe: [id]", 2, "did you mean unique?"),
    "unknown option": ("rules:\n  - unique: [id]\n    strenght: soft", 3, "did you mean strength?"),
    "unknown strength": ("rules:\n  - unique: [id]\n    strength: storng", 3, "mean strong?"),
    "two kinds": ("rules:\n  - {unique: [id], not_null: [id]}", 2, "unique and not_null"),
    "bad threshold": ("rules:\n  - row_count > many", 2, "'> many' is no threshold"),
    "bad warn": ("rules:\n  - unique: [id]\n    warn: 5", 3, "'5' is no threshold"),
    "empty range": ("rules:\n  - row_count between 9 and 1", 2, "is empty"),
    "no threshold": ("rules:\n  - row_count", 2, "has no threshold"),
    "threshold said twice": (
        "rules:\n  - assertion: row_count > 0\n    error: < 1",
        3,
        "says already when it fails",
    ),
    "no percentage": ("rules:\n  - row_count volatility 7d error 5", 2, "is a percentage"),
    "a percentage of spreads": ("rules:\n  - row_count dynamic 9d error 5%", 2, "spreads"),
    "share of a sum": ("rules:\n  - sum(amount) > 5%", 2, "no share of the rows"),
    "sum of texts": ("rules:\n  - sum(id) > 5", 2, "needs numbers, but id is string"),
    "greatest text there": (
        "rules:\n  - row_count equals users.max(uid)",
        2,
        "max(uid) needs numbers, but uid is string",
    ),
    "freshness of a number": ("rules:\n  - freshness(amount) within 1h", 2, "amount is bigint"),
    "bad duration": ("rules:\n  - freshness(at) within soon", 2, "no duration"),
    "bad number of days": ("rules:\n  - row_count volatility 0d error 5%", 2, "number of days"),
    "a range of numbers that is empty": (
        "rules:\n  - between: {column: amount, min: 9, max: 0}",
        2,
        "no value is between 9 and 0",
    ),
    "a range of days that is empty": (
        'rules:\n  - between: {column: at, min: "2024-08-07 10:00:00", max: "2024-08-07"}',
        2,
        "no value is between 2024-08-07 10:00:00 and 2024-08-07",
    ),
    "an end that is no moment": (
        "rules:\n  - between:\n      column: at\n      min: yesterday",
        4,
        "min is no date or time, but at is timestamp",
    ),
    "an end that is no day of the calendar": (
        'rules:\n  - between: {column: at, max: "2024-02-30"}',
        2,
        "max is no date or time",
    ),
    "an end of what may be anything": (
        "rules:\n  - between: {column: note, max: many}",
        2,
        "max is no number",
    ),
    "a history that is too short": (
        "rules:\n  - row_count dynamic 6d",
        2,
        "needs the values of 7 days",
    ),
    "unknown table": ("rules:\n  - row_count equals user", 2, "did you mean users?"),
    "unknown column there": (
        "rules:\n  - relationship: {column: id, to: users.id}",
        2,
        "users has no column 'id'",
    ),
    "unknown variable": (
        "rules:\n  - {name: a, sql: \"SELECT '${bizdat}'\", expect: = 0}",
        2,
        "no variable ${bizdat}",
    ),
    "variable in a filter": (
        "rules:\n  - {unique: [id], where: \"dt = '${bizdate}'\"}",
        2,
        "no variable ${bizdate} here",
    ),
    "sql without a name": ("rules:\n  - {sql: SELECT 1, expect: = 0}", 2, "needs a name"),
    "a name with blanks": ("rules:\n  - {unique: [id], name: my rule}", 2, "no name of a rule"),
    "a name that is taken": (
        "rules:\n  - {unique: [id], name: rows_equal_manifest}",
        2,
        "there already",
    ),
    "two rules of one name": (
        "rules:\n  - unique: [id]\n\n  - {not_null: [id], name: unique_id}",
        4,
        "the first at ods/orders.yml:2",
    ),
    "a key twice": ("owner: a\ntags: [b]\nowner: c", 3, "'owner' is there twice, first in line 1"),
    "a column twice": ("rules:\n  - unique: [id, id]", 2, "twice"),
    "history of a personal number": (
        "columns:\n  amount: {pii: true}\nrules:\n  - avg(amount) volatility 7d error 5%",
        4,
        "marked pii",
    ),
    "not a mapping": ("- a", 1, "the file is not a mapping"),
    "rules that are no list": ("rules: row_count > 0", 1, "rules is not a list"),
    "nothing": ("", 1, "the file is not a mapping"),
    "no YAML": ("owner: 'a\ntags: b: c", 2, "no YAML"),
    "an alias": ("owner: &a b\ndescription: *a", 1, "aliases"),
    "not UTF-8": ("owner: a\ndescription: ä".encode("latin-1"), 2, "not UTF-8"),
    "a control character": ("owner: a\ntags: [\x07]", 2, "no YAML"),
    "too deep": ("tags: " + 30 * "[" + 30 * "]", 1, "too deeply"),
}


@pytest.mark.parametrize(
    "ends",
    [
        "column: amount, min: 9, max: 9",
        "column: amount, min: -1.5, max: +2",
        'column: at, min: "2024-08-07", max: "2024-08-07 10:00"',
        'column: at, min: "2024-08-07 10:00:00.5", max: "2024-08-07T10:00:00+08:00"',
        'column: at, min: "2024-08-07 10:00:00Z"',
    ],
)
def test_a_range_is_of_numbers_or_of_moments(read, ends):
    assert rule(read, f"between: {{{ends}}}").kind == "between"


@pytest.mark.parametrize(("text", "line", "said"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused_with_its_line(read, text, line, said):
    with pytest.raises(QualityFileError) as raised:
        read(text)
    assert raised.value.where == f"ods/orders.yml:{line}"
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ordres__yml", "did you mean orders?"),
        ("orders__yaml", "none of a file about a table"),
        ("orders__other__yml", "none of a file about a table"),
    ],
)
def test_a_file_of_no_table_is_refused(read, name, said):
    with pytest.raises(QualityFileError, match=said.replace("?", r"\?")):
        read("owner: a\n", **{name: "owner: a\n"})


def test_a_variant_that_does_not_hold_is_read_all_the_same(read):
    with pytest.raises(QualityFileError, match=r"orders\.tutorial\.yml:1"):
        read("owner: a\n", orders__tutorial__yml="ownr: a\n")
