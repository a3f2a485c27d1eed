"""docs/configuration.md and .env.example, written from the settings themselves.

Belongs here: the two layouts. Does not belong here: what a setting means (`settings/`).

    python -m userprofile_assets.settings_page --write docs/configuration.md
    python -m userprofile_assets.settings_page --env --write .env.example
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import SecretStr

from userprofile_assets.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo

_NEEDS_QUOTES = set("|&;<>()$`\\\"' *?[#~")

_HEAD = """\
# Configuration

<!-- Generated. Change settings/, then run:
     python -m userprofile_assets.settings_page --write docs/configuration.md -->

Every setting is an environment variable that begins with `USERPROFILE_`. None has to be set:
without any, the embedded sources, the local disk and a local Spark are used.

- A file `.env` in the working directory is read too. `.env.example` lists every variable; copy it
  to `.env` and take the `#` away where you want another value.
- A variable of the process wins over `.env`. `dagster dev` is the exception: it loads `.env` by
  itself first, and lets `.env` win.
- `NAME=` without a value means the default. Only `USERPROFILE_USER_SPLIT_KEY=` means none.
- A `USERPROFILE_*` variable that this version does not know is an error. The message names the
  nearest one that exists.
- `${bizdate}` in a value is replaced by the business date, such as `20240807`. In a shell, put such
  a value into single quotes, or the shell replaces it first. Other `${NAME}`s in `.env` are
  resolved when it is read.
- In `.env`, single quotes around a value are taken off. `docker run --env-file` does not take them
  off: leave them out there.
- Variables marked *(secret)* are never shown: not in the Dagster UI, logs, manifests or error
  messages. Set them as variables of the process or in `.env`, which git ignores.

`userprofile doctor` checks whether what is set can be reached.
"""

_ENV_HEAD = """\
# Every setting, commented out, with its default. Copy this file to .env and take the # away where
# you want another value. A line `NAME=` means: the default. Meanings in full: docs/configuration.md
#
# Generated. Change settings/, then run:
#   python -m userprofile_assets.settings_page --env --write .env.example
"""


def render() -> str:
    """Return docs/configuration.md: one table for each group of settings."""
    parts = [_HEAD]
    for group, fields in _groups().items():
        parts.append(f"\n## {_title(group)}\n\n| Variable | Default | Meaning |\n|---|---|---|\n")
        parts.extend(_row(name, field) for name, field in fields.items())
    return "".join(parts)


def render_env() -> str:
    """Return .env.example: each variable commented out, below its meaning."""
    parts = [_ENV_HEAD]
    for group, fields in _groups().items():
        parts.append(f"\n# ---- {_title(group)} ----\n")
        for name, field in fields.items():
            secret = "(secret) " if _is_secret(field) else ""
            meaning = f"{secret}{_meaning(field)}".replace("`", "")
            parts.append("\n" + textwrap.fill(meaning, 98, **_COMMENT) + "\n")
            parts.append(f"#{name}={_quoted(_text(field.default))}\n")
    return "".join(parts)


_COMMENT: dict[str, Any] = {
    "initial_indent": "# ",
    "subsequent_indent": "# ",
    "break_long_words": False,
    "break_on_hyphens": False,
}


def _groups() -> dict[str, dict[str, FieldInfo]]:
    groups: dict[str, dict[str, FieldInfo]] = {}
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)  # noqa: S101 - settings.fields.setting gives every field one
        groups.setdefault(str(extra["group"]), {})[PREFIX + name.upper()] = field
    return groups


def _title(group: str) -> str:
    return group[0].upper() + group[1:]


def _row(name: str, field: FieldInfo) -> str:
    secret = " *(secret)*" if _is_secret(field) else ""
    text = _text(field.default)
    default = f"`{text}`" if text else "not set"
    cells = (f"`{name}`{secret}", default, _meaning(field))
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _text(default: object) -> str:
    """Return a default as it would be written into the variable."""
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    return f"{default:.15g}" if isinstance(default, float) else str(default)


def _meaning(field: FieldInfo) -> str:
    """Return the description, and the values that are allowed where the type says so."""
    meaning = field.description or ""
    parts = [meaning]
    if get_origin(field.annotation) is Literal:
        values = [f"`{value}`" for value in get_args(field.annotation)]
        if not all(value in meaning for value in values):
            parts.append(f"One of {', '.join(values)}.")
    limits = {
        sign: getattr(limit, name)
        for limit in field.metadata
        for name, sign in (("gt", "more than"), ("ge", "at least"), ("le", "at most"))
        if hasattr(limit, name)
    }
    if limits:
        text = ", ".join(f"{sign} {limit:,}" for sign, limit in limits.items())
        parts.append(f"{_title(text)}.")
    return " ".join(parts)


def _quoted(text: str) -> str:
    """Put single quotes around what a shell would not take as it is."""
    return f"'{text}'" if _NEEDS_QUOTES & set(text) else text


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a page, or write it to a file."""
    parser = argparse.ArgumentParser(prog="python -m userprofile_assets.settings_page")
    parser.add_argument("--env", action="store_true", help="the lines of .env.example instead")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write to a file")
    options = parser.parse_args(arguments)
    page = render_env() if options.env else render()
    if options.write is None:
        sys.stdout.write(page)
    else:
        options.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
