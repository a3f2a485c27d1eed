"""What is read as an address, and how it is spelled."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.enrichment.address_text import parse_address


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        pytest.param("203.0.113.7", "203.0.113.7", id="IPv4"),
        pytest.param("0.0.0.0", "0.0.0.0", id="IPv4 of zeros"),
        pytest.param(" 203.0.113.7\t", "203.0.113.7", id="blanks around IPv4"),
        pytest.param("203.0.113.7:51234", "203.0.113.7", id="port behind IPv4"),
        pytest.param("2001:DB8::A", "2001:db8::a", id="upper case"),
        pytest.param("2001:0db8:0000:0:0:0:0:000a", "2001:db8::a", id="not shortened"),
        pytest.param("[2001:db8::a]", "2001:db8::a", id="brackets"),
        pytest.param("[2001:db8::a]:443", "2001:db8::a", id="brackets and port"),
        pytest.param("fe80::1%eth0", "fe80::1%eth0", id="zone"),
        pytest.param("[FE80::1%eth0]:80", "fe80::1%eth0", id="zone in brackets"),
        pytest.param("::ffff:203.0.113.7", "203.0.113.7", id="IPv4-mapped"),
        pytest.param("::FFFF:CB00:7107", "203.0.113.7", id="IPv4-mapped in hexadecimal"),
        pytest.param("[::ffff:203.0.113.7]:80", "203.0.113.7", id="IPv4-mapped in brackets"),
        pytest.param("::", "::", id="IPv6 of zeros"),
    ],
)
def test_every_way_to_write_an_address_has_one_spelling(text, spelling):
    address = parse_address(text)
    assert address is not None
    assert address.spelling == spelling


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "unix:",
        "unix:/run/nginx.sock",
        "localhost",
        "host.example.com",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.07",
        "3405803783",
        "0x7f.0.0.1",
        "203.0.113.7, 198.51.100.1",
        "203.0.113.7/24",
        "203.0.113.7%eth0",
        "203.0.113.7:",
        "203.0.113.7:123456",
        "[203.0.113.7",
        "[]",
        "2001:db8::a::b",
        "2001:db8",
        "12345::",
        "fe80::1%",
        "fe80::1%a b",
        "\uff11.2.3.4",
        "1.2.3.4\x00",
        "\ud800",
        "1" * 5_000_000,
    ],
    ids=lambda text: repr(text[:30]).encode("ascii", "backslashreplace").decode(),
)
def test_anything_else_is_no_address(text):
    assert parse_address(text) is None


@given(st.text(max_size=60) | st.text("0123456789abcdefABCDEF:.%[]", max_size=45))
def test_no_text_is_an_error(text):
    parse_address(text)


@given(st.ip_addresses())
def test_plain_addresses_are_read_as_python_reads_them(ip):
    address = parse_address(str(ip))
    assert address is not None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    assert ipaddress.ip_address(address.packed) == (mapped or ip)
    assert parse_address(address.text) == address
