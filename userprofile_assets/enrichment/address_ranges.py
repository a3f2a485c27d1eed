"""Addresses that stand for no place: private, loopback, documentation and the like.

Belongs here: the ranges that IANA's registries of special-purpose addresses say are not globally
reachable, multicast, and IPv6 outside 2000::/3, of which nothing is allocated. Does not belong
here: ranges that are special and globally reachable (NAT64, 6to4, AS112); the database is asked
for those.

Written down here and not asked of Python's `ipaddress`, whose answers changed within 3.11 and 3.12;
a test compares the two. As of the registries of 2025.
"""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import TypeAlias

# In order; the first range that holds the address decides. None: ask the database.
_RANGES: tuple[tuple[str, str | None], ...] = (
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "reserved"),  # "this network"
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared"),  # carrier-grade NAT
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.9/32", None),  # Port Control Protocol anycast
    ("192.0.0.10/32", None),  # TURN anycast
    ("192.0.0.0/24", "reserved"),  # IETF protocol assignments
    ("192.0.2.0/24", "documentation"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b::/96", None),  # NAT64
    ("64:ff9b:1::/48", "private"),  # NAT64 within one's own network
    ("2001:1::1/128", None),  # Port Control Protocol anycast
    ("2001:1::2/128", None),  # TURN anycast
    ("2001:1::3/128", None),  # DNS-SD anycast
    ("2001:2::/48", "benchmarking"),
    ("2001:3::/32", None),  # AMT
    ("2001:4:112::/48", None),  # AS112
    ("2001:20::/28", None),  # ORCHIDv2
    ("2001:30::/28", None),  # drone remote identification
    ("2001::/32", None),  # Teredo: the registry says neither
    ("2001::/23", "reserved"),  # IETF protocol assignments
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("2000::/3", None),
    ("fc00::/7", "private"),  # unique local
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),  # site-local, deprecated
    ("ff00::/8", "multicast"),
    ("::/0", "reserved"),
)

_Range: TypeAlias = tuple[bytes, bytes, str | None]
_FOUR_BYTES = 4


def kind_of_range(packed: bytes) -> str | None:
    """Return what range of no place an address is in; None when it may have a place.

    Args:
        packed: The 4 or 16 bytes of the address.
    """
    four, six = _by_first_byte()
    for first, last, kind in (four if len(packed) == _FOUR_BYTES else six)[packed[0]]:
        if first <= packed <= last:
            return kind
    return None


def kinds() -> frozenset[str]:
    """Return every name that `kind_of_range` gives."""
    return frozenset(kind for _, kind in _RANGES if kind is not None)


@cache
def _by_first_byte() -> tuple[tuple[tuple[_Range, ...], ...], tuple[tuple[_Range, ...], ...]]:
    """Return the ranges to try for each first byte: none for most of IPv4, few for the others."""
    tables: dict[int, list[list[_Range]]] = {4: [[] for _ in range(256)]}
    tables[6] = [[] for _ in range(256)]
    for text, kind in _RANGES:
        network = ipaddress.ip_network(text)
        first, last = network.network_address.packed, network.broadcast_address.packed
        for byte in range(first[0], last[0] + 1):
            tables[network.version][byte].append((first, last, kind))
    four, six = (tuple(map(tuple, tables[version])) for version in (4, 6))
    return four, six
