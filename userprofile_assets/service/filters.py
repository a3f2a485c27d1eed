"""Read the query of a request: names that are known, values that mean something.

Belongs here: every check of a parameter, and the problem that it becomes. Does not belong here:
which parameters a route takes (`routes/`), how OpenAPI describes them (`parameters.py`), conditions
(`serving/read_filters.py`).

Parameters are read here and not by FastAPI, so that an unknown one is an error and not ignored: a
misspelt filter would give the numbers of everybody.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from urllib.parse import parse_qsl

from fastapi import Request

from userprofile_assets.bizdate import parse_day, to_bizdate
from userprofile_assets.errors import PermanentError
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.serving.read_filters import DIMENSIONS, NO_FILTERS, Filters

MOST_VALUES = 100
"""Most values of one filter."""

BIGGEST = 2**63 - 1
"""The largest number that a BIGINT holds."""

_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
# An empty text is `""`, as in CSV; a value that looks like one itself has a pair of quotes more.
_QUOTES = re.compile(r'(?:"")+')
_TRUTH: dict[str, bool | None] = {"true": True, "false": False, "": None}


class Query:
    """The parameters of one request.

    Args:
        request: The request.
        known: The names that its route takes.

    Raises:
        ProblemError: 400: it has another one.
    """

    def __init__(self, request: Request, known: Collection[str]) -> None:
        # The bytes have been found to be UTF-8 (`request_limits.py`).
        text = request.scope["query_string"].decode()
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True) if text else ():
            self._values.setdefault(name, []).append(value)
        for name in self._values:
            if name not in known:
                raise _unknown(name, known)

    def __contains__(self, name: str) -> bool:
        """Tell whether a parameter is there."""
        return name in self._values

    def one(self, name: str) -> str | None:
        """Return the value of a parameter that may be there once.

        Raises:
            ProblemError: 400: it is there more than once.
        """
        values = self._values.get(name, [])
        if len(values) > 1:
            raise invalid(name, "it is given more than once")
        return values[0] if values else None

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number between two others.

        Raises:
            ProblemError: 400: it is none.
        """
        found = self.number(name, low, high)
        return default if found is None else found

    def number(self, name: str, low: int = -BIGGEST, high: int = BIGGEST) -> int | None:
        """Return a whole number, or None if it is not given.

        Raises:
            ProblemError: 400: it is none, or not between the two.
        """
        text = self.one(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
            raise invalid(name, f"write a whole number from {low} to {high}")
        return int(text)

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """Return one of some words.

        Raises:
            ProblemError: 400: it is another one.
        """
        text = self.one(name)
        if text is None:
            return default
        if text not in choices:
            raise invalid(name, f"write one of {', '.join(choices)}{_near(text, choices)}")
        return text

    def words(self, name: str, choices: Sequence[str]) -> list[str] | None:
        """Return words, separated by commas or given repeatedly, in their order, each once.

        Raises:
            ProblemError: 400: one of them is another one, or there is none.
        """
        if name not in self._values:
            return None
        found = [word.strip() for text in self._values[name] for word in text.split(",")]
        for word in found:
            if word not in choices:
                shown = f"{word[:100]!r} is none of {', '.join(choices)}{_near(word, choices)}"
                raise invalid(name, shown)
        return list(dict.fromkeys(found))

    def day(self) -> str | None:
        """Return the business date that is asked for; None for the newest.

        Raises:
            ProblemError: 400: it is no day.
        """
        text = self.one("dt")
        if text is None:
            return None
        try:
            return to_bizdate(parse_day(text))
        except PermanentError:
            raise invalid("dt", "write a day as 2024-08-07 or 20240807") from None

    def filters(self) -> Filters:
        """Return the values of all dimensions that are given.

        Raises:
            ProblemError: 400: too many, or a truth value that is none.
        """
        if not any(name in self._values for name in DIMENSIONS):
            return NO_FILTERS
        found = []
        for name in sorted(DIMENSIONS):
            given = self._values.get(name, ())
            if len(given) > MOST_VALUES:
                raise invalid(name, f"give {MOST_VALUES} values at most")
            texts = sorted(set(given))
            if texts:
                found.append((name, tuple(_value(name, text) for text in texts)))
        return Filters(tuple(found))


def invalid(name: str, message: str) -> ProblemError:
    """Return the problem of a parameter that means nothing."""
    return ProblemError(
        400,
        "invalid-parameter",
        "A parameter is not valid",
        f"{name}: {_sentence(message)}",
        errors=[{"parameter": name, "in": "query", "message": message}],
    )


def _value(name: str, text: str) -> str | bool | None:
    if name != "is_registered":
        return (text[2:] if _QUOTES.fullmatch(text) else text) if text else None
    if text.lower() not in _TRUTH:
        raise invalid(name, "write true, false, or nothing for not known")
    return _TRUTH[text.lower()]


def _unknown(name: str, known: Collection[str]) -> ProblemError:
    near = _near(name, sorted(known))
    message = f"there is no such parameter here{near}"
    return ProblemError(
        400,
        "unknown-parameter",
        "No such parameter",
        f"{name[:100]}: {_sentence(message)} There are: {', '.join(sorted(known)) or 'none'}.",
        errors=[{"parameter": name[:100], "in": "query", "message": message}],
    )


def _sentence(message: str) -> str:
    return message if message.endswith("?") else f"{message}."


def _near(word: str, words: Sequence[str]) -> str:
    found = difflib.get_close_matches(word[:100].lower(), words, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""
