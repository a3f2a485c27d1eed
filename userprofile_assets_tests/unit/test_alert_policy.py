"""When an alert is told: once a cause, so far apart, so many, not in quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from userprofile_assets.alerts.message import Severity, make_alert
from userprofile_assets.alerts.policy import Rules, due, note, outdated, read_quiet_hours, told

ZONE = ZoneInfo("Asia/Shanghai")
RULES = Rules(timezone=ZONE, interval=timedelta(minutes=30), maximum=3)


def at(text):
    """A moment of Shanghai, such as `08 00:40`: day of August 2024 and time."""
    return datetime.strptime(f"2024-08-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def alert(name="log", *, severity=Severity.ERROR, count=1):
    return make_alert(
        cause=f"cause of {name}",
        title=f"{name} failed",
        text=f"{name} says 404.",
        severity=severity,
        link=f"http://ui/runs/{name}",
        count=count,
    )


class Play:
    """What people get to read when alerts come at some moments."""

    def __init__(self, rules=RULES):
        self.rules = rules
        self.states = {}

    def come(self, when, *alerts):
        """Let alerts come; the messages that are sent then."""
        now = at(when)
        messages, self.states = due(note(self.states, alerts, now), now, self.rules)
        for message in messages:
            self.states = told(self.states, message, now)
        return messages

    def texts(self, when, *alerts):
        return [message.text for message in self.come(when, *alerts)]


def test_the_first_of_a_cause_is_told_at_once_with_its_link():
    (message,) = Play().come("08 00:40", alert())
    assert message.title == "log failed"
    assert message.text == "log says 404.\nhttp://ui/runs/log"
    assert message.severity == Severity.ERROR


def test_the_same_cause_within_the_interval_is_counted_and_told_after_it():
    play = Play()
    play.come("08 00:40", alert())
    assert play.come("08 00:45", alert(count=12)) == []
    assert play.come("08 01:09", alert()) == []
    assert play.texts("08 01:10") == [
        "log says 404.\n... and 12 more like this.\nhttp://ui/runs/log"
    ]


def test_other_causes_do_not_wait_for_each_other():
    play = Play()
    play.come("08 00:40", alert("log"))
    assert [m.title for m in play.come("08 00:41", alert("users"))] == ["users failed"]


def test_what_was_told_is_not_told_again_without_a_new_occurrence():
    play = Play()
    play.come("08 00:40", alert())
    assert play.come("08 05:00") == []


def test_the_last_message_of_a_cause_says_so_and_then_there_is_silence():
    play = Play()
    play.come("08 01:00", alert())
    play.come("08 02:00", alert())
    (last,) = play.texts("08 03:00", alert())
    assert last.endswith("No more messages of this until it has not come for 12 hours.")
    assert play.come("08 04:00", alert()) == []
    assert play.come("08 14:00", alert()) == []


def test_after_a_calm_time_it_is_told_again_with_what_nobody_was_told():
    play = Play()
    for hour in ("01:00", "02:00", "03:00", "04:00"):
        play.come(f"08 {hour}", alert())
    assert play.texts("08 16:00", alert()) == [
        "log says 404.\n... and 1 more like this.\nhttp://ui/runs/log"
    ]


def test_a_failure_of_each_night_is_told_each_night():
    play = Play()
    told_nights = [len(play.come(f"{day:02} 00:40", alert())) for day in range(1, 11)]
    assert told_nights == [1] * 10


QUIET = Rules(timezone=ZONE, quiet=read_quiet_hours("00:00-08:00", errors_pass=False))


def test_quiet_hours_hold_everything_and_give_one_message_after_them():
    play = Play(QUIET)
    assert play.come("08 00:40", alert("log")) == []
    assert play.come("08 03:00", alert("users", severity=Severity.WARNING)) == []
    assert play.come("08 07:59", alert("log")) == []
    (message,) = play.come("08 08:00")
    assert message.title == "2 things need a look"
    assert message.severity == Severity.ERROR
    assert message.text == (
        "ERROR 07:59 log failed (2 times)\n  http://ui/runs/log\n"
        "WARNING 03:00 users failed\n  http://ui/runs/users"
    )
    assert play.come("08 08:01") == []


def test_one_thing_held_by_quiet_hours_is_told_as_itself():
    play = Play(QUIET)
    play.come("08 00:40", alert())
    assert [m.title for m in play.come("08 08:00")] == ["log failed"]


def test_errors_may_pass_quiet_hours_while_warnings_wait():
    play = Play(Rules(timezone=ZONE, quiet=read_quiet_hours("00:00-08:00", errors_pass=True)))
    come = [alert("log"), alert("users", severity=Severity.WARNING)]
    assert [m.title for m in play.come("08 00:40", *come)] == ["log failed"]
    assert [m.title for m in play.come("08 08:00")] == ["users failed"]


@pytest.mark.parametrize(
    ("hours", "when", "quiet"),
    [
        pytest.param("22:00-06:00", "08 21:59", False, id="before-the-evening"),
        pytest.param("22:00-06:00", "08 22:00", True, id="from-its-first-minute"),
        pytest.param("22:00-06:00", "08 00:00", True, id="over-midnight"),
        pytest.param("22:00-06:00", "08 06:00", False, id="not-in-the-minute-after"),
        pytest.param("12:00-13:00", "08 12:30", True, id="at-noon"),
    ],
)
def test_quiet_hours_are_those_of_the_time_zone(hours, when, quiet):
    rules = Rules(timezone=ZONE, quiet=read_quiet_hours(hours, errors_pass=False))
    now = at(when).astimezone(UTC)
    messages, _ = due(note({}, [alert()], now), now, rules)
    assert (messages == []) is quiet


def test_a_storm_of_causes_is_one_message():
    storm = [alert(f"table {number:02}") for number in range(30)]
    (message,) = Play().come("08 00:40", *storm)
    assert message.title == "30 things need a look"
    assert message.text.splitlines()[0] == "ERROR 00:40 table 00 failed"
    assert message.text.splitlines()[-1] == "... and 10 more, told next."
    assert len(message.causes) == 20


def test_what_has_no_place_in_a_storm_is_told_at_the_next_look():
    play = Play()
    first = play.come("08 00:40", *(alert(f"t{number:02}") for number in range(23)))
    assert [message.title for message in first] == ["23 things need a look"]
    assert first[0].text.count(" failed") == 20
    assert first[0].text.splitlines()[-1] == "... and 3 more, told next."
    assert [message.title for message in play.come("08 00:41")] == [
        "t20 failed",
        "t21 failed",
        "t22 failed",
    ]
    assert play.come("08 00:42") == []


def test_five_causes_are_five_messages():
    assert len(Play().come("08 00:40", *(alert(f"table {n}") for n in range(5)))) == 5


def test_what_nobody_took_is_due_again():
    now = at("08 00:40")
    _, states = due(note({}, [alert()], now), now, RULES)
    messages, _ = due(states, at("08 00:41"), RULES)
    assert [message.title for message in messages] == ["log failed"]


def test_a_cause_is_forgotten_after_thirty_days():
    states = note({}, [alert()], datetime(2024, 8, 8, tzinfo=UTC))
    assert outdated(states, datetime(2024, 9, 6, 23, tzinfo=UTC)) == []
    assert outdated(states, datetime(2024, 9, 7, tzinfo=UTC)) == [alert().key]
