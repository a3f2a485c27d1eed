from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.ddl import parse_table
from userprofile_assets.warehouse.sql_files import read_sql_files
from userprofile_assets.warehouse.table_model import Column
from userprofile_assets.warehouse.variables import expand, render
from userprofile_assets_tests.support.sql_tree import LOGS, USERS, VARIABLES, write_sql

if TYPE_CHECKING:
    from pathlib import Path

BARE = "CREATE TABLE IF NOT EXISTS t (a STRING) PARTITIONED BY (dt STRING)"
CREATE = f"{BARE} LOCATION '${{spark_uri}}/t'"
INSERT = "INSERT OVERWRITE TABLE t PARTITION (dt = '${bizdate}') SELECT 'x'"
VIEW = "CREATE OR REPLACE VIEW t (a COMMENT 'x', dt) AS SELECT col, dt FROM logs"
LOOKUP = f"{CREATE} USING parquet TBLPROPERTIES ('userprofile.lookup' = 'agent')".replace(
    "PARTITIONED BY (dt STRING) LOCATION '${spark_uri}/t' USING parquet",
    "USING parquet PARTITIONED BY (dt STRING) LOCATION '${spark_uri}/t'",
)
PARTITION = "ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt = '${bizdate}') LOCATION '/x/${bizdate}'"


def parse(root: Path, text: str, *, name: str = "ods/t.sql", variables=VARIABLES):
    (file,) = read_sql_files(write_sql(root, {name: text}))
    return parse_table(file, variables).definition


# variables


def test_a_variable_is_replaced_through_the_variables_in_its_value():
    variables = {"uri": "s3a://b", "place": "${uri}/log_${bizdate}", "bizdate": "20240807"}
    assert render("LOCATION '${place}'", variables) == "LOCATION 's3a://b/log_20240807'"


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        pytest.param("'", r"'\''", id="single quote"),
        pytest.param('"', r"'\"'", id="double quote"),
        pytest.param("\\", r"'\\'", id="backslash"),
        pytest.param("'; DROP TABLE t; --", r"'\'; DROP TABLE t; --'", id="injection"),
        pytest.param("用户", "'用户'", id="not ASCII"),
    ],
)
def test_a_value_cannot_leave_its_string_literal(value, rendered):
    assert render("'${v}'", {"v": value}) == rendered


def test_an_escaped_quote_does_not_end_the_literal_that_a_variable_stands_in():
    assert render(r"'it\'s ${v}'", {"v": "x"}) == r"'it\'s x'"


def test_a_variable_in_a_comment_is_left_alone():
    text = "-- ${one} isn't replaced\n/* '${two} */ SELECT '${v}'"
    assert render(text, {"v": "x"}) == "-- ${one} isn't replaced\n/* '${two} */ SELECT 'x'"


def test_a_kept_variable_stays_also_inside_a_value():
    rendered = render("'${a} ${day}'", {"a": "log_${day}", "day": "1"}, keep=("day",))
    assert rendered == "'log_${day} ${day}'"


def test_an_unknown_variable_is_named_with_file_line_and_the_variables_there_are():
    with pytest.raises(SqlFileError) as caught:
        render("SELECT\n'${b}\n${zzz}'", {"b": "1", "a": "2"}, where="ods/t.sql", first_line=10)
    assert str(caught.value) == (
        "ods/t.sql:12: there is no variable ${zzz}\nWhat to do: the variables there are: a, b"
    )


def test_a_variable_of_sparks_own_is_unknown():
    with pytest.raises(SqlFileError, match=r"there is no variable \$\{env:HOME\}"):
        render("'${env:HOME}'", {"bizdate": "20240807"})


@pytest.mark.parametrize(
    "text",
    ["SELECT ${v}", "SELECT r'${v}'", "SELECT `${v}`", "SELECT '' ${v} ''"],
    ids=["bare", "raw literal", "backquotes", "between literals"],
)
def test_a_variable_outside_of_a_string_literal_is_refused(text):
    with pytest.raises(SqlFileError, match=r"t.sql:1: .*does not stand inside a string literal"):
        render(text, {"v": "1; DROP TABLE t"}, where="t.sql")


def test_a_variable_that_contains_itself_is_refused():
    with pytest.raises(SqlFileError, match=r"\$\{a\} contains itself: a -> b -> a"):
        render("'${a}'", {"a": "${b}", "b": "${a}"})


def test_a_string_that_is_not_closed_is_refused_with_its_line():
    with pytest.raises(SqlFileError, match=r"t.sql:2: ' opens here and is not closed"):
        render("SELECT 'a',\n'b", {}, where="t.sql")


def test_a_plain_text_is_expanded_without_escapes():
    assert expand("${v}/x", {"v": "it's"}, where="x") == "it's/x"


# files


def test_the_header_comment_is_the_description(tmp_path):
    header = "-- First line,\n-- second line.\n--\n--   Indented.\n\n-- No header."
    text = f"\ufeff{header}\n{CREATE};\n{INSERT}"
    table = parse(tmp_path, text)
    assert table.description == "First line,\nsecond line.\n\n  Indented."


def test_a_block_comment_can_be_the_header(tmp_path):
    table = parse(tmp_path, f"/*\n * One.\n * Two.\n */\n{CREATE};\n{INSERT}")
    assert table.description == "One.\nTwo."


def test_hidden_files_and_other_endings_are_left_out(tmp_path):
    write_sql(tmp_path, {"ods/logs.sql": LOGS, "ods/.x.sql": "", ".git/y.sql": "", "ods/r.md": ""})
    assert [file.name for file in read_sql_files(tmp_path)] == ["ods/logs.sql"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "there is no <layer>/<table>.sql in it", id="empty directory"),
        pytest.param(
            {"t.sql": LOGS}, "t.sql: the file is not in the directory of a layer", id="no layer"
        ),
        pytest.param(
            {"a/b/t.sql": LOGS},
            "a/b/t.sql: the file is not in the directory of a layer",
            id="deeper",
        ),
        pytest.param(
            {"ods/My-Table.sql": LOGS},
            "ods/My-Table.sql: 'My-Table' cannot be the name of a table",
            id="name of a table",
        ),
        pytest.param(
            {"Ods/t.sql": LOGS},
            "Ods/t.sql: 'Ods' cannot be the name of a layer",
            id="name of a layer",
        ),
        pytest.param(
            {"ods/t.sql": f"{CREATE};"},
            "ods/t.sql:1: the file has no header comment",
            id="no header",
        ),
        pytest.param(
            {"ods/t.sql": f"--\n{CREATE};"},
            "ods/t.sql:1: the file has no header comment",
            id="empty header",
        ),
        pytest.param(
            {"ods/t.sql": LOGS, "dwd/t.sql": LOGS},
            "the table t has two files: dwd/t.sql and ods/t.sql",
            id="two files for one table",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, files, message):
    with pytest.raises(SqlFileError) as caught:
        read_sql_files(write_sql(tmp_path, files))
    assert message in str(caught.value)
    assert caught.value.remedy


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    write_sql(tmp_path, {"ods/t.sql": ""})
    (tmp_path / "ods/t.sql").write_bytes("-- 用户".encode("gbk"))
    with pytest.raises(SqlFileError, match=r"ods/t.sql: the file is not UTF-8 \(byte 3\)"):
        read_sql_files(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SqlFileError, match="nowhere: there is no such directory"):
        read_sql_files(tmp_path / "nowhere")


# variants


@pytest.mark.parametrize(
    ("logic", "name", "description"),
    [("standard", "ods/t.sql", "Plain."), ("tutorial", "ods/t.tutorial.sql", "Tutorial.")],
)
def test_a_variant_takes_the_place_of_its_table_under_its_logic_only(
    tmp_path, logic, name, description
):
    write_sql(
        tmp_path,
        {
            "ods/t.sql": f"-- Plain.\n{CREATE};\n{INSERT}",
            "ods/t.tutorial.sql": f"-- Tutorial.\n{CREATE};\n{INSERT}",
            "ods/logs.sql": LOGS,
        },
    )
    logs, table = read_sql_files(tmp_path, logic)
    assert logs.name == "ods/logs.sql"
    assert (table.table, table.name, table.description) == ("t", name, description)
    assert table.at(3) == f"{name}:3"


@pytest.mark.parametrize("logic", ["standard", "tutorial"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ods/u.tutorial.sql", "ods/u.tutorial.sql: there is no u.sql beside it"),
        ("dwd/logs.tutorial.sql", "dwd/logs.tutorial.sql: there is no logs.sql beside it"),
        ("ods/logs.other.sql", "ods/logs.other.sql: 'other' is no variant of a table"),
        ("ods/logs.tutorial.x.sql", "ods/logs.tutorial.x.sql: 'tutorial.x' is no variant"),
    ],
    ids=["no table", "of another layer", "another word", "two words"],
)
def test_a_variant_that_fits_no_table_is_refused_under_both_logics(tmp_path, logic, name, message):
    write_sql(tmp_path, {"ods/logs.sql": LOGS, name: LOGS})
    with pytest.raises(SqlFileError) as caught:
        read_sql_files(tmp_path, logic)
    assert message in str(caught.value)


# definitions


def test_a_table_over_text_lines_is_read(tmp_path):
    table = parse(tmp_path, LOGS, name="ods/logs.sql")
    assert (table.table, table.layer, table.format) == ("logs", "ods", "text")
    assert table.columns == (Column("col", "string", "a line"),)
    assert table.partition_columns == (Column("dt", "string"),)
    assert table.options == {"lineSep": "\n"}
    assert table.is_external
    assert table.location == "s3a://bucket/prefix/logs"
    assert table.partition_location == "s3a://bucket/prefix/logs/log_${bizdate}"
    assert [(s.kind, s.line) for s in table.statements] == [("create", 2), ("add_partition", 4)]
    assert table.code_version == hashlib.sha256(LOGS.encode()).hexdigest()[:12]


@pytest.mark.parametrize("delimiter", ["|", "'", '"', "\t"], ids=["bar", "quote", "quotes", "tab"])
def test_a_delimiter_reaches_the_definition_as_it_is(tmp_path, delimiter):
    variables = VARIABLES | {"field_delimiter": delimiter}
    table = parse(tmp_path, USERS, name="ods/users.sql", variables=variables)
    assert table.format == "hive text"
    assert table.options == {"field.delim": delimiter}


def test_escapes_of_the_files_own_literals_are_read_as_spark_reads_them(tmp_path):
    row_format = (
        r"ESCAPED BY '\\' LINES TERMINATED BY '\n' NULL DEFINED AS '\\N' STORED AS TEXTFILE"
    )
    text = USERS.replace("STORED AS TEXTFILE", row_format)
    table = parse(tmp_path, text, name="ods/users.sql")
    assert table.options == {
        "field.delim": "|",
        "escape.delim": "\\",
        "line.delim": "\n",
        "serialization.null.format": "\\N",
    }


def test_the_text_for_spark_is_the_authors_own(tmp_path):
    create = CREATE.replace(" (a STRING)", "\n  (a   string -- 注释 😀; no end\n  )")
    insert = "insert OVERWRITE table t\npartition (dt='${bizdate}') select /* why */ ';'"
    table = parse(tmp_path, f"-- Header.\n{create} ; ;\n-- between\n{insert};\n-- end; of file\n")
    assert [s.text for s in table.statements] == [create, insert]
    assert [s.line for s in table.statements] == [2, 6]
    assert table.statements[1].render({"bizdate": "20240807"}) == (
        "insert OVERWRITE table t\npartition (dt='20240807') select /* why */ ';'"
    )


def test_a_variable_that_is_unknown_when_a_statement_runs_is_named_with_its_line(tmp_path):
    table = parse(tmp_path, f"-- T.\n{CREATE};\n\n{INSERT}")
    with pytest.raises(SqlFileError, match=r"ods/t.sql:4: there is no variable \$\{bizdate\}"):
        table.statements[1].render({})


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("", "parquet"),
        ("USING ORC", "orc"),
        ("STORED AS PARQUET", "hive parquet"),
        ("STORED AS TEXTFILE", "hive text"),
        ("ROW FORMAT DELIMITED FIELDS TERMINATED BY ','", "hive text"),
    ],
)
def test_the_format_is_what_spark_makes_of_the_clause(tmp_path, clause, expected):
    assert parse(tmp_path, f"-- T.\n{CREATE} {clause};\n{INSERT}").format == expected


def test_types_are_written_as_spark_shows_them(tmp_path):
    columns = "a DECIMAL(10, 2), B ARRAY<STRUCT<x: INT, y: STRING>>, c BIGINT NOT NULL COMMENT 'c'"
    text = CREATE.replace("a STRING", columns)
    assert parse(tmp_path, f"-- T.\n{text};\n{INSERT}").columns == (
        Column("a", "decimal(10,2)"),
        Column("B", "array<struct<x:int,y:string>>"),
        Column("c", "bigint", "c"),
    )


def test_settings_of_the_session_and_statistics_are_kept_as_other_statements(tmp_path):
    extra = "SET hive.vectorized.execution.enabled=false;\nANALYZE TABLE t COMPUTE STATISTICS"
    table = parse(tmp_path, f"-- T.\n{CREATE};\n{INSERT};\n{extra}")
    assert [s.kind for s in table.statements] == ["create", "insert", "other", "other"]


def test_an_insert_goes_into_another_table_by_changing_its_name_only(tmp_path):
    insert = (
        "WITH t AS (SELECT '😀 t' AS t) INSERT /* t */ OVERWRITE TABLE  `t`\n"
        "PARTITION (dt = '${bizdate}') SELECT t.t FROM t"
    )
    table = parse(tmp_path, f"-- T.\n{CREATE};\n{insert}")
    assert table.kind == "filled"
    into = table.statements[1].into("t__0123")
    assert into.text == insert.replace("`t`", "t__0123")
    assert into.into("u").text == insert.replace("`t`", "u")
    assert into.line == 3


def test_a_view_is_read(tmp_path):
    text = VIEW.replace(" AS SELECT", " COMMENT 'all of it' AS SELECT")
    view = parse(tmp_path, f"-- V.\n{text}")
    assert (view.kind, view.comment, view.location) == ("view", "all of it", None)
    assert view.columns == (Column("a", "", "x"),)
    assert view.partition_columns == (Column("dt", ""),)
    assert [(s.kind, s.line, s.text) for s in view.statements] == [("view", 2, text)]


def test_a_lookup_is_read(tmp_path):
    keys = "WITH k AS (SELECT 'x')\nSELECT * FROM k WHERE '${bizdate}' > ''"
    table = parse(tmp_path, f"-- L.\n{LOOKUP};\n{keys};")
    assert (table.kind, table.lookup) == ("lookup", "agent")
    assert [(s.kind, s.text) for s in table.statements][1] == ("keys", keys)


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        pytest.param(
            [BARE, INSERT], "ods/t.sql:2: the table has no LOCATION", id="filled without LOCATION"
        ),
        pytest.param(
            [f"{BARE} LOCATION '/elsewhere/t'", INSERT],
            "ods/t.sql:2: the table's LOCATION is not below ${spark_uri}",
            id="LOCATION elsewhere",
        ),
        pytest.param(
            [f"{BARE} LOCATION '${{spark_uri}}/'", INSERT],
            "ods/t.sql:2: the table's LOCATION is not below ${spark_uri}",
            id="LOCATION of everything",
        ),
        pytest.param(
            [f"{BARE} LOCATION '${{spark_uri}}-2/t'", INSERT],
            "ods/t.sql:2: the table's LOCATION is not below ${spark_uri}",
            id="LOCATION beside",
        ),
        pytest.param(
            [LOOKUP], "ods/t.sql:2: nothing says for which rows 'agent' is looked up", id="no keys"
        ),
        pytest.param(
            [CREATE, "SELECT 1"],
            "ods/t.sql:3: a bare SELECT gives the keys of a lookup, and CREATE TABLE names none",
            id="keys of nothing",
        ),
        pytest.param(
            [LOOKUP, INSERT, "SELECT 1"],
            "ods/t.sql:3: the table is filled by a lookup and by this",
            id="lookup and INSERT",
        ),
        pytest.param(
            [LOOKUP, "SELECT 1", PARTITION],
            "ods/t.sql:4: the table is filled by a lookup and by this",
            id="lookup and object",
        ),
        pytest.param(
            [LOOKUP, "SELECT 1", "SELECT 2"],
            "ods/t.sql:4: SELECT stands here and in line 3",
            id="two SELECTs",
        ),
        pytest.param(
            ["SELECT 1", LOOKUP],
            "ods/t.sql:2: it needs the table that line 3 creates",
            id="keys first",
        ),
        pytest.param(
            [LOOKUP.replace("USING parquet", "USING orc"), "SELECT 1"],
            "ods/t.sql:2: a lookup is written as Parquet, but the table is orc",
            id="lookup in ORC",
        ),
        pytest.param(
            [VIEW, CREATE],
            "ods/t.sql:3: the file makes a view in line 2, which nothing else goes with",
            id="view and table",
        ),
        pytest.param(
            [VIEW, VIEW], "ods/t.sql:3: CREATE VIEW stands here and in line 2", id="two views"
        ),
        pytest.param(
            [VIEW.replace(" t ", " u ")],
            "ods/t.sql:2: it creates u, but the file is that of t",
            id="view of another name",
        ),
        pytest.param(
            [VIEW.replace("OR REPLACE ", "")],
            "ods/t.sql:2: CREATE VIEW without OR REPLACE",
            id="view without OR REPLACE",
        ),
        pytest.param(
            [VIEW.replace(" (a COMMENT 'x', dt)", "")],
            "ods/t.sql:2: CREATE VIEW does not list columns",
            id="view without columns",
        ),
        pytest.param(
            [VIEW.replace("(a COMMENT 'x', dt)", "(dt, a)")],
            "ods/t.sql:2: the last column of the view is not dt, but a",
            id="view without dt last",
        ),
        pytest.param(
            [f"{VIEW} WHERE dt = '${{bizdate}}'"],
            "ods/t.sql:2: the view has ${bizdate} in it",
            id="view of one day",
        ),
        pytest.param(
            [f"{VIEW} WHERE col = '${{log_directory}}'"],
            "ods/t.sql:2: the view has ${bizdate} in it",
            id="view of one day by a variable",
        ),
    ],
)
def test_a_filled_table_a_view_or_a_lookup_that_breaks_a_rule_is_refused(
    tmp_path, statements, message
):
    with pytest.raises(SqlFileError) as caught:
        parse(tmp_path, "-- T.\n" + ";\n".join(statements))
    assert message in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        pytest.param([INSERT], "ods/t.sql: there is no CREATE TABLE", id="no CREATE"),
        pytest.param([CREATE], "ods/t.sql:2: nothing fills the table", id="nothing fills it"),
        pytest.param(
            [CREATE.replace("TABLE IF", "TABLE\nIF").replace(" t ", " u "), INSERT],
            "ods/t.sql:2: it creates u, but the file is that of t",
            id="another name than the file's",
        ),
        pytest.param(
            [CREATE.replace(" t ", " db.t "), INSERT],
            "ods/t.sql:2: it creates db.t, but the file is that of t",
            id="with a database",
        ),
        pytest.param(
            [CREATE, INSERT.replace(" t ", " u ")],
            "ods/t.sql:3: it inserts into u, but the file is that of t",
            id="INSERT into another table",
        ),
        pytest.param(
            [CREATE, PARTITION.replace(" t ", " u ")],
            "ods/t.sql:3: it adds a partition to u, but the file is that of t",
            id="partition of another table",
        ),
        pytest.param(
            [CREATE, INSERT.replace("PARTITION (dt = '${bizdate}') ", "")],
            "ods/t.sql:3: INSERT without PARTITION (dt = '${bizdate}') would replace every day",
            id="INSERT without partition",
        ),
        pytest.param(
            [CREATE, INSERT.replace(" = '${bizdate}'", "")],
            "ods/t.sql:3: its partition is (dt), not the static (dt = '${bizdate}')",
            id="dynamic partition",
        ),
        pytest.param(
            [CREATE, INSERT.replace("${bizdate}", "20240807")],
            "its partition is (dt = '20240807'), not the static (dt = '${bizdate}')",
            id="fixed partition",
        ),
        pytest.param(
            [CREATE, PARTITION.replace("dt = '${bizdate}'", "dt = '${bizdate}', hr = '1'")],
            "its partition is (dt = '${bizdate}', hr = '1'), not the static (dt = '${bizdate}')",
            id="partition with two keys",
        ),
        pytest.param(
            [INSERT, CREATE], "ods/t.sql:2: it needs the table that line 3 creates", id="order"
        ),
        pytest.param(
            [CREATE, INSERT, INSERT],
            "ods/t.sql:4: INSERT stands here and in line 3",
            id="two INSERTs",
        ),
        pytest.param(
            [CREATE, CREATE, INSERT],
            "ods/t.sql:3: CREATE TABLE stands here and in line 2",
            id="two CREATEs",
        ),
        pytest.param(
            [CREATE, PARTITION, INSERT],
            "ods/t.sql:4: INSERT would write over the files",
            id="INSERT over an object",
        ),
        pytest.param(
            [CREATE, INSERT.replace("OVERWRITE TABLE", "INTO")],
            "ods/t.sql:3: INSERT INTO would add a day's rows again",
            id="INSERT INTO",
        ),
        pytest.param(
            [CREATE, INSERT.replace(") SELECT", ") (a) SELECT")],
            "ods/t.sql:3: INSERT with a list of columns or BY NAME",
            id="INSERT with columns",
        ),
        pytest.param(
            [CREATE, INSERT.replace("SELECT 'x'", "VALUES ('x')")],
            "ods/t.sql:3: INSERT without a SELECT",
            id="INSERT VALUES",
        ),
        pytest.param(
            [CREATE.replace("IF NOT EXISTS ", ""), INSERT],
            "ods/t.sql:2: CREATE TABLE without IF NOT EXISTS",
            id="CREATE without IF NOT EXISTS",
        ),
        pytest.param(
            [CREATE, PARTITION.replace("IF NOT EXISTS ", "")],
            "ods/t.sql:3: ADD PARTITION without IF NOT EXISTS",
            id="ADD PARTITION without IF NOT EXISTS",
        ),
        pytest.param(
            ["CREATE TABLE IF NOT EXISTS t AS SELECT 1", INSERT],
            "ods/t.sql:2: CREATE TABLE does not list columns",
            id="CREATE AS SELECT",
        ),
        pytest.param(
            [CREATE.replace("dt STRING", "hr STRING"), INSERT],
            "the table is not partitioned by the one column dt, but by (hr)",
            id="partitioned by another column",
        ),
        pytest.param(
            [CREATE.replace("PARTITIONED BY (dt STRING)", ""), INSERT],
            "the table is not partitioned by the one column dt, but by ()",
            id="not partitioned",
        ),
        pytest.param(
            [BARE.replace("TABLE", "EXTERNAL TABLE"), INSERT],
            "CREATE EXTERNAL TABLE has no LOCATION",
            id="external without LOCATION",
        ),
        pytest.param(
            [f"{BARE} LOCATION '/x/${{bizdate}}'", INSERT],
            "the table's LOCATION has ${bizdate}",
            id="LOCATION of one day",
        ),
        pytest.param(
            [CREATE, "DROP TABLE t", INSERT],
            "ods/t.sql:3: a statement of this kind is not supported: DROP TABLE t ...",
            id="DROP",
        ),
        pytest.param(
            [CREATE, "DELETE FROM t", INSERT], "not supported: DELETE FROM t ...", id="DELETE"
        ),
        pytest.param(
            [CREATE, "ALTER TABLE t SET LOCATION 'x'"],
            "not supported: ALTER TABLE t ...",
            id="SET LOCATION",
        ),
        pytest.param(
            [CREATE, "MSCK REPAIR TABLE t"], "not supported: MSCK REPAIR TABLE t ...", id="MSCK"
        ),
        pytest.param(
            [CREATE, "CREATE FUNCTION f AS 'x'"],
            "not supported: CREATE FUNCTION f ...",
            id="CREATE FUNCTION",
        ),
        pytest.param(
            ["CREATE TABLE IF NOT EXIST t (a STRING)"],
            "ods/t.sql:2: the statement that begins with "
            "'CREATE TABLE IF NOT EXIST t (a STRING)' does not parse",
            id="a misspelt word",
        ),
        pytest.param(
            [CREATE, "SELECT ${bizdate}"],
            "ods/t.sql:3: ${bizdate} does not stand inside",
            id="bare variable",
        ),
        pytest.param(
            [f"{CREATE} LOCATION '${{home}}'", INSERT],
            "ods/t.sql:2: there is no variable ${home}\nWhat to do: the variables there are: "
            "bizdate, field_delimiter, log_directory, spark_uri, user_directory",
            id="unknown variable",
        ),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_its_line(tmp_path, statements, message):
    with pytest.raises(SqlFileError) as caught:
        parse(tmp_path, "-- T.\n" + ";\n".join(statements))
    assert message in str(caught.value)
    assert caught.value.remedy


def test_a_parse_error_shows_line_column_and_excerpt_without_ansi_escapes(tmp_path):
    with pytest.raises(SqlFileError) as caught:
        parse(tmp_path, f"-- T.\n{CREATE};\n{INSERT.replace('SELECT', chr(10) + 'SELECT a b c')}")
    assert str(caught.value) == (
        "ods/t.sql:4:12: the file does not parse: Invalid expression / Unexpected token, "
        "near \"SELECT a b c 'x'\"\nWhat to do: correct the SQL (dialect: Spark)"
    )


def test_sqlglot_logs_nothing_about_what_is_raised_as_an_error(tmp_path, caplog):
    with pytest.raises(SqlFileError):
        parse(tmp_path, "-- T.\nCREATE TABLE IF NOT EXIST t (a STRING)")
    assert caplog.records == []
