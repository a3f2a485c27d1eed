"""No secret of a URL is shown, and what somebody at night needs is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.redaction import redact_text, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a", "https://host/a"),
        ("https://u:p@host:8443/a?sig=1#t", "https://host:8443/a?..."),
        ("https://host/a#token", "https://host/a"),
        ("mysql+pymysql://u:p%40x@h:3306/db", "mysql+pymysql://h:3306/db"),
        ("mysql+pymysql://u:12/s3cret@h:3306/db", "mysql+pymysql://h:3306/db"),
        ("postgresql://u:pa#s@cret?x@h/db", "postgresql://h/db"),
        ("http://u:p@[::1]:80/a", "http://[::1]:80/a"),
        ("s3://key:secret@bucket/p", "s3://bucket/p"),
        ("file:///var/a b.txt", "file:///var/a b.txt"),
        ("file:/var/a.txt", "file:///var/a.txt"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("plain/path", "plain/path"),
        ("u:p@host/a", "(a URL that cannot be parsed)"),
        ("http:u:p@host/a", "(a URL that cannot be parsed)"),
        ("http://u:p/w@host/a", "(a URL that cannot be parsed)"),
        ("http://[u:p@host/a", "(a URL that cannot be parsed)"),
    ],
)
def test_a_url_is_shown_without_user_query_and_fragment(url, shown):
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("404 for url 'https://h/a?sig=1' today", "404 for url 'https://h/a?...' today"),
        ("cannot reach mysql://u:p@h/db!", "cannot reach mysql://***@h/db!"),
        ("mysql://u:p@ss@h/db", "mysql://***@h/db"),
        ("mysql+pymysql://u:12/s3cret@h/db", "mysql+pymysql://***@h/db"),
        ("mysql://u:1?2#3@h/db?charset=utf8 fails", "mysql://***@h/db?... fails"),
        ("from http://a/x to http://b:p@c/y?z", "from http://a/x to http://***@c/y?..."),
        ("mail to a@b", "mail to a@b"),
    ],
)
def test_urls_in_a_text_lose_user_and_query(text, shown):
    assert redact_text(text) == shown


_word = st.text("abcXYZ019-_.~!$&*+,;=%", min_size=1)


@given(user=_word, password=_word, query=_word)
def test_no_password_and_no_query_comes_through(user, password, query):
    url = f"https://{user}:<{password}>@host/path?<{query}>".replace("<", "canary")
    url = url.replace(">", "canary")
    assert "canary" not in redact_url(url)
    assert "canary" not in redact_text(f"failed: {url} (503)")
