"""What may be asked for, by whom, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.http_options import HttpOptions, origin_of
from userprofile_assets.resources.http import HttpResource

URL = "https://logs.example/log"


@pytest.mark.parametrize(
    ("options", "url", "setting"),
    [
        ({"parameters": "name=s3cret value"}, URL, "USERPROFILE_LOG_PARAMETERS"),
        ({"parameters": "s3cret=1\r\nX: y"}, URL, "USERPROFILE_LOG_PARAMETERS"),
        ({"parameters": "s3cret=100%"}, URL, "USERPROFILE_LOG_PARAMETERS"),
        ({"parameters": "a=s3cret#b"}, URL, "USERPROFILE_LOG_PARAMETERS"),
        ({"headers": {"X-Key": "s3cret\r\nX: y"}}, URL, "USERPROFILE_LOG_HEADERS"),
        ({"headers": {"s3cret header": "x"}}, URL, "USERPROFILE_LOG_HEADERS"),
        ({"headers": {"X-Key": "s3crét"}}, URL, "USERPROFILE_LOG_HEADERS"),
        ({"headers": {"RANGE": "s3cret"}}, URL, "the header 'range' is set by the copy itself"),
        ({"headers": {"Accept-Encoding": "s3cret"}}, URL, "USERPROFILE_LOG_HEADERS"),
        ({"token": "s3cret token"}, URL, "USERPROFILE_LOG_TOKEN"),
        ({"token": "s3cret"}, "https://me:s3cret@logs.example/", "two credentials"),
        ({"token": "s3cret", "headers": {"authorization": "s3cret"}}, URL, "two credentials"),
        ({"allowed_hosts": ("https://s3",)}, URL, "USERPROFILE_LOG_ALLOWED_HOSTS"),
    ],
)
def test_what_cannot_work_is_refused_without_showing_it(options, url, setting):
    with pytest.raises(SettingsError, match=setting) as caught:
        HttpOptions(**options).check(url)
    assert "s3cret" not in str(caught.value)


def test_what_works_is_not_refused():
    HttpOptions(
        parameters="a=1&b=%E7%94%A8&c=x/y:z",
        headers={"X-Api-Key": "k", "Host": "logs.internal"},
        token="abc-._~+/=",
        allowed_hosts=("a.example", ".b.example", "127.0.0.1:8080", "[::1]:80"),
    ).check(URL)


def test_no_secret_is_in_the_repr():
    options = HttpOptions(
        parameters="p=s3cret",
        headers={"X-Key": "s3cret"},
        token="s3cret",
        sha256="https://me:s3cret@host/sum",
        proxy="http://me:s3cret@host",
    )
    assert "s3cret" not in repr(options)


@pytest.mark.parametrize(
    ("allowed", "url", "may"),
    [
        ("logs.example", "https://logs.example/log", True),
        ("LOGS.example", "https://logs.EXAMPLE./log", True),
        ("logs.example", "https://logs.example:8443/log", True),
        ("logs.example:443", "https://logs.example/log", True),
        ("logs.example:443", "http://logs.example/log", False),
        ("logs.example", "https://logs.example.evil/log", False),
        ("logs.example", "https://evil.logs.example/log", False),
        ("logs.example", "https://logs.example@evil/log", False),
        (".example", "https://logs.example/log", True),
        (".example", "https://badexample/log", False),
        ("[::1]", "http://[::1]:8080/log", True),
    ],
)
def test_only_allowed_hosts_may_be_asked(allowed, url, may):
    assert HttpOptions(allowed_hosts=(allowed,)).may_ask(url) is may


def test_without_a_list_every_host_may_be_asked():
    assert HttpOptions().may_ask("http://anywhere/log")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a/x", "http://a:80/y", True),
        ("https://a/x", "https://A:443/x", True),
        ("http://a/x", "https://a/x", False),
        ("http://a/x", "http://a:8080/x", False),
        ("http://a/x", "http://b/x", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one, other, same):
    assert (origin_of(one) == origin_of(other)) is same


def resource(**fields) -> HttpResource:
    defaults: dict[str, Any] = {
        "home": "/home", "timezone": "UTC", "demo_lines": 1, "demo_users": 1, "demo_seed": 1,
    }  # fmt: skip
    return HttpResource(**(defaults | fields))


def test_the_resource_puts_the_day_into_parameters_and_sha256():
    options = resource(
        url="https://logs.example/log",
        parameters="day=${bizdate}",
        sha256="https://logs.example/${bizdate}.sha256",
        headers='{"X-Key": "k"}',
        allowed_hosts=["logs.example"],
    ).options_of("20240807")
    assert options == HttpOptions(
        parameters="day=20240807",
        sha256="https://logs.example/20240807.sha256",
        headers={"X-Key": "k"},
        allowed_hosts=("logs.example",),
    )


@pytest.mark.parametrize(
    ("fields", "has_history"),
    [
        ({}, True),
        ({"url": "https://a/log"}, False),
        ({"url": "https://a/${bizdate}"}, True),
        ({"url": "https://a/log", "parameters": "day=${bizdate}"}, True),
        ({"url": "https://a/log", "sha256": "https://a/${bizdate}.sha256"}, True),
    ],
    ids=["demo", "one file", "day in the URL", "day in the parameters", "day in the digest only"],
)
def test_a_day_in_url_parameters_or_digest_means_a_log_for_each_day(fields, has_history):
    assert resource(**fields).has_history is has_history


@pytest.mark.parametrize("headers", ["s3cret", "[1]", '{"X-Key": 1}', '"s3cret"'])
def test_headers_that_are_no_json_object_are_refused_without_showing_them(headers):
    with pytest.raises(SettingsError, match="USERPROFILE_LOG_HEADERS") as caught:
        resource(headers=headers).options_of("20240807")
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__!r}"


def test_another_method_is_refused():
    with pytest.raises(SettingsError, match="set it to GET or POST"):
        resource(method="PUT").options_of("20240807")
