"""Small PNG files: 256 colours, which are enough for pictures of a page.

Belongs here: choosing the colours and writing the file. Does not belong here: reading PNG, which
the browser does that made the picture.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

COLOURS = 256


def indexed_png(rgba: bytes, width: int, height: int) -> bytes:
    """Return the file of a picture.

    The most frequent colours stay as they are; each other one becomes the nearest of them.

    Args:
        rgba: Four bytes a pixel, row by row; opaque.
        width: Pixels of a row.
        height: Rows.
    """
    pixels = np.frombuffer(rgba, np.uint8).reshape(-1, 4).astype(np.uint32)
    packed = pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]
    colours, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(-counts)[:COLOURS]]
    nearest = _nearest(_channels(colours), _channels(kept))
    rows = nearest[inverse].reshape(height, width)
    # Each row begins with the number of its filter: 0, none, is best for few colours.
    raw = np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = _channels(kept).astype(np.uint8).tobytes()
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header),
            (b"PLTE", palette),
            (b"IDAT", zlib.compress(raw, 9)),
            (b"IEND", b""),
        )
    )


def _channels(packed: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.int32)


def _nearest(colours: npt.NDArray[np.int32], kept: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    found = [((one - kept) ** 2).sum(axis=1).argmin() for one in colours]
    return np.array(found, np.uint8)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
