"""Keys of the API at rest, in a real SQLite file."""

from __future__ import annotations

import hashlib

import pytest

from userprofile_assets.errors import ApiKeyError
from userprofile_assets.records.database import open_records
from userprofile_assets.serving.api_keys import (
    Scope,
    create_key,
    list_keys,
    read_known_keys,
    revoke_key,
    write_uses,
)
from userprofile_assets.serving.tables import serving_tables


@pytest.fixture
def records(tmp_path):
    with open_records(None, tmp_path) as opened:
        yield opened


def test_a_key_is_prefix_id_and_256_random_bits_and_only_its_sha256_is_kept(records):
    from sqlalchemy import select

    key, text = create_key(records, "shop", [Scope.AGGREGATES])
    prefix, key_id, secret = text.split("_", 2)
    assert (prefix, key_id, len(secret)) == ("up", key.id, 43)
    (row,) = records.read(select(serving_tables().api_key))
    assert row.key_hash == hashlib.sha256(text.encode()).hexdigest()
    assert not any(secret in str(value) for value in row)


def test_two_keys_share_nothing(records):
    one, other = (create_key(records, "shop", [Scope.AGGREGATES])[1] for _ in range(2))
    assert one.split("_", 2)[1:] != other.split("_", 2)[1:]


def test_a_good_key_is_found_by_its_whole_text_only(records):
    key, text = create_key(records, "shop", [Scope.PII], rate=7)
    other = create_key(records, "other", [Scope.AGGREGATES])[1]
    known = read_known_keys(records)
    assert known.find(text) == key
    swapped = f"up_{key.id}_{other.split('_', 2)[2]}"
    for wrong in (
        text[:-1],
        f"{text}x",
        text.upper(),
        "",
        "up",
        "up__",
        key.id,
        swapped,
        "ü",
        "\ud800",
    ):
        assert known.find(wrong) is None, wrong


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ([Scope.AGGREGATES], {"aggregates"}),
        ([Scope.USERS], {"users", "aggregates"}),
        ([Scope.PII], {"pii"}),
        ([Scope.USERS, Scope.PII], {"users", "aggregates", "pii"}),
    ],
    ids=["aggregates", "users open aggregates too", "pii alone", "users and pii"],
)
def test_what_scopes_open(records, given, opened):
    text = create_key(records, "shop", given)[1]
    key = read_known_keys(records).find(text)
    assert key is not None
    assert key.scopes == opened


def test_a_scope_of_a_newer_version_opens_nothing(records):
    table = serving_tables().api_key
    text = create_key(records, "shop", [Scope.AGGREGATES])[1]
    records.write(lambda c: c.execute(table.update().values(scopes="aggregates everything")))
    key = read_known_keys(records).find(text)
    assert key is not None
    assert key.scopes == {"aggregates"}


def test_a_revoked_key_is_not_found_and_stays_in_the_list(records):
    key, text = create_key(records, "shop", [Scope.AGGREGATES])
    assert revoke_key(records, key.id).revoked_at is not None
    assert read_known_keys(records).find(text) is None
    assert [listed.id for listed in list_keys(records)] == [key.id]


def test_the_first_revocation_counts(records):
    key, _ = create_key(records, "shop", [Scope.AGGREGATES])
    first = revoke_key(records, key.id).revoked_at
    assert revoke_key(records, key.id).revoked_at == first


def test_a_leaked_key_is_revoked_by_its_text(records):
    _, text = create_key(records, "shop", [Scope.AGGREGATES])
    revoke_key(records, text)
    assert read_known_keys(records).find(text) is None


def test_an_unknown_id_is_an_error_that_does_not_show_it(records):
    secret = "up_0000000000_aBcDeFgHiJkLmNoPqRsTuVwXyZ"
    with pytest.raises(ApiKeyError, match="no key with that id") as caught:
        revoke_key(records, secret)
    assert "aBcDeF" not in str(caught.value)


def test_the_database_is_open_only_until_a_key_was_made(records):
    assert read_known_keys(records).open
    key, _ = create_key(records, "shop", [Scope.AGGREGATES])
    assert not read_known_keys(records).open
    revoke_key(records, key.id)
    assert not read_known_keys(records).open


def test_the_last_use_is_kept(records):
    key, _ = create_key(records, "shop", [Scope.AGGREGATES])
    write_uses(records, {key.id: "2024-08-07T01:02:03.000004Z", "unknown": "2024-08-07"})
    assert [k.last_used_at for k in list_keys(records)] == ["2024-08-07T01:02:03.000004Z"]


@pytest.mark.parametrize(
    "name",
    ["", "  ", "a\nb", "\x1b[31m", "x" * 101],
    ids=["empty", "blank", "two lines", "escape", "long"],
)
def test_a_name_that_would_spoil_a_list_is_refused(records, name):
    with pytest.raises(ApiKeyError, match="1 to 100 printable"):
        create_key(records, name, [Scope.AGGREGATES])


def test_a_key_without_a_scope_is_refused(records):
    with pytest.raises(ApiKeyError, match="needs a scope"):
        create_key(records, "shop", [])
