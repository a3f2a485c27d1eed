"""What can happen to a connection that passes the fault proxy, as data.

Belongs here: the description of one fault. Does not belong here: carrying it out
(`proxy_link.py`), arming and counting it (`fault_proxy.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Direction = Literal["down", "up"]  # down: from the server to the client
Ending = Literal["reset", "close"]  # RST, or FIN as of a server that ends in an orderly way

NEVER = 1 << 62
"""So many that it never comes: bytes, connections."""

CHUNK = 64 * 1024
"""Most bytes that are passed on at once."""


@dataclass
class Fault:
    """One fault; which fields count depends on its kind.

    Attributes:
        kind: What happens.
        after: Bytes of the direction that pass first.
        direction: Whose bytes are counted.
        ending: How a cut ends the connection.
        skip: Connections that pass first.
        times: Connections that meet it then.
        piece: Bytes of a drip that pass at once.
        pause: Seconds after each piece.
        growth: By how much each pause is longer than the one before.
        length: Bytes that drip, before the rest passes as usual.
        call: What is called.
        rewrite: Changes the first bytes.
    """

    kind: Literal["cut", "black_hole", "refuse", "drip", "call", "rewrite"]
    after: int = 0
    direction: Direction = "down"
    ending: Ending = "reset"
    skip: int = 0
    times: int = NEVER
    piece: int = CHUNK
    pause: float = 0.0
    growth: float = 1.0
    length: int = NEVER
    call: Callable[[], None] = lambda: None
    rewrite: Callable[[bytes], bytes] = bytes
