"""Small databases of regions, byte by byte: MaxMind DB (.mmdb) and ip2region (.xdb).

By the formats' descriptions, so that layouts are tested of which no free file comes with a package:
IPv6 in an .xdb file, the flat records of IPinfo, files of providers.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BUILT = 1_700_000_000  # 2023-11-14T22:13:20Z
_MARKER = b"\xab\xcd\xefMaxMind.com"
# Numbers that readers want in 32 and in 64 bits.
_NUMBERS = {"node_count": 6, "build_epoch": 9}
_XDB_HEADER, _XDB_VECTORS = 256, 256 * 256 * 8


def write_mmdb(
    path: Path,
    records: Mapping[str, Any],
    *,
    kind: str = "Test-City",
    version: int = 6,
    languages: tuple[str, ...] = ("en",),
) -> Path:
    """Write a MaxMind DB whose networks (which must not overlap) have these records."""
    nodes: list[list[int | None]] = [[None, None]]
    leaves: list[tuple[int, int, int]] = []
    data = b""
    for text, record in records.items():
        network = ipaddress.ip_network(text)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        if version == 6 and network.version == 4:
            bits = "0" * 96 + bits
        node = 0
        for bit in map(int, bits[:-1]):
            following = nodes[node][bit]
            if following is None:
                following = len(nodes)
                nodes[node][bit] = following
                nodes.append([None, None])
            node = following
        leaves.append((node, int(bits[-1]), len(data)))
        data += _field(record)
    count = len(nodes)
    for node, bit, offset in leaves:
        nodes[node][bit] = count + 16 + offset
    tree = b"".join(
        struct.pack(">I", count if side is None else side) for node in nodes for side in node
    )
    facts = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": BUILT,
        "database_type": kind,
        "description": {"en": "made by a test"},
        "ip_version": version,
        "languages": list(languages),
        "node_count": count,
        "record_size": 32,
    }
    path.write_bytes(tree + bytes(16) + data + _MARKER + _field(facts))
    return path


def _field(value: Any, kind: int = 5) -> bytes:
    """Encode a value; a number is of 16 bits unless `kind` says otherwise."""
    if isinstance(value, str):
        encoded = value.encode()
        return _control(2, len(encoded)) + encoded
    if isinstance(value, int):
        encoded = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(kind, len(encoded)) + encoded
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_field, value))
    pairs = b"".join(
        _field(key) + _field(inner, _NUMBERS.get(key, 5)) for key, inner in value.items()
    )
    return _control(7, len(value)) + pairs


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    low = min(size, 29)
    first = bytes([kind << 5 | low] if kind < 8 else [low, kind - 7])
    return first + (b"" if size < 29 else bytes([size - 29]))


def write_xdb(
    path: Path, ranges: Mapping[tuple[str, str], str], *, version: int = 4, structure: int = 3
) -> Path:
    """Write an ip2region file; ranges in order, none over the end of a /16."""
    content = bytearray(_XDB_HEADER + _XDB_VECTORS)
    places = {}
    for text in dict.fromkeys(ranges.values()):
        places[text] = (len(text.encode()), len(content))
        content += text.encode()
    start = len(content)
    for (low, high), text in ranges.items():
        first, last = (ipaddress.ip_address(address).packed for address in (low, high))
        assert first[:2] == last[:2]
        place = _XDB_HEADER + (first[0] * 256 + first[1]) * 8
        entry = len(content)
        if version == 4:
            first, last = first[::-1], last[::-1]
        content += first + last + struct.pack("<HI", *places[text])
        begun = struct.unpack_from("<I", content, place)[0] or entry
        struct.pack_into("<II", content, place, begun, len(content))
    end = len(content) - (14 if version == 4 else 38)
    # The reader also looks at the entry behind the last one of a /16.
    content += bytes(64)
    struct.pack_into("<HHIII", content, 0, structure, 1, BUILT, start, end)
    if structure == 3:
        struct.pack_into("<HH", content, 16, version, 4)
    path.write_bytes(content)
    return path


def write_xdb_pair(directory: Path) -> tuple[Path, Path]:
    """Write a file of IPv4 and one of IPv6, in the form of 2025."""
    v4 = {("1.2.0.0", "1.2.3.255"): "Australia|Queensland|Brisbane|0|AU"}
    v6 = {
        ("240e:3b7::", "240e:3b7:ffff::"): "中国|广东省|深圳市|电信|CN",
        ("240e:3b8::", "240e:3b8:ffff::"): "中国|0|0|电信|CN",
    }
    return (
        write_xdb(directory / "ip2region_v4.xdb", v4),
        write_xdb(directory / "ip2region_v6.xdb", v6, version=6),
    )
