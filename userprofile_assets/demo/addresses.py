"""Client addresses of the embedded log: mostly from China, some world-wide, some IPv6.

Belongs here: blocks that the registries publish as given to large providers, so that a region can
be looked up for them. The hosts inside are made up.
"""

from __future__ import annotations

from typing import TypeAlias

# First byte, then the lowest second byte and how many follow it.
_Block: TypeAlias = tuple[int, int, int]

_CHINA: tuple[_Block, ...] = (
    (36, 96, 32), (39, 128, 64), (42, 224, 16), (58, 32, 32), (59, 32, 8), (60, 160, 32),
    (61, 128, 64), (101, 80, 16), (106, 112, 8), (111, 0, 64), (112, 0, 64), (113, 64, 64),
    (114, 80, 16), (115, 192, 32), (116, 224, 16), (117, 128, 64), (118, 112, 8), (119, 120, 8),
    (120, 192, 64), (121, 32, 16), (122, 224, 16), (123, 112, 16), (124, 64, 2), (125, 64, 8),
    (171, 208, 16), (175, 0, 64), (180, 152, 8), (182, 96, 16), (183, 192, 64), (202, 96, 32),
    (211, 136, 8), (218, 0, 32), (219, 128, 16), (220, 160, 32), (221, 192, 16), (222, 64, 8),
    (223, 64, 32),
)  # fmt: skip
_WORLD: tuple[_Block, ...] = (
    (24, 0, 64), (31, 208, 16), (41, 128, 64), (49, 32, 16), (62, 0, 64), (67, 160, 32),
    (71, 192, 64), (82, 64, 64), (84, 128, 64), (88, 96, 32), (91, 0, 64), (98, 192, 64),
    (126, 0, 128), (133, 32, 64), (177, 0, 64), (189, 0, 64), (203, 112, 16),
)  # fmt: skip
_IPV6 = ("2408:84", "2409:89", "240e:3a", "240e:47", "2409:8a", "2a02:81", "2600:17", "2001:44")

_PER_MILLE_CHINA = 820
_PER_MILLE_WORLD = 150


def address_of(bits: int) -> str:
    """Return the address that 64 random bits stand for."""
    kind = bits % 1_000
    pick, second, third, fourth = (bits >> 12) & 0xFF, bits >> 20, bits >> 32, bits >> 44
    if kind < _PER_MILLE_CHINA + _PER_MILLE_WORLD:
        blocks = _CHINA if kind < _PER_MILLE_CHINA else _WORLD
        first, lowest, width = blocks[pick % len(blocks)]
        return f"{first}.{lowest + second % width}.{third & 0xFF}.{1 + fourth % 254}"
    network = _IPV6[pick % len(_IPV6)]
    return f"{network}{second & 0xFF:02x}:{third & 0xFFFF:x}:{fourth & 0xFFFF:x}::{bits >> 52:x}"
