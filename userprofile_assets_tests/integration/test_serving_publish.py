"""Publishing days to a real database: SQLite and MariaDB, with readers beside."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager

import pytest
import sqlalchemy  # noqa: TID253 - what the tests read with
import stamina

from userprofile_assets.errors import (
    RecordsUnavailableError,
    ServingError,
    StorageUnavailableError,
)
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.records.database import open_records
from userprofile_assets.serving.cubes import CUBES, cube_table_name
from userprofile_assets.serving.publish import publish_day
from userprofile_assets.serving.retention import remove_old_days
from userprofile_assets.serving.row_counts import count_served
from userprofile_assets.serving.stored_text import NO_TEXT, stored
from userprofile_assets.serving.tables import serving_tables

DAY = "20240807"
NASTY = [
    "a", "A", "a ", "", "-", "é", "e\u0301", "😀", "tab\there", "line\nfeed", "cr\r", "back\\slash",
    "\\N", "\\", "quote'", "''", '"', "(1,2),", "%s", "?", "NULL", ":uid", "-- x", "/* */", "~",
    "x" * 255, "😀" * 255,
]  # fmt: skip


@pytest.fixture(params=["sqlite", "mariadb", "mysql8"])
def url(request):
    if request.param == "sqlite":
        return None
    return request.getfixturevalue(request.param).fresh_url()


@pytest.fixture(params=["mariadb", "mysql8"])
def server_url(request):
    return request.getfixturevalue(request.param).fresh_url()


@pytest.fixture
def records(url, tmp_path):
    with open_records(url, tmp_path) as opened:
        yield opened


def batch_of(uids, **columns):
    import pyarrow as pa

    values = {"uid": pa.array(uids, pa.string()), "pv": pa.array([1] * len(uids), pa.int64())}
    for name, column in columns.items():
        values[name] = pa.array(column)
    return pa.RecordBatch.from_pydict(values)


def publish(records, *batches, table="ads_user_info_1d", dt=DAY, run_id="run-1", **options):
    said = options.pop("log", lambda sentence: None)
    return publish_day(
        records, table, dt, lambda: list(batches), run_id=run_id, log=said, **options
    )


def rows_of(records, table="ads_user_info_1d", dt=DAY):
    served = getattr(serving_tables(), table)
    rows = records.read(sqlalchemy.select(served).where(served.c.dt == dt))
    return [dict(row._mapping) for row in rows]


def served(records):
    day = serving_tables().serving_day
    return {(row.table_name, row.dt): row for row in records.read(sqlalchemy.select(day))}


def test_a_day_is_served_with_its_rows_as_they_are(records):
    done = publish(
        records,
        batch_of(
            ["alice", "bob"],
            region=["浙江省", None],
            is_registered=[True, False],
            IGNORED=["x", "y"],
            Country=["中国", ""],
        ),
    )

    missing = dict.fromkeys(("device", "gender", "age_range", "zodiac", "city"))
    assert sorted(rows_of(records), key=lambda row: row["uid"]) == [
        {"dt": DAY, "uid": "alice", "pv": 1, "region": "浙江省", "country": "中国",
         "is_registered": True, **missing},
        {"dt": DAY, "uid": "bob", "pv": 1, "region": None, "country": "",
         "is_registered": False, **missing},
    ]  # fmt: skip
    row = served(records)["ads_user_info_1d", DAY]
    assert (row.row_count, row.run_id, row.version) == (2, "run-1", done.version)
    assert not done.replaced


def test_texts_that_look_like_syntax_come_back_as_they_are(records):
    publish(records, batch_of(NASTY, region=[text[:191] for text in NASTY]))

    found = {row["uid"]: row["region"] for row in rows_of(records)}
    assert found == {text: text[:191] for text in NASTY}


def test_names_that_no_column_holds_are_stored_by_their_hash_and_stay_apart(records):
    import pyarrow as pa

    long = ["x" * 300, "x" * 299 + "y", "nul\0", "nul\ufffd", stored("x" * 300, 255)]
    broken = [b"\xff", b"\xfe", b"ok\xc3"]
    uids = pa.array([*(text.encode() for text in long), *broken, None], pa.binary())
    # Spark does not check what it writes, and Arrow does not check what it reads.
    column = pa.Array.from_buffers(pa.string(), len(uids), uids.buffers())
    done = publish(records, pa.RecordBatch.from_arrays([column], ["uid"]))

    found = {row["uid"] for row in rows_of(records)}
    assert done.rows == 9
    assert found == {
        *(stored(text, 255) for text in long),
        *(stored(data.decode("utf-8", "surrogateescape"), 255) for data in broken),
        NO_TEXT,
    }
    assert stored("x" * 300, 255) == "x" * 190 + "~" + hashlib.sha256(b"x" * 300).hexdigest()


def test_a_day_that_is_published_again_has_the_new_rows_only_and_a_new_version(records):
    first = publish(records, batch_of(["alice", "bob"]))
    other = publish(records, batch_of(["zoe"]), dt="20240806")
    second = publish(records, batch_of(["carol"]), run_id="run-2")

    assert [row["uid"] for row in rows_of(records)] == ["carol"]
    assert [row["uid"] for row in rows_of(records, dt="20240806")] == ["zoe"]
    days = served(records)
    assert days["ads_user_info_1d", DAY].version == second.version != first.version
    assert days["ads_user_info_1d", "20240806"].version == other.version
    assert second.replaced


def test_rows_without_a_key_of_their_own_are_numbered_through_all_batches(records):
    import pyarrow as pa

    batches = [pa.RecordBatch.from_pydict({"city": [f"{n}{i}" for i in range(3)]}) for n in "ab"]
    publish(records, *batches, table="ads_region_pv_1d")

    found = {row["row_no"]: row["city"] for row in rows_of(records, "ads_region_pv_1d")}
    assert found == {1: "a0", 2: "a1", 3: "a2", 4: "b0", 5: "b1", 6: "b2"}


def test_a_day_without_rows_is_served_too(records):
    publish(records, batch_of(["alice"]))
    done = publish(records)

    assert (done.rows, rows_of(records)) == (0, [])
    assert served(records)["ads_user_info_1d", DAY].row_count == 0


def test_the_cubes_of_a_day_add_up_to_its_profiles(records):
    one = batch_of(["a", "b", "c"], device=["x", "x", None], gender=["f", "m", "f"],
                   is_registered=[True, True, False])  # fmt: skip
    two = batch_of(["d"], device=["x"], gender=["f"], is_registered=[True])
    done = publish(records, one, two)

    cube = serving_tables().ads_user_cube_1d
    found = records.read(
        sqlalchemy.select(cube.c.device, cube.c.is_registered, cube.c.users, cube.c.pv).where(
            cube.c.cube == "devices"
        )
    )
    assert {tuple(row) for row in found} == {("x", True, 3, 3), (None, False, 1, 1)}
    assert done.cells == {
        "totals": 2, "devices": 2, "people": 3, "places": 2, "device_people": 3,
        "city_zodiac": 2, "city_people": 3, "region_people": 3, "city_devices": 3, "all": 3,
    }  # fmt: skip
    assert {name for name, _ in served(records)} == {
        "ads_user_info_1d",
        *(cube_table_name(name) for name in CUBES),
    }


def test_a_cube_with_too_many_cells_is_left_out_and_that_shows(records, monkeypatch):
    from userprofile_assets.serving import cube_maker

    publish(records, batch_of(["a"], gender=["f"]))
    monkeypatch.setattr(cube_maker, "_SMALL_CELLS", 3)
    publish(records, batch_of(list("abcd"), gender=list("wxyz")))

    assert {name for name, _ in served(records)} == {
        "ads_user_info_1d", "ads_user_cube_1d/totals", "ads_user_cube_1d/devices",
        "ads_user_cube_1d/places", "ads_user_cube_1d/city_zodiac",
    }  # fmt: skip
    cubes = {row["cube"] for row in rows_of(records, "ads_user_cube_1d")}
    assert cubes == {"totals", "devices", "places", "city_zodiac"}


@pytest.mark.parametrize("far", [0, 70_000], ids=["next to each other", "in two batches"])
def test_a_uid_twice_keeps_the_former_day_and_is_not_told(records, far):
    publish(records, batch_of(["alice"]))
    secret = "twice@example.org"

    with pytest.raises(ServingError, match="uid") as caught:
        publish(records, batch_of([secret, *map(str, range(far)), secret]))

    assert [row["uid"] for row in rows_of(records)] == ["alice"]
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    shown = [repr(error) for error in chain if not caught.value.__suppress_context__ or error]
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__ or secret not in str(shown)


@pytest.mark.parametrize(
    "column", [{"pv": ["many"]}, {"region": [7]}, {"is_registered": ["yes"]}], ids=str
)
def test_a_column_of_another_type_is_named_and_changes_nothing(records, column):
    publish(records, batch_of(["alice"]))

    with pytest.raises(ServingError, match=next(iter(column))):
        publish(records, batch_of(["bob"], **column))

    assert [row["uid"] for row in rows_of(records)] == ["alice"]


def test_rows_that_are_not_as_many_as_spark_counts_change_nothing(records):
    publish(records, batch_of(["alice"]))

    with pytest.raises(ServingError, match="its files have 1 rows, Spark counts 2"):
        publish(records, batch_of(["bob"]), expected=2)

    assert [row["uid"] for row in rows_of(records)] == ["alice"]


def test_an_error_of_the_rows_source_keeps_its_type_and_the_former_day(records):
    publish(records, batch_of(["alice"]))

    def rows():
        yield batch_of(["bob"])
        raise StorageUnavailableError("the transfer broke off", where="s3://bucket/x")

    with stamina.set_testing(True, attempts=1), pytest.raises(StorageUnavailableError):
        publish_day(records, "ads_user_info_1d", DAY, rows, run_id="run-2", log=print)

    assert [row["uid"] for row in rows_of(records)] == ["alice"]


def test_a_transient_error_is_tried_again_from_the_start(records):
    tries = []

    def rows():
        tries.append(1)
        yield batch_of(["bob"])
        if len(tries) < 3:
            raise StorageUnavailableError("the transfer broke off")

    with stamina.set_testing(True, attempts=5):
        done = publish_day(records, "ads_user_info_1d", DAY, rows, run_id="run-2", log=print)

    assert (len(tries), done.rows) == (3, 1)
    assert [row["uid"] for row in rows_of(records)] == ["bob"]


@contextmanager
def reading(url, tmp_path):
    """A transaction of a reader on a connection of its own, as the API has it."""
    from userprofile_assets.serving.read_engine import read_engine

    engine = read_engine(url, tmp_path, query_seconds=30)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def seen(connection):
    profiles, day = serving_tables().ads_user_info_1d, serving_tables().serving_day
    uids = connection.execute(sqlalchemy.select(profiles.c.uid)).scalars().all()
    version = connection.execute(
        sqlalchemy.select(day.c.version).where(day.c.table_name == "ads_user_info_1d")
    ).scalar()
    return sorted(uids), version


def test_readers_see_the_former_day_until_the_new_one_is_whole(records, url, tmp_path):
    former = publish(records, batch_of(["alice", "bob"]))
    half, go_on = threading.Event(), threading.Event()

    def rows():
        yield batch_of([f"new{number}" for number in range(70_000)])
        half.set()
        assert go_on.wait(60)
        yield batch_of(["last"])

    publisher = threading.Thread(
        target=publish_day,
        args=(records, "ads_user_info_1d", DAY, rows),
        kwargs={"run_id": "run-2", "log": print},
    )
    publisher.start()
    assert half.wait(60)
    with reading(url, tmp_path) as old:
        assert seen(old) == (["alice", "bob"], former.version)
        go_on.set()
        publisher.join(60)
        # The transaction began before: it goes on seeing the day whole.
        assert seen(old) == (["alice", "bob"], former.version)
    with reading(url, tmp_path) as new:
        uids, version = seen(new)

    assert (len(uids), version) == (70_001, served(records)["ads_user_info_1d", DAY].version)


def test_two_publishers_of_one_day_leave_one_of_the_two(records, url, tmp_path):
    # Homes of their own stand for two machines: they share no lock file.
    errors = []

    def work(name):
        try:
            with open_records(
                url or f"sqlite:///{tmp_path}/serving/userprofile.db", tmp_path / name
            ) as own:
                publish(own, batch_of([f"{name}{n}" for n in range(5_000)]))
        except RecordsUnavailableError as error:
            errors.append(error)

    publish(records, batch_of(["alice"]))
    threads = [threading.Thread(target=work, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    uids = {row["uid"] for row in rows_of(records)}
    assert errors == []
    assert uids in [{f"{name}{n}" for n in range(5_000)} for name in "xy"]


def test_the_second_of_two_publishers_of_a_new_day_replaces_what_the_first_made(
    server_url, tmp_path, monkeypatch
):
    from userprofile_assets.serving import publish as publishing

    first_is_at_work, second_is_at_the_door = threading.Event(), threading.Event()
    tell = publishing._Day._tell

    def watched(day, *arguments, **options):
        if day.run_id == "second":
            second_is_at_the_door.set()
        tell(day, *arguments, **options)

    monkeypatch.setattr(publishing._Day, "_tell", watched)

    def slow_rows():
        first_is_at_work.set()
        assert second_is_at_the_door.wait(300)
        yield batch_of(["a", "b"])

    def publish_first():
        with open_records(server_url, tmp_path / "first") as own:
            publish_day(
                own, "ads_user_info_1d", DAY, slow_rows, run_id="first", log=lambda sentence: None
            )

    with open_records(server_url, tmp_path / "second") as records:
        thread = threading.Thread(target=publish_first)
        thread.start()
        assert first_is_at_work.wait(300)
        publish(records, batch_of(["b", "c"]), run_id="second")
        thread.join(300)

        assert [row["uid"] for row in rows_of(records)] == ["b", "c"]
        assert served(records)["ads_user_info_1d", DAY].run_id == "second"


def test_days_that_are_no_longer_kept_go_with_their_cubes(records):
    for dt in ("20240731", "20240801", "20240807"):
        publish(records, batch_of(["alice"]), dt=dt)
    publish(records, batch_of(["alice"]), dt="20240731", table="ads_region_pv_1d")
    said: list[str] = []

    gone = remove_old_days(records, "ads_user_info_1d", 7, log=said.append)

    assert gone == ["20240731"]
    assert count_served(records, "ads_user_info_1d", ["20240731", "20240801", DAY]) == {
        "20240731": 0, "20240801": 1, DAY: 1,
    }  # fmt: skip
    assert [name for name, dt in served(records) if dt == "20240731"] == ["ads_region_pv_1d"]
    assert rows_of(records, "ads_user_cube_1d", "20240731") == []
    assert len(said) == 1


def test_a_server_that_has_load_data_local_off_gets_inserts(mariadb, tmp_path):
    said: list[str] = []
    with open_records(mariadb.fresh_url(), tmp_path) as records:
        mariadb.execute("SET GLOBAL local_infile = 0")
        try:
            done = publish(records, batch_of(NASTY), batch_of(["zoe"]), log=said.append)
            with pytest.raises(ServingError, match="1062") as caught:
                publish(records, batch_of(["twice", "twice"]))
        finally:
            mariadb.execute("SET GLOBAL local_infile = 1")

        assert done.rows == len(NASTY) + 1
        assert {row["uid"] for row in rows_of(records)} == {*NASTY, "zoe"}
        assert caught.value.__suppress_context__
    assert "local_infile" in said[0]


def test_rows_are_loaded_and_not_inserted_where_the_server_lets_them(mariadb, tmp_path):
    said: list[str] = []
    with open_records(mariadb.fresh_url(), tmp_path) as records:
        publish(records, batch_of(["alice"]), log=said.append)

    assert not [sentence for sentence in said if "local_infile" in sentence]


def test_many_rows_are_sent_in_many_packets(records):
    uids = [f"{number:06}" + "😀" * 100 for number in range(20_000)]

    publish(records, batch_of(uids))

    assert count_served(records, "ads_user_info_1d", [DAY]) == {DAY: 20_000}
    assert {row["uid"] for row in rows_of(records)} == set(uids)


def test_a_server_that_asks_for_a_file_gets_none(mariadb, tmp_path):
    file = tmp_path / "secret"
    file.write_text("1\n")
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE stolen (line text)", database=database)
    engine = engine_for(mariadb.url(database), writable=True)
    connection = engine.raw_connection()
    with pytest.raises(RuntimeError, match="local_infile option is false"):
        connection.cursor().execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE stolen")
    connection.invalidate()

    assert mariadb.execute("SELECT * FROM stolen", database=database) == ()


def test_a_server_that_is_gone_is_a_transient_error_without_the_password(tmp_path):
    url = "mysql+pymysql://u:canary@127.0.0.1:1/x"
    with (
        stamina.set_testing(True, attempts=2),
        open_records(url, tmp_path) as records,
        pytest.raises(RecordsUnavailableError) as caught,
    ):
        publish(records, batch_of(["alice"]))

    assert "canary" not in str(caught.value)
