"""Several slices of one table: the same rows as one, of one moment, and no thread left behind."""

from __future__ import annotations

import dataclasses
import gc
import threading
import time
from contextlib import contextmanager

import pytest

from userprofile_assets.errors import (
    SettingsError,
    SourceError,
    SourceUnavailableError,
    StorageError,
)
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_lock import read_locked
from userprofile_assets.ingestion.table_options import TableOptions
from userprofile_assets_tests.support.table_copies import ignore, object_path, publish_table

pytestmark = pytest.mark.usefixtures("three_tries")

ROWS = TableOptions(table="t", columns=("k", "n"), where=None, split_key="k", delimiter="|")


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()  # destructors of the driver must not complain: pytest makes that an error
    assert [thread.name for thread in threading.enumerate() if "slice" in thread.name] == []


def make(server, key, values, *, table="t", database=None, more="n INT"):
    """Make a table of a key and a running number, and return its database."""
    database = database or server.fresh_database()
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (k {key}, {more}, INDEX (k))")
        cursor.executemany(
            f"INSERT INTO {table} (k, n) VALUES (%s, %s)",
            [(value, number) for number, value in enumerate(values)],
        )
    return database


def copy(server, database, options=ROWS, *, into, port=None, log=ignore, after_batch=ignore):
    url = server.url(database, port=port)
    manifest = publish_table(url, options, into=into, log=log, after_batch=after_batch)
    return manifest, object_path(into).read_bytes()


def sliced(slices, **more):
    return dataclasses.replace(ROWS, slices=slices, **more)


KEYS = {
    "integers": ("INT", range(-20, 80), 4),
    "the largest integers": ("BIGINT UNSIGNED", [2**64 - 1 - n for n in range(50)], 4),
    "decimals": ("DECIMAL(20, 6)", [f"{n}.{abs(n):06}" for n in range(-9, 50)], 4),
    "without upper and lower case": (
        "VARCHAR(9) COLLATE utf8mb4_general_ci",
        [char * (1 + n % 3) for n in range(9) for char in "aAbBcCéÉzZ%'\\"],
        4,
    ),
    "with spaces at the end": ("VARCHAR(9)", [c + " " * n for c in "abcd" for n in range(5)], 4),
    "in latin1": ("VARCHAR(9) CHARACTER SET latin1", [f"é{n}ü" for n in range(40)], 4),
    "in gbk": ("VARCHAR(9) CHARACTER SET gbk", [c + str(n) for n in range(9) for c in "双鱼座"], 4),
    "in utf16": ("VARCHAR(9) CHARACTER SET utf16", [f"{n}座" for n in range(40)], 4),
    "fixed texts": ("CHAR(4)", [f"{n:04}" for n in range(40)], 4),
    "bytes": ("VARBINARY(9)", [bytes([n, 255 - n, 0]) for n in range(256)], 4),
    "fixed bytes": ("BINARY(4)", [bytes([n, 37, 39, 92]) for n in range(40)], 4),
    "NULL among them": ("INT", [None, 1, None, 2, 3, None, 4, 5, 6, 7, 8, None], 4),
    "few values": ("VARCHAR(1)", list("abc" * 40), 3),
    "one value nearly always": ("INT", [5] * 90 + list(range(10)), 2),
    "one value": ("INT", [5] * 50, 1),
    "NULL only": ("INT", [None] * 50, 1),
    "fewer rows than slices": ("INT", [1, 2], 2),
    "one row": ("INT", [1], 1),
    "no row": ("INT", [], 1),
}


@pytest.mark.parametrize(("key", "values", "used"), KEYS.values(), ids=KEYS)
def test_slices_give_the_rows_of_one(server, tmp_path, key, values, used):
    database = make(server, key, values)
    one, expected = copy(server, database, into=tmp_path / "one")

    manifest, data = copy(server, database, sliced(4), into=tmp_path / "four")

    assert sorted(data.splitlines()) == sorted(expected.splitlines())
    assert len(data.splitlines()) == len(values)
    assert manifest.source["rows"] == one.source["rows"] == len(values)
    assert manifest.source.get("slices", 1) == used
    assert manifest.source.get("consistency") == (None if used == 1 else "one snapshot")
    assert {"slices", "consistency"}.isdisjoint(one.source)


@pytest.mark.parametrize("reader", ["fast", "general"])
def test_slices_stand_in_the_order_of_the_key(server, tmp_path, reader):
    database = make(server, "INT", [(number * 7) % 100 for number in range(100)])

    manifest, data = copy(server, database, sliced(8, reader=reader), into=tmp_path)

    assert data == b"".join(b"%d|%d\n" % (key, key * 43 % 100) for key in range(100))
    assert (manifest.source["reader"], manifest.source["slices"]) == (reader, 8)


def test_the_same_rows_give_the_same_bytes(mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE t (k INT PRIMARY KEY, n VARCHAR(500))", database=database)
    mariadb.execute(
        "INSERT INTO t SELECT seq, REPEAT(CHAR(97 + seq % 26), 500) FROM seq_1_to_20000",
        database=database,
    )
    one, expected = copy(mariadb, database, into=tmp_path / "one")

    first, data = copy(mariadb, database, sliced(3), into=tmp_path / "first")
    second, _ = copy(mariadb, database, sliced(3), into=tmp_path / "second")

    assert first.sha256 == second.sha256
    assert sorted(data.splitlines()) == sorted(expected.splitlines())
    assert (first.bytes, first.rows) == (one.bytes, 20_000)
    # 3 MB a slice: the second begins before the first one has ended.
    keys = [int(line.partition(b"|")[0]) for line in data.splitlines()]
    assert 1 < keys.index(6668) < keys.index(6667)


def test_names_with_percent_signs_and_a_condition_are_taken_as_they_are(server, tmp_path):
    database = server.fresh_database()
    server.execute("CREATE TABLE t (`a%s``b` INT PRIMARY KEY, n VARCHAR(9))", database=database)
    server.execute(
        "INSERT INTO t VALUES (1, 'x%'), (2, 'y'), (3, 'xx'), (4, 'xy'), (5, ':a')",
        database=database,
    )
    options = sliced(2, columns=("a%s`b", "n"), split_key="a%s`b", where="n LIKE 'x%' -- %s :b")

    manifest, data = copy(server, database, options, into=tmp_path)

    assert data == b"1|x%\n3|xx\n4|xy\n"
    assert manifest.source["slices"] == 2


def test_shards_are_divided_each_for_itself(server, tmp_path):
    database = make(server, "INT", range(10), table="t_0")
    make(server, "INT", [], table="t_1", database=database)
    make(server, "INT", [100, 101], table="t_2", database=database)

    manifest, data = copy(server, database, sliced(4, table="t_[0-2]"), into=tmp_path)

    assert sorted(int(line.partition(b"|")[0]) for line in data.splitlines()) == [
        *range(10), 100, 101,
    ]  # fmt: skip
    assert (manifest.source["rows"], manifest.source["slices"]) == (12, 4)


# --- one moment -------------------------------------------------------------------------------


def until(condition, what):
    """Wait until a condition holds, and fail the test if it does not."""
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited for {what}")
        time.sleep(0.01)  # between two looks at a condition


def waits(server, statement):
    """Tell whether a connection has been kept waiting with a statement that begins so."""
    states = server.execute(
        "SELECT state FROM information_schema.processlist WHERE info LIKE %s",
        (f"{statement}%",),
    )
    return any("waiting for" in (state or "").lower() or "lock" in (state or "").lower()
               for (state,) in states)  # fmt: skip


@contextmanager
def in_thread(call):
    """Run something beside the block, and hand on its error."""
    errors: list[BaseException] = []

    def run():
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(120)
    if errors:
        raise errors[0]


@pytest.fixture
def accounts(server):
    """Accounts 0 to 99 with 100 each, so that half of them is in the second of two slices."""
    database = server.fresh_database()
    server.execute("CREATE TABLE t (k INT PRIMARY KEY, n INT)", database=database)
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, 100)", [(key,) for key in range(100)])
    return database


def move(server, database):
    """Move money from the first account to the last, in one transaction."""
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE t SET n = n + IF(k = 0, -1, 1) WHERE k IN (0, 99)")


def total(data):
    return sum(int(line.partition(b"|")[2]) for line in data.splitlines())


def second_snapshot(server, accounts, faults, options, into):
    """Return a proxy, and the byte at which its second connection opens its snapshot."""
    proxy = faults.before("127.0.0.1", server.port)
    copy(server, accounts, options, into=into, port=proxy.port)
    return proxy, bytes(proxy.connections[1].heard).index(b"START TRANSACTION")


def test_a_writer_between_two_snapshots_is_kept_waiting(server, accounts, faults, tmp_path):
    proxy, offset = second_snapshot(server, accounts, faults, sliced(2), tmp_path / "clean")
    moved = threading.Event()

    def write():
        move(server, accounts)
        moved.set()

    writer = threading.Thread(target=write)

    def begin():
        writer.start()
        until(lambda: waits(server, "UPDATE t"), "a writer that has to wait")
        assert not moved.is_set()

    proxy.call_after(offset, begin, direction="up", skip=1)
    manifest, data = copy(server, accounts, sliced(2), into=tmp_path, port=proxy.port)
    writer.join(120)

    assert proxy.fired == 1
    assert moved.is_set()
    assert total(data) == 10_000
    assert data.startswith(b"0|100\n")
    assert manifest.source["consistency"] == "one snapshot"


def test_without_the_lock_slices_may_see_different_moments(server, accounts, faults, tmp_path):
    options = sliced(2, consistency="none")
    proxy, offset = second_snapshot(server, accounts, faults, options, tmp_path / "clean")

    proxy.call_after(offset, lambda: move(server, accounts), direction="up", skip=1)
    manifest, data = copy(server, accounts, options, into=tmp_path, port=proxy.port)

    assert proxy.fired == 1
    assert total(data) == 10_001  # the last account has what the first one has not given yet
    assert (manifest.source["consistency"], manifest.source["rows"]) == ("none", 100)


def test_a_transaction_that_has_written_is_waited_for(server, accounts, tmp_path):
    copied: list[bytes] = []

    def export():
        copied.append(copy(server, accounts, sliced(2), into=tmp_path)[1])

    with server.connect(accounts) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE t SET n = n - 1 WHERE k = 0")
        with in_thread(export):
            until(lambda: waits(server, "LOCK TABLES"), "a lock that has to wait")
            cursor.execute("COMMIT")

    assert copied[0].startswith(b"0|99\n")


def test_money_that_is_always_on_the_move_is_never_lost(server, accounts, tmp_path):
    moves = 0
    done = threading.Event()

    def keep_moving():
        nonlocal moves
        with server.connect(accounts) as connection, connection.cursor() as cursor:
            while not done.is_set():
                source, target = moves % 50, 99 - moves % 50
                cursor.execute("BEGIN")
                cursor.execute("UPDATE t SET n = n - 1 WHERE k = %s", (source,))
                cursor.execute("UPDATE t SET n = n + 1 WHERE k = %s", (target,))
                cursor.execute("COMMIT")
                moves += 1

    totals, moved = [], []
    with in_thread(keep_moving):
        try:
            for number in range(5):
                before = moves
                _, data = copy(server, accounts, sliced(4), into=tmp_path / str(number))
                totals.append(total(data))
                moved.append(moves > before)
        finally:
            done.set()

    assert totals == [10_000] * 5
    assert all(moved)


# --- the lock ---------------------------------------------------------------------------------


def limited(server, database, rights):
    """Make an account that may only do this, and return its URL."""
    server.execute("DROP USER IF EXISTS few@'%'")
    server.execute("CREATE USER few@'%' IDENTIFIED BY 'f3w-s3cret'")
    server.execute(f"GRANT {rights} ON {database}.* TO few@'%'")
    return server.url(database, user="few", password="f3w-s3cret")


def test_an_account_that_may_not_lock_is_told_so(server, accounts, tmp_path):
    url = limited(server, accounts, "SELECT")

    with pytest.raises(SourceError, match="locking table t while") as caught:
        publish_table(url, sliced(2), into=tmp_path)

    assert "grant the account LOCK TABLES" in (caught.value.remedy or "")
    assert "USERPROFILE_USER_SLICE_CONSISTENCY=none" in (caught.value.remedy or "")
    assert "f3w-s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("rights", "consistency"), [("SELECT, LOCK TABLES", "lock"), ("SELECT", "none")]
)
def test_few_rights_are_enough(server, accounts, tmp_path, rights, consistency):
    url = limited(server, accounts, rights)

    manifest = publish_table(url, sliced(2, consistency=consistency), into=tmp_path)

    assert (manifest.rows, manifest.source["slices"]) == (100, 2)


def test_a_lock_that_is_not_to_be_had_is_given_up(server, accounts):
    engine = engine_for(server.url(accounts))
    with server.connect(accounts) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        with (
            engine.connect() as control,
            pytest.raises(SourceUnavailableError, match="1205") as caught,
            read_locked(engine, control, ["t"], seconds=1),
        ):
            pytest.fail("the lock was given")

    assert "not committed yet, or has locked it" in str(caught.value)


def test_the_server_frees_the_lock_of_a_process_that_hangs(server, accounts):
    engine = engine_for(server.url(accounts))

    with (
        engine.connect() as control,
        pytest.raises(SourceUnavailableError, match="until all snapshots were open"),
        read_locked(engine, control, ["t"], seconds=1),
    ):
        move(server, accounts)  # is kept waiting until the server has dropped the other


def test_a_failed_export_leaves_no_lock(server, accounts, faults, tmp_path):
    proxy, offset = second_snapshot(server, accounts, faults, sliced(2), tmp_path / "clean")
    proxy.cut_after(offset, direction="up", skip=1, times=1)

    _, data = copy(server, accounts, sliced(2), into=tmp_path, port=proxy.port)
    move(server, accounts)

    assert proxy.fired == 1
    assert len(data.splitlines()) == 100


# --- what fails -------------------------------------------------------------------------------


WIDE = 2048


@pytest.fixture
def wide(server):
    """A table of 33 MB: more than the sockets of both sides and the queues hold."""
    database = server.fresh_database()
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (k INT PRIMARY KEY, n VARCHAR(16000)) CHARSET latin1")
        cursor.execute("INSERT INTO t VALUES (1, REPEAT('b', 16000))")
        for power in range(11):
            cursor.execute(
                "INSERT INTO t SELECT k + %s, REPEAT(CHAR(97 + (k + %s) %% 26), 16000) FROM t",
                (2**power, 2**power),
            )
    return database


def expected_wide():
    return {b"%d|%s" % (key, bytes([97 + key % 26]) * 16_000) for key in range(1, WIDE + 1)}


@pytest.mark.parametrize("place", ["middle", "last byte"])
def test_a_lost_slice_starts_the_whole_export_again(server, wide, faults, tmp_path, place):
    proxy = faults.before("127.0.0.1", server.port)
    copy(server, wide, sliced(3), into=tmp_path / "clean", port=proxy.port)
    carried = proxy.connections[2].down
    assert carried > 5_000_000
    said: list[str] = []
    proxy.cut_after(carried // 2 if place == "middle" else carried - 1, skip=2, times=1)

    manifest, data = copy(server, wide, sliced(3), into=tmp_path, port=proxy.port, log=said.append)

    assert proxy.fired == 1
    assert sum("Attempt 1 of" in message for message in said) == 1
    assert (manifest.rows, set(data.splitlines())) == (WIDE, expected_wide())


def test_an_error_does_not_wait_for_a_slice_that_is_silent(server, wide, faults, tmp_path):
    proxy = faults.before("127.0.0.1", server.port)
    copy(server, wide, sliced(2), into=tmp_path / "clean", port=proxy.port)
    proxy.black_hole_after(1_500_000, skip=1, times=1)

    def fail(batch):
        if batch == 3:  # a piece of each, of 1 MiB, and one more of the first
            proxy.wait_until_fired()
            raise StorageError("the bucket is gone")

    # The driver would wait 600 s for the silent one, which is longer than a test may run.
    with pytest.raises(StorageError, match="the bucket is gone"):
        copy(server, wide, sliced(2), into=tmp_path, port=proxy.port, after_batch=fail)

    assert proxy.fired == 1


@pytest.mark.parametrize("error", [StorageError("the bucket is gone"), KeyboardInterrupt()])
@pytest.mark.parametrize("reader", ["fast", "general"])
def test_a_writer_that_fails_ends_all_slices(server, wide, tmp_path, error, reader):
    def fail(batch):
        raise error

    with pytest.raises(type(error)):
        copy(server, wide, sliced(4, reader=reader), into=tmp_path, after_batch=fail)

    until(lambda: not_connected(server, wide), "connections that are closed")


def not_connected(server, database):
    return not server.execute(
        "SELECT id FROM information_schema.processlist WHERE db = %s", (database,)
    )


# --- what cannot be divided -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (sliced(2, split_key=None), "USERPROFILE_USER_SPLIT_KEY, which is not set"),
        (sliced(2, query="SELECT k, n FROM t"), "USERPROFILE_USER_QUERY is set"),
        (sliced(17), "17 slices are not 1 to 16"),
        (sliced(2, split_key="n"), "cannot be divided by the column n, whose type is double"),
        (sliced(2, table="v"), "v is no InnoDB table"),
        (sliced(2, table="m"), "m is no InnoDB table"),
    ],
    ids=["no key", "a query", "too many", "a key of another type", "a view", "no snapshots"],
)
def test_what_cannot_be_divided_is_refused(server, tmp_path, options, message):
    database = make(server, "INT", [1, 2, 3], more="n DOUBLE")
    server.execute("CREATE VIEW v AS SELECT k, n FROM t", database=database)
    server.execute("CREATE TABLE m (k INT, n INT) ENGINE = MyISAM", database=database)

    with pytest.raises(SettingsError, match=message) as caught:
        copy(server, database, options, into=tmp_path)

    assert caught.value.where == "USERPROFILE_USER_SLICES"


def test_slices_are_refused_for_another_database(tmp_path):
    with pytest.raises(SettingsError, match="slices are for MySQL and MariaDB"):
        publish_table(f"sqlite:///{tmp_path / 'none.db'}", sliced(2), into=tmp_path)
