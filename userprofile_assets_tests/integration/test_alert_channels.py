"""Messages on real channels: HTTP receivers, a mail server, dead ones, slow ones."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest

from userprofile_assets.alerts.alerter import Alerter
from userprofile_assets.alerts.deliver import Delivery, deliver, services
from userprofile_assets.alerts.message import Severity, make_alert
from userprofile_assets.alerts.policy import Rules
from userprofile_assets.records.alerts import read_alerts
from userprofile_assets.records.database import open_records
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.web import Answer

TOKEN = "s3cr3tt0ken"


def send(*urls, title="ods_raw_log_d_spark failed", text="404\n<b>& more", seconds=10.0):
    return deliver(urls, title=title, text=text, severity=Severity.ERROR, seconds=seconds)


def hook(web, path="/hook"):
    return f"json://127.0.0.1:{web.port}{path}"


def bodies(web, path="/hook"):
    return [json.loads(request.body) for request in web.asked(path)]


def test_a_webhook_gets_title_text_and_kind_as_json(web):
    web.script("/hook", Answer())
    assert send(hook(web)) == [Delivery("channel 1 (JSON)", took=True)]
    (body,) = bodies(web)
    assert body["title"] == "ods_raw_log_d_spark failed"
    assert body["message"] == "404\n<b>& more"
    assert body["type"] == "failure"


def test_a_mail_has_the_title_as_its_subject(mail_box):
    (result,) = send(mail_box.url(), title="用户表 failed")
    assert result == Delivery("channel 1 (E-Mail)", took=True)
    (mail,) = mail_box.mails
    assert mail["Subject"] == "用户表 failed"
    assert mail["To"] == "team@example.org"
    assert "404" in mail.get_body(("plain", "html")).get_content()


@dataclass(frozen=True)
class Chat:
    """A service: apprise's class for it, where that has the service's address, a channel."""

    module: str
    plugin: str
    place: str
    url: str
    answer: str


CHATS = [
    Chat(
        "slack",
        "NotifySlack",
        "webhook_url",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "ok",
    ),
    Chat("dingtalk", "NotifyDingTalk", "notify_url", "dingtalk://0123456789abcdef", "{}"),
    Chat("feishu", "NotifyFeishu", "notify_url", "feishu://01234567-89ab-cdef", '{"code": 0}'),
    Chat("lark", "NotifyLark", "notify_url", "lark://01234567-89ab-cdef", '{"code": 0}'),
    Chat("wecombot", "NotifyWeComBot", "notify_url", "wecombot://01234567-89ab", '{"errcode": 0}'),
]


@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: chat.module)
def test_a_chat_gets_the_message(web, monkeypatch, chat):
    kind = getattr(import_module(f"apprise.plugins.{chat.module}"), chat.plugin)
    # The address of the service is no part of a URL; the request and its body are the true ones.
    monkeypatch.setattr(kind, chat.place, web.url("/chat/"))
    seen = []

    def take(request):
        seen.append(request)
        return Answer(body=chat.answer.encode(), headers={"Content-Type": "application/json"})

    monkeypatch.setattr(web, "take", take)
    (result,) = send(chat.url)
    assert result.took, result.said
    (request,) = seen
    assert request.method == "POST"
    text = request.body.decode()
    assert "ods_raw_log_d_spark failed" in text
    assert "404" in text


def test_each_documented_form_of_a_url_is_known():
    urls = [
        "mailtos://user:password@example.org?smtp=smtp.example.org&to=a@example.org,b@example.org",
        "dingtalk://secret@0123456789abcdef",
        "feishu://01234567-89ab-cdef",
        "lark://01234567-89ab-cdef",
        "wecombot://01234567-89ab-cdef",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#data",
        "jsons://user:password@host/path",
        "nosuch://host",
    ]
    assert services(urls) == [
        "E-Mail", "DingTalk", "Feishu", "Lark (Feishu)", "WeCom Bot", "Slack", "JSON", None,
    ]  # fmt: skip


def test_a_dead_channel_says_so_and_the_others_get_the_message(web, mail_box):
    web.script("/hook", Answer())
    dead = f"json://user:{TOKEN}@127.0.0.1:{free_port()}/{TOKEN}"
    first, second, third = send(dead, hook(web), mail_box.url())
    assert not first.took
    assert first.channel == "channel 1 (JSON)"
    assert first.said
    assert TOKEN not in first.said
    assert second.took
    assert third.took


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_channel_that_refuses_says_how(web, status):
    web.script(f"/{TOKEN}", Answer(status=status, body=TOKEN.encode()))
    (result,) = send(hook(web, f"/{TOKEN}"))
    assert not result.took
    assert str(status) in result.said
    assert TOKEN not in result.said


def test_an_error_of_a_service_that_quotes_its_url_is_shown_without_tokens(monkeypatch):
    from apprise.plugins.custom_json import NotifyJSON

    def fail(*_, **__):
        raise ConnectionError(f"no route to json://user:pass5word@host/{TOKEN}?key=k3yk3y")

    monkeypatch.setattr(NotifyJSON, "send", fail)
    (result,) = send(f"json://user:pass5word@host/{TOKEN}?+key=k3yk3y")
    assert result.said.startswith("ConnectionError: no route to json://")
    assert not any(secret in result.said for secret in (TOKEN, "pass5word", "k3yk3y"))


def test_a_token_outside_of_a_url_is_not_shown_either(monkeypatch):
    from apprise.plugins.custom_json import NotifyJSON

    def fail(*_, **__):
        raise KeyError(f"bot {TOKEN}")

    monkeypatch.setattr(NotifyJSON, "send", fail)
    (result,) = send(f"json://host/{TOKEN}")
    assert result.said == "KeyError: 'bot ***'"


def test_an_unknown_service_is_a_channel_that_takes_nothing():
    assert send(f"nosuch://{TOKEN}") == [
        Delivery("channel 1 (unknown service)", took=False, said="no URL that apprise knows")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(silent=True), id="black-hole"),
        pytest.param(
            Answer(body=b"x" * 1000, headers={"Content-Length": "1000"}, pause=0.2), id="drip"
        ),
    ],
)
def test_a_channel_that_does_not_end_holds_nobody_up(web, answer):
    web.script("/slow", answer)
    web.script("/hook", Answer())
    began = time.monotonic()
    slow, quick = send(hook(web, "/slow"), hook(web), seconds=1.0)
    assert time.monotonic() - began < 20
    assert slow == Delivery("channel 1 (JSON)", took=False, said="no answer within the time limit")
    assert quick.took


@pytest.fixture
def alerter(tmp_path, web):
    """An alerter on the test's own database, whose log is `alerter.log.said`."""

    def make(*urls):
        said: list[str] = []
        made = Alerter(
            urls=urls or (hook(web),),
            rules=Rules(timezone=ZoneInfo("Asia/Shanghai"), interval=timedelta(minutes=30)),
            records=lambda: open_records(None, tmp_path),
            locks=tmp_path / "locks",
            log=said.append,
        )
        return made, said

    return make


ALERT = make_alert(cause="c", title="t failed", text="why", severity=Severity.ERROR)
NIGHT = datetime(2024, 8, 7, 16, 40, tzinfo=UTC)


def test_a_restart_neither_repeats_nor_forgets(web, alerter):
    web.script("/hook", Answer())
    alerter()[0].tell([ALERT], now=NIGHT)
    alerter()[0].tell([ALERT, ALERT], now=NIGHT + timedelta(minutes=5))
    alerter()[0].tell(now=NIGHT + timedelta(minutes=30))
    alerter()[0].tell(now=NIGHT + timedelta(minutes=31))
    assert [body["message"] for body in bodies(web)] == [
        "why",
        "why\n... and 1 more like this.",
    ]


def test_what_no_channel_took_is_tried_again_until_one_does(web, alerter):
    web.script("/hook", Answer(status=500), Answer())
    made, said = alerter()
    made.tell([ALERT], now=NIGHT)
    assert said[-1] == "no channel took it; it is tried again at the next look"
    made.tell(now=NIGHT + timedelta(minutes=1))
    assert said[-1] == "told: t failed"
    made.tell(now=NIGHT + timedelta(minutes=2))
    assert len(bodies(web)) == 2


def test_one_channel_is_enough_for_a_message_to_be_told(web, alerter):
    web.script("/hook", Answer())
    made, said = alerter(f"json://127.0.0.1:{free_port()}/{TOKEN}", hook(web))
    made.tell([ALERT], now=NIGHT)
    made.tell(now=NIGHT + timedelta(hours=1))
    assert len(bodies(web)) == 1
    assert said[0].startswith("channel 1 (JSON) did not take 't failed': ")
    assert TOKEN not in "".join(said)


def test_states_are_in_the_database_of_records(tmp_path, web, alerter):
    web.script("/hook", Answer())
    alerter()[0].tell([ALERT], now=NIGHT)
    with open_records(None, tmp_path) as records:
        (state,) = read_alerts(records).values()
    assert (state.title, state.sent, state.waiting) == ("t failed", 1, 0)
    assert state.first_at == state.sent_at == NIGHT


def test_a_cause_of_last_month_is_forgotten(tmp_path, web, alerter):
    web.script("/hook", Answer())
    alerter()[0].tell([ALERT], now=NIGHT)
    alerter()[0].tell(now=NIGHT + timedelta(days=30))
    with open_records(None, tmp_path) as records:
        assert read_alerts(records) == {}
