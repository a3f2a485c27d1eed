"""The embedded log: its shape, its repeatability, and what is odd about some lines."""

from __future__ import annotations

import hashlib
import itertools
import tracemalloc
from collections import Counter
from datetime import date, datetime

import pytest

from userprofile_assets.demo.log_lines import log_chunks
from userprofile_assets.demo.users import user_rows

DAY = date(2024, 8, 7)


def made(day=DAY, *, lines=20_000, users=5_000, seed=1, timezone="Asia/Shanghai") -> bytes:
    return b"".join(log_chunks(day, lines=lines, users=users, seed=seed, timezone=timezone))


def fields_of(log: bytes) -> list[list[str]]:
    """Return the fields of the lines that have eight and are UTF-8."""
    lines = [line.decode(errors="replace") for line in log.split(b"\n")]
    return [line.split("##@@") for line in lines if line.count("##@@") == 7]


@pytest.fixture(scope="module")
def log() -> bytes:
    return made()


@pytest.fixture(scope="module")
def fields(log) -> list[list[str]]:
    return fields_of(log)


def test_the_bytes_of_a_small_day_are_pinned():
    # A change here is a change of the demo data: raise _GENERATOR in demo/sources.py with it.
    log = made(lines=5_000)
    assert hashlib.sha256(log).hexdigest() == (
        "2e5afda990471d129e1f851fa6523caa91d3e2c4ef3037c13755919c123de207"
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"day": date(2024, 8, 8)}, id="day"),
        pytest.param({"seed": 2}, id="seed"),
        pytest.param({"users": 4_999}, id="users"),
        pytest.param({"timezone": "UTC"}, id="timezone"),
    ],
)
def test_another_day_seed_size_or_zone_gives_other_bytes(other):
    assert made(lines=100, **other) != made(lines=100)


@pytest.mark.parametrize("lines", [1, 2, 4_095, 4_096, 4_097, 70_000])
def test_a_log_has_exactly_the_lines_asked_for_and_ends_with_lf(lines):
    log = made(lines=lines, users=10)
    assert log.count(b"\n") == lines
    assert log.endswith(b"\n")


def test_a_table_of_one_user_is_enough():
    uids = {fields[1] for fields in fields_of(made(lines=500, users=1))}
    assert next(user_rows(users=1, seed=1))[0] in uids


def test_times_rise_through_the_whole_day(fields):
    times = [datetime.strptime(f[2], "%d/%b/%Y:%H:%M:%S %z") for f in fields]
    assert times == sorted(times)
    assert {time.date() for time in times} == {DAY}
    assert {time.hour for time in times} == set(range(24))
    assert fields[0][2].startswith("07/Aug/2024:00:00:")
    assert fields[0][2].endswith(" +0800")


@pytest.mark.parametrize(
    ("day", "zone", "hours", "offsets"),
    [
        (date(2024, 3, 31), "Europe/Berlin", 23, {"+0100", "+0200"}),
        (date(2024, 10, 27), "Europe/Berlin", 25, {"+0100", "+0200"}),
        (date(2024, 8, 7), "America/St_Johns", 24, {"-0230"}),
        (date(2024, 9, 8), "America/Santiago", 23, {"-0300"}),
    ],
    ids=["clock goes forward", "clock goes back", "half an hour, west", "no midnight"],
)
def test_a_day_lasts_as_long_as_its_zone_says(day, zone, hours, offsets):
    fields = fields_of(made(day, timezone=zone))
    times = [datetime.strptime(f[2], "%d/%b/%Y:%H:%M:%S %z") for f in fields]
    assert times == sorted(times)
    assert {time.date() for time in times} == {day}
    assert round((times[-1] - times[0]).total_seconds() / 3_600) == hours
    assert {f[2].rsplit(" ", 1)[1] for f in fields} == offsets


def test_most_uids_are_in_the_user_table_some_are_not_and_many_are_absent(fields):
    known = {uid for uid, *_ in user_rows(users=5_000, seed=1)}
    share = Counter(
        "anonymous" if f[1] == "-" else "known" if f[1] in known else "unknown" for f in fields
    )
    lines = len(fields)
    assert 0.50 < share["known"] / lines < 0.65
    assert 0.30 < share["anonymous"] / lines < 0.50
    assert 0.001 < share["unknown"] / lines < 0.03


def test_some_users_are_much_more_active_than_others(fields):
    lines = sorted((n for uid, n in Counter(f[1] for f in fields).items() if uid != "-"))
    assert lines[-1] > 5 * lines[len(lines) // 2]


def test_a_user_comes_back_on_another_day_with_the_same_address_and_agent(fields):
    def visitors(fields):
        return {(f[0], f[1], f[7]) for f in fields if f[1] != "-" and "|" not in f[7]}

    assert len(visitors(fields) & visitors(fields_of(made(date(2024, 8, 8))))) > 50


@pytest.mark.parametrize(
    "text",
    [
        "Android", "iPhone", "iPad", "Macintosh", "Windows Phone", "Windows NT", "X11; Linux",
        "Chrome/", "Safari/", "Firefox/", "Edg/", "Googlebot", "bingbot", "Baiduspider",
        "YandexBot", "Slurp", "Feedly", "python-requests", "okhttp", "curl",
    ],
)  # fmt: skip
def test_every_kind_of_agent_appears(fields, text):
    assert any(text in f[7] for f in fields)


def test_crawlers_read_robots_txt_and_feed_readers_read_feeds(fields):
    assert any("Googlebot" in f[7] and "/robots.txt" in f[3] for f in fields)
    assert all(
        "/feed" in f[3] or "rss" in f[3] or "atom" in f[3] for f in fields if "Feedly" in f[7]
    )


@pytest.mark.parametrize("status", ["200", "301", "304", "404", "500"])
def test_every_common_status_appears(fields, status):
    assert any(f[4] == status for f in fields)


def test_addresses_are_of_both_families(fields):
    addresses = {f[0] for f in fields}
    sixes = [a for a in addresses if ":" in a]
    assert 0 < len(sixes) < len(addresses) / 10


@pytest.mark.parametrize(
    "is_odd",
    [
        pytest.param(lambda line: line == b"", id="empty"),
        pytest.param(lambda line: line == b"\\N", id="null mark"),
        pytest.param(lambda line: line.strip(b"\0") == b"" != line, id="zero bytes"),
        pytest.param(lambda line: 0 < line.count(b"##@@") < 7, id="too few fields"),
        pytest.param(lambda line: line.count(b"##@@") == 8, id="too many fields"),
        pytest.param(lambda line: b"\xff\xfe" in line, id="not UTF-8"),
        pytest.param(lambda line: b"|" in line, id="pipe"),
        pytest.param(lambda line: b"\r" in line, id="lone CR"),
        pytest.param(lambda line: b"\x01" in line, id="control byte"),
    ],
)
def test_every_kind_of_odd_line_appears_and_is_rare(log, is_odd):
    odd = [line for line in log.split(b"\n")[:-1] if is_odd(line)]
    assert 1 <= len(odd) <= 20


def test_chunks_hold_whole_lines_and_about_a_mebibyte():
    chunks = list(log_chunks(DAY, lines=20_000, users=100, seed=1, timezone="UTC"))
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert all(2**19 < len(chunk) < 2**21 for chunk in chunks[:-1])


def test_memory_does_not_grow_with_the_lines():
    tracemalloc.start()
    try:
        chunks = log_chunks(DAY, lines=100_000_000, users=5_000, seed=1, timezone="UTC")
        next(chunks)
        tracemalloc.reset_peak()
        for _ in itertools.islice(chunks, 60):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * 1024**2
