"""When a message is due: one a cause, so far apart, so many, none in quiet hours.

Belongs here: pure functions of what is known, the time and the rules; they read no clock. Does not
belong here: keeping the states (`records/alerts.py`), sending (`deliver.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from userprofile_assets.alerts.message import Alert, Severity
from userprofile_assets.records.alerts import AlertState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

CALM = timedelta(hours=12)
"""A cause that has not come for so long may be told as often as a new one.

Less than a day, so that a failure of each night is told each night.
"""

FORGOTTEN = timedelta(days=30)
"""A cause that has not come for so long is forgotten."""

_MOST_AT_ONCE = 5
_MOST_LINES = 20


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """A part of each day in which nobody is told.

    Attributes:
        start: Its first minute.
        end: The first minute after it; before `start`: on the next day.
        errors_pass: Whether errors are told all the same.
    """

    start: time
    end: time
    errors_pass: bool = False

    def hold(self, at: time, severity: str) -> bool:
        """Tell whether something of this severity waits at a time of day."""
        if self.errors_pass and severity == Severity.ERROR:
            return False
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How often people are told.

    Attributes:
        timezone: Of quiet hours, and of the times that messages name.
        interval: Between two messages of a cause.
        maximum: Messages of a cause.
        quiet: Quiet hours, if there are any.
    """

    timezone: ZoneInfo
    interval: timedelta = timedelta(minutes=30)
    maximum: int = 3
    quiet: QuietHours | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """What goes to every channel.

    Attributes:
        title: One line.
        text: The lines below it.
        severity: That of the worst in it.
        causes: Keys of the causes that it tells.
    """

    title: str
    text: str
    severity: Severity
    causes: tuple[str, ...]


def read_quiet_hours(text: str | None, *, errors_pass: bool) -> QuietHours | None:
    """Read quiet hours written as `00:00-08:00`."""
    if not text:
        return None
    start, _, end = text.partition("-")
    return QuietHours(
        start=time.fromisoformat(start), end=time.fromisoformat(end), errors_pass=errors_pass
    )


def note(
    states: Mapping[str, AlertState], alerts: Iterable[Alert], now: datetime
) -> dict[str, AlertState]:
    """Return the states after some alerts came."""
    noted = dict(states)
    for alert in alerts:
        old = noted.get(alert.key)
        calm = old is None or now - old.last_at >= CALM
        noted[alert.key] = AlertState(
            cause=alert.key,
            severity=alert.severity,
            title=alert.title,
            text=alert.text,
            link=alert.link,
            first_at=old.first_at if old else now,
            last_at=now,
            sent_at=old.sent_at if old else None,
            sent=0 if old is None or calm else old.sent,
            waiting=(old.waiting if old else 0) + alert.count,
            held=old.held if old else False,
        )
    return noted


def due(
    states: Mapping[str, AlertState], now: datetime, rules: Rules
) -> tuple[list[Message], dict[str, AlertState]]:
    """Return what is to be told now, and the states with what quiet hours hold back marked.

    What was held back comes in one message, and so does what is more than five messages.
    """
    marked = dict(states)
    ready: list[AlertState] = []
    at = now.astimezone(rules.timezone).time()
    waiting = (state for state in states.values() if state.waiting and state.sent < rules.maximum)
    for state in sorted(waiting, key=lambda state: (state.last_at, state.title)):
        if rules.quiet and rules.quiet.hold(at, state.severity):
            marked[state.cause] = replace(state, held=True)
        elif state.sent_at is None or now - state.sent_at >= rules.interval:
            ready.append(state)
    held = [state for state in ready if state.held]
    prompt = [state for state in ready if not state.held]
    if len(prompt) > _MOST_AT_ONCE:
        held, prompt = ready, []
    messages = [_single(state, rules) for state in prompt]
    if len(held) == 1:
        messages.append(_single(held[0], rules))
    elif held:
        messages.append(_digest(held, rules))
    return messages, marked


def told(
    states: Mapping[str, AlertState], message: Message, now: datetime
) -> dict[str, AlertState]:
    """Return the states after a message reached somebody."""
    after = dict(states)
    for cause in message.causes:
        state = after[cause]
        after[cause] = replace(state, sent=state.sent + 1, sent_at=now, waiting=0, held=False)
    return after


def outdated(states: Mapping[str, AlertState], now: datetime) -> list[str]:
    """Return the keys of the causes that can be forgotten."""
    return [key for key, state in states.items() if now - state.last_at >= FORGOTTEN]


def _single(state: AlertState, rules: Rules) -> Message:
    lines = [state.text] if state.text else []
    if state.waiting > 1:
        lines.append(f"... and {state.waiting - 1} more like this.")
    if state.link:
        lines.append(state.link)
    if state.sent + 1 >= rules.maximum:
        hours = CALM // timedelta(hours=1)
        lines.append(f"No more messages of this until it has not come for {hours} hours.")
    return Message(
        title=state.title,
        text="\n".join(lines),
        severity=Severity(state.severity),
        causes=(state.cause,),
    )


def _digest(states: list[AlertState], rules: Rules) -> Message:
    worst = sorted(states, key=lambda state: state.severity != Severity.ERROR)
    listed = worst[:_MOST_LINES]
    lines = []
    for state in listed:
        times = f" ({state.waiting} times)" if state.waiting > 1 else ""
        at = state.last_at.astimezone(rules.timezone).strftime("%H:%M")
        lines.append(f"{state.severity.upper()} {at} {state.title}{times}")
        if state.link:
            lines.append(f"  {state.link}")
    if len(worst) > len(listed):
        lines.append(f"... and {len(worst) - len(listed)} more, told next.")
    return Message(
        title=f"{len(states)} things need a look",
        text="\n".join(lines),
        severity=Severity(worst[0].severity),
        causes=tuple(state.cause for state in listed),
    )
