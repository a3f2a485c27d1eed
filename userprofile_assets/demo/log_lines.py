r"""The embedded access log: the bytes of one day, the same for the same seed and size.

Belongs here: lines of the tutorial's shape, eight fields separated by `##@@` (ip, uid, time,
request, status, bytes, referer, agent), ended by LF, in rising order of time. Does not belong here:
files and their life (`sources.py`).

About one line in 500 is broken the way real logs are: cut off, empty, not UTF-8, with a lone CR, a
`|`, a `\x01` or one field too many. Who reads the log has to cope with them, so the demo shows it.

Speed comes from drawing in batches: two random numbers per line are indexes into prebuilt pieces,
and a line is four pieces. Only getrandbits, random, choice and choices are used: their sequence is
the same from Python 3.11 to 3.13, which a test pins by a hash.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import chain, islice
from operator import getitem
from random import Random
from struct import unpack
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.demo.addresses import address_of
from userprofile_assets.demo.agents import BROWSERS, CRAWLERS, FEED_READERS, PROGRAMS
from userprofile_assets.demo.agents import TABLE_SIZE as AGENTS
from userprofile_assets.demo.mixing import mix
from userprofile_assets.demo.requests import SEPARATOR, TABLE_SIZE, RequestTables
from userprofile_assets.demo.users import uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Traffic of each local hour: a trough at 4, peaks at noon and at 21.
_HOURS = (
    22,
    13,
    8,
    6,
    5,
    7,
    14,
    26,
    40,
    52,
    58,
    60,
    64,
    58,
    55,
    56,
    57,
    56,
    58,
    66,
    76,
    80,
    66,
    40,
)

_BATCH = 4_096  # lines of one chunk; about 230 bytes each, so about 1 MiB
_BLOCK = 16 * _BATCH  # lines after which other visitors come
_LINES_PER_VISITOR = 16
_ODD_SPACING = 999  # an odd line follows after 1 to 999 lines: 0.2 % of all

# Of so many slots: lines by users of the table, without login, by users the table does not know,
# by crawlers, by feed readers; programs have the rest. 8,192 slots and what they refer to stay in
# a processor's cache; 65,536 made the generator half as fast.
_SLOTS = 8_192
_MEMBERS, _ANONYMOUS, _STRANGERS, _CRAWLING, _FEEDING = 4_750, 1_812, 81, 900, 325

_SECOND_OF_BYTE = bytes(n * 60 >> 8 for n in range(256))
_ADDRESS_SALT = 0xADD4E55

# The two ends of a line around time and request, and what the visitor asks for. The second end is
# the agent and LF, shared by all who have that agent.
_Visitor: TypeAlias = tuple[bytes, bytes, list[bytes]]


def log_chunks(day: date, *, lines: int, users: int, seed: int, timezone: str) -> Iterator[bytes]:
    """Yield the log of one day in chunks of whole lines, about 1 MiB each.

    Memory does not grow with `lines`.

    Args:
        day: The business date; every time in the log lies in it.
        lines: Number of lines, counted by LF, the odd ones included.
        users: Rows of the user table whose uids appear (`users.user_rows`).
        seed: Same seed, same bytes.
        timezone: Zone in which the times are written, such as `Asia/Shanghai`.
    """
    name = f"{seed}:{to_bizdate(day)}"
    random = Random(name)  # noqa: S311 - repeatable on purpose
    requests = RequestTables(seed)
    times = _times(day, lines=lines, timezone=timezone, random=Random(f"{name}:times"))  # noqa: S311
    odd = _OddLines(Random(f"{name}:odd"))  # noqa: S311
    crowd = _Crowd(random, requests, lines=lines, users=users, seed=seed)
    for start in range(0, lines, _BATCH):
        if start and start % _BLOCK == 0:
            crowd = _Crowd(random, requests, lines=lines - start, users=users, seed=seed)
        size = min(_BATCH, lines - start)
        moments = list(islice(times, size))
        who, what = _indexes(random, size, _SLOTS), _indexes(random, size, TABLE_SIZE)
        pieces = crowd.pieces(who, what, moments)
        odd.spoil(pieces, size)
        yield b"".join(pieces)


def _indexes(random: Random, size: int, below: int) -> tuple[int, ...]:
    """Draw `size` numbers below a power of two that has at most 16 bits.

    Little-endian, so that every machine draws the same.
    """
    mask = int.from_bytes((below - 1).to_bytes(2, "little") * size, "little")
    drawn = random.getrandbits(16 * size) & mask
    return unpack(f"<{size}H", drawn.to_bytes(2 * size, "little"))


def _times(day: date, *, lines: int, timezone: str, random: Random) -> Iterator[bytes]:
    """Yield `lines` times in rising order, each with the separator behind it.

    Minutes are counted as instants, so a day on which the clock changes has 23 or 25 hours.
    """
    zone = ZoneInfo(timezone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first = int(midnight.timestamp())
    end = int((midnight + timedelta(days=1)).timestamp())  # wall clock: the next midnight
    minutes = [datetime.fromtimestamp(instant, zone) for instant in range(first, end, 60)]
    weights = [_HOURS[minute.hour] * (192 + random.getrandbits(7)) for minute in minutes]
    total = sum(weights)
    passed = done = 0
    for minute, weight in zip(minutes, weights, strict=True):
        passed += weight
        count = passed * lines // total - done
        done += count
        if count:
            drawn = random.getrandbits(8 * count).to_bytes(count, "little")
            seconds = _seconds_of(minute)
            yield from map(seconds.__getitem__, sorted(drawn.translate(_SECOND_OF_BYTE)))


def _seconds_of(minute: datetime) -> list[bytes]:
    """Return the 60 texts of a minute, as `07/Aug/2024:00:30:00 +0800` and the separator."""
    offset = minute.utcoffset() or timedelta(0)
    ahead = offset >= timedelta(0)
    hours, rest = divmod(int(abs(offset).total_seconds()), 3_600)
    zone = f"{'+' if ahead else '-'}{hours:02d}{rest // 60:02d}"
    # strftime's %b follows the locale; log_format's $time_local never does.
    front = f"{minute:%d}/{_MONTHS[minute.month - 1]}/{minute:%Y:%H:%M}"
    return [f"{front}:{second:02d} {zone}".encode() + SEPARATOR for second in range(60)]


class _Crowd:
    """The visitors of one block of lines, spread over its slots.

    Drawing a slot draws a visitor; popular users have more slots.
    """

    def __init__(
        self, random: Random, requests: RequestTables, *, lines: int, users: int, seed: int
    ) -> None:
        self._random = random
        self._users = users
        self._seed = seed
        self._visitors = min(lines, _BLOCK) // _LINES_PER_VISITOR
        browsing = requests.browsing
        slots = [
            *self._fill(_MEMBERS, lambda: self._user(self._popular(), browsing)),
            *self._fill(_ANONYMOUS, lambda: self._anonymous(browsing)),
            *self._fill(_STRANGERS, lambda: self._user(self._unknown(), browsing)),
            *self._fill(_CRAWLING, lambda: self._crawler(requests.crawling)),
            *self._fill(_FEEDING, lambda: self._machine(FEED_READERS, requests.feeds)),
        ]
        programs = _SLOTS - len(slots)
        slots += self._fill(programs, lambda: self._machine(PROGRAMS, requests.programs))
        self._heads = [head for head, _, _ in slots]
        self._tails = [tail for _, tail, _ in slots]
        self._asks = [asks for _, _, asks in slots]

    def pieces(
        self, who: tuple[int, ...], what: tuple[int, ...], times: list[bytes]
    ) -> list[bytes]:
        """Return four pieces for each line: who, when, what, and with which agent."""
        lines = zip(
            map(self._heads.__getitem__, who),
            times,
            map(getitem, map(self._asks.__getitem__, who), what),
            map(self._tails.__getitem__, who),
            strict=True,
        )
        return list(chain.from_iterable(lines))

    def _fill(self, slots: int, visitor: Callable[[], _Visitor]) -> list[_Visitor]:
        distinct = max(1, self._visitors * slots // _SLOTS)
        return self._random.choices([visitor() for _ in range(distinct)], k=slots)

    def _popular(self) -> int:
        """Draw a user's number, skewed: one user in a hundred makes a tenth of the lines.

        The prime spreads popularity over the table, so that it does not follow the uid.
        """
        draw = self._random.random()
        rank = int(self._users * draw * draw)
        return rank * 2_147_483_647 % self._users

    def _unknown(self) -> int:
        """Draw the number of somebody whom the user table does not hold (yet)."""
        return self._users + int(max(1, self._users // 50) * self._random.random())

    def _user(self, number: int, asks: list[bytes]) -> _Visitor:
        # A user comes back with the same two devices on other days.
        device = 2 * number + (self._random.random() < 0.3)
        bits = mix(self._seed ^ _ADDRESS_SALT, device)
        uid = uid_of(number, seed=self._seed)
        return _visitor(address_of(bits), uid, BROWSERS[bits >> 7 & AGENTS - 1], asks)

    def _anonymous(self, asks: list[bytes]) -> _Visitor:
        bits = self._random.getrandbits(64)
        return _visitor(address_of(bits), "-", BROWSERS[bits >> 7 & AGENTS - 1], asks)

    def _crawler(self, asks: list[bytes]) -> _Visitor:
        agent, networks = self._random.choice(CRAWLERS)
        address = f"{self._random.choice(networks)}.{1 + int(254 * self._random.random())}"
        return _visitor(address, "-", agent, asks)

    def _machine(self, agents: tuple[bytes, ...], asks: list[bytes]) -> _Visitor:
        address = address_of(self._random.getrandbits(64))
        return _visitor(address, "-", self._random.choice(agents), asks)


def _visitor(address: str, uid: str, agent: bytes, asks: list[bytes]) -> _Visitor:
    return f"{address}##@@{uid}##@@".encode(), agent, asks


def _short(head: bytes, time: bytes, _ask: bytes, _tail: bytes) -> bytes:
    return (head + time).removesuffix(SEPARATOR) + b"\n"


def _cut_off(head: bytes, time: bytes, ask: bytes, _tail: bytes) -> bytes:
    return head + time + ask[: len(ask) // 2] + b"\n"


def _too_long(head: bytes, time: bytes, ask: bytes, tail: bytes) -> bytes:
    return head + time + ask + b"-" + SEPARATOR + tail


def _not_utf8(head: bytes, time: bytes, ask: bytes, tail: bytes) -> bytes:
    return head + time + ask + b"\xff\xfe\xc3( " + tail


def _pipe(head: bytes, time: bytes, ask: bytes, tail: bytes) -> bytes:
    return head + time + ask + b"Mozilla|5.0 " + tail


def _lone_cr(head: bytes, time: bytes, ask: bytes, tail: bytes) -> bytes:
    return head + time + ask.replace(b" HTTP", b"\r HTTP", 1) + tail


def _control_byte(head: bytes, time: bytes, ask: bytes, tail: bytes) -> bytes:
    return head + time + ask.replace(b" HTTP", b"\x01 HTTP", 1) + tail


def _empty(_head: bytes, _time: bytes, _ask: bytes, _tail: bytes) -> bytes:
    return b"\n"


def _zeros(_head: bytes, _time: bytes, _ask: bytes, _tail: bytes) -> bytes:
    return b"\x00" * 16 + b"\n"


def _null_mark(_head: bytes, _time: bytes, _ask: bytes, _tail: bytes) -> bytes:
    return b"\\N\n"


class _OddLines:
    """Spoils about one line in 500, in one of ten ways."""

    _KINDS: tuple[Callable[[bytes, bytes, bytes, bytes], bytes], ...] = (
        _short, _cut_off, _too_long, _not_utf8, _pipe,
        _lone_cr, _control_byte, _empty, _zeros, _null_mark,
    )  # fmt: skip

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ahead = self._gap()

    def _gap(self) -> int:
        return int(_ODD_SPACING * self._random.random())

    def spoil(self, pieces: list[bytes], size: int) -> None:
        """Replace the lines whose turn it is; `pieces` has four entries for each line."""
        line = self._ahead
        while line < size:
            place = slice(4 * line, 4 * line + 4)
            head, time, ask, tail = pieces[place]
            spoilt = self._random.choice(self._KINDS)(head, time, ask, tail)
            pieces[place] = (spoilt, b"", b"", b"")
            line += 1 + self._gap()
        self._ahead = line - size
