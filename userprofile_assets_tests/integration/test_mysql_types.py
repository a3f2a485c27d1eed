"""The text of every type of MySQL and MariaDB, by each way to read it."""

from __future__ import annotations

import dataclasses

import pytest

from userprofile_assets.errors import SourceError
from userprofile_assets_tests.support.table_copies import USERS, object_path, publish_table

TYPES = [
    ("DECIMAL(20,10)", "'1234567890.1234567800'", b"1234567890.1234567800"),
    ("DECIMAL(30,20)", "'0.00000000000000000001'", b"0.00000000000000000001"),
    ("DECIMAL(65,30)", "'-99999999999999999999999999999999999.5'",
     b"-99999999999999999999999999999999999.500000000000000000000000000000"),
    ("DATETIME(6)", "'2024-08-07 01:02:03.000040'", b"2024-08-07 01:02:03.000040"),
    ("DATETIME(6)", "'2024-08-07 01:02:03'", b"2024-08-07 01:02:03.000000"),
    ("DATETIME", "'2024-08-07 01:02:03'", b"2024-08-07 01:02:03"),
    ("DATETIME", "'0000-00-00 00:00:00'", b"\\N"),
    ("DATE", "'0987-01-02'", b"0987-01-02"),
    ("DATE", "'2024-02-00'", b"\\N"),
    ("DATE", "'9999-12-31'", b"9999-12-31"),
    ("TIME", "'838:59:59'", b"838:59:59"),
    ("TIME(3)", "'-01:00:00.5'", b"-01:00:00.500"),
    # The servers of these tests live in +08:00.
    ("TIMESTAMP NULL", "'2024-08-07 08:30:00'", b"2024-08-07 00:30:00"),
    ("TIMESTAMP(3) NULL", "'2024-08-07 08:30:00.125'", b"2024-08-07 00:30:00.125"),
    ("BIT(1)", "b'1'", b"1"),
    ("BIT(10)", "b'1000000101'", b"517"),
    ("BIT(64)", "b'1" + "0" * 63 + "'", b"9223372036854775808"),
    ("BLOB", "x'00FF7C0A'", b"00ff7c0a"),
    ("BLOB", "''", b""),
    ("BINARY(4)", "'ab'", b"61620000"),
    ("VARBINARY(4)", "x'FEFD'", b"fefd"),
    ("JSON", """'{"a": ["|", 1]}'""", b'{"a": ["\\|", 1]}'),
    ("ENUM('f','m|n')", "'m|n'", b"m\\|n"),
    ("SET('x','y')", "'y,x'", b"x,y"),
    ("BIGINT UNSIGNED", "18446744073709551615", b"18446744073709551615"),
    ("BIGINT", "-9223372036854775808", b"-9223372036854775808"),
    ("TINYINT(1)", "TRUE", b"1"),
    ("INT(5) ZEROFILL", "42", b"42"),
    ("DOUBLE", "0.1", b"0.1"),
    ("DOUBLE", "1e300", b"1e300"),
    ("FLOAT", "1.1", b"1.1"),
    ("YEAR", "2024", b"2024"),
    ("CHAR(4)", "'a'", b"a"),
    ("TEXT", "NULL", b"\\N"),
    ("TEXT", "'\\\\N'", b"\\\\N"),
    ("TEXT CHARACTER SET gbk", "'双鱼座'", "双鱼座".encode()),
    ("TEXT CHARACTER SET latin1", "'é€'", "é€".encode()),
    ("TEXT CHARACTER SET utf16", "'😀|'", "😀\\|".encode()),
    ("INT GENERATED ALWAYS AS (20 + 3) STORED", "DEFAULT", b"23"),
    ("VARCHAR(9) GENERATED ALWAYS AS (CONCAT('a', '|')) VIRTUAL", "DEFAULT", b"a\\|"),
]  # fmt: skip
ONLY_MARIADB = [
    ("UUID", "'123e4567-e89b-12d3-a456-426655440000'", b"123e4567-e89b-12d3-a456-426655440000"),
    ("INET6", "'::1'", b"::1"),
]


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["fast", "general"])
def reader(request):
    return request.param


def table_of(server, kinds, *rows):
    """Make a table with a column for each type and return its database and the options."""
    database = server.fresh_database()
    columns = tuple(f"c{number}" for number in range(len(kinds)))
    declared = ", ".join(f"{name} {kind}" for name, kind in zip(columns, kinds, strict=True))
    server.execute(f"CREATE TABLE users ({declared})", database=database)
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+08:00'")
        for row in rows:
            cursor.execute(f"INSERT INTO users VALUES ({', '.join(row)})")
    return database, dataclasses.replace(USERS, columns=columns, split_key=None)


def copied(server, database, options, into):
    publish_table(server.url(database), options, into=into)
    return object_path(into).read_bytes()


def test_every_type_has_its_documented_text(server, reader, tmp_path):
    types = TYPES + (ONLY_MARIADB if type(server).__name__ == "MariaDB" else [])
    database, options = table_of(server, [t[0] for t in types], [t[1] for t in types])

    data = copied(server, database, dataclasses.replace(options, reader=reader), tmp_path)

    fields = data.removesuffix(b"\n").replace(b"\\|", b"<bar>").split(b"|")
    found = [field.replace(b"<bar>", b"\\|") for field in fields]
    assert dict(zip([t[:2] for t in types], found, strict=True)) == {t[:2]: t[2] for t in types}


@pytest.mark.parametrize(
    ("policy", "text"), [("null", b"\\N"), ("keep", b"0000-00-00")], ids=["null", "keep"]
)
def test_a_zero_date_becomes_what_the_setting_says(server, reader, tmp_path, policy, text):
    database, options = table_of(server, ["DATE"], ["'0000-00-00'"])

    options = dataclasses.replace(options, zero_dates=policy, reader=reader)

    assert copied(server, database, options, tmp_path) == text + b"\n"


def test_a_refused_zero_date_names_the_column(server, reader, tmp_path):
    database, options = table_of(server, ["INT", "DATE"], ["1", "'2024-01-01'"], ["2", "0"])
    options = dataclasses.replace(options, zero_dates="error", reader=reader)

    with pytest.raises(SourceError, match="month or the day 0") as caught:
        copied(server, database, options, tmp_path)

    assert caught.value.where == "column c1"


def test_binary_values_can_be_base64_in_one_line(server, reader, tmp_path):
    database, options = table_of(server, ["BLOB"], [f"x'{'00FF' * 40}'"])

    data = copied(
        server, database, dataclasses.replace(options, binary="base64", reader=reader), tmp_path
    )

    assert data == b"AP8A/wD/" * 13 + b"AP8=\n"


def test_timestamps_are_shown_in_the_zone_of_the_setting(server, reader, tmp_path):
    database, options = table_of(server, ["TIMESTAMP NULL"], ["'2024-08-07 08:30:00'"])

    data = copied(
        server, database, dataclasses.replace(options, zone="-05:00", reader=reader), tmp_path
    )

    assert data == b"2024-08-06 19:30:00\n"


# Lengths around the borders of the protocol: 1, 3 and 4 bytes of length, and several packets.
@pytest.mark.parametrize("size", [0, 1, 10, 248, 249, 250, 251, 253, 65_534, 65_535, 65_536])
def test_values_of_every_length_come_whole(mariadb, reader, tmp_path, size):
    database, options = table_of(
        mariadb, ["INT", "LONGTEXT"], *([str(n), f"REPEAT('x', {size})"] for n in range(300))
    )
    options = dataclasses.replace(options, split_key="c0", reader=reader)

    data = copied(mariadb, database, options, tmp_path)

    assert data == b"".join(b"%d|%s\n" % (n, b"x" * size) for n in range(300))


def test_a_value_of_several_packets_comes_whole(mariadb, reader, tmp_path):
    size = 2**24 - 3  # with the marks of the line one byte more than a packet can hold
    database, options = table_of(
        mariadb, ["INT", "LONGTEXT"], ["1", "'a'"], ["2", f"REPEAT('x', {size})"], ["3", "'b'"]
    )
    options = dataclasses.replace(options, split_key="c0", reader=reader)

    data = copied(mariadb, database, options, tmp_path)

    assert data == b"1|a\n2|" + b"x" * size + b"\n3|b\n"


def test_a_value_that_outgrows_the_servers_limit_is_an_error_and_not_null(
    mariadb, reader, tmp_path
):
    # 40 MB are 80 MB as hex, and max_allowed_packet is 64 MB: HEX() gives NULL with a warning.
    database, options = table_of(mariadb, ["LONGBLOB"], ["REPEAT('x', 40000000)"])

    with pytest.raises(SourceError, match="longer than the server may send"):
        copied(mariadb, database, dataclasses.replace(options, reader=reader), tmp_path)

    assert not object_path(tmp_path).exists()


def test_control_characters_and_header_like_bytes_come_back(server, reader, tmp_path):
    texts = ["".join(map(chr, range(1, 128))), "ÿþýü", "\x00\n\x0a\xfd\xfe\xff", "\\|\n\r\ufeff"]
    database, options = table_of(server, ["INT", "TEXT"])
    with server.connect(database) as connection, connection.cursor() as cursor:
        for number in range(2000):
            cursor.execute("INSERT INTO users VALUES (%s, %s)", (number, texts[number % 4]))
    options = dataclasses.replace(options, split_key="c0", reader=reader)

    data = copied(server, database, options, tmp_path)

    escaped = [
        text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "\\n").replace("\r", "\\r")
        .replace("\ufeff", "\\\ufeff") for text in texts
    ]  # fmt: skip
    assert data.decode() == "".join(f"{n}|{escaped[n % 4]}\n" for n in range(2000))


def test_shards_are_one_text_in_the_order_of_their_numbers(server, reader, tmp_path):
    database = server.fresh_database()
    for shard in (8, 9, 10):
        server.execute(f"CREATE TABLE u_{shard} (uid INT, name CHAR(1))", database=database)
        server.execute(f"INSERT INTO u_{shard} VALUES ({shard}1, 'b'), ({shard}0, 'a')",
                       database=database)  # fmt: skip
    options = dataclasses.replace(USERS, table="u_[8-10]", reader=reader)

    manifest = publish_table(server.url(database), options, into=tmp_path)

    assert object_path(tmp_path).read_bytes() == b"80|a\n81|b\n90|a\n91|b\n100|a\n101|b\n"
    assert manifest.source["rows"] == 6


def test_shards_with_other_columns_are_refused(mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE u_0 (uid INT, name CHAR(1))", database=database)
    mariadb.execute("CREATE TABLE u_1 (uid INT, name CHAR(2))", database=database)

    with pytest.raises(
        SourceError,
        match=r"columns of table u_1 are not those of u_0: name is char\(2\), not char\(1\)",
    ):
        copied(mariadb, database, dataclasses.replace(USERS, table="u_[0-1]"), tmp_path)


def test_shards_that_differ_in_a_comment_or_in_null_are_one_text(server, tmp_path):
    database = server.fresh_database()
    server.execute("CREATE TABLE u_0 (uid INT NOT NULL, name CHAR(1))", database=database)
    server.execute(
        "CREATE TABLE u_1 (uid INT, name CHAR(1) COMMENT 'the nickname')", database=database
    )
    for shard in (0, 1):
        server.execute(f"INSERT INTO u_{shard} VALUES ({shard}, 'a')", database=database)

    data = copied(server, database, dataclasses.replace(USERS, table="u_[0-1]"), tmp_path)

    assert data == b"0|a\n1|a\n"


def test_a_shard_that_changes_while_another_is_read_is_not_published(mariadb, tmp_path):
    database = mariadb.fresh_database()
    for shard in (0, 1):
        mariadb.execute(f"CREATE TABLE u_{shard} (uid INT, name CHAR(1))", database=database)
        mariadb.execute(f"INSERT INTO u_{shard} VALUES ({shard}, 'a')", database=database)
    changed: list[int] = []

    def change(batch):
        if not changed:
            changed.append(batch)
            mariadb.execute("ALTER TABLE u_1 MODIFY name CHAR(2)", database=database)

    options = dataclasses.replace(USERS, table="u_[0-1]")

    with pytest.raises(SourceError, match="columns of table u_1 are not those of u_0"):
        publish_table(mariadb.url(database), options, into=tmp_path, after_batch=change)

    assert changed == [1]
    assert not object_path(tmp_path).exists()


def test_a_query_is_read_like_a_table(server, reader, tmp_path):
    database = server.fresh_database()
    server.execute("CREATE TABLE t (a INT, b BLOB, c BIT(3), d DATE)", database=database)
    server.execute("INSERT INTO t VALUES (2, 'x%s', b'101', '2024-01-02'), (1, '', NULL, NULL)",
                   database=database)  # fmt: skip
    options = dataclasses.replace(
        USERS,
        query="SELECT a AS uid, b, c, d, CONCAT(a, ':name %') AS name FROM t -- all",
        columns=("uid", "b", "c", "d", "name"),
        reader=reader,
    )

    data = copied(server, database, options, tmp_path)

    assert data == b"1||\\N|\\N|1:name %\n2|782573|5|2024-01-02|2:name %\n"


def test_the_manifest_tells_where_the_snapshot_stands(mariadb, tmp_path):
    database, options = table_of(mariadb, ["INT"], ["1"])

    manifest = publish_table(mariadb.url(database), options, into=tmp_path)

    position = manifest.source["position"]
    assert position["exact"] is True
    assert position["file"].startswith("binlog.")
    assert position["position"] > 0
    assert position["gtid"].startswith("0-1-")


def test_a_user_who_may_not_ask_for_the_position_still_exports(mariadb, tmp_path):
    database, options = table_of(mariadb, ["INT"], ["1"])
    mariadb.execute("CREATE USER no_binlog@'%' IDENTIFIED BY 'r'")
    mariadb.execute(f"GRANT SELECT (c0) ON {database}.users TO no_binlog@'%'")

    manifest = publish_table(
        mariadb.url(database, user="no_binlog", password="r"), options, into=tmp_path
    )

    assert manifest.rows == 1


@pytest.mark.parametrize(
    ("zone", "text"),
    [("-13:59", b"2024-08-06 10:31:00\n"), ("+14:00", b"2024-08-07 14:30:00\n")],
    ids=["least", "most"],
)
def test_the_outermost_offsets_of_the_settings_are_known_to_the_server(
    mysql8, zone, text, tmp_path
):
    database, options = table_of(mysql8, ["TIMESTAMP NULL"], ["'2024-08-07 08:30:00'"])

    assert copied(mysql8, database, dataclasses.replace(options, zone=zone), tmp_path) == text


@pytest.mark.parametrize("zone", ["-13:59", "+14:00"])
def test_an_offset_that_mariadb_does_not_know_names_the_setting(mariadb, zone, tmp_path):
    database, options = table_of(mariadb, ["TIMESTAMP NULL"], ["'2024-08-07 08:30:00'"])

    with pytest.raises(SourceError, match="USERPROFILE_USER_TIMESTAMP_ZONE"):
        copied(mariadb, database, dataclasses.replace(options, zone=zone), tmp_path)
