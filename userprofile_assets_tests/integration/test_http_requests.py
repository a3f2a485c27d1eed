"""How a log is asked for: credentials, headers, parameters, redirects, proxies, certificates."""

from __future__ import annotations

import base64
import logging
import ssl
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import SettingsError, SourceError, SourceUnavailableError
from userprofile_assets_tests.support.certificates import Authority
from userprofile_assets_tests.support.log_days import LogDay
from userprofile_assets_tests.support.web import Answer, Web, redirect

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("unhurried")

SECRETS = {"token": "t0ken-s3cret"}
KEY = {"headers": {"X-Api-Key": "k3y-s3cret", "Cookie": "id=c00kie-s3cret"}}


@pytest.fixture
def day(tmp_path) -> LogDay:
    return LogDay(tmp_path)


@pytest.fixture
def other(web) -> Iterator[Web]:
    """A second server: another port, so another origin."""
    server = Web()
    yield server
    server.close()


def sent(web, path, *names) -> list[tuple[str | None, ...]]:
    return [tuple(headers[name] for name in names) for headers in web.requests(path)]


def test_a_token_is_sent_as_a_bearer(web, day):
    url = web.script("/log", Answer(body=b"a\n"))
    assert day.copied(url, **SECRETS) == b"a\n"
    assert sent(web, "/log", "Authorization") == [("Bearer t0ken-s3cret",)]


def test_a_user_of_the_url_is_sent_as_basic_credentials_decoded(web, day):
    web.script("/log", Answer(body=b"a\n"))
    day.copied(web.url("/log", user="re%40der:s%2F%C3%BC"))
    basic = base64.b64encode("re@der:s/ü".encode()).decode()
    assert sent(web, "/log", "Authorization") == [(f"Basic {basic}",)]


def test_headers_are_sent_as_they_are(web, day):
    url = web.script("/log", Answer(body=b"a\n"))
    day.copied(url, **KEY)
    assert sent(web, "/log", "X-Api-Key", "Cookie") == [("k3y-s3cret", "id=c00kie-s3cret")]


@pytest.mark.parametrize(
    ("path", "target"),
    [("/log", "/log?a=1&b=%E7%94%A8"), ("/log?sig=x%2Fy", "/log?sig=x%2Fy&a=1&b=%E7%94%A8")],
    ids=["no query", "after a query"],
)
def test_the_parameters_of_a_get_are_appended_to_its_query(web, day, path, target):
    web.script("/log", Answer(body=b"a\n"))
    day.copied(web.url(path), parameters="a=1&b=%E7%94%A8")
    (request,) = web.asked("/log")
    assert (request.method, request.target, request.body) == ("GET", target, b"")


def test_the_parameters_of_a_post_are_its_form(web, day):
    url = web.script("/log", Answer(body=b"a\n"))
    day.copied(url, method="POST", parameters="a=1&b=2")
    (request,) = web.asked("/log")
    assert (request.method, request.target, request.body) == ("POST", "/log", b"a=1&b=2")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_that_is_redirected_becomes_a_get(web, day, status):
    web.script("/new", Answer(body=b"a\n"))
    url = web.script("/log", redirect("/new", status))
    assert day.copied(url, method="POST", parameters="a=1") == b"a\n"
    (request,) = web.asked("/new")
    assert (request.method, request.body, request.headers["Content-Type"]) == ("GET", b"", None)


@pytest.mark.parametrize("status", [307, 308])
def test_a_post_keeps_its_form_on_its_own_server(web, day, status):
    web.script("/new", Answer(body=b"a\n"))
    url = web.script("/log", redirect("/new", status))
    assert day.copied(url, method="POST", parameters="a=1") == b"a\n"
    (request,) = web.asked("/new")
    assert (request.method, request.body) == ("POST", b"a=1")


@pytest.mark.parametrize("status", [307, 308])
def test_a_form_is_not_given_to_another_server(web, other, day, status):
    target = other.script("/new", Answer(body=b"a\n"))
    url = web.script("/log", redirect(target, status))
    with pytest.raises(SourceError, match="is not given the form of another server"):
        day.copied(url, method="POST", parameters="a=1")
    assert other.asked("/new") == []


SECRET_HEADERS = ("Authorization", "X-Api-Key", "Cookie")


def test_secrets_stay_on_their_own_server(web, day):
    web.script("/new", Answer(body=b"a\n"))
    url = web.script("/log", redirect("/new"))
    day.copied(url, **SECRETS, **KEY)
    everything = ("Bearer t0ken-s3cret", "k3y-s3cret", "id=c00kie-s3cret")
    assert sent(web, "/new", *SECRET_HEADERS) == [everything]


def test_secrets_are_not_sent_to_another_port(web, other, day):
    target = other.script("/new", Answer(body=b"a\n"))
    day.copied(web.script("/log", redirect(target)), **SECRETS, **KEY)
    assert sent(other, "/new", *SECRET_HEADERS) == [(None, None, None)]


@pytest.mark.parametrize(
    "target",
    ["http://h:99999/", "http://xn--/", "http://a..example/", f"http://{'a' * 64}.example/"],
    ids=["port", "punycode", "empty label", "long label"],
)
@pytest.mark.parametrize("allowed", [[], ["127.0.0.1"]], ids=["any host", "this host"])
def test_a_redirect_to_no_address_is_refused(web, day, target, allowed):
    url = web.script("/log", redirect(target))
    with pytest.raises(SourceError, match="redirected to an address that cannot be parsed"):
        day.copied(url, allowed_hosts=tuple(allowed))
    day.assert_untouched()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:99999", "logs..example", f"{'a' * 64}.example", "xn--"],
    ids=["port", "empty label", "long label", "punycode"],
)
def test_an_address_that_is_none_is_refused_and_names_the_setting(day, host):
    with pytest.raises(SourceError, match="the URL cannot be parsed") as caught:
        day.copied(f"http://u:s3cret@{host}/log")
    assert "USERPROFILE_LOG_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no PEM"])
def test_authorities_of_the_environment_that_cannot_be_read_are_named(
    web, day, content, monkeypatch, tmp_path
):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        day.copied(web.script("/log", Answer(body=b"a\n")))


def test_secrets_are_not_sent_again_when_a_redirect_leads_back(web, other, day):
    web.script("/end", Answer(body=b"a\n"))
    there = other.script("/there", redirect(web.script("/back", redirect("/end"))))
    day.copied(web.script("/log", redirect(there)), **SECRETS, **KEY)
    for path in ("/back", "/end"):
        assert sent(web, path, *SECRET_HEADERS) == [(None, None, None)]


def test_a_user_in_a_redirect_is_not_taken(web, other, day):
    other.script("/new", Answer(body=b"a\n"))
    day.copied(web.script("/log", redirect(other.url("/new", user="a:b"))))
    assert sent(other, "/new", "Authorization") == [(None,)]


def test_a_host_that_is_not_allowed_is_not_asked(web, day):
    url = web.script("/log", Answer(body=b"a\n"))
    with pytest.raises(SourceError, match="not among the allowed ones") as caught:
        day.copied(url, allowed_hosts=("logs.example",))
    assert "USERPROFILE_LOG_ALLOWED_HOSTS" in str(caught.value)
    assert web.asked("/log") == []
    day.assert_untouched()


def test_a_redirect_to_a_host_that_is_not_allowed_is_not_followed(web, other, day):
    target = other.script("/new", Answer(body=b"a\n"))
    url = web.script("/log", redirect(f"{target}?sig=s3cret"))
    with pytest.raises(SourceError, match="not among the allowed ones") as caught:
        day.copied(url, allowed_hosts=(f"127.0.0.1:{web.port}",))
    assert "s3cret" not in str(caught.value)
    assert other.asked("/new") == []


def test_an_allowed_host_is_asked(web, day):
    url = web.script("/log", Answer(body=b"a\n"))
    assert day.copied(url, allowed_hosts=("logs.example", "127.0.0.1")) == b"a\n"


def test_a_proxy_gets_the_whole_url_and_its_own_credentials(web, day):
    web.script("http://logs.example/log", Answer(body=b"a\n"))
    proxy = web.url("", user="pr0xy:s3cret")
    assert day.copied("http://logs.example/log", proxy=proxy) == b"a\n"
    (request,) = web.asked("http://logs.example/log")
    basic = base64.b64encode(b"pr0xy:s3cret").decode()
    assert request.headers["Proxy-Authorization"] == f"Basic {basic}"


def test_the_proxy_of_the_environment_is_used(web, day, monkeypatch):
    web.script("http://logs.example/log", Answer(body=b"a\n"))
    monkeypatch.setenv("HTTP_PROXY", web.url(""))
    monkeypatch.setenv("http_proxy", web.url(""))
    assert day.copied("http://logs.example/log") == b"a\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_a_permanent_error(web, day, scheme):
    web.script("http://logs.example/log", Answer(status=407))
    web.script("logs.example:443", Answer(status=407))
    with pytest.raises(SourceError, match="407") as caught:
        day.copied(f"{scheme}://logs.example/log", proxy=web.url("", user="me:s3cret"))
    assert "USERPROFILE_LOG_PROXY" in str(caught.value)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_proxy_that_does_not_answer_is_a_transient_error_that_names_it(web, day):
    proxy = web.url("", user="me:s3cret")
    web.close()
    with pytest.raises(SourceUnavailableError, match="USERPROFILE_LOG_PROXY") as caught:
        day.copied("http://logs.example/log", proxy=proxy)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("proxy", ["s3cret", "ftp://s3cret:p@host", "http://me:s3cret@host:x"])
def test_a_proxy_that_is_no_url_is_a_settings_error_without_its_password(web, day, proxy):
    with pytest.raises(SettingsError, match="USERPROFILE_LOG_PROXY") as caught:
        day.copied(web.script("/log", Answer(body=b"a\n")), proxy=proxy)
    assert "s3cret" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def secure(web, authority) -> Iterator[Web]:
    """A server with TLS, whose certificate is for 127.0.0.1 and not for localhost."""
    certificate, key = authority.issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Web(context)
    yield server
    server.close()


def test_a_server_of_our_own_authority_is_believed(secure, authority, day):
    url = secure.script("/log", Answer(body=b"a\n"))
    assert url.startswith("https://")
    assert day.copied(url, ca=str(authority.ca_path)) == b"a\n"


def test_a_server_of_another_authority_is_a_permanent_error(secure, tmp_path, day):
    url = secure.script("/log", Answer(body=b"a\n"))
    wrong = Authority(tmp_path / "wrong", "another authority")
    for ca in (None, str(wrong.ca_path)):
        with pytest.raises(SourceError, match="certificate does not verify") as caught:
            day.copied(url, ca=ca, **SECRETS)
        assert "USERPROFILE_LOG_CA" in str(caught.value)
    assert secure.asked("/log") == []
    day.assert_untouched()


def test_a_server_with_another_name_is_a_permanent_error(secure, authority, day):
    secure.script("/log", Answer(body=b"a\n"))
    with pytest.raises(SourceError, match="certificate does not verify"):
        day.copied(secure.url("/log", host="localhost"), ca=str(authority.ca_path))
    assert secure.asked("/log") == []


def test_a_redirect_from_tls_to_clear_text_is_refused(secure, web, authority, day):
    url = secure.script("/log", redirect(web.script("/clear", Answer(body=b"a\n"))))
    with pytest.raises(SourceError, match="redirected from https to http"):
        day.copied(url, ca=str(authority.ca_path))
    assert web.asked("/clear") == []


def test_a_server_without_tls_is_a_permanent_error(web, day):
    web.script("/log", Answer(body=b"a\n"))
    with pytest.raises(SourceError, match="does not speak TLS"):
        day.copied(web.url("/log").replace("http:", "https:"))


@pytest.mark.parametrize(
    "content", [None, b"", b"no certificate"], ids=["missing", "empty", "text"]
)
def test_an_authority_that_cannot_be_loaded_is_a_settings_error(web, day, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="the certificates cannot be loaded") as caught:
        day.copied(web.script("/log", Answer(body=b"a\n")), ca=str(path))
    assert f"USERPROFILE_LOG_CA={path}" in str(caught.value)
    assert web.asked("/log") == []


def test_no_secret_is_logged_or_kept(web, other, day, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    target = other.script("/new", Answer(status=403, headers={"Set-Cookie": "sid=answer-s3cret"}))
    url = web.script("/log", redirect(f"{target}?signature=location-s3cret"))
    with pytest.raises(SourceError) as caught:
        day.copied(url, parameters="password=parameter-s3cret", **SECRETS, **KEY)
    ok = web.script("/ok", Answer(body=b"a\n", headers={"ETag": '"v1"'}))
    day.copied(ok, parameters="password=parameter-s3cret", **SECRETS, **KEY)
    assert "HTTP Request: GET" in caplog.text
    shown = caplog.text + "".join(day.lines) + f"{caught.value!r} {caught.value.__cause__!r}"
    assert "s3cret" not in shown
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes()
