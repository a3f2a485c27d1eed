"""One alert, and the cleaning of what goes into it.

Belongs here: what a text has to be before it may leave the machine: plain, short, without secrets.
Does not belong here: when it is sent (`policy.py`), how (`deliver.py`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from userprofile_assets.redaction import redact_text

# Colours and titles of terminals: CSI, OSC up to its end, and the short ones.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
# In quotes up to the second one. Bare up to a blank, or to a comma before another name.
_ASSIGNED = re.compile(
    r"(?i)\b(?P<name>[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)[\w.-]*"
    r"['\"]?\s*[=:]\s*)"
    r"(?:(?P<quote>['\"])(?!\*\*\*).*?(?P<end>(?P=quote)|$)"
    r"|(?!\*\*\*)[^\s'\",;&}]+(?:[,;&](?![\w.-]+\s*[=:])[^\s'\",;&}]+)*)",
    re.MULTILINE,
)
_AUTHORIZED = re.compile(
    r"(?i)(\bauthorization['\"]?\s*[=:]\s*['\"]?(?:basic|bearer|digest|token)\s+)[^\s'\",;}]+"
)
# Identifiers and numbers, days among them, differ between two occurrences of one cause.
_HEX = re.compile(r"\b(?=[0-9a-f-]*[0-9])[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:[-:.]\d+)*")

_TITLE_CHARACTERS = 120
_TEXT_CHARACTERS = 1200
_TEXT_LINES = 15
_CAUSE_CHARACTERS = 300


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something that people should know; make it with `make_alert`.

    Attributes:
        cause: What is the same for all its occurrences.
        title: One line.
        text: A few lines.
        severity: How bad it is.
        link: URL of the run, if there is one.
        count: How many times it came at once.
    """

    cause: str
    title: str
    text: str
    severity: Severity
    link: str | None = None
    count: int = 1

    @property
    def key(self) -> str:
        """Hash of the cause, under which it is recorded."""
        return hashlib.sha256(self.cause.encode()).hexdigest()[:32]


def make_alert(
    *,
    cause: str,
    title: str,
    text: str,
    severity: Severity,
    link: str | None = None,
    count: int = 1,
) -> Alert:
    """Return an alert whose texts are clean and short."""
    return Alert(
        cause=cause[:_CAUSE_CHARACTERS],
        title=one_line(title),
        text=plain_text(text),
        severity=severity,
        link=link,
        count=count,
    )


def plain_text(text: str, *, lines: int = _TEXT_LINES, characters: int = _TEXT_CHARACTERS) -> str:
    """Return a text without secrets, colours and control characters, shortened."""
    clean = _ASSIGNED.sub(_without_value, redact_text(_printable(text)))
    clean = _AUTHORIZED.sub(r"\1***", clean)
    kept = [line.rstrip() for line in clean.split("\n")]
    kept = [line for line in kept if line]
    short = "\n".join(kept[:lines])
    if len(short) > characters:
        return short[:characters].rstrip() + " ..."
    return f"{short}\n..." if len(kept) > lines else short


def one_line(text: str, *, characters: int = _TITLE_CHARACTERS) -> str:
    """Return a text as one line, fit for the subject of a mail."""
    return plain_text(" ".join(_printable(text).split()), characters=characters)


def cause_of(where: str, kind: str, said: str) -> str:
    """Return the cause of a failure: the same whatever day, number or identifier it names.

    Args:
        where: Table or asset.
        kind: Class of the error.
        said: Its message, whose first line counts.
    """
    first = next(
        (line for line in redact_text(_printable(said)).split("\n") if line.strip()), ""
    ).strip()
    return f"{where}: {kind}: {_DIGITS.sub('#', _HEX.sub('#', first))}"[:_CAUSE_CHARACTERS]


def _without_value(found: re.Match[str]) -> str:
    return f"{found['name']}{found['quote'] or ''}***{found['end'] or ''}"


def _printable(text: str) -> str:
    plain = _ANSI.sub("", text)
    for separator in ("\r\n", "\r", "\u2028", "\u2029", "\x0b", "\x0c", "\x85"):
        plain = plain.replace(separator, "\n")
    plain = plain.replace("\t", " ")
    # Cf turns the order of letters around, or hides some; Cs cannot be encoded.
    return "".join(
        char
        for char in plain
        if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}
    )
