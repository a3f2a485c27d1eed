"""The doctor's look at the first lines of the newest log."""

import pytest

from userprofile_assets.cli.doctor_log import log_day
from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.store import put
from userprofile_assets.settings import Settings

LINE = '192.0.2.1 - - [06/Aug/2024:{}] "GET / HTTP/1.1" 200 5 "-" "-"\n'


@pytest.fixture
def store(tmp_path):
    return open_store((tmp_path / "storage").as_uri())


def publish(store, day, text):
    put(store, f"ods_raw_log_d/log_{day}/log_{day}.txt", text.encode())


def test_a_storage_without_a_log_is_no_failure(store):
    assert log_day(Settings(), store) == "no log was copied yet"


def test_lines_are_dated_in_the_time_zone_of_the_business(store):
    publish(store, "20240807", LINE.format("16:00:00 +0000") + LINE.format("15:59:59 +0000"))
    assert log_day(Settings(), store) == (
        "1 of the first 2 lines of ods_raw_log_d/log_20240807/log_20240807.txt are of its day"
    )


def test_the_newest_day_is_looked_at(store):
    publish(store, "20240807", "no time\n")
    publish(store, "20240808", "192.0.2.1##@@-##@@2024-08-08 10:00:00##@@GET / HTTP/1.1\n")
    assert log_day(Settings(), store).startswith("1 of the first 1 lines")


def test_a_log_of_another_day_names_the_setting_that_keeps_its_lines(store):
    publish(store, "20240807", LINE.format("10:00:00 +0800") * 20)
    with pytest.raises(SourceError, match="0 of the first 20 lines") as raised:
        log_day(Settings(), store)
    assert "such as those of 2024-08-06" in str(raised.value)
    assert "USERPROFILE_LOG_DAY_FILTER=keep" in str(raised.value)


def test_with_that_setting_it_is_only_told(store):
    publish(store, "20240807", LINE.format("10:00:00 +0800"))
    assert log_day(Settings(log_day_filter="keep"), store).startswith("0 of the first 1 lines")


@pytest.mark.parametrize("text", ["", "no time at all\n", "[99/Aug/2024:10:00:00 +0800]\n"])
def test_lines_without_a_time_are_told_as_such(store, text):
    publish(store, "20240807", text)
    assert log_day(Settings(), store).startswith("no line of ")
