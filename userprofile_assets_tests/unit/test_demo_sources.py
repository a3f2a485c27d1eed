"""The files of the embedded sources: made once, whole, and anew when a setting changes."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from userprofile_assets.bizdate import yesterday
from userprofile_assets.demo.log_lines import log_chunks
from userprofile_assets.demo.sources import ensure_log, ensure_users, write_log
from userprofile_assets.demo.users import user_rows
from userprofile_assets.errors import PermanentError, StorageError, StorageFullError

DAY = date(2024, 8, 7)
SIZE: dict[str, Any] = {"lines": 300, "users": 20, "seed": 1, "timezone": "Asia/Shanghai"}


def rows_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM ods_user_info_d ORDER BY uid").fetchall()


def run_limited(code: str, home, *, file_bytes: int) -> subprocess.CompletedProcess[str]:
    """Run Python where no file may grow beyond `file_bytes`: the kernel answers EFBIG."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes},) * 2)\n"
    return subprocess.run(
        [sys.executable, "-c", limit + code, str(home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_log_of_a_day_lies_under_home_and_holds_the_generated_bytes(tmp_path):
    path = ensure_log(tmp_path, DAY, **SIZE)
    assert path == tmp_path / "sources" / "log" / "user_log_20240807.txt"
    assert path.read_bytes() == b"".join(log_chunks(DAY, **SIZE))


def test_a_log_that_is_there_is_not_written_again(tmp_path):
    before = ensure_log(tmp_path, DAY, **SIZE).stat()
    after = ensure_log(tmp_path, DAY, **SIZE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("changed", "value"),
    [("lines", 301), ("users", 21), ("seed", 2), ("timezone", "UTC")],
)
def test_a_changed_setting_makes_the_log_anew(tmp_path, changed, value):
    before = ensure_log(tmp_path, DAY, **SIZE).read_bytes()
    assert ensure_log(tmp_path, DAY, **{**SIZE, changed: value}).read_bytes() != before


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff", b"null"])
def test_a_broken_stamp_makes_the_log_anew(tmp_path, garbage):
    path = ensure_log(tmp_path, DAY, **SIZE)
    whole = path.read_bytes()
    path.write_bytes(b"half")
    path.with_name("user_log_20240807.txt.stamp.json").write_bytes(garbage)
    assert ensure_log(tmp_path, DAY, **SIZE).read_bytes() == whole


@pytest.mark.parametrize("days_ahead", [1, 2], ids=["today", "tomorrow"])
def test_a_day_that_is_not_over_is_refused(tmp_path, days_ahead):
    day = yesterday("Asia/Shanghai") + timedelta(days=days_ahead)
    with pytest.raises(PermanentError, match="is not over yet in Asia/Shanghai"):
        ensure_log(tmp_path, day, **SIZE)
    assert not (tmp_path / "sources").exists()


def test_the_user_table_holds_the_generated_rows_with_uid_as_key(tmp_path):
    path = ensure_users(tmp_path, users=50, seed=3)
    assert path == tmp_path / "sources" / "workshop.db"
    assert rows_of(path) == list(user_rows(users=50, seed=3))
    with closing(sqlite3.connect(path)) as connection:
        columns = connection.execute("PRAGMA table_info(ods_user_info_d)").fetchall()
    assert [(name, kind, key) for _, name, kind, _, _, key in columns] == [
        ("uid", "TEXT", 1),
        ("gender", "TEXT", 0),
        ("age_range", "TEXT", 0),
        ("zodiac", "TEXT", 0),
    ]


def test_a_changed_number_of_users_makes_the_table_anew(tmp_path):
    assert len(rows_of(ensure_users(tmp_path, users=5, seed=1))) == 5
    assert len(rows_of(ensure_users(tmp_path, users=7, seed=1))) == 7


def test_a_row_changed_by_hand_stays(tmp_path):
    path = ensure_users(tmp_path, users=5, seed=1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO ods_user_info_d VALUES ('9', NULL, NULL, NULL)")
    assert len(rows_of(ensure_users(tmp_path, users=5, seed=1))) == 6


def test_a_journal_left_beside_the_former_table_is_not_played_into_the_new_one(tmp_path):
    journal = ensure_users(tmp_path, users=5, seed=1).with_name("workshop.db-journal")
    journal.write_bytes(b"left by a killed program")
    ensure_users(tmp_path, users=6, seed=1)
    assert not journal.exists()


def test_two_writers_at_once_give_one_whole_log(tmp_path):
    sizes = {**SIZE, "lines": 20_000}
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(ensure_log, tmp_path, DAY, **sizes) for _ in range(4)]
        paths = {future.result() for future in made}
    assert [path.read_bytes() for path in paths] == [b"".join(log_chunks(DAY, **sizes))]


def test_a_killed_writer_leaves_nothing_that_counts(tmp_path):
    code = (
        "import sys; from datetime import date; from pathlib import Path\n"
        "from userprofile_assets.demo.sources import ensure_log\n"
        "ensure_log(Path(sys.argv[1]), date(2024, 8, 7), lines=100_000_000, users=5, seed=1,"
        " timezone='UTC')"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    log = tmp_path / "sources" / "log"
    half = log / "_tmp_user_log_20240807.txt"
    try:
        while not (half.exists() and half.stat().st_size):
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(0.02)
    finally:
        writer.kill()
        writer.wait()
    assert [path.name for path in log.iterdir()] == [half.name]
    ensure_log(tmp_path, date(2024, 8, 6), **SIZE)
    assert sorted(path.name for path in log.iterdir()) == [
        "user_log_20240806.txt",
        "user_log_20240806.txt.stamp.json",
    ]


def test_a_full_disk_is_a_typed_error_and_leaves_the_former_log(tmp_path):
    whole = ensure_log(tmp_path, DAY, **SIZE).read_bytes()
    code = (
        "import sys; from datetime import date; from pathlib import Path\n"
        "from userprofile_assets.demo.sources import ensure_log\n"
        "from userprofile_assets.errors import StorageFullError\n"
        "try:\n"
        "    ensure_log(Path(sys.argv[1]), date(2024, 8, 7), lines=50_000, users=5, seed=1,"
        " timezone='UTC')\n"
        "except StorageFullError as error:\n"
        "    print(error)\n"
    )
    done = run_limited(code, tmp_path, file_bytes=2_000_000)
    path = tmp_path / "sources" / "log" / "user_log_20240807.txt"
    assert done.stdout == (
        f"{path}: the embedded source cannot be written (File too large)\n"
        "What to do: free space, set USERPROFILE_HOME to a larger disk, or lower "
        "USERPROFILE_DEMO_LINES and USERPROFILE_DEMO_USERS\n"
    )
    assert path.read_bytes() == whole
    assert not list(path.parent.glob("_tmp*"))


def test_a_database_that_cannot_grow_is_a_typed_error(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from userprofile_assets.demo.sources import ensure_users\n"
        "from userprofile_assets.errors import StorageError\n"
        "try:\n"
        "    ensure_users(Path(sys.argv[1]), users=20_000, seed=1)\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    done = run_limited(code, tmp_path, file_bytes=100_000)
    path = tmp_path / "sources" / "workshop.db"
    assert done.stdout.startswith(f"{path}: the embedded source cannot be written (")
    assert not list(path.parent.glob("*"))


def test_a_home_that_is_a_file_is_named(tmp_path):
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(StorageError, match="USERPROFILE_HOME") as caught:
        ensure_users(home, users=1, seed=1)
    assert not isinstance(caught.value, StorageFullError)


def test_an_error_number_for_no_space_is_a_full_disk(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("userprofile_assets.demo.sources.os.write", full)
    with pytest.raises(StorageFullError, match="No space left on device"):
        ensure_log(tmp_path, DAY, **SIZE)


def test_write_log_writes_to_any_path_and_returns_the_bytes(tmp_path):
    path = tmp_path / "big.txt"
    written = write_log(path, DAY, **SIZE)
    assert written == path.stat().st_size
    expected = hashlib.sha256(b"".join(log_chunks(DAY, **SIZE))).hexdigest()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected
