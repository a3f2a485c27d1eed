"""The tables of the database on SQLite and MariaDB: new, old, newer, half made, made by two."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy  # noqa: TID253 - what the tests are about

from userprofile_assets.errors import RecordsError
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.records.database import default_url, open_records
from userprofile_assets.records.migrations import HEAD, migrate, revision
from userprofile_assets.records.partitions import read_partitions
from userprofile_assets.records.tables import tables
from userprofile_assets.serving.tables import serving_tables

ALL = {*tables().dq_result.metadata.tables, *serving_tables().api_key.metadata.tables}


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request, tmp_path):
    if request.param == "sqlite":
        (tmp_path / "serving").mkdir()
        return default_url(tmp_path)
    server = request.getfixturevalue("mariadb")
    database = server.fresh_database()
    # Another one than ours: the columns have to name their own.
    server.execute(f"ALTER DATABASE {database} CHARACTER SET latin1")
    return server.url(database)


@pytest.fixture
def engine(url):
    engine = engine_for(url, writable=True)
    yield engine
    engine.dispose()


@pytest.fixture
def wanted(request, engine, tmp_path):
    """The tables that the program knows as this kind of database has them."""
    if engine.dialect.name == "sqlite":
        other = engine_for(f"sqlite:///{tmp_path}/wanted.db", writable=True)
    else:
        server = request.getfixturevalue("mariadb")
        database = server.fresh_database()
        server.execute(f"ALTER DATABASE {database} CHARACTER SET latin1")
        other = engine_for(server.url(database), writable=True)
    found = sqlalchemy.MetaData()
    for metadata in (tables().dq_result.metadata, serving_tables().api_key.metadata):
        metadata.create_all(other)
    found.reflect(other)
    other.dispose()
    return found


def differences(engine, wanted):
    """Compare what is there with what should be, in both directions."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, wanted)


def test_a_new_database_gets_the_tables_that_the_program_knows(engine, wanted):
    migrate(engine)

    assert differences(engine, wanted) == []
    assert {*sqlalchemy.inspect(engine).get_table_names()} == {*ALL, "alembic_version"}


def test_a_database_of_before_the_revisions_keeps_its_rows_and_gets_the_rest(
    engine, wanted, url, tmp_path
):
    tables().dq_result.metadata.create_all(engine)
    day = {"asset": "ads_users", "dt": "20240807", "run_id": "run-1", "made_at": "2024-08-08"}
    with engine.begin() as connection:
        connection.execute(tables().partition_record.insert(), [day])

    with open_records(url, tmp_path) as records:
        (kept,) = read_partitions(records, "ads_users")

    assert kept.run_id == "run-1"
    assert differences(engine, wanted) == []


def test_a_database_at_the_newest_revision_is_opened_without_alembic(engine, url, tmp_path):
    migrate(engine)
    program = (
        "import sys; from pathlib import Path\n"
        "from userprofile_assets.records.database import open_records\n"
        "from userprofile_assets.records.partitions import read_partitions\n"
        "with open_records(sys.argv[1], Path(sys.argv[2])) as records:\n"
        "    print(read_partitions(records, 'ads_users'), 'alembic' in sys.modules)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, url, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (answer.stdout, answer.stderr) == ("[] False\n", "")


def test_a_database_of_a_newer_program_is_left_alone_and_says_so(engine, url, tmp_path):
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0099'"))

    with (
        open_records(url, tmp_path) as records,
        pytest.raises(RecordsError, match="0099, this program knows up to 0002") as caught,
    ):
        read_partitions(records, "ads_users")

    assert "update the program" in str(caught.value)
    with engine.connect() as connection:
        assert revision(connection) == "0099"


def _migrate_and_die(url, statements):
    engine = engine_for(url, writable=True)
    left = [statements]

    @sqlalchemy.event.listens_for(engine, "after_cursor_execute")
    def count(connection, cursor, statement, *rest):
        if statement.strip().startswith("CREATE"):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    migrate(engine)


@pytest.mark.parametrize("statements", [1, 2, 4, 9, 12])
def test_what_a_killed_process_left_is_finished_by_the_next(engine, wanted, url, statements):
    process = multiprocessing.get_context("spawn").Process(
        target=_migrate_and_die, args=(url, statements)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL

    migrate(engine)

    assert differences(engine, wanted) == []


def _open_at(url, home, start):
    with open_records(url, home) as records:
        start.wait(60)
        assert read_partitions(records, "ads_users") == []


def test_two_machines_that_make_the_tables_at_once_both_end_well(engine, wanted, url, tmp_path):
    # Directories of their own, so that no lock file is shared.
    homes = [tmp_path / "one", tmp_path / "other"]
    start = multiprocessing.get_context("spawn").Barrier(2)
    processes = [
        multiprocessing.get_context("spawn").Process(target=_open_at, args=(url, home, start))
        for home in homes
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert differences(engine, wanted) == []


def test_the_newest_revision_is_the_one_that_the_program_names():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from userprofile_assets.records import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_texts_that_differ_by_case_or_a_blank_at_the_end_are_two(engine):
    migrate(engine)
    table = serving_tables().ads_user_info_1d
    uids = ["a", "A", "a ", "é", "e", "😀"]
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"dt": "20240807", "uid": uid} for uid in uids])
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.select(table.c.uid).where(table.c.uid == "a"))

        assert found.scalars().all() == ["a"]
