"""Read the address that a log names, however it is written.

Belongs here: text to bytes. Does not belong here: what an address means (`address_ranges.py`,
`region_db.py`).

Read as an address, besides the plain forms: IPv6 in upper case or not shortened, in brackets, with
a zone (`fe80::1%eth0`), a port behind an IPv4 address or behind brackets, blanks around it. An
IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, what a server with one socket for both writes) is the
IPv4 address. Everything else is no address: `-`, `unix:`, a host name, a list, IPv4 with leading
zeros (read as octal by some, as decimal by others) or with fewer than four parts.
"""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

# The longest form is IPv6 with four decimal numbers (45), brackets, a port and a zone; zones are
# names of network interfaces (15 characters on Linux, 63 on others).
_LONGEST = 128
_MAPPED = bytes(10) + b"\xff\xff"
_BRACKETS = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_ZONE = re.compile(r"[!-~]+")


class Address(NamedTuple):
    """An IPv4 or IPv6 address.

    Args:
        packed: Its 4 or 16 bytes.
        text: Its one spelling: dotted, or shortened in lower case.
        zone: What follows `%`; the same address in another zone is another host.
    """

    packed: bytes
    text: str
    zone: str = ""

    @property
    def spelling(self) -> str:
        """The text with the zone: equal for equal hosts, however the log wrote them."""
        return f"{self.text}%{self.zone}" if self.zone else self.text


def parse_address(text: str) -> Address | None:
    """Return the address that `text` names, or None when it names none; never raises."""
    if len(text) > _LONGEST:
        return None
    packed = _pack(socket.AF_INET, text)
    if packed is not None:
        # inet_pton takes nothing but four decimal numbers without leading zeros.
        return Address(packed, text)
    stripped = text.strip(" \t\r\n")
    if (found := _WITH_PORT.fullmatch(stripped)) is not None:
        return _ipv4(found[1])
    if (found := _BRACKETS.fullmatch(stripped)) is not None:
        stripped = found[1]
    return _ipv6(stripped) or _ipv4(stripped)


def _ipv4(text: str) -> Address | None:
    packed = _pack(socket.AF_INET, text)
    return None if packed is None else Address(packed, text)


def _ipv6(text: str) -> Address | None:
    bare, mark, zone = text.partition("%")
    if mark and not _ZONE.fullmatch(zone):
        return None
    packed = _pack(socket.AF_INET6, bare)
    if packed is None:
        return None
    if packed.startswith(_MAPPED):
        return Address(packed[12:], socket.inet_ntop(socket.AF_INET, packed[12:]))
    return Address(packed, socket.inet_ntop(socket.AF_INET6, packed), zone)


def _pack(family: socket.AddressFamily, text: str) -> bytes | None:
    try:
        return socket.inet_pton(family, text)
    except (OSError, ValueError):  # ValueError: a NUL, or half a surrogate pair
        return None
