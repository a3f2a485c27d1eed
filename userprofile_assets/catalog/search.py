"""Search the data map: every word must be found somewhere in a dataset, the best come first.

Belongs here: what is looked into, and what counts how much. Does not belong here: printing.

Compared without regard to case, anywhere in a text: languages without blanks between words are
searched like others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from userprofile_assets.catalog.model import group_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from userprofile_assets.catalog.model import Catalog, Dataset

_SEPARATORS = re.compile(r"[^0-9a-z\u0080-\U0010ffff]+")

# An exact name counts more than all weaker matches of one word together: only the best of a word
# counts.
_WHOLE_NAME, _PART_OF_NAME, _IN_NAME = 1000, 400, 300
_WHOLE_COLUMN, _PART_OF_COLUMN, _IN_COLUMN = 200, 100, 80
_TAG, _OWNER, _GROUP, _DESCRIPTION, _COMMENT = 150, 60, 60, 40, 30


class Match(NamedTuple):
    """One text in which a word was found.

    Attributes:
        where: `name`, `layer`, `owner`, `tag`, `description`, `column` or `comment`.
        column: The column it belongs to, or None.
        text: The whole text.
    """

    where: str
    column: str | None
    text: str


@dataclass(frozen=True)
class Hit:
    """A dataset in which every word was found.

    Attributes:
        dataset: The dataset.
        score: How well; only compared with other hits of the same search.
        matches: Where, the best first, each text once.
    """

    dataset: Dataset
    score: int
    matches: tuple[Match, ...]


def search(catalog: Catalog, words: Sequence[str]) -> list[Hit]:
    """Return the datasets that have every word, the best first; of no words, none.

    Args:
        catalog: The data map.
        words: Words, or texts with blanks in them: each is split at blanks.
    """
    wanted = [word.casefold() for text in words for word in text.split()]
    if not wanted:
        return []
    hits = [hit for d in catalog.datasets if (hit := _look(d, wanted)) is not None]
    hits.sort(key=lambda h: (-h.score, group_order(h.dataset.group), h.dataset.name))
    return hits


def _look(dataset: Dataset, words: Sequence[str]) -> Hit | None:
    total = 0
    found: dict[Match, int] = {}
    for word in words:
        best = 0
        for score, match in _matches(dataset, word):
            best = max(best, score)
            found[match] = max(found.get(match, 0), score)
        if not best:
            return None
        total += best
    matches = sorted(found, key=lambda match: -found[match])  # keeps the order of equal ones
    return Hit(dataset, total, tuple(matches))


def _matches(dataset: Dataset, word: str) -> Iterator[tuple[int, Match]]:
    score = _name_score(word, dataset.name, _WHOLE_NAME, _PART_OF_NAME, _IN_NAME)
    if score:
        yield score, Match("name", None, dataset.name)
    for tag in dataset.tags:
        if word in tag.casefold():
            yield _TAG, Match("tag", None, tag)
    if word in {dataset.group, dataset.kind}:
        yield _GROUP, Match("layer", None, dataset.group)
    if dataset.owner and word in dataset.owner.casefold():
        yield _OWNER, Match("owner", None, dataset.owner)
    if word in dataset.description.casefold():
        yield _DESCRIPTION, Match("description", None, dataset.description)
    yield from _column_matches(dataset, word)


def _column_matches(dataset: Dataset, word: str) -> Iterator[tuple[int, Match]]:
    for column in dataset.columns:
        if word in column.name.casefold():
            score = _name_score(word, column.name, _WHOLE_COLUMN, _PART_OF_COLUMN, _IN_COLUMN)
            yield score, Match("column", column.name, column.name)
        if column.comment and word in column.comment.casefold():
            yield _COMMENT, Match("comment", column.name, column.comment)
        for tag in column.tags:
            if word in tag.casefold():
                yield _TAG, Match("tag", column.name, tag)


def _name_score(word: str, name: str, whole: int, part: int, inside: int) -> int:
    lower = name.casefold()
    if word not in lower:
        return 0
    if word == lower:
        return whole
    return part if word in _SEPARATORS.split(lower) else inside
