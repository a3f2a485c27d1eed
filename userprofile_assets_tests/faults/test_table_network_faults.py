"""A network that fails between a copy and its database: each fault sits at an exact byte."""

from __future__ import annotations

import socket
from importlib.util import find_spec

import pytest

from userprofile_assets.errors import SourceUnavailableError
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_source import observe_table
from userprofile_assets_tests.support.table_copies import USERS, object_path, publish_table

pytestmark = pytest.mark.usefixtures("three_tries")

DRIVERS = ["pymysql", *(["mysqldb"] if find_spec("MySQLdb") else [])]
ROWS = 2000
WIDTH = 1000
EXPECTED = b"".join(
    b"%d|%s\n" % (number, bytes([97 + number % 26]) * WIDTH) for number in range(1, ROWS + 1)
)


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def source(server):
    """The name of a database with a table of 2 MB."""
    name = server.fresh_database()
    with server.connect(name) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE users (uid INT PRIMARY KEY, name VARCHAR(1000))")
        cursor.executemany(
            "INSERT INTO users VALUES (%s, %s)",
            [(number, chr(97 + number % 26) * WIDTH) for number in range(1, ROWS + 1)],
        )
    return name


class Line:
    """The line to a table: a proxy, and what a copy without a fault carries over it.

    Attributes:
        index: Number of the connection that carries the rows.
        bytes: How many bytes it carries.
    """

    def __init__(self, server, database, proxy, clean):
        self.proxy = proxy
        self.url = server.url(database, port=proxy.port) + "?connect_timeout=1&read_timeout=1"
        self.said: list[str] = []
        publish_table(self.url, into=clean)
        assert object_path(clean).read_bytes() == EXPECTED
        carried = [traffic.down for traffic in proxy.connections]
        self.bytes = max(carried)
        self.index = carried.index(self.bytes)

    def at(self, place):
        """Translate the name of a place into a count of bytes from the server."""
        return {
            "first byte": 0,
            "greeting": 30,
            "middle": self.bytes // 2,
            "last byte": self.bytes - 1,
        }[place]

    def copy(self, into):
        return publish_table(self.url, into=into, log=self.said.append)


@pytest.fixture
def line(server, source, faults, tmp_path):
    return Line(server, source, faults.before("127.0.0.1", server.port), tmp_path / "clean")


def published(into):
    return sorted(path.name for path in (into / "storage").rglob("*") if path.is_file())


PLACES = ["first byte", "greeting", "middle", "last byte"]


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("place", PLACES)
def test_a_cut_connection_gives_the_same_bytes_after_another_try(line, tmp_path, place, how):
    line.proxy.cut_after(line.at(place), how=how, times=1, skip=line.index)

    manifest = line.copy(tmp_path)

    assert line.proxy.fired == 1
    assert object_path(tmp_path).read_bytes() == EXPECTED
    assert manifest.rows == ROWS
    assert published(tmp_path) == ["_manifest.json", "user_20240807.txt"]


@pytest.mark.parametrize("place", PLACES)
def test_a_black_hole_gives_the_same_bytes_after_another_try(line, tmp_path, place):
    line.proxy.black_hole_after(line.at(place), times=1, skip=line.index)

    line.copy(tmp_path)

    assert line.proxy.fired == 1
    assert object_path(tmp_path).read_bytes() == EXPECTED


@pytest.mark.parametrize("place", ["greeting", "middle"])
def test_a_line_that_is_always_cut_is_a_transient_error(line, tmp_path, place):
    former = publish_table(line.url, into=tmp_path)
    line.proxy.cut_after(line.at(place))

    with pytest.raises(SourceUnavailableError, match="can be reached from here"):
        line.copy(tmp_path)

    assert line.proxy.fired == 3
    assert object_path(tmp_path).stat().st_size == former.bytes
    assert published(tmp_path) == ["_manifest.json", "user_20240807.txt"]


def test_a_line_that_is_always_silent_is_a_transient_error(line, tmp_path):
    line.proxy.black_hole_after(line.at("middle"))

    with pytest.raises(SourceUnavailableError):
        line.copy(tmp_path)

    assert line.proxy.fired == 3
    assert published(tmp_path) == []


def test_a_login_that_the_server_never_hears_is_given_up(line, tmp_path):
    line.proxy.black_hole_after(10, direction="up", times=1)

    line.copy(tmp_path)

    assert line.proxy.fired == 1
    assert object_path(tmp_path).read_bytes() == EXPECTED


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("place", [0, 30])
def test_a_login_is_not_waited_for_as_long_as_a_sort(server, source, faults, driver, place):
    proxy = faults.before("127.0.0.1", server.port)
    proxy.black_hole_after(place)
    engine = engine_for(
        server.url(source, port=proxy.port, driver=driver),
        connect_timeout=1,
        read_timeout=100_000,  # longer than pytest lets a test run
    )

    with pytest.raises(SourceUnavailableError):
        observe_table(engine, USERS)

    assert proxy.fired == 1


def test_a_refused_connection_is_tried_again(line, tmp_path):
    line.proxy.refuse(times=1)

    line.copy(tmp_path)

    assert line.proxy.fired == 1
    assert object_path(tmp_path).read_bytes() == EXPECTED
    assert any("connecting failed" in message for message in line.said)


def test_a_port_that_nobody_listens_on_is_a_transient_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said: list[str] = []

    with pytest.raises(SourceUnavailableError, match="refused"):
        publish_table(f"mysql+pymysql://u:p@127.0.0.1:{port}/db", into=tmp_path, log=said.append)

    assert len(said) == 3


def test_a_name_that_dns_does_not_know_is_a_transient_error(tmp_path):
    said: list[str] = []

    with pytest.raises(SourceUnavailableError, match=r"db\.invalid") as caught:
        publish_table("mysql+pymysql://u:s3cret@db.invalid/db", into=tmp_path, log=said.append)

    assert len(said) == 3
    assert "check the host in USERPROFILE_MYSQL_URL, and DNS" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_slow_drip_is_waited_for(line, tmp_path):
    line.proxy.drip_after(line.at("middle"), piece=1, pause=0.001, length=500, skip=line.index)

    line.copy(tmp_path)

    assert line.proxy.fired == 1
    assert not any("Attempt" in message for message in line.said)
    assert object_path(tmp_path).read_bytes() == EXPECTED


def test_packets_in_slices_give_the_same_bytes(line, tmp_path):
    line.proxy.slice(333)

    line.copy(tmp_path)

    assert line.proxy.fired >= 1
    assert object_path(tmp_path).read_bytes() == EXPECTED


def test_a_server_that_is_restarted_in_the_middle_gives_the_same_bytes(server, line, tmp_path):
    def restart():
        server.stop()
        server.start()

    # Not so soon that the copy gives up the connection, and tries again, before the server is back.
    line.url = line.url.replace("_timeout=1", "_timeout=60")
    # At the beginning: what the sockets hold later comes from the server that is gone.
    line.proxy.call_after(line.at("greeting"), restart, skip=line.index)

    line.copy(tmp_path)

    assert line.proxy.fired == 1
    assert object_path(tmp_path).read_bytes() == EXPECTED
