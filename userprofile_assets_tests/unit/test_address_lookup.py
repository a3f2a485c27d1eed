"""Rows of the lookup `ip_region`."""

from __future__ import annotations

import hashlib
import hmac
from itertools import count, islice

import pytest

from userprofile_assets.enrichment.address_lookup import IpRegionLookup
from userprofile_assets.enrichment.region_db import open_region_db
from userprofile_assets.errors import SettingsError
from userprofile_assets_tests.support.region_files import write_mmdb

_KEY = b"0123456789abcdef"


def _record(country, region=None, city=None, **more):
    record = {"country": {"names": {"en": country}}, **more}
    if region:
        record["subdivisions"] = [{"names": {"en": region}}]
    if city:
        record["city"] = {"names": {"en": city}}
    return record


@pytest.fixture
def database(tmp_path):
    records = {
        "198.18.0.0/16": _record("Nowhere"),
        "223.5.5.0/24": _record("China", "Zhejiang", "Hangzhou", isp="Alibaba"),
        "8.8.8.0/24": _record("United States"),
        "2408:8400::/32": _record("China", "Beijing", "Beijing"),
    }
    return write_mmdb(tmp_path / "city.mmdb", records)


@pytest.fixture
def lookup(database):
    return IpRegionLookup(open_region_db(str(database)), key=_KEY)


def _regions(lookup, *texts):
    return [row[:-1] for row in lookup.rows((text,) for text in texts)]


def test_each_key_has_one_row_in_order(lookup):
    mixed = ("8.8.8.8", "10.0.0.1", "2408:8400::1", "-", "223.5.5.5", "8.8.8.8")
    assert _regions(lookup, *mixed) == [
        ("8.8.8.8", "United States", None, None, None),
        ("10.0.0.1", "private", None, None, None),
        ("2408:8400::1", "China", "Beijing", "Beijing", None),
        ("-", None, None, None, None),
        ("223.5.5.5", "China", "Zhejiang", "Hangzhou", "Alibaba"),
        ("8.8.8.8", "United States", None, None, None),
    ]


def test_the_key_stays_as_it_is_written(lookup):
    assert _regions(lookup, "[2408:8400:0:0::1]:80", "::FFFF:8.8.8.8") == [
        ("[2408:8400:0:0::1]:80", "China", "Beijing", "Beijing", None),
        ("::FFFF:8.8.8.8", "United States", None, None, None),
    ]


def test_a_range_without_a_place_is_named_whatever_the_database_says(lookup):
    assert _regions(lookup, "198.18.0.1", "fe80::1%eth0", "::ffff:10.0.0.1") == [
        ("198.18.0.1", "benchmarking", None, None, None),
        ("fe80::1%eth0", "link-local", None, None, None),
        ("::ffff:10.0.0.1", "private", None, None, None),
    ]


def test_no_address_and_an_address_not_in_the_database_have_no_region(lookup):
    assert _regions(lookup, "-", "unix:", "9.9.9.9", "\ud800", None) == [
        ("-", None, None, None, None),
        ("unix:", None, None, None, None),
        ("9.9.9.9", None, None, None, None),
        ("\ud800", None, None, None, None),
        (None, None, None, None, None),
    ]


def test_the_address_key_is_the_beginning_of_hmac_sha256(lookup):
    (row,) = lookup.rows([("223.5.5.5",)])
    assert row[-1] == hmac.new(_KEY, b"223.5.5.5", hashlib.sha256).hexdigest()[:16]
    assert row[-1] == "0fa24d21a5abda61"


def test_all_spellings_of_an_address_have_one_address_key(lookup):
    same = ("2001:db8::a", "2001:DB8:0::A", "[2001:db8::a]:443")
    mapped = ("8.8.8.8", "::ffff:8.8.8.8", "8.8.8.8:1024")
    others = ("fe80::1%eth0", "fe80::1%eth1", "fe80::1", "-", "unix:")
    keys = [row[-1] for row in lookup.rows((text,) for text in (*same, *mapped, *others))]
    assert len(set(keys[:3])) == 1
    assert len(set(keys[3:6])) == 1
    assert len(set(keys)) == 2 + len(others)


def test_another_key_gives_other_address_keys_and_another_version(lookup, database):
    other = IpRegionLookup(open_region_db(str(database)), key=_KEY[::-1])
    assert next(lookup.rows([("8.8.8.8",)]))[-1] != next(other.rows([("8.8.8.8",)]))[-1]
    assert lookup.version != other.version


def test_the_version_names_the_database_and_does_not_show_the_key(lookup):
    assert lookup.version.startswith("Test-City 2023-11-14T22:13:20Z ")
    assert _KEY.decode() not in lookup.version
    assert _KEY.hex() not in lookup.version


def test_a_short_key_is_refused(database):
    with pytest.raises(SettingsError, match="has 4 bytes"):
        IpRegionLookup(open_region_db(str(database)), key=b"1234")


def test_keys_are_read_as_rows_are_taken(lookup):
    endless = (("8.8.8.8",) for _ in count())
    assert len(list(islice(lookup.rows(endless), 20_000))) == 20_000


def test_the_columns_are_those_of_the_rows(lookup):
    assert lookup.name == "ip_region"
    names = [column.name for column in lookup.columns]
    assert names == ["ip", "country", "region", "city", "isp", "address_key"]
    assert all(column.type == "string" and column.comment for column in lookup.columns)
