"""What the demo makes in how many runs, and the command that it prints."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from urllib.parse import unquote, urlsplit

import pytest
from rich.console import Console

from userprofile_assets.cli.demo import demo_keys
from userprofile_assets.cli.demo_days import PlannedRun, plan_runs
from userprofile_assets.cli.demo_serving import curl_command
from userprofile_assets.records.database import default_path, default_url
from userprofile_assets.serving.tables import serving_tables


def test_days_that_lack_the_same_are_one_run():
    missing = {"2024-08-01": ["a", "b"], "2024-08-02": ["a", "b"], "2024-08-03": ["a", "b"]}
    assert plan_runs(missing) == [
        PlannedRun(("2024-08-01", "2024-08-02", "2024-08-03"), ("a", "b"))
    ]


def test_a_good_day_in_between_is_not_made_again():
    missing = {"2024-08-01": ["a"], "2024-08-02": [], "2024-08-03": ["a"]}
    assert plan_runs(missing) == [
        PlannedRun(("2024-08-01",), ("a",)),
        PlannedRun(("2024-08-03",), ("a",)),
    ]


def test_a_day_that_lacks_less_is_a_run_of_its_own():
    missing = {"2024-08-01": ["a", "b"], "2024-08-02": ["b"], "2024-08-03": ["b"]}
    assert plan_runs(missing) == [
        PlannedRun(("2024-08-01",), ("a", "b")),
        PlannedRun(("2024-08-02", "2024-08-03"), ("b",)),
    ]


def test_when_nothing_is_missing_there_is_no_run():
    assert plan_runs({"2024-08-01": [], "2024-08-02": []}) == []


def test_days_before_the_first_one_are_left_out_and_that_is_said(settings, capsys):
    keys = demo_keys(Console(), settings, day="2024-08-03", days=8)
    assert keys == ["2024-08-01", "2024-08-02", "2024-08-03"]
    assert "Days before 2024-08-01 (USERPROFILE_START_DATE) are left out" in capsys.readouterr().out


def test_eight_days_end_with_the_one_that_is_asked_for(settings):
    keys = demo_keys(Console(), settings, day="20240810", days=8)
    assert (len(keys), keys[0], keys[-1]) == (8, "2024-08-03", "2024-08-10")


@pytest.fixture
def served(settings):
    """Fill the serving database with a day of some uids, the last one the busiest."""

    def fill(*uids):
        import sqlalchemy

        tables = serving_tables()
        default_path(settings.home).parent.mkdir(parents=True)
        engine = sqlalchemy.create_engine(default_url(settings.home))
        tables.api_key.metadata.create_all(engine)
        told = {"version": "v", "row_count": 1, "run_id": "r", "published_at": "t"}
        with engine.begin() as connection:
            for dt in ("20240806", "20240807"):
                row = {"table_name": "ads_user_info_1d", "dt": dt, **told}
                connection.execute(tables.serving_day.insert(), [row])
            rows = [
                {"dt": "20240807", "uid": uid, "pv": pv, "is_registered": True}
                for pv, uid in enumerate(uids)
            ]
            connection.execute(tables.ads_user_info_1d.insert(), rows)
        return engine

    with ExitStack() as engines:

        def filled(*uids):
            engine = fill(*uids)
            engines.callback(engine.dispose)
            return engine

        yield filled


@pytest.mark.parametrize("uid", ["0016", "a/../b?c=d&e#f", "it's $HOME `x` \"", "上海 ü", "%2F"])
def test_the_command_asks_for_the_busiest_profile_of_the_newest_day(settings, served, uid):
    served("quiet", uid)
    words = shlex.split(curl_command(settings, "http://127.0.0.1:8000"))
    assert words[:-1] == ["curl", "-sS"]
    url = urlsplit(words[-1])
    assert (url.netloc, url.query, url.fragment) == ("127.0.0.1:8000", "dt=2024-08-07", "")
    assert unquote(url.path.removeprefix("/api/v1/users/")) == uid
    assert url.path.count("/") == 4


def test_where_keys_are_asked_for_the_command_says_so(settings, served):
    engine = served("0016")
    row = {"id": "k", "name": "n", "key_hash": "h", "scopes": "users", "created_at": "t"}
    with engine.begin() as connection:
        connection.execute(serving_tables().api_key.insert(), [row])
    command = curl_command(settings, "http://127.0.0.1:8000")
    assert command is not None
    assert "Authorization: Bearer <" in command


def test_without_a_served_day_there_is_no_command(settings):
    assert curl_command(settings, "http://127.0.0.1:8000") is None
