"""Addresses that stand for no place."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.enrichment.address_ranges import kind_of_range, kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("9.255.255.255", None),
        ("10.0.0.0", "private"),
        ("10.255.255.255", "private"),
        ("11.0.0.0", None),
        ("172.15.255.255", None),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", None),
        ("192.167.255.255", None),
        ("192.168.0.0", "private"),
        ("192.169.0.0", None),
        ("100.63.255.255", None),
        ("100.64.0.0", "shared"),
        ("100.127.255.255", "shared"),
        ("100.128.0.0", None),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("0.0.0.0", "unspecified"),
        ("0.0.0.1", "reserved"),
        ("1.0.0.0", None),
        ("192.0.0.8", "reserved"),
        ("192.0.0.9", None),
        ("192.0.0.10", None),
        ("192.0.0.11", "reserved"),
        ("192.0.1.0", None),
        ("192.0.2.255", "documentation"),
        ("198.51.100.0", "documentation"),
        ("203.0.113.0", "documentation"),
        ("198.17.255.255", None),
        ("198.19.255.255", "benchmarking"),
        ("192.88.99.1", None),
        ("223.255.255.255", None),
        ("224.0.0.0", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.0", "reserved"),
        ("255.255.255.254", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "reserved"),
        ("::1.2.3.4", "reserved"),
        ("64:ff9b::808:808", None),
        ("64:ff9b:1::1", "private"),
        ("100::1", "reserved"),
        ("1fff:ffff::", "reserved"),
        ("2000::", None),
        ("2001::1", None),
        ("2001:1::1", None),
        ("2001:1::4", "reserved"),
        ("2001:2::1", "benchmarking"),
        ("2001:10::1", "reserved"),
        ("2001:20::1", None),
        ("2001:200::1", None),
        ("2001:db8:ffff::1", "documentation"),
        ("2001:db9::1", None),
        ("2002:a00:1::", None),
        ("3fff:fff::1", "documentation"),
        ("3fff:1000::1", None),
        ("4000::", "reserved"),
        ("5f00::1", "reserved"),
        ("fbff::1", "reserved"),
        ("fc00::1", "private"),
        ("fdff::1", "private"),
        ("fe00::1", "reserved"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
    ],
)
def test_a_range_is_named_from_its_first_address_to_its_last(text, kind):
    assert kind_of_range(ipaddress.ip_address(text).packed) == kind


def test_the_names_are_few():
    assert kinds() == {
        "benchmarking", "broadcast", "documentation", "link-local", "loopback", "multicast",
        "private", "reserved", "shared", "unspecified",
    }  # fmt: skip


# What Python's table had wrong until 3.11.9, or has as private although IANA says "not applicable".
_PYTHON_DIFFERS = [
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96",
        "2001::/23", "2002::/16", "3fff::/20",
    )
]  # fmt: skip


@given(st.ip_addresses())
def test_python_finds_the_same_addresses_special(ip):
    if any(ip in network for network in _PYTHON_DIFFERS):
        return
    special = (
        not ip.is_global
        or ip.is_multicast
        or ip.is_reserved
        or (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)
    )
    if ip.version == 6 and not special and ip not in ipaddress.ip_network("2000::/3"):
        special = True
    assert (kind_of_range(ip.packed) is not None) == special
