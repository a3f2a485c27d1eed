"""Rows of a lookup become a Parquet file that holds exactly them."""

import io

import pytest

from userprofile_assets.enrichment.lookup import LookupColumn
from userprofile_assets.enrichment.parquet_file import write_parquet
from userprofile_assets.errors import PermanentError

COLUMNS = (
    LookupColumn("name", "string", "A text"),
    LookupColumn("count", "bigint", "A number"),
    LookupColumn("known", "boolean", "A truth"),
)


def written(rows, columns=COLUMNS):
    from pyarrow import parquet

    target = io.BytesIO()
    count = write_parquet(iter(rows), columns, target.write)
    return count, parquet.ParquetFile(target)


def test_values_types_and_nulls_come_back_as_they_were():
    rows = [("a", 1, True), ("", -(2**63), False), ("漢字\n|\\", 2**63 - 1, None), (None,) * 3]

    count, file = written(rows)

    assert count == 4
    assert [tuple(row.values()) for row in file.read().to_pylist()] == rows
    assert list(map(str, file.schema_arrow.types)) == ["string", "int64", "bool"]


def test_no_rows_make_a_file_with_columns_and_no_row():
    count, file = written([])

    assert (count, file.metadata.num_rows) == (0, 0)
    assert file.schema_arrow.names == ["name", "count", "known"]


def test_row_groups_have_at_most_64k_rows():
    count, file = written(("x", number, True) for number in range(70_000))

    groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
    assert (count, groups) == (70_000, [65_536, 4_464])


def test_rows_of_several_megabytes_end_a_row_group_early():
    _, file = written(("x" * 20_000_000, number, True) for number in range(5))

    groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
    assert groups == [2, 2, 1]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(("a", "seven", True), id="text for a number"),
        pytest.param(("a", 2**63, True), id="a number that is too large"),
        pytest.param(("\ud800", 1, True), id="half a character"),
    ],
)
def test_a_value_that_does_not_fit_names_column_and_rows(row):
    with pytest.raises(PermanentError, match=r"column (name|count): a value of rows 1 to 1 is no"):
        written([row])
