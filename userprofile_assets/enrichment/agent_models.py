"""Which kind of machine a model number of an Android agent stands for, if it is no phone or tablet.

Belongs here: reading the model list of Matomo's device detector out of the installed package
`device-detector`, and looking agents up in it. Does not belong here: rules of our own
(`agent_devices.py`).

A television that runs Android often says so only by its model (`24LE7011D`), which no word rule can
know. The list has about 2,000 brands, each with a regular expression and its models in order. The
package's own Python code takes about 100 ms for an agent, so only its data is used, in two steps:
ua-parser's Rust engine finds whether any model matches that is no phone or tablet (about 1,000
expressions, 50 microseconds), and only then the brand is gone through in the list's own order.

The Rust engine knows no look-around, which some 5 % of the expressions use. It searches without it,
which finds too much; the second step uses Python's `re`, and for look-behind
of varying width the package `regex`.
"""

from __future__ import annotations

import re
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from userprofile_assets.enrichment.agent_patterns import without_look_around
from userprofile_assets.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

# As in the detector: a model's name begins at the start of a word.
_WORD = r"(?:^|[^A-Z0-9_-]|[^A-Z0-9-]_|sprd-|MZ-)(?:{})"
_KINDS = {
    "tv": "tv",
    "console": "console",
    "wearable": "wearable",
    "car browser": "car",
    "smart display": "appliance",
    "smart speaker": "appliance",
}
# Agents of one model differ in their browser's version only, which is cut off and remembered once.
_BROWSER = " AppleWebKit/"
_REMEMBERED = 16_384
# Brands for one engine: after one that was no match in the second step its group is gone through.
_GROUP = 32


class _Brand:
    """One brand of the list; its expressions are compiled when an agent may be of it."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self._pattern: str = entry["regex"]
        self._default = _KINDS.get(entry.get("device", ""))
        self._models = [
            (model["regex"], _KINDS.get(model.get("device", entry.get("device", ""))))
            for model in entry.get("models") or []
        ]

    def special(self) -> Iterator[str]:
        """Yield the expressions of what is neither phone nor tablet."""
        if self._default is not None:
            yield self._pattern
            return
        yield from (pattern for pattern, kind in self._models if kind is not None)

    def kind(self, agent: str) -> str | None:
        """Return the kind of machine of an agent, or None if it is a phone, or of no such brand."""
        if not _compiled(self._pattern).search(agent):
            return None
        for pattern, kind in self._models:
            if _compiled(pattern).search(agent):
                return kind
        return self._default


class Models:
    """The model list. Reading it takes two to three seconds, once for a process."""

    def __init__(self) -> None:
        self._kind = lru_cache(maxsize=_REMEMBERED)(self._find)

    def kind(self, agent: str) -> str | None:
        """Return tv, console, wearable, car or appliance by the model; None for all others."""
        return self._kind(agent.partition(_BROWSER)[0])

    @cached_property
    def _groups(self) -> list[tuple[Any, list[_Brand]]]:
        import ua_parser_rs

        brands = [_Brand(entry) for name in ("shell_tv", "mobiles") for entry in _read(name)]
        brands = [brand for brand in brands if any(brand.special())]
        groups = []
        for start in range(0, len(brands), _GROUP):
            group = brands[start : start + _GROUP]
            patterns: list[tuple[str, Literal["i"], str, None, None]] = [
                (without_look_around(_WORD.format(pattern)), "i", str(number), None, None)
                for number, brand in enumerate(group)
                for pattern in brand.special()
            ]
            groups.append((ua_parser_rs.DeviceExtractor(patterns), group))
        return groups

    def _find(self, machine: str) -> str | None:
        for engine, brands in self._groups:
            found = engine.extract(machine)
            if found is None:
                continue
            for brand in brands[int(found.family) :]:
                kind = brand.kind(machine)
                if kind is not None:
                    return kind
        return None


@cache
def _compiled(pattern: str) -> Any:
    whole = _WORD.format(pattern)
    try:
        return re.compile(whole, re.IGNORECASE)
    except re.error:  # look-behind of varying width
        import regex

        return regex.compile(whole, regex.IGNORECASE)


def _read(name: str) -> list[dict[str, Any]]:
    import yaml

    spec = find_spec("device_detector")
    base = Path(spec.origin).parent if spec is not None and spec.origin is not None else Path()
    path = base / "regexes" / "upstream" / "device" / f"{name}.yml"
    try:
        with path.open("rb") as file:
            brands = yaml.load(file, Loader=yaml.CSafeLoader)
        entries = list(brands.values())
        if not all("regex" in entry for entry in entries):
            raise KeyError("regex")
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise PermanentError(
            f"the model list of the package device-detector cannot be read ({error!r})",
            where=str(path),
            remedy="install the versions this project asks for: pip install userprofile-assets",
        ) from error
    return entries
