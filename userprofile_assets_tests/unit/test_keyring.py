"""The keys as a running server knows them: how old they get, when a use is written down."""

from __future__ import annotations

import asyncio

import pytest

from userprofile_assets.errors import RecordsUnavailableError
from userprofile_assets.records.database import open_records
from userprofile_assets.service import keyring
from userprofile_assets.service.keyring import FRESH_SECONDS, OLDEST_SECONDS, Keyring
from userprofile_assets.serving.api_keys import Scope, create_key, list_keys, revoke_key, write_uses


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(keyring, "time", clock)
    return clock


@pytest.fixture
def records(tmp_path):
    with open_records(None, tmp_path) as opened:
        yield opened


def test_keys_are_not_read_again_while_they_are_fresh(records, clock):
    async def ask():
        ring = Keyring(records, print)
        before = await ring.known()
        create_key(records, "shop", [Scope.AGGREGATES])
        clock.now += FRESH_SECONDS / 2
        assert await ring.known() is before

    asyncio.run(ask())


def test_a_request_does_not_wait_for_keys_that_are_read_again_beside_it(records, clock):
    async def ask():
        ring = Keyring(records, print)
        before = await ring.known()
        create_key(records, "shop", [Scope.AGGREGATES])
        clock.now += FRESH_SECONDS + 0.1
        assert await ring.known() is before
        await ring.close()  # what is read beside it is there now
        assert not (await ring.known()).open

    asyncio.run(ask())


def test_keys_that_are_too_old_are_waited_for_so_a_revoked_one_is_refused(records, clock):
    key, text = create_key(records, "shop", [Scope.AGGREGATES])

    async def ask():
        ring = Keyring(records, print)
        assert (await ring.known()).find(text) == key
        revoke_key(records, key.id)
        clock.now += OLDEST_SECONDS + 0.1
        assert (await ring.known()).find(text) is None

    asyncio.run(ask())


def test_nobody_is_let_in_while_the_keys_cannot_be_read(records, clock, monkeypatch):
    def fail(_):
        raise RecordsUnavailableError("reading the records failed", where="the database")

    async def ask():
        said: list[str] = []
        ring = Keyring(records, said.append)
        await ring.known()
        monkeypatch.setattr(keyring, "read_known_keys", fail)
        clock.now += OLDEST_SECONDS + 0.1
        with pytest.raises(RecordsUnavailableError):
            await ring.known()
        assert "the keys cannot be read" in said[0]

    asyncio.run(ask())


def test_a_use_is_written_down_once_a_minute(records, clock, monkeypatch):
    written = []

    def write(records, uses):
        written.append(uses)
        write_uses(records, uses)

    monkeypatch.setattr(keyring, "write_uses", write)
    key, _ = create_key(records, "shop", [Scope.AGGREGATES])

    async def use():
        ring = Keyring(records, print)
        for seconds in (0, 1, 58, 2):
            clock.now += seconds
            ring.used(key.id)
            await ring.close()

    asyncio.run(use())
    assert [list(uses) for uses in written] == [[key.id], [key.id]]
    assert list_keys(records)[0].last_used_at == written[1][key.id]
