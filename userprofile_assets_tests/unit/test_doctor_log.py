"""The doctor's look at the first lines of the newest log."""

import pytest

from userprofile_assets.cli.doctor_log import log_day
from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.store import put
from userprofile_assets.settings import Settings

LINE = '192.0.2.1 - - [06/Aug/2024:{}] "GET / HTTP/1.1" 200 5 "-" "-"\n'
TUTORIAL = "192.0.2.1##@@-##@@{}##@@GET / HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0\n"


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
    publish(store, "20240808", TUTORIAL.format("2024080810:00:00"))
    assert log_day(Settings(), store).startswith("1 of the first 1 lines")


@pytest.mark.parametrize(
    "line",
    [
        LINE.format("10:00:00 +0800"),
        TUTORIAL.format("06/Aug/2024:10:00:00 +0800"),
        TUTORIAL.format("2024080610:00:00"),
        TUTORIAL.format("2024-08-06 10:00:00"),
    ],
    ids=["combined", "##@@", "##@@, digits", "##@@, hyphens"],
)
def test_a_log_of_another_day_names_the_setting_that_keeps_its_lines(store, line):
    publish(store, "20240807", line * 20)
    with pytest.raises(SourceError, match="0 of the first 20 lines") as raised:
        log_day(Settings(), store)
    assert "such as those of 2024-08-06" in str(raised.value)
    assert "USERPROFILE_LOG_DAY_FILTER=keep" in str(raised.value)


def test_with_that_setting_it_is_only_told(store):
    publish(store, "20240807", LINE.format("10:00:00 +0800"))
    assert log_day(Settings(log_day_filter="keep"), store).startswith("0 of the first 1 lines")


def test_the_rules_of_the_tutorial_leave_no_line_out_so_it_is_only_told(store):
    publish(store, "20240807", LINE.format("10:00:00 +0800"))
    assert log_day(Settings(logic="tutorial"), store).startswith("0 of the first 1 lines")


def test_another_time_zone_makes_a_log_one_of_another_day(store):
    publish(store, "20240807", TUTORIAL.format("07/Aug/2024:10:00:00 +0800") * 20)
    with pytest.raises(SourceError, match="0 of the first 20 lines") as raised:
        log_day(Settings(timezone="America/New_York"), store)
    assert "USERPROFILE_TIMEZONE" in str(raised.value)


def test_lines_whose_time_cannot_be_read_are_counted_among_the_lines(store):
    publish(store, "20240807", TUTORIAL.format("07/Aug/2024:10:00:00 +0800") * 3 + "what?\n")
    assert log_day(Settings(), store) == (
        "3 of the first 4 lines of ods_raw_log_d/log_20240807/log_20240807.txt are of its day; "
        "of 1 no time can be read"
    )


@pytest.mark.parametrize("day_filter", ["business_date", "keep"])
@pytest.mark.parametrize(
    "text", ["no time at all\n", "no line end", "[99/Aug/2024:10:00:00 +0800]\n", "\n"]
)
def test_a_log_in_which_no_time_can_be_read_names_the_settings_of_its_form(store, text, day_filter):
    publish(store, "20240807", text)
    with pytest.raises(SourceError) as raised:
        log_day(Settings(log_day_filter=day_filter), store)
    assert str(raised.value) == (
        "ods_raw_log_d/log_20240807/log_20240807.txt: none of the first 1 lines has a known format "
        "and a time that can be read, so they are quarantined\n"
        "What to do: look at USERPROFILE_LOG_FORMAT, USERPROFILE_LOG_ENCODING, "
        "USERPROFILE_LOG_COMPRESSION and at the file; docs/processing.md has the formats and times"
    )


def test_the_rules_of_the_tutorial_need_no_time(store):
    publish(store, "20240807", "no time at all\n")
    assert log_day(Settings(logic="tutorial"), store) == (
        "0 of the first 1 lines of ods_raw_log_d/log_20240807/log_20240807.txt are of its day; "
        "of 1 no time can be read"
    )


def test_a_log_without_lines_is_told_as_such(store):
    publish(store, "20240807", "")
    assert log_day(Settings(), store) == ("ods_raw_log_d/log_20240807/log_20240807.txt has no line")
