"""A log is published only if its bytes are those that the server or the operator promised."""

from __future__ import annotations

import base64
import gzip
import hashlib

import pytest

from userprofile_assets.errors import SettingsError, SourceError, SourceMissingError
from userprofile_assets.ingestion.digests import DigestError
from userprofile_assets.ingestion.log_copy import LogOptions
from userprofile_assets_tests.support.log_days import LogDay
from userprofile_assets_tests.support.web import Answer, File

pytestmark = pytest.mark.usefixtures("unhurried")

BODY = b"".join(b"line %d\n" % number for number in range(40_000))
GOOD = hashlib.sha256(BODY).hexdigest()
BAD = "ab" * 32


@pytest.fixture
def day(tmp_path) -> LogDay:
    return LogDay(tmp_path)


def b64(algorithm: str, data: bytes) -> str:
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


def promised(data: bytes) -> list[dict[str, str]]:
    return [
        {"Repr-Digest": f"sha-256=:{b64('sha256', data)}:"},
        {"Content-Digest": f"sha-512=:{b64('sha512', data)}:"},
        {"Content-Digest": f"unixsum=:AAA=:, sha-256=:{b64('sha256', data)}:"},
        {"Content-MD5": b64("md5", data)},
    ]


IDS = ["Repr-Digest", "Content-Digest sha-512", "several", "Content-MD5"]


@pytest.mark.parametrize("headers", promised(BODY), ids=IDS)
def test_a_log_with_the_digest_that_the_server_promises_is_published(web, day, headers):
    url = web.script("/log", Answer(body=BODY, headers=headers))
    assert day.copied(url) == BODY
    assert len(web.requests("/log")) == 1


@pytest.mark.parametrize("headers", promised(b"other"), ids=IDS)
def test_a_log_with_another_digest_is_read_once_more_and_never_published(web, day, headers):
    url = web.script("/log", Answer(body=BODY, headers=headers))
    with pytest.raises(SourceError, match=f"but {next(iter(headers))} says") as caught:
        day.copied(url)
    assert "for the second time in a row" in str(caught.value)
    assert len(web.requests("/log")) == 2
    day.assert_untouched()


def test_bytes_that_were_damaged_once_are_read_again(web, day):
    headers = {"Repr-Digest": f"sha-256=:{b64('sha256', BODY)}:"}
    damaged = Answer(body=BODY.replace(b"line 7\n", b"lime 7\n"), headers=headers)
    url = web.script("/log", damaged, Answer(body=BODY, headers=headers))
    assert day.copied(url) == BODY
    assert len(web.requests("/log")) == 2


def test_bytes_that_are_damaged_anew_each_time_are_a_transient_error(web, day):
    headers = {"Repr-Digest": f"sha-256=:{b64('sha256', BODY)}:"}
    answers = [Answer(body=BODY + b"%d" % number, headers=headers) for number in range(6)]
    url = web.script("/log", *answers)
    with pytest.raises(DigestError, match="but Repr-Digest says"):
        day.copied(url)
    assert len(web.requests("/log")) == 5
    day.assert_untouched()


def test_the_digest_is_that_of_the_whole_log_after_a_cut(web, day):
    headers = {"Repr-Digest": f"sha-256=:{b64('sha256', BODY)}:"}
    url = web.script("/log", File(BODY, headers=headers, cuts=[100_000]))
    assert day.copied(url) == BODY
    assert len(web.requests("/log")) == 2


@pytest.mark.parametrize("value", ["sha-256=abc", "sha-256=:AAAA:", "sha-256", "nonsense=:AAAA:"])
def test_a_promise_that_cannot_be_read_is_none(web, day, value):
    url = web.script("/log", Answer(body=BODY, headers={"Content-Digest": value}))
    assert day.copied(url) == BODY


@pytest.mark.parametrize("sha256", [GOOD, GOOD.upper()], ids=["lower case", "upper case"])
def test_a_log_with_the_expected_sha256_is_published(web, day, sha256):
    assert day.copied(web.script("/log", Answer(body=BODY)), sha256=sha256) == BODY


def test_a_log_with_another_sha256_names_both_and_is_not_published(web, day):
    url = web.script("/log", Answer(body=BODY))
    with pytest.raises(SourceError) as caught:
        day.copied(url, sha256=BAD)
    expected = f"the sha-256 of the bytes is {GOOD}, but USERPROFILE_LOG_SHA256 says {BAD}"
    assert expected in str(caught.value)
    day.assert_untouched()


def test_the_sha256_is_that_of_the_source_not_of_what_is_stored(web, day):
    packed = gzip.compress(BODY)
    url = web.script("/log", Answer(body=packed))
    options = LogOptions(compression="gzip")
    sha256 = hashlib.sha256(packed).hexdigest()
    assert day.copied(url, options=options, sha256=sha256) == BODY
    with pytest.raises(SourceError):
        day.copied(url, options=options, sha256=GOOD)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD, id="the digits alone"),
        pytest.param(f"{GOOD}  log.txt\n", id="sha256sum"),
        pytest.param(f"{BAD}  other.txt\n{GOOD} *log.txt\n", id="several files"),
        pytest.param(f"SHA256 (log.txt) = {GOOD}\n", id="BSD"),
        pytest.param(f"{BAD}  old-log.txt\n{GOOD}  ./log.txt\n", id="a name that ends alike"),
    ],
)
def test_the_sha256_may_lie_in_a_file_beside_the_log(web, day, text):
    sums = web.script("/SHA256SUMS", Answer(body=text.encode()))
    url = web.script("/log.txt", Answer(body=BODY))
    assert day.copied(url, sha256=sums) == BODY


def test_a_file_without_any_sha256_is_a_permanent_error(web, day):
    sums = web.script("/sum", Answer(body=b"<html>soon</html>"))
    with pytest.raises(SourceError, match="the file holds no SHA-256"):
        day.copied(web.script("/log", Answer(body=BODY)), sha256=sums)
    assert web.requests("/log") == []


def test_a_missing_file_with_the_sha256_names_the_setting(web, day):
    url = web.script("/log", Answer(body=BODY))
    with pytest.raises(SourceMissingError, match="USERPROFILE_LOG_SHA256"):
        day.copied(url, sha256=web.url("/nothing"))


@pytest.mark.parametrize("file", ["http://u:s3cret@h:99999/a", "http://u:s3cret@[h/a"])
def test_a_file_whose_address_is_none_names_the_setting(web, day, file):
    with pytest.raises(SourceError, match="USERPROFILE_LOG_SHA256") as caught:
        day.copied(web.script("/log", Answer(body=BODY)), sha256=file)
    assert "s3cret" not in str(caught.value)


def test_what_is_neither_digits_nor_a_url_is_a_settings_error(web, day):
    with pytest.raises(SettingsError, match="USERPROFILE_LOG_SHA256"):
        day.copied(web.script("/log", Answer(body=BODY)), sha256="abc")


def test_the_file_on_the_same_server_is_asked_for_with_the_same_token(web, day):
    sums = web.script("/sum", Answer(body=GOOD.encode()))
    url = web.script("/log", Answer(body=BODY))
    day.copied(url, sha256=sums, token="t0ken", headers={"X-Key": "k"}, parameters="a=1")
    (request,) = web.asked("/sum")
    assert (request.target, request.headers["Authorization"], request.headers["X-Key"]) == (
        "/sum", "Bearer t0ken", "k",
    )  # fmt: skip


def test_the_file_on_the_same_server_is_asked_for_with_the_same_user(web, day):
    sums = web.script("/sum", Answer(body=GOOD.encode()))
    url = web.script("/log", Answer(body=BODY)).replace("://", "://u:p%40@")
    day.copied(url, sha256=sums)
    (headers,) = web.requests("/sum")
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'u:p@').decode()}"


@pytest.mark.parametrize("log", [{"token": "t0ken"}, {"headers": {"Authorization": "Digest x"}}])
def test_a_user_of_the_file_stands_before_the_credentials_of_the_log(web, day, log):
    sums = web.script("/sum", Answer(body=GOOD.encode())).replace("://", "://a:b@")
    day.copied(web.script("/log", Answer(body=BODY)), sha256=sums, **log)
    (headers,) = web.requests("/sum")
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'a:b').decode()}"


def test_a_user_of_the_log_is_not_sent_to_another_server(web, day):
    web.script("/sum", Answer(body=GOOD.encode()))
    url = web.script("/log", Answer(body=BODY)).replace("://", "://u:p@")
    day.copied(url, sha256=web.url("/sum", host="localhost"))
    (headers,) = web.requests("/sum")
    assert headers["Authorization"] is None


def test_a_file_that_is_refused_names_its_setting_and_no_secret(web, day):
    sums = web.script("/sum", Answer(status=401)).replace("://", "://u:s3cret@")
    with pytest.raises(SourceError, match="the server answered 401") as caught:
        day.copied(web.script("/log", Answer(body=BODY)), sha256=f"{sums}?sig=s3cret")
    assert "check USERPROFILE_LOG_SHA256, which names this file" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_file_on_another_server_is_asked_for_without_any_secret(web, day):
    web.script("/sum", Answer(body=GOOD.encode()))
    url = web.script("/log", Answer(body=BODY))
    sums = web.url("/sum", host="localhost")
    day.copied(url, sha256=sums, token="t0ken", headers={"X-Key": "k"})
    (headers,) = web.requests("/sum")
    assert (headers["Authorization"], headers["X-Key"]) == (None, None)


def test_a_local_log_is_compared_too(tmp_path, day):
    log = tmp_path / "log.txt"
    log.write_bytes(BODY)
    sums = tmp_path / "log.txt.sha256"
    sums.write_text(f"{BAD}  log.txt\n")
    with pytest.raises(SourceError, match="for the second time in a row"):
        day.copied(log.as_uri(), sha256=sums.as_uri())
    sums.write_text(f"{GOOD}  log.txt\n")
    assert day.copied(log.as_uri(), sha256=sums.as_uri()) == BODY
