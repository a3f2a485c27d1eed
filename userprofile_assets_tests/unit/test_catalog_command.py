"""`userprofile catalog ...` on the project's own tables."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from userprofile_assets.catalog.dataset_facts import DatasetFacts
from userprofile_assets.catalog.model import Catalog, Column, Dataset
from userprofile_assets.cli import catalog_text
from userprofile_assets.cli.main import main
from userprofile_assets.cli.plain_text import Look
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import PartitionRecord, record_partitions
from userprofile_assets.records.schema_change import SourceColumn, SourceSchema
from userprofile_assets.records.source_schemas import last_accepted, remember
from userprofile_assets.records.tables import tables

RECORD = PartitionRecord(
    asset="ads_user_info_1d_spark",
    dt="20240807",
    row_count=1234,
    byte_count=56789,
    location="file:/x",
    run_id="0f8fad5b-d9cb-469f-a165-70867728950e",
    made_at="2024-08-08T00:31:02.000000Z",
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("USERPROFILE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def userprofile(home, monkeypatch, capsys):
    """Run `userprofile catalog ...` and return exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["userprofile", "catalog", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code or 0, shown.out, shown.err

    return run


def answer(userprofile, *arguments):
    code, out, err = userprofile(*arguments)
    assert (code, err) == (0, "")
    return out


def test_all_datasets_are_listed_by_layer(userprofile):
    lines = answer(userprofile).splitlines()

    assert [line for line in lines if not line.startswith(" ")] == [
        "sources", "ingest", "ods", "dim", "dwd", "dws", "ads", "serving", "api",
    ]  # fmt: skip
    assert len([line for line in lines if line.startswith(" ")]) == 28


def test_the_list_as_json_has_one_object_for_each(userprofile):
    found = json.loads(answer(userprofile, "--format", "json"))

    assert len(found) == 28
    assert found[1] | {"description": ""} == {
        "name": "user_log_httpfile",
        "kind": "source",
        "layer": "sources",
        "description": "",
        "owner": "team:user-profile",
        "tags": [],
        "file": None,
        "column_count": 1,
        "dependencies": [],
    }


def test_a_search_shows_the_best_first_and_where(userprofile):
    lines = answer(userprofile, "search", "ads_region_pv_1d_spark").splitlines()

    assert lines == ["ads_region_pv_1d_spark  ads, table", "  name ads_region_pv_1d_spark"]


def test_a_search_as_json_is_complete(userprofile):
    found = json.loads(answer(userprofile, "search", "zodiac", "--format", "json"))

    assert {hit["name"] for hit in found} == {
        "ads_user_info_1d",
        "ads_user_info_1d_spark",
        "api_v1_demographics",
        "api_v1_users",
        "dws_user_info_all_di_spark",
        "ods_user_info_d_mysql",
        "ods_user_info_d_spark",
        "user_info_oss",
    }
    assert {"where": "column", "column": "zodiac", "text": "zodiac"} in found[0]["matches"]


def test_more_hits_than_are_shown_are_announced(userprofile):
    code, out, err = userprofile("search", "spark", "--limit", "2")

    assert (code, out.count(", table") + out.count(", view") + out.count(", lookup")) == (0, 2)
    assert err == "2 of 13 shown; see --limit and --format\n"


def test_a_search_that_finds_nothing_says_so(userprofile):
    assert userprofile("search", "xyzzy") == (0, "", "nothing has this word\n")
    assert answer(userprofile, "search", "xyzzy", "--format", "json") == "[]\n"


def test_a_table_is_shown_with_columns_and_where_they_come_from(userprofile):
    out = answer(userprofile, "show", "ads_region_pv_1d_spark")

    assert out.startswith("ads_region_pv_1d_spark  ads, table\n")
    assert "file       sql/ads/ads_region_pv_1d_spark.sql\n" in out
    assert "made from  dws_user_info_all_di_spark\n" in out
    assert "No partition is on record.\n" in out


def test_looking_makes_no_database(userprofile, home):
    answer(userprofile, "show", "ads_region_pv_1d_spark")

    assert sorted(path.name for path in home.iterdir()) == ["catalog"]


@pytest.fixture
def with_records(home):
    days = [dataclasses.replace(RECORD, dt=f"2024080{n}") for n in (5, 6, 7)]
    result = {
        "table_name": RECORD.asset,
        "dt": "20240807",
        "metric": "m",
        "strength": "soft",
        "message": "",
        "run_id": "run-1",
        "checked_at": "2024-08-08T00:32:00.000000Z",
    }
    rows = [
        {**result, "rule": "a", "status": "warned"},
        {**result, "rule": "b", "status": "passed"},
    ]
    with open_records(None, home) as records:
        record_partitions(records, days)
        records.write(lambda connection: connection.execute(tables().dq_result.insert(), rows))


@pytest.mark.usefixtures("with_records")
def test_a_table_is_shown_with_its_days_and_their_quality(userprofile):
    lines = answer(userprofile, "show", RECORD.asset, "--partitions", "2").splitlines()

    assert lines[-4:] == [
        "dt        rows   bytes   rules               run       made at, UTC",
        "20240807  1,234  56,789  1 warned, 1 passed  0f8fad5b  2024-08-08 00:31",
        "20240806  1,234  56,789  not checked         0f8fad5b  2024-08-08 00:31",
        "There are older ones; 2 shown, see --partitions.",
    ]


@pytest.mark.usefixtures("with_records")
def test_a_table_as_json_has_everything(userprofile):
    shown = json.loads(
        answer(userprofile, "show", RECORD.asset, "--format", "json", "--partitions", "1")
    )

    assert shown["partitions"] == [
        {
            **dataclasses.asdict(RECORD),
            "quality": {
                "state": "warned",
                "counts": {"warned": 1, "passed": 1},
                "run_id": "run-1",
                "checked_at": "2024-08-08T00:32:00.000000Z",
            },
        }
    ]
    assert shown["more_partitions"] is True
    assert shown["upstream"] == ["dws_user_info_all_di_spark"]
    assert shown["downstream"] == ["ads_city_registration_1d_spark", "ads_user_info_1d"]
    (uid,) = [column for column in shown["columns"] if column["name"] == "uid"]
    assert uid == {
        "name": "uid",
        "type": "string",
        "comment": "User name, or anon:... for a visitor without login",
        "pii": True,
        "tags": uid["tags"],
        "partition": False,
        "key": None,
        "sources": [{"dataset": "dws_user_info_all_di_spark", "column": "uid"}],
    }


def test_a_database_that_does_not_answer_is_told_and_the_rest_is_shown(userprofile, monkeypatch):
    monkeypatch.setenv("USERPROFILE_SERVING_URL", "mysql+pymysql://u:s3cret@127.0.0.1:1/d")

    code, out, err = userprofile("show", "ads_region_pv_1d_spark")

    assert code == 0
    assert "made from  dws_user_info_all_di_spark" in out
    assert err.startswith("partitions and their quality are not known: ")
    assert "s3cret" not in err


def test_a_source_is_shown_as_it_was_seen_and_can_be_accepted(userprofile, home):
    source = "ods_user_info_d_mysql"
    schema = SourceSchema(
        columns=(SourceColumn(name="uid", type="int", key="primary"),), row_estimate=5000
    )
    with open_records(None, home) as records:
        remember(
            records, source, schema, run_id="0123456789", seen_at="2024-08-08T00:00:00.000000Z",
            accepted=False,
        )  # fmt: skip

    out = answer(userprofile, "show", source)
    assert "seen       2024-08-08 00:00 UTC by run 01234567, about 5,000 rows, its columns" in out
    assert "primary key" in out

    assert answer(userprofile, "accept", source) == (
        f"{source}: accepted as seen at 2024-08-08 00:00 UTC: uid\n"
    )
    with open_records(None, home) as records:
        accepted = last_accepted(records, source)
    assert accepted is not None
    assert accepted.schema == schema


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("show", "ads_user"), "there is no dataset ads_user; near names", id="table"),
        pytest.param(("lineage", "raw_log_oss.cool"), "near names: col", id="column"),
        pytest.param(("accept", "raw_log_oss"), "this is no source", id="no source"),
        pytest.param(("accept", "user_log_httpfile"), "no run has seen", id="never seen"),
        pytest.param(("lineage", "raw_log_oss", "--depth", "0"), "--depth", id="depth"),
        pytest.param(("search",), "Missing argument", id="no words"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(userprofile, arguments, message):
    code, out, err = userprofile(*arguments)

    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_lineage_goes_from_a_field_of_the_log_to_a_profile(userprofile):
    lines = answer(userprofile, "lineage", "user_log_httpfile.line", "--down").splitlines()

    assert lines[:4] == [
        "Read by",
        "user_log_httpfile.line",
        "└─ raw_log_oss.col",
        "   └─ ods_raw_log_d_spark.col",
    ]
    assert any("ads_user_info_1d_spark.region" in line for line in lines)


def test_lineage_of_a_table_goes_both_ways(userprofile):
    out = answer(userprofile, "lineage", "ods_user_info_d_spark", "--depth", "1")

    assert out.splitlines() == [
        "Made from",
        "ods_user_info_d_spark",
        "└─ user_info_oss ...",
        "",
        "Read by",
        "ods_user_info_d_spark",
        "├─ dws_user_info_all_di_spark ...",
        "└─ ads_city_registration_1d_spark ...",
    ]


def test_lineage_as_json_names_nodes_and_edges(userprofile):
    found = json.loads(
        answer(userprofile, "lineage", "user_info_oss.uid", "--up", "--format", "json")
    )

    assert found == {
        "start": {"dataset": "user_info_oss", "column": "uid"},
        "nodes": [
            {
                "dataset": "user_info_oss", "column": "uid", "kind": "object",
                "layer": "ingest", "direction": None, "distance": 0, "more": False,
            },
            {
                "dataset": "ods_user_info_d_mysql", "column": "uid", "kind": "source",
                "layer": "sources", "direction": "up", "distance": 1, "more": False,
            },
        ],
        "edges": [
            {
                "from": {"dataset": "ods_user_info_d_mysql", "column": "uid"},
                "to": {"dataset": "user_info_oss", "column": "uid"},
            }
        ],
    }  # fmt: skip


def test_lineage_as_mermaid_is_a_flowchart(userprofile):
    out = answer(userprofile, "lineage", "user_info_oss", "--up", "--format", "mermaid")

    assert out.splitlines() == [
        "flowchart LR",
        '  t_ods_user_info_d_mysql["ods_user_info_d_mysql"]',
        '  t_user_info_oss["user_info_oss"]',
        "  t_ods_user_info_d_mysql --> t_user_info_oss",
        "  style t_user_info_oss stroke-width:3px",
    ]


def lines_of(dataset, *, width):
    look = Look(width=width, styled=False)
    return list(catalog_text.dataset_lines(Catalog([dataset]), dataset, DatasetFacts(), look))


def test_sources_are_named_by_table_where_there_are_several():
    sources = (("a", "x"), ("a", "y"), ("b", "z"), ("b", "z1"), ("b", "z2"), ("b", "z3"))
    made = Dataset(
        name="made",
        kind="table",
        group="ads",
        columns=(Column("c", "int", sources=sources), Column("d", "int")),
        dependencies=("a", "b"),
    )

    assert lines_of(made, width=None)[-5:-2] == [
        "column  type  from",
        "c       int   a: x, y; b: z, z1, z2, 1 more",
        "d       int",
    ]


def test_a_description_is_folded_by_paragraphs_and_left_alone_in_a_pipe():
    text = "One row\nfor each line.\n\nMore:\n- this\n- that"
    made = Dataset(name="made", kind="table", group="ads", description=text)

    assert lines_of(made, width=80)[1:6] == [
        "One row for each line.", "", "More:", "- this", "- that",
    ]  # fmt: skip
    assert lines_of(made, width=None)[1:7] == text.split("\n")


ODD = Dataset(
    name="odd",
    kind="table",
    group="ods",
    description="first\x1b[2J line\nsecond " + "word " * 30,
    owner="o\x9bwner",
    tags=("t\rag",),
    columns=(Column("c", "struct<" + "a:string," * 30 + ">", "no\nte \u202e and " + "双" * 60),),
)


def test_nothing_that_a_terminal_obeys_is_printed_and_lines_fit_80_cells():
    from rich.cells import cell_len

    look = Look(width=80, styled=False)
    catalog = Catalog([ODD])
    lines = [
        *catalog_text.list_lines(catalog.datasets, look),
        *catalog_text.dataset_lines(catalog, ODD, DatasetFacts(), look),
    ]

    assert all(line.isprintable() for line in lines)
    assert max(cell_len(line) for line in lines) <= 80
    assert any("first\\x1b[2J line" in line for line in lines)


def test_a_fresh_index_is_searched_without_heavy_imports(userprofile, home):
    answer(userprofile)
    program = (
        "import sys\n"
        "from userprofile_assets.cli.main import app\n"
        "app(['catalog', 'search', 'region'], standalone_mode=False)\n"
        "heavy = ('dagster', 'pyspark', 'sqlglot', 'pydantic_settings', 'sqlalchemy', 'yaml')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stdout.startswith("dim_ip_region_spark")


def test_showing_a_table_with_records_imports_no_dagster_and_no_spark(
    userprofile, with_records, home
):
    answer(userprofile)
    program = (
        "import sys\n"
        "from userprofile_assets.cli.main import app\n"
        f"app(['catalog', 'show', {RECORD.asset!r}], standalone_mode=False)\n"
        "heavy = ('dagster', 'pyspark', 'sqlglot', 'pydantic_settings', 'yaml', 'pandas')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
    assert "1 warned, 1 passed" in done.stdout
