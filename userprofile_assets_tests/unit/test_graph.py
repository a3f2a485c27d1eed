from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from userprofile_assets.errors import SqlFileError
from userprofile_assets.project_files import sql_directory
from userprofile_assets.warehouse.graph import ObjectSource, build_graph
from userprofile_assets.warehouse.sql_files import read_sql_files
from userprofile_assets_tests.support.sql_tree import (
    LOG_OBJECT,
    LOGS,
    USER_OBJECT,
    USERS,
    VARIABLES,
    table_of,
    write_sql,
)

AGENTS = """\
-- Agents.
CREATE TABLE IF NOT EXISTS agents (agent STRING, device STRING, hits BIGINT, dt STRING)
USING parquet PARTITIONED BY (dt) LOCATION '${spark_uri}/agents'
TBLPROPERTIES ('userprofile.lookup' = 'user_agent');
SELECT DISTINCT col FROM logs WHERE dt = '${bizdate}';
"""
LOOKUPS = {
    "user_agent": (("agent", "string"), ("device", "string"), ("hits", "bigint")),
    "region": (("ip", "string"),),
}


def build(root, files, *, variables=VARIABLES, produced=(LOG_OBJECT, USER_OBJECT)):
    return build_graph(write_sql(root, files), variables, produced, lookups=LOOKUPS)


def refusal(root, files, **options):
    with pytest.raises(SqlFileError) as caught:
        build(root, files, **options)
    return str(caught.value)


def test_the_projects_tables_of_the_first_layer_stand_on_the_objects():
    raw = ObjectSource(
        asset="raw_log_oss", directory="ods_raw_log_d/log_${bizdate}", columns=("col",)
    )
    users = ObjectSource(
        asset="user_info_oss",
        directory="ods_user_info_d/user_${bizdate}",
        columns=("uid", "gender", "age_range", "zodiac"),
    )
    variables = VARIABLES | {"log_directory": raw.directory, "user_directory": users.directory}
    files = [file for file in read_sql_files(sql_directory()) if file.layer == "ods"]
    warehouse = build_graph(files, variables, [raw, users])
    assert {t.table: warehouse.dependencies(t.table) for t in warehouse.tables} == {
        "ods_raw_log_d_spark": ["raw_log_oss"],
        "ods_user_info_d_spark": ["user_info_oss"],
    }
    assert warehouse.column_lineage("ods_raw_log_d_spark") == {"col": (("raw_log_oss", "col"),)}
    assert warehouse.column_lineage("ods_user_info_d_spark")["zodiac"] == (
        ("user_info_oss", "zodiac"),
    )


def test_tables_come_after_what_they_read_and_ties_go_by_name(tmp_path):
    warehouse = build(
        tmp_path,
        {
            "ads/a.sql": table_of("a", "x STRING", "SELECT x FROM z"),
            "dwd/z.sql": table_of(
                "z", "x STRING", "SELECT col FROM logs UNION SELECT uid FROM users"
            ),
            "ods/users.sql": USERS,
            "ods/logs.sql": LOGS,
        },
    )
    assert [table.table for table in warehouse.tables] == ["logs", "users", "z", "a"]
    assert warehouse.dependencies("a") == ["z"]
    assert warehouse.dependencies("z") == ["logs", "users"]
    assert warehouse.dependencies("logs") == ["log_object"]


def test_a_table_over_an_object_takes_its_columns_by_position(tmp_path):
    warehouse = build(tmp_path, {"ods/users.sql": USERS})
    assert warehouse.column_lineage("users") == {
        "uid": (("user_object", "uid"),),
        "gender": (("user_object", "sex"),),
    }


def test_files_that_were_read_before_give_the_same_graph(tmp_path):
    write_sql(tmp_path, {"ods/logs.sql": LOGS})
    from_files = build_graph(read_sql_files(tmp_path), VARIABLES, [LOG_OBJECT])
    assert from_files == build_graph(tmp_path, VARIABLES, [LOG_OBJECT])


@pytest.mark.parametrize(
    ("location", "spark_uri"),
    [
        ("s3a://bucket/prefix//logs/log_${bizdate}/", "s3a://bucket/prefix"),
        ("file:/data/logs/log_${bizdate}", "file:///data/"),
        ("file://localhost/data/logs/log_${bizdate}", "file:///data"),
        ("/data/logs/log_${bizdate}", "/data"),
    ],
    ids=["slashes", "file with one slash", "file with a host", "no scheme"],
)
def test_slashes_make_no_difference_to_a_location(tmp_path, location, spark_uri):
    text = LOGS.replace("${spark_uri}/${log_directory}", location)
    produced = [replace(LOG_OBJECT, spark_uri=spark_uri)]
    warehouse = build(tmp_path, {"ods/logs.sql": text}, produced=produced)
    assert warehouse.dependencies("logs") == ["log_object"]


def test_an_unknown_table_is_named_with_its_reader_and_near_names(tmp_path):
    select = "SELECT l.col\nFROM logs l JOIN usres u ON u.uid = l.col"
    files = {"ods/logs.sql": LOGS, "ods/users.sql": USERS}
    assert refusal(tmp_path, files | {"dwd/t.sql": table_of("t", "a STRING", select)}) == (
        "dwd/t.sql:5: t reads usres, which no file of sql/ produces\n"
        "What to do: did you mean users? Otherwise add <layer>/usres.sql; "
        "the tables there are: logs, t, users"
    )


def test_a_table_of_another_database_is_unknown(tmp_path):
    text = table_of("t", "a STRING", "SELECT col FROM other.logs")
    message = refusal(tmp_path, {"ods/logs.sql": LOGS, "dwd/t.sql": text})
    assert "dwd/t.sql:4: t reads other.logs, which no file of sql/ produces" in message


def test_a_location_that_no_ingest_asset_writes_is_shown_with_those_that_are_written(tmp_path):
    variables = VARIABLES | {
        "spark_uri": "s3a://key:secret@bucket",
        "log_directory": "lost/${bizdate}",
    }
    assert refusal(tmp_path, {"ods/logs.sql": LOGS}, variables=variables) == (
        "ods/logs.sql:4: no ingest asset writes to the partition's LOCATION "
        "s3a://bucket/lost/${bizdate}\n"
        "What to do: write the LOCATION of one of these: "
        "log_object: s3a://bucket/logs/log_${bizdate}; "
        "user_object: s3a://bucket/users/user_${bizdate}"
    )


def test_another_number_of_columns_than_the_object_names_both_lists_and_the_setting(tmp_path):
    produced = [replace(USER_OBJECT, columns=("uid", "sex", "age"))]
    assert refusal(tmp_path, {"ods/users.sql": USERS}, produced=produced) == (
        "ods/users.sql:2: users has 2 columns (uid, gender), but user_object writes 3 "
        "(uid, sex, age)\n"
        "What to do: set USERPROFILE_USER_COLUMNS, or change the columns of CREATE TABLE, so that "
        "both lists agree in number and order"
    )


def test_a_parquet_table_over_text_is_refused(tmp_path):
    text = LOGS.replace("USING text OPTIONS (lineSep '\\n')", "")
    message = refusal(tmp_path, {"ods/logs.sql": text})
    assert "ods/logs.sql:2: logs is a parquet table over the text" in message


def test_a_circle_names_its_tables_in_order(tmp_path):
    files = {
        "dwd/c.sql": table_of("c", "x STRING", "SELECT x FROM b"),
        "dwd/b.sql": table_of("b", "x STRING", "SELECT x FROM a"),
        "dwd/a.sql": table_of("a", "x STRING", "SELECT x FROM c"),
    }
    assert refusal(tmp_path, files) == (
        "dwd/a.sql:4: the tables read each other in a circle: a -> b -> c -> a\n"
        "What to do: take one of the reads out, or split a table in two"
    )


def test_a_table_that_reads_itself_is_a_circle(tmp_path):
    message = refusal(tmp_path, {"dwd/a.sql": table_of("a", "x STRING", "SELECT x FROM a")})
    assert "dwd/a.sql:4: the tables read each other in a circle: a -> a" in message


def test_a_table_cannot_have_the_name_of_an_ingest_asset(tmp_path):
    produced = [replace(LOG_OBJECT, asset="logs")]
    message = refusal(tmp_path, {"ods/logs.sql": LOGS}, produced=produced)
    assert "ods/logs.sql: the table has the name of the ingest asset logs" in message


def test_a_view_and_a_lookup_depend_on_what_they_read(tmp_path):
    view = "-- V.\nCREATE OR REPLACE VIEW v (a, dt) AS SELECT device, dt FROM agents"
    warehouse = build(tmp_path, {"ods/logs.sql": LOGS, "dim/agents.sql": AGENTS, "dwd/v.sql": view})
    assert [(table.table, table.kind) for table in warehouse.tables] == [
        ("logs", "external"),
        ("agents", "lookup"),
        ("v", "view"),
    ]
    assert warehouse.dependencies("agents") == ["logs"]
    assert warehouse.dependencies("v") == ["agents"]


def test_the_variant_of_a_logic_makes_the_graph(tmp_path):
    files = {
        "ods/logs.sql": LOGS,
        "ods/users.sql": USERS,
        "dwd/t.sql": table_of("t", "a STRING", "SELECT col FROM logs"),
        "dwd/t.tutorial.sql": table_of("t", "a STRING", "SELECT uid FROM users"),
    }
    write_sql(tmp_path, files)
    produced = [LOG_OBJECT, USER_OBJECT]
    assert build_graph(tmp_path, VARIABLES, produced).dependencies("t") == ["logs"]
    tutorial = build_graph(tmp_path, VARIABLES, produced, logic="tutorial")
    assert tutorial.dependencies("t") == ["users"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "user_agent",
            "user_agents",
            "dim/agents.sql:2: there is no lookup 'user_agents'\n"
            "What to do: did you mean user_agent? The lookups there are: region, user_agent",
        ),
        (
            "device STRING",
            "device INT",
            "dim/agents.sql:2: column 2 of agents is device int, that of the lookup 'user_agent' "
            "is device string\nWhat to do: declare the lookup's columns, in this order, then dt: "
            "agent string, device string, hits bigint",
        ),
        (", hits BIGINT", "", "column 3 of agents is missing, that of the lookup 'user_agent' is"),
        ("dt STRING", "x INT, dt STRING", "column 4 of agents is x int, that of the lookup"),
        ("agent STRING, device", "device STRING, agent", "column 1 of agents is device string"),
    ],
    ids=["unknown", "type", "one less", "one more", "order"],
)
def test_a_table_that_is_not_as_its_lookup_is_refused(tmp_path, old, new, message):
    text = AGENTS.replace(old, new)
    assert message in refusal(tmp_path, {"ods/logs.sql": LOGS, "dim/agents.sql": text})


@pytest.mark.parametrize(
    ("location", "other"),
    [
        ("${spark_uri}/a", "a"),
        ("${spark_uri}/a/", "a"),
        ("${spark_uri}/a/below", "a"),
        ("${spark_uri}/logs", "log_object"),
        ("${spark_uri}/logs/log_20240807", None),
    ],
    ids=["same", "slash", "below", "above an object", "beside objects"],
)
def test_two_that_write_to_one_place_are_refused(tmp_path, location, other):
    b = table_of("b", "x STRING", "SELECT col FROM logs").replace("${spark_uri}/b", location)
    files = {
        "ods/logs.sql": LOGS,
        "dwd/a.sql": table_of("a", "x STRING", "SELECT col FROM logs"),
        "dwd/b.sql": b,
    }
    if other is None:
        assert build(tmp_path, files).table("b").location == "s3a://bucket/prefix/" + location[13:]
    else:
        message = refusal(tmp_path, files)
        assert f"dwd/b.sql:2: b and {other} would write to one place" in message


def test_tables_over_objects_do_not_import_the_lineage_of_sqlglot(tmp_path, project_root):
    write_sql(tmp_path, {"ods/logs.sql": LOGS})
    program = (
        "import sys; from pathlib import Path\n"
        "from userprofile_assets.warehouse.graph import build_graph\n"
        "from userprofile_assets_tests.support.sql_tree import LOG_OBJECT, VARIABLES\n"
        f"build_graph(Path({str(tmp_path)!r}), VARIABLES, [LOG_OBJECT])\n"
        "print([m for m in ('sqlglot.lineage', 'pyspark', 'dagster') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=project_root,  # an installed project does not bring its tests along
    )
    assert done.stdout == "[]\n"
