"""The embedded user table: rows that follow from a seed, shaped like the tutorial's.

Belongs here: uids and the values of one user. Does not belong here: the database that holds them
(`sources.py`).

A user's row is a function of the seed and the user's number. So the log generator can write the
uids of this table without reading it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from userprofile_assets.demo.mixing import mix

if TYPE_CHECKING:
    from collections.abc import Iterator

UserRow: TypeAlias = tuple[str, str | None, str | None, str | None]

TABLE = "ods_user_info_d"
COLUMNS = ("uid", "gender", "age_range", "zodiac")

# NULLs are entries like any other: about 2 % of genders, 3 % of age ranges, 4 % of signs.
_GENDERS: tuple[str | None, ...] = ("男",) * 25 + ("女",) * 24 + (None,)
_AGE_RANGES: tuple[str | None, ...] = (
    ("20岁以下",) * 5
    + ("20-30岁",) * 12
    + ("30-40岁",) * 9
    + ("40-50岁",) * 4
    + ("50岁以上",) * 2
    + (None,)
)
_ZODIAC: tuple[str | None, ...] = (
    "白羊座", "金牛座", "双子座", "巨蟹座", "狮子座", "处女座",
    "天秤座", "天蝎座", "射手座", "摩羯座", "水瓶座", "双鱼座",
) * 2 + (None,)  # fmt: skip

# 13 digits with leading zeros, as in `0016359810821`. Numbers lie in slots of a prime width, so
# uids rise with the user's number (SQLite appends instead of inserting) and cannot collide.
_FIRST = 16_000_000_000
_SLOT = 9_001

_ROW_SALT = 0x5EED


def uid_of(number: int, *, seed: int) -> str:
    """Return the uid of user `number` (from 0 on); different for every number of one seed."""
    return f"{_FIRST + number * _SLOT + mix(seed, number) % _SLOT:013d}"


def user_rows(*, users: int, seed: int) -> Iterator[UserRow]:
    """Yield the rows of the table in the order of their uid, one at a time.

    Args:
        users: Number of rows.
        seed: Another seed gives other uids and other values.
    """
    for number in range(users):
        bits = mix(seed ^ _ROW_SALT, number)
        yield (
            uid_of(number, seed=seed),
            _GENDERS[bits % len(_GENDERS)],
            _AGE_RANGES[(bits >> 16) % len(_AGE_RANGES)],
            _ZODIAC[(bits >> 32) % len(_ZODIAC)],
        )
