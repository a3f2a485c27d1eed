"""Each stage of a day's statements is small enough for the JVM to compile.

The JVM compiles no method of more than 8,000 bytes, and Spark makes one of a whole stage. One that
is longer takes half as long again (docs/performance.md), and nothing says so.
"""

from __future__ import annotations

import re

import pytest

from userprofile_assets_tests.support.processing import ALL, VALUES, processing

pytestmark = pytest.mark.xdist_group("spark")

TABLES = (VALUES, *ALL)
LIMIT = 8_000


@pytest.fixture(scope="module")
def made(spark_session, tmp_path_factory):
    with processing(spark_session, tmp_path_factory.mktemp("stages")) as made:
        made.run(b"", until=TABLES)
        yield made


@pytest.mark.parametrize("table", TABLES)
def test_the_stages_of_a_table_are_compiled(made, table):
    sizes = [int(size) for size in re.findall(r"maxMethodCodeSize:(\d+)", made.generated(table))]
    assert sizes
    assert max(sizes) < LIMIT
