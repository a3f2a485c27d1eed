from __future__ import annotations

import pytest

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.graph import build_graph
from userprofile_assets_tests.support.sql_tree import (
    LOG_OBJECT,
    LOGS,
    USER_OBJECT,
    USERS,
    VARIABLES,
    table_of,
    write_sql,
)

HITS = table_of(
    "hits",
    "uid STRING, n INT, tags ARRAY<STRING>, at STRUCT<day: STRING, hour: INT>",
    "SELECT col, 1, split(col, ','), named_struct('day', col, 'hour', 0) FROM logs",
)


def graph_with(root, text):
    """Build the graph of a table `t` over `logs`, `users` and `hits`."""
    files = {"ods/logs.sql": LOGS, "ods/users.sql": USERS, "dwd/hits.sql": HITS, "dws/t.sql": text}
    return build_graph(write_sql(root, files), VARIABLES, [LOG_OBJECT, USER_OBJECT])


def lineage_of(root, select, columns="a STRING, b STRING"):
    table = graph_with(root, table_of("t", columns, select)).table("t")
    return table.reads, dict(table.column_lineage)


@pytest.mark.parametrize(
    ("select", "reads", "a", "b"),
    [
        pytest.param(
            "SELECT u.gender, h.uid FROM hits h LEFT JOIN users u ON u.uid = h.uid",
            ("hits", "users"), [("users", "gender")], [("hits", "uid")],
            id="join",
        ),
        pytest.param(
            "SELECT uid AS b, gender AS a FROM users",
            ("users",), [("users", "uid")], [("users", "gender")],
            id="by position, whatever the aliases",
        ),
        pytest.param(
            "SELECT max(uid), max(gender) FROM users",
            ("users",), [("users", "uid")], [("users", "gender")],
            id="without aliases",
        ),
        pytest.param(
            "SELECT u.uid, h.uid FROM users u, hits h",
            ("hits", "users"), [("users", "uid")], [("hits", "uid")],
            id="one name twice",
        ),
        pytest.param(
            "SELECT coalesce(h.uid, u.uid), count(*) FROM hits h, users u GROUP BY 1",
            ("hits", "users"), [("hits", "uid"), ("users", "uid")], [],
            id="two sources and none",
        ),
        pytest.param(
            "WITH c AS (SELECT uid AS x, n FROM hits), d AS (SELECT x, n + 1 AS m FROM c) "
            "SELECT x, max(m) FROM d GROUP BY x",
            ("hits",), [("hits", "uid")], [("hits", "n")],
            id="through CTEs",
        ),
        pytest.param(
            "WITH users AS (SELECT uid, gender FROM users) SELECT * FROM users",
            ("users",), [("users", "uid")], [("users", "gender")],
            id="a CTE with the name of the table it reads",
        ),
        pytest.param(
            "WITH users AS (SELECT uid AS x, n AS y FROM hits) SELECT y, x FROM users",
            ("hits",), [("hits", "n")], [("hits", "uid")],
            id="a CTE that hides a table",
        ),
        pytest.param(
            "SELECT uid, gender FROM users UNION ALL SELECT uid, n FROM hits",
            ("hits", "users"), [("hits", "uid"), ("users", "uid")],
            [("hits", "n"), ("users", "gender")],
            id="union",
        ),
        pytest.param(
            "(SELECT uid, gender FROM users) UNION (SELECT col, col FROM logs)",
            ("logs", "users"), [("logs", "col"), ("users", "uid")],
            [("logs", "col"), ("users", "gender")],
            id="union of brackets",
        ),
        pytest.param(
            "SELECT s.uid, s.gender FROM (SELECT * FROM users) s "
            "WHERE s.uid IN (SELECT uid FROM hits)",
            ("hits", "users"), [("users", "uid")], [("users", "gender")],
            id="subqueries in FROM and WHERE",
        ),
        pytest.param(
            "SELECT uid, (SELECT max(n) FROM hits) FROM users",
            ("hits", "users"), [("users", "uid")], [("hits", "n")],
            id="scalar subquery",
        ),
        pytest.param(
            "SELECT * EXCEPT (dt) FROM users",
            ("users",), [("users", "uid")], [("users", "gender")],
            id="star",
        ),
        pytest.param(
            "SELECT tag, at.hour FROM hits LATERAL VIEW explode(tags) x AS tag",
            ("hits",), [("hits", "tags")], [("hits", "at")],
            id="lateral view and field of a struct",
        ),
        pytest.param(
            "SELECT stack(2, uid, 'x', gender, 'y') AS (k, v) FROM users",
            ("users",), [("users", "gender"), ("users", "uid")],
            [("users", "gender"), ("users", "uid")],
            id="generator of two columns",
        ),
        pytest.param(
            "SELECT UID, N + 1 AS m FROM Hits",
            ("hits",), [("hits", "uid")], [("hits", "n")],
            id="upper case",
        ),
        pytest.param(
            "SELECT _metadata.file_path, col FROM logs",
            ("logs",), [], [("logs", "col")],
            id="hidden file metadata",
        ),
        pytest.param(
            "SELECT filter(tags, x -> x = uid), "
            "row_number() OVER (PARTITION BY uid ORDER BY n) FROM hits",
            ("hits",), [("hits", "tags"), ("hits", "uid")], [("hits", "n"), ("hits", "uid")],
            id="lambda and window",
        ),
        pytest.param(
            "SELECT id, v FROM range(3) JOIN (VALUES ('x')) AS w(v)",
            (), [], [],
            id="no table at all",
        ),
    ],
)  # fmt: skip
def test_reads_and_column_sources_are_found(tmp_path, select, reads, a, b):
    assert lineage_of(tmp_path, select) == (reads, {"a": tuple(a), "b": tuple(b)})


def test_a_cte_before_insert_is_followed(tmp_path):
    text = table_of(
        "t", "a STRING", "SELECT x FROM c", before="WITH c AS (SELECT uid AS x FROM hits)\n"
    )
    table = graph_with(tmp_path, text).table("t")
    assert table.reads == ("hits",)
    assert table.column_lineage == {"a": (("hits", "uid"),)}


@pytest.mark.parametrize(
    ("select", "message"),
    [
        pytest.param(
            "SELECT uid FROM users",
            "dws/t.sql:3: SELECT has 1 columns (uid), but t has 2 (a, b)",
            id="too few",
        ),
        pytest.param(
            "SELECT * FROM users",
            "dws/t.sql:3: SELECT has 3 columns (uid, gender, dt), but t has 2 (a, b)",
            id="a star with the partition column",
        ),
        pytest.param(
            "SELECT uid, gender FROM users UNION ALL SELECT uid FROM hits",
            "dws/t.sql:3: one side of UNION has 2 columns, the other 1",
            id="a union of two widths",
        ),
        pytest.param(
            "SELECT uid,\n  age FROM users",
            "dws/t.sql:5: the columns of the SELECT cannot be followed: "
            "Column 'age' could not be resolved\nWhat to do: correct the name, or write the alias "
            "of its table before it where several tables have it; the tables it reads: "
            "users (uid, gender, dt)",
            id="a column that is not there",
        ),
        pytest.param(
            "SELECT u.uid,\n  u.age FROM users u",
            "dws/t.sql:5: the columns of the SELECT cannot be followed: Unknown column: age\n",
            id="a column with alias that is not there",
        ),
        pytest.param(
            "SELECT uid, gender FROM users JOIN hits ON true",
            "dws/t.sql:4: the columns of the SELECT cannot be followed: "
            "Column 'uid' could not be resolved\n",
            id="a column of two tables",
        ),
        pytest.param(
            "SELECT s.c, s.d FROM hits h, LATERAL (SELECT h.uid AS c, max(u.gender) AS d "
            "FROM users u WHERE u.uid = h.uid) s",
            "dws/t.sql:3: the columns of the SELECT cannot be followed: LATERAL (SELECT ...)\n"
            "What to do: write a JOIN with a subquery, or with a CTE, that has the columns",
            id="a lateral subquery",
        ),
    ],
)
def test_a_select_that_does_not_fit_is_refused(tmp_path, select, message):
    with pytest.raises(SqlFileError) as caught:
        lineage_of(tmp_path, select)
    assert message in str(caught.value)


# views and lookups


def test_a_view_has_the_lineage_and_the_inferred_types_of_its_select(tmp_path):
    text = (
        "-- V.\nCREATE OR REPLACE VIEW t (who, n, twice, day, part, dt) AS\n"
        "SELECT u, c, m, at.day, split(uid, ',')[0], dt FROM (\n"
        "SELECT uid AS u, count(*) AS c, n * 2 AS m, * FROM hits GROUP BY ALL)"
    )
    table = graph_with(tmp_path, text).table("t")
    assert dict(table.column_lineage) == {
        "who": (("hits", "uid"),),
        "n": (),
        "twice": (("hits", "n"),),
        "day": (("hits", "at"),),
        "part": (("hits", "uid"),),
    }
    assert [c.type for c in table.columns] == ["string", "bigint", "int", "string", "string"]


def test_a_view_takes_every_column_of_its_tables(tmp_path):
    text = "-- V.\nCREATE OR REPLACE VIEW t (a, b, dt) AS SELECT u.* FROM users u"
    table = graph_with(tmp_path, text).table("t")
    assert dict(table.column_lineage) == {
        "a": (("users", "uid"),),
        "b": (("users", "gender"),),
    }
    assert [c.type for c in table.columns] == ["string", "string"]


def test_what_reads_a_view_follows_its_columns(tmp_path):
    view = "-- V.\nCREATE OR REPLACE VIEW v (a, b, dt) AS SELECT uid, odd(uid), dt FROM hits"
    files = {
        "ods/logs.sql": LOGS,
        "dwd/hits.sql": HITS,
        "dwd/v.sql": view,
        "dws/t.sql": table_of("t", "x STRING, y STRING", "SELECT * EXCEPT (dt) FROM v"),
    }
    graph = build_graph(write_sql(tmp_path, files), VARIABLES, [LOG_OBJECT])
    assert dict(graph.table("t").column_lineage) == {"x": (("v", "a"),), "y": (("v", "b"),)}


def test_columns_are_named_as_their_table_declares_them(tmp_path):
    files = {
        "ods/logs.sql": LOGS,
        "dwd/mixed.sql": table_of(
            "mixed", "Uid STRING, `URL` STRING", "SELECT col, col AS url FROM logs"
        ),
        "dws/t.sql": table_of("t", "a STRING, B STRING", "SELECT UID, url FROM MIXED"),
    }
    graph = build_graph(write_sql(tmp_path, files), VARIABLES, [LOG_OBJECT])
    assert dict(graph.table("t").column_lineage) == {
        "a": (("mixed", "Uid"),),
        "B": (("mixed", "URL"),),
    }


def test_a_view_with_another_number_of_columns_names_both_lists(tmp_path):
    text = "-- V.\nCREATE OR REPLACE VIEW t (a, dt) AS SELECT * FROM users"
    with pytest.raises(SqlFileError) as caught:
        graph_with(tmp_path, text)
    assert "dws/t.sql:2: SELECT has 3 columns (uid, gender, dt), but t has 2 (a, dt)" in str(
        caught.value
    )


def lookup_graph(root, keys):
    text = (
        "-- L.\nCREATE TABLE IF NOT EXISTS t (a STRING, b STRING, c STRING, dt STRING)\n"
        "USING parquet PARTITIONED BY (dt) LOCATION '${spark_uri}/t'\n"
        f"TBLPROPERTIES ('userprofile.lookup' = 'x');\n{keys}"
    )
    files = {"ods/logs.sql": LOGS, "ods/users.sql": USERS, "dim/t.sql": text}
    lookups = {"x": (("a", "string"), ("b", "string"), ("c", "string"))}
    produced = [LOG_OBJECT, USER_OBJECT]
    return build_graph(write_sql(root, files), VARIABLES, produced, lookups=lookups)


def test_what_is_looked_up_comes_from_all_keys(tmp_path):
    graph = lookup_graph(tmp_path, "SELECT uid, col FROM users CROSS JOIN logs")
    both = (("logs", "col"), ("users", "uid"))
    assert dict(graph.table("t").column_lineage) == {
        "a": (("users", "uid"),),
        "b": (("logs", "col"),),
        "c": both,
    }
    assert graph.dependencies("t") == ["logs", "users"]


def test_more_keys_than_columns_are_refused(tmp_path):
    with pytest.raises(SqlFileError, match=r"dim/t.sql:5: SELECT has 4 columns .* but t has 3"):
        lookup_graph(tmp_path, "SELECT uid, gender, dt, 1 FROM users")
