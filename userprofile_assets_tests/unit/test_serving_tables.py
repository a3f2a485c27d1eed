"""The serving tables, what the data map says of them, the cubes, and files of a day."""

from __future__ import annotations

import re

import pytest

from userprofile_assets.catalog.contributions import Known, serving
from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.catalog.table_docs import read_docs
from userprofile_assets.errors import ServingError
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.serving.cubes import CUBES, pick_cube
from userprofile_assets.serving.parquet_day import parquet_batches
from userprofile_assets.serving.results import RESULTS
from userprofile_assets.serving.tables import serving_tables


def test_what_dagster_is_told_of_the_columns_is_what_the_tables_have():
    import sqlalchemy

    kinds = {"BIGINT": "bigint", "INTEGER": "integer", "BOOLEAN": "boolean"}
    dialect = sqlalchemy.create_engine("sqlite://").dialect
    found = {}
    for name in RESULTS:
        table = getattr(serving_tables(), name)
        written = {column.name: column.type.compile(dialect) for column in table.columns}
        found[name] = {name: kinds.get(kind, kind.lower()) for name, kind in written.items()}

    assert found == RESULTS
    assert [list(columns) for columns in found.values()] == [list(c) for c in RESULTS.values()]


def test_every_served_column_but_the_rows_number_comes_from_the_table_of_spark(
    settings, project_root
):
    directory = project_root / "sql"
    warehouse = load_warehouse(settings, directory)
    docs = read_docs(directory, warehouse, settings.logic)
    datasets = serving(Known(settings=settings, warehouse=warehouse, docs=docs, sources={}))

    assert [dataset.name for dataset in datasets] == list(RESULTS)
    for dataset in datasets:
        assert dataset.dependencies == (f"{dataset.name}_spark",)
        for column in dataset.columns:
            expected = () if column.name == "row_no" else ((f"{dataset.name}_spark", column.name),)
            assert column.sources == expected
            assert column.comment
    (uid,) = [c for c in datasets[0].columns if c.pii]
    assert uid.name == "uid"


@pytest.mark.parametrize(
    ("needed", "cube"),
    [
        ([], "totals"),
        (["is_registered"], "totals"),
        (["device"], "devices"),
        (["gender", "zodiac"], "people"),
        (["city"], "places"),
        (["country", "device"], "places"),
        (["country", "gender"], "city_people"),
        (["city", "gender"], "city_people"),
        (["region", "gender", "zodiac"], "region_people"),
        (["region", "zodiac", "device"], "all"),
        (["city", "gender", "age_range", "device"], "city_devices"),
        (["city", "zodiac", "device"], None),
    ],
)
def test_the_smallest_cube_that_has_all_columns_answers(needed, cube):
    assert pick_cube(needed) == cube


def test_a_cube_that_the_day_lacks_does_not_answer():
    assert pick_cube(["device"], among=["totals", "all"]) == "all"
    assert pick_cube(["city"], among=["totals", "all"]) is None


def test_the_page_lists_the_cubes_as_they_are(project_root):
    rows = re.findall(
        r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$",
        (project_root / "docs" / "serving.md").read_text("utf-8"),
        re.MULTILINE,
    )
    listed = {cube: tuple(columns.strip("`").split("`, `")) for cube, columns in rows}
    assert listed == CUBES
    assert [cube for cube, _ in rows] == list(CUBES)


def test_cubes_are_by_columns_of_the_profiles():
    for dimensions in CUBES.values():
        assert set(dimensions) <= set(RESULTS["ads_user_info_1d"])


@pytest.fixture
def day(tmp_path):
    directory = tmp_path / "store" / "table" / "dt=20240807"
    directory.mkdir(parents=True)
    return directory


def read(tmp_path, *columns):
    import pyarrow as pa

    store = open_store((tmp_path / "store").as_uri())
    batches = list(parquet_batches(store, "table/dt=20240807", columns, tmp_path / "tmp"))
    return pa.Table.from_batches(batches).to_pydict() if batches else {}


def test_the_files_that_spark_reads_are_read_and_no_others(tmp_path, day):
    import pyarrow as pa
    from pyarrow import parquet

    for name in ("part-1.parquet", "part-0.parquet", "_tmp.parquet", ".part-2.parquet.crc"):
        parquet.write_table(pa.table({"uid": [name], "PV": [1], "more": [2]}), day / name)
    (day / "_SUCCESS").touch()
    (day / "deeper").mkdir()
    (day / "deeper" / "part-9.parquet").write_bytes(b"no Parquet")

    assert read(tmp_path, "uid", "pv", "city") == {
        "uid": ["part-0.parquet", "part-1.parquet"],
        "PV": [1, 1],
    }
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_day_without_files_has_no_rows(tmp_path, day):
    assert read(tmp_path, "uid") == {}


def test_a_file_that_is_no_parquet_is_named(tmp_path, day):
    (day / "part-0.parquet").write_bytes(b"PAR1 and then nothing")

    with pytest.raises(ServingError, match=r"part-0\.parquet: it cannot be read as Parquet"):
        read(tmp_path, "uid")
