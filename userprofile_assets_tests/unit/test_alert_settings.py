"""The settings of alerts and of OpenLineage: what is read, what is refused without showing it."""

from __future__ import annotations

import pytest

from userprofile_assets.errors import SettingsError
from userprofile_assets.settings import Settings
from userprofile_assets.settings.alerts import split_alert_urls


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        pytest.param("slack://a/b/c", ("slack://a/b/c",), id="one"),
        pytest.param("json://a  json://b\n", ("json://a", "json://b"), id="blanks"),
        pytest.param("json://a,json://b , ", ("json://a", "json://b"), id="commas"),
        pytest.param(
            "mailto://h?to=a@b,c@d,json://a", ("mailto://h?to=a@b,c@d", "json://a"),
            id="a-comma-between-receivers",
        ),
    ],
)  # fmt: skip
def test_channels_are_separated_by_blanks_or_commas(text, urls):
    assert split_alert_urls(text) == urls


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALERT_URLS", "json://a s3cr3t", "channel 2 of 2 is no URL; write it as scheme://..."),
        ("ALERT_QUIET", "0-8", "write it as 00:00-08:00"),
        ("ALERT_QUIET", "24:00-08:00", "write it as 00:00-08:00"),
        ("ALERT_QUIET", "08:00-08:00", "the hours have no length"),
        ("ALERT_EXPECTED_BY", "2:30", "write it as 02:30, or off"),
        ("UI_URL", "dagster.example.org", "write an http:// or https:// URL"),
        ("UI_URL", "https://u:s3cr3t@host", "it is shown as it is: no user, no query"),
        ("OPENLINEAGE_URL", "marquez:5000/s3cr3t", "write an http:// or https:// URL"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_showing_it(monkeypatch, name, value, said):
    monkeypatch.setenv(f"USERPROFILE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert f"USERPROFILE_{name}: {said}" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_http_needs_an_endpoint(monkeypatch):
    monkeypatch.setenv("USERPROFILE_OPENLINEAGE", "http")
    with pytest.raises(SettingsError, match="needs USERPROFILE_OPENLINEAGE_URL"):
        Settings.load()


def test_an_alert_url_is_a_secret(monkeypatch):
    monkeypatch.setenv("USERPROFILE_ALERT_URLS", "slack://s3cr3t/b/c")
    monkeypatch.setenv("USERPROFILE_OPENLINEAGE_API_KEY", "s3cr3t")
    assert "s3cr3t" not in repr(Settings.load())


def test_the_address_of_the_ui_has_no_slash_at_its_end(monkeypatch):
    monkeypatch.setenv("USERPROFILE_UI_URL", "https://dagster.example.org/team/")
    assert Settings.load().ui_url == "https://dagster.example.org/team"
