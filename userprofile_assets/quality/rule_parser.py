"""A rule of a file, with all that it says: read, checked, named.

Belongs here: the options that all kinds share, thresholds, names. Does not belong here: what is
behind the key of a kind (`rule_kinds.py`), the rest of the file (`table_file.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from userprofile_assets.quality.assertion import MANIFEST
from userprofile_assets.quality.own_checks import OWN_CHECKS
from userprofile_assets.quality.rule import COUNTING, REVEALING, Rule, metric_name
from userprofile_assets.quality.rule_kinds import READERS, check_variables, read_assertion
from userprofile_assets.quality.threshold import Threshold, parse_threshold
from userprofile_assets.quality.yaml_nodes import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.quality.known_columns import KnownColumns
    from userprofile_assets.quality.rule import Strength
    from userprofile_assets.quality.yaml_nodes import Node

_OPTIONS = ("name", "strength", "warn", "error", "where", "expect", "other_where")
_STRENGTHS: Mapping[str, Strength] = {"strong": "strong", "soft": "soft"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_SHARE_FUNCTIONS = frozenset({"null_count", "duplicate_count", "count_distinct"})


@dataclass(frozen=True)
class RuleParser:
    """Reads the rules of one table.

    Args:
        known: What they may name.
        pii: Columns of this table whose values nobody may see.
    """

    known: KnownColumns
    pii: frozenset[str]

    def read(self, node: Node) -> Rule:
        """Read one rule: a text, or a mapping.

        Raises:
            QualityFileError: An unknown key, column or rule, or a bad threshold; names file and
                line, and the nearest word that is known.
        """
        options: dict[str, Node] = {}
        if isinstance(node.value, str):
            rule = read_assertion(self.known, node)
        else:
            entries = node.entries("a rule", (*READERS, *_OPTIONS))
            kinds = [key for key in entries if key in READERS]
            if len(kinds) != 1:
                raise node.error(
                    f"a rule has one of the keys {', '.join(READERS)}; this one has "
                    f"{' and '.join(kinds) or 'none'}",
                    "write each rule as an entry of its own, beginning with `- `",
                )
            options = {key: value for key, value in entries.items() if key in _OPTIONS}
            rule = READERS[kinds[0]](self.known, entries[kinds[0]])
        rule = _with_options(replace(rule, where_from=f"{node.file}:{node.line}"), options)
        self._check(rule, node)
        return rule

    def _check(self, rule: Rule, node: Node) -> None:
        if rule.warn is None and rule.error is None:
            raise node.error(f"{rule.text} has no threshold", "add warn, error, or a comparison")
        if not _NAME.fullmatch(rule.name):
            raise node.error(
                f"{rule.name!r} is no name of a rule" if rule.name else "this rule needs a name",
                "give it a `name` of small letters, digits and underscores, a letter first, "
                "100 characters at most",
            )
        if rule.name in OWN_CHECKS:
            raise node.error(f"{rule.name} is a check that is there already", "take another name")
        for threshold in (rule.warn, rule.error):
            if threshold:
                _check_unit(rule, threshold, node)
        number = rule.aggregate
        if number and rule.baseline and number.column in self.pii and number.function in REVEALING:
            raise node.error(
                f"{number} would tell values of {number.column}, which is marked pii: it is not "
                "kept, so it has no history",
                "use count_distinct, null_count or duplicate_count",
            )


def _with_options(rule: Rule, options: Mapping[str, Node]) -> Rule:
    if "strength" in options:
        rule = replace(rule, strength=_strength(options["strength"]))
    if "where" in options:
        node = options["where"]
        if rule.kind in {"sql", "changed"}:
            raise node.error("a rule of this kind has no where", "put it into the SQL")
        condition = _condition(node, "where")
        rule = replace(
            rule,
            where=condition,
            text=f"{rule.text} where {condition}",
            metric=f"{rule.metric} where {condition}",
        )
    if "other_where" in options:
        rule = _with_other_where(rule, options["other_where"])
    rule = _with_thresholds(rule, options)
    if "name" in options:
        rule = replace(rule, name=options["name"].text("name"))
    return replace(rule, metric=metric_name(rule.metric))


def _strength(node: Node) -> Strength:
    text = node.text("strength")
    if text not in _STRENGTHS:
        raise node.error(
            f"{text!r} is no strength{nearest(text, _STRENGTHS)}", "write strong or soft"
        )
    return _STRENGTHS[text]


def _condition(node: Node, what: str) -> str:
    condition = node.text(what)
    check_variables(condition, node, known=())
    return condition


def _with_other_where(rule: Rule, node: Node) -> Rule:
    if rule.other is None or rule.other.table == MANIFEST:
        raise node.error("other_where needs another table", "remove it, or write `where`")
    condition = _condition(node, "other_where")
    return replace(
        rule,
        other=replace(rule.other, where=condition),
        text=f"{rule.text} (there where {condition})",
        metric=f"{rule.metric} (there where {condition})",
    )


def _with_thresholds(rule: Rule, options: Mapping[str, Node]) -> Rule:
    if "expect" in options:
        node = options["expect"]
        if rule.kind != "sql" or "error" in options:
            raise node.error("expect is for sql rules without error", "write warn and error")
        rule = replace(rule, error=_threshold(node, "expect", None).opposite())
    bare = ">" if rule.baseline or rule.kind == "equals" else None
    if "warn" in options:
        _refuse(rule, options["warn"], "warn", already=rule.warn is not None)
        rule = replace(rule, warn=_threshold(options["warn"], "warn", bare))
    if "error" in options:
        _refuse(rule, options["error"], "error", already=rule.error is not None)
        rule = replace(rule, error=_threshold(options["error"], "error", bare))
    if rule.warn is None and rule.error is None and rule.kind in {*COUNTING, "equals"}:
        rule = replace(rule, error=Threshold(">", 0))
    return rule


def _refuse(rule: Rule, node: Node, key: str, *, already: bool) -> None:
    if already or rule.kind in {"changed", "freshness"}:
        raise node.error(
            f"{rule.text} says already when it fails",
            f"remove {key}, or leave only the number in the assertion: `assertion: row_count`",
        )


def _threshold(node: Node, key: str, bare: str | None) -> Threshold:
    try:
        return parse_threshold(node.text(key), bare=bare)
    except ValueError as error:
        raise node.error(
            f"{key}: {error}", 'write it like "> 0", "<= 5%" or "not between 10 and 20"'
        ) from None


def _check_unit(rule: Rule, threshold: Threshold, node: Node) -> None:
    if rule.baseline:
        is_dynamic = rule.baseline.kind == "dynamic"
        if threshold.percent == is_dynamic:
            unit = "a number of spreads, without %" if is_dynamic else "a percentage, with %"
            raise node.error(f"a threshold of {rule.text} is {unit}", "see docs/quality.md")
        return
    function = rule.aggregate.function if rule.aggregate else ""
    may_be_share = rule.kind in {*COUNTING, "equals"} or function in _SHARE_FUNCTIONS
    if threshold.percent and not may_be_share:
        raise node.error(f"{rule.text} is no share of the rows", "write the threshold without %")
