"""Read the rows of a MySQL result at the speed of the network: many packets in one step.

Belongs here: taking over PyMySQL's socket behind the column definitions, cutting packets.
Does not belong here: connecting, TLS, time-outs and the statement (PyMySQL, SQLAlchemy), what a
line holds (`mysql_lines.py`).

A row of one column is a packet: 3 bytes of length, a sequence number, the value's length in 1, 3 or
4 bytes, the value (MySQL client/server protocol, "Text Resultset Row"). PyMySQL takes them apart
one by one in Python, 10 times slower than the server sends. Here NumPy looks for the END mark of
every line in a block, reads the length behind each, and keeps those that form a chain from packet
to packet: an END among the header's bytes forms none. docs/decisions/0010-mysql-reader.md says
which libraries were measured instead.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any, NoReturn

from userprofile_assets.ingestion.mysql_lines import END, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

_READ_BYTES = 1024 * 1024
_ENOUGH_BYTES = 256 * 1024

_HEADER = 4
_LONGEST = 0xFFFFFF  # a payload of this length goes on in the next packet
_NULL, _TWO_BYTES, _EIGHT_BYTES, _ERROR = 0xFB, 0xFC, 0xFE, 0xFF
_EOF_BYTES = 9  # an EOF packet's payload is shorter, a value's with 8 bytes of length longer


class PacketLines:
    """The lines of one unread result, whose only column ends every value with END.

    Args:
        cursor: PyMySQL's unbuffered cursor (SSCursor), executed, nothing fetched.
    """

    def __init__(self, cursor: Any) -> None:
        self._result = cursor._result  # noqa: SLF001 - no public way to the stream of packets
        connection = self._result.connection
        self._file = connection._rfile  # noqa: SLF001 - see above
        self._socket = connection._sock  # noqa: SLF001 - see above
        self._socket.settimeout(connection._read_timeout)  # noqa: SLF001 - PyMySQL's own value

    def batches(self) -> Iterator[tuple[bytes, int]]:
        """Yield lines and their number, in blocks of about 1 MiB.

        Raises:
            OperationalError: PyMySQL's: the connection broke off, was silent for too long, or the
                server reports an error in the middle.
            SourceError: The server could not make a row.
        """
        data = b""
        while True:
            starts, used = _chain(data)
            if len(starts):
                yield _values(data, starts, used), len(starts)
                data = data[used:]
            if len(data) < _HEADER + 1 or len(data) < _HEADER + _length(data):
                data = self._more(data)
                continue
            if _length(data) == _LONGEST:
                line, data = self._long_line(data)
                yield line, 1
                continue
            first = data[_HEADER]
            if first == _EIGHT_BYTES and _length(data) < _EOF_BYTES:
                self._result.unbuffered_active = False
                return
            self._refuse(data, first)

    def _refuse(self, data: bytes, first: int) -> NoReturn:
        import pymysql

        if first == _ERROR:
            self._result.unbuffered_active = False
            pymysql.err.raise_mysql_exception(data[_HEADER : _HEADER + _length(data)])
        if first == _NULL:
            raise too_long()
        raise pymysql.err.InternalError("Packet sequence number wrong: no row where one begins")

    def _more(self, data: bytes) -> bytes:
        """Wait for bytes, then take what is there already, up to a block."""
        import pymysql

        parts = [data]
        size = 0
        while size < _ENOUGH_BYTES:
            try:
                part = self._file.read1(_READ_BYTES)
            except OSError as error:
                raise pymysql.err.OperationalError(
                    2013, f"Lost connection to MySQL server during query ({error})"
                ) from error
            if not part:
                raise pymysql.err.OperationalError(
                    2013, "Lost connection to MySQL server during query"
                )
            parts.append(part)
            size += len(part)
            if not self._is_readable():
                break
        return b"".join(parts)

    def _is_readable(self) -> bool:
        pending = getattr(self._socket, "pending", None)  # TLS has bytes that select cannot see
        if pending is not None and pending():
            return True
        return bool(select.select([self._socket], [], [], 0)[0])

    def _long_line(self, data: bytes) -> tuple[bytes, bytes]:
        """Join the packets of one value of 16 MiB or more; return it and what follows."""
        payload = bytearray()
        while True:
            while len(data) < _HEADER or len(data) < _HEADER + _length(data):
                data = self._more(data)
            size = _length(data)
            payload += data[_HEADER : _HEADER + size]
            data = data[_HEADER + size :]
            if size < _LONGEST:
                break
        prefix = 9 if payload[0] == _EIGHT_BYTES else 4
        return bytes(payload[prefix:]), data


def _length(data: bytes) -> int:
    return int.from_bytes(data[:3], "little")


def _chain(data: bytes) -> tuple[NDArray[np.int64], int]:
    """Find the whole rows at the beginning of `data`.

    Returns:
        Where their packets start, and where the last one ends.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s that definitions need not pay

    block = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(block == END)
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends + 1))
    starts = starts[: np.searchsorted(starts, len(block) - _HEADER)]
    if not len(starts):
        return starts, 0
    low, middle, high = (block[starts + i].astype(np.int64) for i in range(3))
    lengths = low | middle << 8 | high << 16
    following = starts + _HEADER + lengths
    first = block[starts + _HEADER]
    is_row = (lengths < _LONGEST) & (first != _NULL) & (first < _EIGHT_BYTES)
    # Behind a true row stands the next candidate, nearly always: only the others are walked.
    linked = np.zeros(len(starts), dtype=bool)
    linked[:-1] = (following[:-1] == starts[1:]) & is_row[:-1]
    in_chain = np.zeros(len(starts), dtype=bool)
    at, used = 0, 0
    for last in np.flatnonzero(~linked).tolist():
        if last < at:
            continue
        in_chain[at:last] = True
        used = int(starts[last])
        after = int(following[last])
        if not is_row[last] or after > len(block) or block[after - 1] != END:
            break
        in_chain[last] = True
        used = after
        at = int(np.searchsorted(starts, after))
        if at == len(starts) or starts[at] != after:
            break
    return starts[in_chain], used


def _values(data: bytes, starts: NDArray[np.int64], used: int) -> bytes:
    """Cut the headers out."""
    import numpy as np  # noqa: PLC0415 - 0.1 s that definitions need not pay

    block = np.frombuffer(data, dtype=np.uint8)[:used]
    keep = np.ones(used, dtype=bool)
    for offset in range(_HEADER + 1):
        keep[starts + offset] = False
    kinds = block[starts + _HEADER]
    for prefix, more in ((_TWO_BYTES, 2), (_TWO_BYTES + 1, 3)):
        longer = starts[kinds == prefix]
        for offset in range(_HEADER + 1, _HEADER + 1 + more):
            keep[longer + offset] = False
    return block[keep].tobytes()
