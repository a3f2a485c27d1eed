"""Addresses of Thrift servers."""

import pytest

from userprofile_assets.errors import SettingsError
from userprofile_assets.warehouse.thrift_transport import first_sentence
from userprofile_assets.warehouse.thrift_url import ThriftUrl, parse_thrift_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("thrift://host", ThriftUrl(host="host", port=10000)),
        (
            "thrift://me:p%40ss%2F@host:10009/sales",
            ThriftUrl(host="host", port=10009, user="me", password="p@ss/", database="sales"),
        ),
        (
            "thrift://gateway/?transport=https&path=/cliservice/token/abc",
            ThriftUrl(host="gateway", port=443, transport="https", path="cliservice/token/abc"),
        ),
        ("thrift://host/?transport=http", ThriftUrl(host="host", port=80, transport="http")),
        ("thrift://host/?auth=nosasl", ThriftUrl(host="host", port=10000, auth="nosasl")),
        ("thrift://[::1]:10/", ThriftUrl(host="::1", port=10)),
    ],
    ids=["host alone", "login and database", "gateway", "http", "no SASL", "IPv6"],
)
def test_an_address_is_read(url, expected):
    assert parse_thrift_url(url) == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("thrift:///db", "it has no host"),
        ("hive2://host", "another scheme than thrift"),
        ("thrift://host:port", "it cannot be read as a URL"),
        ("thrift://host/?transport=carrier", "one of: binary, tls, http, https"),
        ("thrift://host/?auth=plain&auth=nosasl", "its option auth"),
        ("thrift://host/?tls=on", "tls is no option"),
        ("thrift://host/?x", "it cannot be read as a URL"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_form_it_should_have(url, said):
    with pytest.raises(SettingsError) as caught:
        parse_thrift_url(url)
    assert said in str(caught.value)
    assert "thrift://user:password@host:port/database" in str(caught.value)


def test_what_is_shown_of_an_address_holds_no_secret():
    url = parse_thrift_url(
        "thrift://me:canary-password@host/db?transport=https&path=cliservice/token/canary-token"
    )
    assert url.address == "thrift://host:443/db"
    assert "canary" not in repr(url)


def test_a_refused_address_shows_nothing_of_itself():
    with pytest.raises(SettingsError) as caught:
        parse_thrift_url("thrift://me:canary-password@host:canary-port/")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "org.apache.hive.service.cli.HiveSQLException: Error running query: "
            "[DIVIDE_BY_ZERO] org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] "
            "Division by zero. SQLSTATE: 22012\n\tat org.apache.spark.sql",
            "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012",
        ),
        (
            "Error running query: [PARSE_SYNTAX_ERROR] "
            "org.apache.spark.sql.catalyst.parser.ParseException: \n"
            "[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'.(line 1, pos 0)",
            "[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'.(line 1, pos 0)",
        ),
        ("\n  java.io.IOException: disk\n at x", "java.io.IOException: disk"),
        ("", "no reason given"),
    ],
    ids=["repeated on one line", "on a line of its own", "no error class", "nothing"],
)
def test_the_sentence_is_found_in_what_a_server_says(said, expected):
    assert first_sentence(said) == expected
