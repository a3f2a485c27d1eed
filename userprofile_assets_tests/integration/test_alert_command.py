"""`userprofile alert test` and the line of the doctor."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from userprofile_assets.cli.alert import run_alert_test
from userprofile_assets.cli.doctor_alerts import channels
from userprofile_assets.errors import SettingsError
from userprofile_assets_tests.support.web import Answer


def with_channels(settings, *urls):
    return settings.model_copy(update={"alert_urls": SecretStr(" ".join(urls))})


def test_every_channel_gets_a_message_and_says_so(settings, web, capsys):
    web.script("/hook", Answer())
    url = f"json://127.0.0.1:{web.port}/hook"
    assert run_alert_test(with_channels(settings, url, url)) == 0
    assert capsys.readouterr().out == "channel 1 (JSON) took it\nchannel 2 (JSON) took it\n"
    assert len(web.asked("/hook")) == 2


def test_a_channel_that_did_not_take_it_is_the_exit_code(settings, web, capsys):
    web.script("/hook", Answer())
    web.script("/s3cr3t", Answer(status=500))
    urls = [f"json://127.0.0.1:{web.port}/{path}" for path in ("hook", "s3cr3t")]
    assert run_alert_test(with_channels(settings, *urls)) == 1
    good, bad = capsys.readouterr().out.splitlines()
    assert good == "channel 1 (JSON) took it"
    assert bad.startswith("channel 2 (JSON) did not take it: ")
    assert "s3cr3t" not in bad


def test_without_a_channel_it_says_what_to_set(settings):
    with pytest.raises(SettingsError, match="USERPROFILE_ALERT_URLS: there is no channel"):
        run_alert_test(settings)


def test_the_doctor_names_the_services(settings):
    assert channels(settings) == "USERPROFILE_ALERT_URLS is not set; nobody is told of failures"
    known = with_channels(settings, "dingtalk://0123456789abcdef", "json://host")
    assert channels(known).startswith("DingTalk, JSON; ")


def test_the_doctor_names_a_channel_that_nobody_knows_by_its_number(settings):
    unknown = with_channels(settings, "json://host", "nosuch://s3cr3t")
    with pytest.raises(SettingsError) as caught:
        channels(unknown)
    assert "channel 2 of 2" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
