"""YAML whose every value knows its line, so that an error can name it.

Belongs here: reading, and what is wrong with YAML as such. Does not belong here: what the keys mean
(`table_file.py`, `rule_parser.py`).

A scalar stays the text that its author wrote: `no` in a list of countries is no boolean, and 007
keeps its zeros.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import QualityFileError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_MOST_DEPTH = 20


@dataclass(frozen=True)
class Node:
    """A value of a file.

    Args:
        file: The file as errors show it.
        line: Its line, from 1.
        value: Text of a scalar, None for `~` and for nothing, items of a list, or a mapping.
        key_lines: Of a mapping, the line of each key.
    """

    file: str
    line: int
    value: str | tuple[Node, ...] | dict[str, Node] | None
    key_lines: dict[str, int]

    def error(
        self, what: str, remedy: str | None = None, *, line: int | None = None
    ) -> QualityFileError:
        """Return an error at this place, or at another line of the file."""
        return QualityFileError(what, where=f"{self.file}:{line or self.line}", remedy=remedy)

    def text(self, what: str) -> str:
        """Return a text that is not empty.

        Raises:
            QualityFileError: It is none.
        """
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error(f"{what} is not a text", f"write {what} as one text")
        return self.value.strip()

    def flag(self, what: str) -> bool:
        """Return true or false.

        Raises:
            QualityFileError: It is neither.
        """
        if self.value not in {"true", "false"}:
            raise self.error(
                f"{what} is neither true nor false", f"write {what}: true, or leave it"
            )
        return self.value == "true"

    def items(self, what: str) -> tuple[Node, ...]:
        """Return the items of a list; a text alone is a list of one.

        Raises:
            QualityFileError: It is a mapping, nothing, or an empty list.
        """
        if isinstance(self.value, str):
            return (self,)
        if not isinstance(self.value, tuple) or not self.value:
            raise self.error(
                f"{what} is not a list", f"write {what} as [a, b], or a line `- a` each"
            )
        return self.value

    def texts(self, what: str) -> tuple[str, ...]:
        """Return a list of texts without doubles.

        Raises:
            QualityFileError: It is none, or one is there twice.
        """
        found: list[str] = []
        for item in self.items(what):
            text = item.text(f"an entry of {what}")
            if text in found:
                raise item.error(f"{text!r} is there twice in {what}", "remove one")
            found.append(text)
        return tuple(found)

    def entries(self, what: str, known: Collection[str] | None = None) -> dict[str, Node]:
        """Return a mapping.

        Args:
            what: Its name in errors.
            known: The keys that it may have; None: any.

        Raises:
            QualityFileError: It is no mapping, or has a key that is not known.
        """
        if not isinstance(self.value, dict):
            raise self.error(f"{what} is not a mapping", "write lines `key: value`")
        for key in self.value:
            if known is not None and key not in known:
                raise self.error(
                    f"{what} has no {key!r}{nearest(key, known)}",
                    f"the keys there are: {', '.join(known)}",
                    line=self.key_lines[key],
                )
        return self.value


def nearest(word: str, known: Collection[str]) -> str:
    """Return `; did you mean x?`, or nothing where no known word is near."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def read_yaml(path: Path, name: str) -> Node:
    """Read a file.

    Args:
        path: Where it is.
        name: How errors name it.

    Raises:
        QualityFileError: It cannot be read, is not UTF-8 or no YAML, has a key twice or an alias.
    """
    try:
        # utf-8-sig: an editor on Windows may put a byte order mark first.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QualityFileError(
            f"the file cannot be read ({error.strerror})",
            where=name,
            remedy="make it readable for this user",
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise QualityFileError(
            "the file is not UTF-8", where=f"{name}:{line}", remedy="save it as UTF-8"
        ) from error
    return _Reader(name).node(_composed(text, name))


def _composed(text: str, name: str) -> Any:
    """Return PyYAML's graph of nodes, which has not yet made values of the texts."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        offset = getattr(error, "position", None)
        line = mark.line + 1 if mark else text.count("\n", 0, offset or 0) + 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None)
        raise QualityFileError(
            f"this is no YAML: {problem or 'it cannot be read'}",
            where=f"{name}:{line}",
            remedy="look at quotes and indentation here or before; put a text with `: ` or `#` "
            "into quotes",
        ) from error


class _Reader:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._seen: set[int] = set()

    def node(self, found: Any, depth: int = 0) -> Node:
        """Return one value with all that is in it."""
        if found is None:
            return Node(self._file, 1, None, {})
        line = found.start_mark.line + 1
        plain = Node(self._file, line, None, {})
        if id(found) in self._seen:
            # They may refer to what they are in, and a few lines of them stand for millions.
            raise plain.error("aliases (*name) are not read here", "write it out")
        self._seen.add(id(found))
        if depth > _MOST_DEPTH:
            raise plain.error("this is nested too deeply", f"use at most {_MOST_DEPTH} levels")
        if found.id == "mapping":
            return self._mapping(found, line, depth)
        if found.id == "sequence":
            return Node(self._file, line, tuple(self.node(i, depth + 1) for i in found.value), {})
        is_null = found.tag == "tag:yaml.org,2002:null"
        return Node(self._file, line, None if is_null else str(found.value), {})

    def _mapping(self, found: Any, line: int, depth: int) -> Node:
        values: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in found.value:
            key, at = self.node(key_node, depth + 1), key_node.start_mark.line + 1
            if not isinstance(key.value, str):
                raise key.error("this key is not a text", "write lines `key: value`")
            if key.value in values:
                raise key.error(
                    f"{key.value!r} is there twice, first in line {lines[key.value]}", "remove one"
                )
            values[key.value] = self.node(value_node, depth + 1)
            lines[key.value] = at
        return Node(self._file, line, values, lines)
