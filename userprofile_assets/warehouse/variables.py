"""Variables of SQL files: `${bizdate}` and the like become text inside string literals.

Belongs here: finding and replacing them, safely for Spark's string literals. Does not belong here:
which variables there are (the caller's mapping), parsing SQL (`statements.py`).

A variable stands inside quotes, so that no value can ever become SQL: backslash and quotes of the
value are escaped. A variable in a comment is left alone. One that stands elsewhere is an error,
also because Spark would replace `${...}` itself (`spark.sql.variable.substitute`), from the
environment too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from userprofile_assets.errors import SqlFileError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

BIZDATE = "bizdate"
"""The variable of the day, which stays in places until a day is made."""

_VARIABLE = re.compile(r"\$\{([^}\n]*)\}")
# What a scan of SQL must tell apart. The last alternatives are openings without an end.
_PIECE = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<raw> \b[rR] (?: '[^']*' | "[^"]*" ) )
    | (?P<literal> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" )
    | (?P<name> `[^`]*` )
    | (?P<bare> \$\{[^}\n]*\}? )
    | (?P<open> ['"`] | /\* )
    """,
    re.DOTALL | re.VERBOSE,
)
_TO_ESCAPE = re.compile(r"[\\'\"]")


def render(
    text: str,
    variables: Mapping[str, str],
    *,
    keep: Collection[str] = (),
    where: str = "SQL",
    first_line: int = 1,
) -> str:
    r"""Replace the variables in SQL: `'log_${bizdate}'` becomes `'log_20240807'`.

    Args:
        text: SQL, one or several statements.
        variables: Values by name, unescaped. A value may itself contain variables.
        keep: Names that are left as they stand.
        where: Name of the file, for errors.
        first_line: Line of the file where `text` starts, for errors.

    Raises:
        SqlFileError: A variable is unknown, contains itself, or stands outside of a string
            literal (or in a raw one, `r'...'`, where nothing can be escaped); or a string or
            comment is not closed. Names file, line and the variables there are.
    """

    def at(offset: int) -> str:
        return f"{where}:{first_line + text.count(chr(10), 0, offset)}"

    def piece(match: re.Match[str]) -> str:
        found = match.group()
        if match["open"]:
            raise SqlFileError(
                f"{found} opens here and is not closed",
                where=at(match.start()),
                remedy="look for a missing quote here or before",
            )
        if match["literal"]:
            return _VARIABLE.sub(
                lambda v: _value(
                    v, variables, keep, where=at(match.start() + v.start()), escape=True
                ),
                found,
            )
        if not match["comment"] and "${" in found:
            raise SqlFileError(
                f"{found} does not stand inside a string literal",
                where=at(match.start()),
                remedy="write variables inside quotes, such as '${bizdate}', "
                "and not in raw (r'...') or backquoted text",
            )
        return found

    return _PIECE.sub(piece, text)


def expand(
    template: str, variables: Mapping[str, str], *, keep: Collection[str] = (), where: str
) -> str:
    """Replace the variables in a plain text that is no SQL, such as a location.

    Raises:
        SqlFileError: A variable is unknown or contains itself.
    """
    return _VARIABLE.sub(lambda v: _value(v, variables, keep, where=where, escape=False), template)


def _value(
    match: re.Match[str],
    variables: Mapping[str, str],
    keep: Collection[str],
    *,
    where: str,
    escape: bool,
) -> str:
    """Return what one `${name}` stands for; a kept name stays as it is, unescaped."""
    if match[1] in keep:
        return match.group()
    plain = _resolve(match[1], variables, keep, where=where, inside=())
    # Kept variables hold none of the characters that are escaped.
    return _TO_ESCAPE.sub(r"\\\g<0>", plain) if escape else plain


def _resolve(
    name: str,
    variables: Mapping[str, str],
    keep: Collection[str],
    *,
    where: str,
    inside: tuple[str, ...],
) -> str:
    if name not in variables:
        raise SqlFileError(
            f"there is no variable ${{{name}}}",
            where=where,
            remedy=f"the variables there are: {', '.join(sorted({*variables, *keep}))}",
        )
    if name in inside:
        raise SqlFileError(
            f"the variable ${{{name}}} contains itself: {' -> '.join([*inside, name])}",
            where=where,
            remedy="correct the setting that it comes from",
        )
    return _VARIABLE.sub(
        lambda v: (
            v.group()
            if v[1] in keep
            else _resolve(v[1], variables, keep, where=where, inside=(*inside, name))
        ),
        variables[name],
    )
