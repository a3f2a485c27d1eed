"""The user table in a real MariaDB, filled by the server itself.

Belongs here: the server of the tests as a benchmark's server, the rows. Does not belong here: who
reads them.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.rounds import tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from userprofile_assets_tests.support.mariadb import MariaDB

TABLE = "ods_user_info_d"
COLUMNS = ("uid", "gender", "age_range", "zodiac")
DATABASE = "workshop"

# Rows of one INSERT. All in one would be one undo log, several times as slow to write.
_STEP = 500_000

# Frequencies as in the embedded table, NULLs included. The multipliers are primes that share no
# factor with the lists' lengths, so the three columns do not run in step.
_INSERT = f"""
INSERT INTO {TABLE}
SELECT
    LPAD(16000000000 + seq * 9001 + (seq * 7919) MOD 9001, 13, '0'),
    IF((seq * 48611) MOD 50 = 0, NULL, ELT(1 + (seq * 48611) MOD 2, '男', '女')),
    ELT(1 + (seq * 15485863) MOD 16,
        '20岁以下', '20岁以下', '20-30岁', '20-30岁', '20-30岁', '20-30岁', '20-30岁',
        '30-40岁', '30-40岁', '30-40岁', '30-40岁', '40-50岁', '40-50岁', '40-50岁',
        '50岁以上', NULL),
    ELT(1 + (seq * 32452843) MOD 25,
        '白羊座', '金牛座', '双子座', '巨蟹座', '狮子座', '处女座',
        '天秤座', '天蝎座', '射手座', '摩羯座', '水瓶座', '双鱼座',
        '白羊座', '金牛座', '双子座', '巨蟹座', '狮子座', '处女座',
        '天秤座', '天蝎座', '射手座', '摩羯座', '水瓶座', '双鱼座', NULL)
FROM seq_%d_to_%d
"""  # noqa: S608 - constants and two numbers


@dataclass(frozen=True, kw_only=True)
class Database:
    """A running server with the table.

    Args:
        url: SQLAlchemy URL with the password.
        host: Where the server listens.
        port: On which port.
        user: The account.
        password: Its password.
        version: What the server calls itself.
        rows: Rows of the table.
    """

    url: str
    host: str
    port: int
    user: str
    password: str
    version: str
    rows: int

    def url_with(self, scheme: str) -> str:
        """Return the URL with another scheme, for tools that do not know SQLAlchemy's."""
        return f"{scheme}://{self.url.partition('://')[2]}"


@contextmanager
def user_table(rows: int, *, options: Sequence[str] = ()) -> Iterator[Database]:
    """Start a MariaDB, make the table, give it, stop the server and remove its files.

    Args:
        rows: Rows of the table.
        options: More options of the server.

    Raises:
        MeasurementError: There is no MariaDB on this machine, or it does not start.
    """
    # The server is the tests' one, so this needs the packages of `make install-dev`.
    try:
        import pytest  # noqa: PLC0415
    except ImportError as error:
        raise MeasurementError("pytest is missing: make install-dev") from error
    from userprofile_assets_tests.support import mariadb  # noqa: PLC0415

    # A short path of its own: a socket's path may have 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="bench-db-") as directory:
        server = mariadb.MariaDB(Path(directory), options=options)
        try:
            try:
                server.install()
            except (pytest.skip.Exception, pytest.fail.Exception) as error:
                raise MeasurementError(str(error)) from error
            server.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
            _fill(server, rows)
            yield Database(
                url=server.url(DATABASE),
                host="127.0.0.1",
                port=server.port,
                user=mariadb.USER,
                password=mariadb.PASSWORD,
                version=str(server.execute("SELECT VERSION()")[0][0]),
                rows=rows,
            )
        finally:
            server.stop()


def _fill(server: MariaDB, rows: int) -> None:
    tell(f"making a table of {rows:,} rows")
    execute = server.execute
    execute(
        f"CREATE TABLE {TABLE} (uid VARCHAR(32) NOT NULL PRIMARY KEY COMMENT 'User', "
        "gender VARCHAR(8), age_range VARCHAR(16), zodiac VARCHAR(16)) ENGINE=InnoDB",
        database=DATABASE,
    )
    for first in range(1, rows + 1, _STEP):
        execute(_INSERT % (first, min(first + _STEP - 1, rows)), database=DATABASE)
    # Else the first reader pays for the statistics.
    execute(f"ANALYZE TABLE {TABLE}", database=DATABASE)
