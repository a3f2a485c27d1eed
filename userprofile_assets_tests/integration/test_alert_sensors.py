"""The sensors on real runs of small assets: what they see, and what people get to read."""

from __future__ import annotations

import json
from datetime import datetime, time

import dagster as dg
import pytest
from pydantic import SecretStr

from userprofile_assets.alerts.message import Severity
from userprofile_assets.assets.failures import failure_of_days
from userprofile_assets.automation import build_sensors, check_alerts, run_alerts
from userprofile_assets.automation.check_alerts import alerts_of_checks
from userprofile_assets.automation.ended_runs import EndedRuns
from userprofile_assets.automation.missing_days import Baseline, alert_of_day
from userprofile_assets.automation.run_alerts import alerts_of_runs
from userprofile_assets.errors import RefusedDayError, SourceMissingError, SparkError
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.web import Answer

UI = "http://ui:3000"
DAYS = dg.DailyPartitionsDefinition("2024-08-01")
TABLE = dg.AssetKey("ods_log")


@dg.asset(name="ods_log", partitions_def=DAYS)
def missing_log(context):
    """Fails as the ingest assets do."""
    error = SourceMissingError(
        f"404 for https://u:pw@host/log_{context.partition_key.replace('-', '')}.txt?sig=1"
    )
    raise dg.Failure(description=str(error), allow_retries=False) from error


@dg.asset(name="ods_log", partitions_def=DAYS)
def broken_log():
    raise ValueError("\x1b[31mno day 20240807 in 14 lines\x1b[0m")


@dg.asset(name="ods_log", partitions_def=DAYS)
def log_with_a_value():
    error = SparkError(
        "[CAST_INVALID_INPUT] The value 'Ann Smith' of the type SQLSTATE: 22018", where="ods_log"
    )
    raise dg.Failure(description=str(error)) from error


@dg.asset(name="ods_log", partitions_def=DAYS)
def good_log():
    """Holds."""


@dg.asset(
    name="ods_log",
    partitions_def=DAYS,
    check_specs=[
        dg.AssetCheckSpec("row_count", asset="ods_log", blocking=True),
        dg.AssetCheckSpec("unique_uid", asset="ods_log"),
    ],
)
def checked_log():
    result = dg.AssetCheckResult(
        check_name="row_count", passed=False, description="0 rows, needs more than 0"
    )
    soft = dg.AssetCheckResult(
        check_name="unique_uid",
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description="3 uids come twice",
    )
    yield dg.MaterializeResult(check_results=[result, soft])


@dg.asset(
    name="ods_log",
    partitions_def=DAYS,
    check_specs=[dg.AssetCheckSpec("row_count", asset="ods_log", blocking=True)],
    retry_policy=dg.RetryPolicy(max_retries=1),
)
def log_that_is_good_at_the_second_try(context):
    passed = context.retry_number > 0
    yield dg.AssetCheckResult(check_name="row_count", passed=passed)
    if not passed:
        raise dg.Failure(allow_retries=True)
    yield dg.MaterializeResult()


def run(instance, asset, day="2024-08-07", **tags):
    tags = {f"dagster/{name}": value for name, value in tags.items()}
    return dg.materialize(
        [asset], instance=instance, partition_key=day, raise_on_error=False, tags=tags
    )


@pytest.fixture
def instance():
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def disk_instance(tmp_path):
    """An instance with the storage of the default installation: a SQLite file for each run."""
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as made:
        yield made


@pytest.fixture
def retrying_instance():
    overrides = {"run_retries": {"enabled": True, "max_retries": 1}}
    with dg.instance_for_test(overrides=overrides) as made:
        yield made


def from_the_start(instance, ends):
    """All runs so far: the cursor of a sensor that looked at an empty instance."""
    cursor = json.dumps({end.value: 0 for end in ends})
    return EndedRuns(instance, cursor, ends).read()


def run_failures(instance):
    ended = from_the_start(instance, run_alerts.ENDS)
    return alerts_of_runs(instance, ended, ui_url=UI)


def rule_failures(instance):
    ended = from_the_start(instance, check_alerts.ENDS)
    return alerts_of_checks(instance, ended, ui_url=UI)


def test_a_failed_run_names_table_day_reason_and_run(instance):
    made = run(instance, missing_log, schedule_name="workshop_start_spark")
    (alert,) = run_failures(instance)
    assert alert.title == "ods_log failed for 2024-08-07"
    assert alert.text == (
        "404 for https://***@host/log_20240807.txt?...\n"
        f"Started by schedule workshop_start_spark; run {made.run_id[:8]}."
    )
    assert alert.cause == "ods_log: SourceMissingError: # for https://***@host/log_#.txt?..."
    assert alert.severity == Severity.ERROR
    assert alert.link == f"http://ui:3000/runs/{made.run_id}"


def test_the_runs_of_a_backfill_that_fail_alike_are_one_alert(instance):
    for day in ("2024-08-05", "2024-08-06", "2024-08-07"):
        run(instance, missing_log, day, backfill="abcd")
    (alert,) = run_failures(instance)
    assert alert.title == "ods_log failed for 3 days"
    assert alert.count == 3
    assert "Started by backfill abcd" in alert.text
    assert alert.text.endswith("Days: 2024-08-05, 2024-08-06, 2024-08-07.")


def test_an_error_that_is_not_ours_gives_its_class_and_message(instance):
    run(instance, broken_log)
    (alert,) = run_failures(instance)
    assert alert.cause == "ods_log: ValueError: no day # in # lines"
    assert alert.text.startswith("no day 20240807 in 14 lines\nStarted by hand")


def test_a_value_of_a_row_is_in_no_alert(instance):
    run(instance, log_with_a_value)
    (alert,) = run_failures(instance)
    assert alert.text.splitlines()[0] == (
        "ods_log: [CAST_INVALID_INPUT] what Spark says may hold values of rows, so it is not "
        "shown. SQLSTATE: 22018"
    )
    assert "Ann" not in alert.cause


def test_a_good_run_is_no_alert(instance):
    run(instance, good_log)
    assert run_failures(instance) == []
    assert rule_failures(instance) == []


def test_a_rule_that_holds_at_the_last_try_is_no_alert(instance):
    assert run(instance, log_that_is_good_at_the_second_try).success
    assert rule_failures(instance) == []


@pytest.mark.parametrize(
    ("retries", "told"),
    [pytest.param("1", 0, id="one-more-try"), pytest.param("0", 1, id="the-last-one")],
)
def test_a_run_is_told_when_dagster_does_not_try_it_again(retrying_instance, retries, told):
    run(retrying_instance, missing_log, max_retries=retries)
    assert len(run_failures(retrying_instance)) == told


def test_a_run_of_which_it_is_not_written_yet_whether_it_is_tried_again_is_looked_at_later(
    retrying_instance, monkeypatch
):
    monkeypatch.setattr(type(retrying_instance), "add_run_tags", lambda *_: None)
    run(retrying_instance, missing_log)
    assert from_the_start(retrying_instance, run_alerts.ENDS) == []


def new_run(instance, **tags):
    job = dg.Definitions(assets=[good_log], jobs=[dg.define_asset_job("daily")])
    return instance.create_run_for_job(job.resolve_job_def("daily"), tags=tags)


def test_a_run_whose_process_is_gone_is_told_in_the_words_of_run_monitoring(instance):
    instance.report_run_failed(new_run(instance), "Detected run worker status FAILED.")
    (alert,) = run_failures(instance)
    assert alert.title == "a run failed"
    assert alert.text.startswith("Detected run worker status FAILED.")


def test_a_run_that_a_person_ended_is_no_alert(instance):
    lost = new_run(instance)
    instance.report_run_canceling(lost)
    instance.report_run_canceled(lost)
    assert run_failures(instance) == []


def test_a_run_that_took_too_long_and_was_ended_is_an_alert(instance):
    long = new_run(instance)
    instance.report_run_canceling(
        long, message="Canceling due to exceeding maximum runtime of 14400 seconds."
    )
    instance.report_run_canceled(long)
    (alert,) = run_failures(instance)
    assert alert.title == "daily failed"
    assert "maximum runtime of 14400 seconds" in alert.text


def test_a_broken_strong_rule_is_an_error_and_a_soft_one_a_warning(instance):
    made = run(instance, checked_log)
    strong, soft = rule_failures(instance)
    assert strong.title == "ods_log: rule row_count is broken for 2024-08-07"
    assert strong.text.splitlines()[0] == "0 rows, needs more than 0"
    assert strong.severity == Severity.ERROR
    assert strong.link == f"{UI}/runs/{made.run_id}"
    assert soft.title == "ods_log: rule unique_uid warns for 2024-08-07"
    assert soft.severity == Severity.WARNING


def test_a_run_that_a_broken_rule_stopped_is_told_once(instance):
    made = run(instance, checked_log)
    assert made.dagster_run.is_failure
    assert run_failures(instance) == []


def refusing(bad, of=1):
    """Return an asset that fails as the tables do when a strong rule refuses a day."""

    @dg.asset(
        name="ods_log",
        partitions_def=DAYS,
        check_specs=[dg.AssetCheckSpec("row_count", asset="ods_log", blocking=True)],
    )
    def refused_log():
        yield dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name="row_count", passed=False)]
        )
        raise failure_of_days(bad, of=of)

    return refused_log


def test_a_step_that_fails_for_its_rule_alone_is_told_once(instance):
    day = {"2024-08-07": RefusedDayError("breaks row_count")}
    made = run(instance, refusing(day))
    assert made.dagster_run.is_failure
    assert run_failures(instance) == []
    assert len(rule_failures(instance)) == 1


def test_a_step_with_a_day_that_failed_for_another_reason_is_told_besides(instance):
    days = {
        "2024-08-06": SourceMissingError("404"),
        "2024-08-07": RefusedDayError("breaks row_count"),
    }
    run(instance, refusing(days, of=2))
    (alert,) = run_failures(instance)
    assert "2024-08-06: 404" in alert.text


def test_a_rule_that_is_broken_for_many_days_is_one_alert(instance):
    for day in ("2024-08-06", "2024-08-07"):
        run(instance, checked_log, day)
    strong, _ = rule_failures(instance)
    assert strong.title == "ods_log: rule row_count is broken for 2 days"
    assert strong.count == 2


def test_the_first_look_begins_after_the_past(disk_instance):
    run(disk_instance, missing_log)
    first = EndedRuns(disk_instance, None, run_alerts.ENDS)
    assert first.read() == []
    second = run(disk_instance, missing_log)
    after = EndedRuns(disk_instance, first.cursor, run_alerts.ENDS)
    assert [one.run.run_id for one in after.read()] == [second.run_id]
    assert EndedRuns(disk_instance, after.cursor, run_alerts.ENDS).read() == []


def test_rules_are_found_in_the_file_of_their_run(disk_instance):
    run(disk_instance, checked_log)
    assert [alert.severity for alert in rule_failures(disk_instance)] == ["error", "warning"]


BASELINE = Baseline(
    by=time(2, 30), timezone="Asia/Shanghai", tables=("ods_*",), first_day="2024-08-01"
)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        pytest.param("2024-08-07T18:29:00Z", None, id="before-half-past-two"),
        pytest.param("2024-08-07T18:30:00Z", "2024-08-07", id="at-half-past-two"),
        pytest.param("2024-08-08T15:59:00Z", "2024-08-07", id="late-in-the-evening"),
        pytest.param("2024-08-08T16:00:00Z", None, id="after-midnight"),
        pytest.param("2024-07-31T19:00:00Z", None, id="before-the-first-day"),
    ],
)
def test_the_day_that_has_to_be_there_follows_the_time_zone(now, day):
    assert BASELINE.day(datetime.fromisoformat(now)) == day


def test_the_watched_tables_are_those_of_the_patterns():
    keys = [dg.AssetKey("ods_b"), dg.AssetKey("dwd_c"), dg.AssetKey("ods_a")]
    assert BASELINE.watched(keys) == [dg.AssetKey("ods_a"), dg.AssetKey("ods_b")]


def missing(instance, day):
    return alert_of_day(instance, day, [TABLE], by=time(2, 30), ui_url=UI)


def test_a_day_that_is_not_there_says_that_nothing_ran(instance):
    alert = missing(instance, "2024-08-07")
    assert alert.title == "2024-08-07 is not there by 02:30"
    assert alert.text == (
        "Missing in ods_log.\nIt has no run so far: is the schedule on, and does the daemon run?"
    )
    assert alert.link is None


def test_a_day_that_failed_says_so_and_links_to_its_run(instance):
    made = run(instance, missing_log)
    alert = missing(instance, "2024-08-07")
    assert alert.text == "Missing in ods_log.\nIts runs so far: 1 failure."
    assert alert.link == f"{UI}/runs/{made.run_id}"


@pytest.mark.parametrize("day", ["2024-08-06", "2024-08-07", "2024-08-08"])
def test_a_day_whose_run_has_several_says_so_and_links_to_it(instance, day):
    going = new_run(
        instance,
        **{
            "dagster/asset_partition_range_start": "2024-08-06",
            "dagster/asset_partition_range_end": "2024-08-08",
        },
    )
    alert = missing(instance, day)
    assert alert.text == "Missing in ods_log.\nIts runs so far: 1 not started."
    assert alert.link == f"{UI}/runs/{going.run_id}"


def test_a_run_of_several_other_days_is_none_of_the_day(instance):
    new_run(
        instance,
        **{
            "dagster/asset_partition_range_start": "2024-08-05",
            "dagster/asset_partition_range_end": "2024-08-06",
        },
    )
    assert "It has no run so far" in missing(instance, "2024-08-07").text


def test_a_day_that_is_there_is_no_alert_whatever_the_next_one_is(instance):
    run(instance, good_log)
    assert missing(instance, "2024-08-07") is None
    assert missing(instance, "2024-08-08") is not None


class Watch:
    """The sensors of some settings, each with its cursor, on an instance."""

    def __init__(self, settings, instance):
        self.sensors = {sensor.name: sensor for sensor in build_sensors(settings)}
        self.instance = instance
        self.cursors = {}

    def look(self, name, *assets):
        """Let a sensor look once; what it says."""
        repository = dg.Definitions(assets=list(assets)).get_repository_def()
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(name), repository_def=repository
        )
        result = self.sensors[name](context)
        self.cursors[name] = context.cursor
        assert isinstance(result, dg.SkipReason)
        return result.skip_message


@pytest.fixture
def told_settings(tmp_path, web):
    web.script("/hook", Answer())
    return Settings(
        home=tmp_path / "home",
        alert_urls=SecretStr(f"json://127.0.0.1:{web.port}/hook"),
        alert_expected_by="00:00",
        alert_tables=("ods_*",),
    )


def sent(web):
    return [json.loads(request.body)["title"] for request in web.asked("/hook")]


def test_a_failure_reaches_the_channel_once(instance, web, told_settings):
    watch = Watch(told_settings, instance)
    assert watch.look("alert_failed_runs") == "nothing new"
    run(instance, missing_log)
    assert watch.look("alert_failed_runs") == "1 alerts"
    assert watch.look("alert_failed_runs") == "nothing new"
    assert sent(web) == ["ods_log failed for 2024-08-07"]


def test_broken_rules_reach_the_channel(instance, web, told_settings):
    watch = Watch(told_settings, instance)
    watch.look("alert_failed_checks")
    run(instance, checked_log)
    assert watch.look("alert_failed_checks") == "2 alerts"
    assert sorted(sent(web)) == [
        "ods_log: rule row_count is broken for 2024-08-07",
        "ods_log: rule unique_uid warns for 2024-08-07",
    ]


def test_a_missing_day_reaches_the_channel_once(instance, web, told_settings):
    watch = Watch(told_settings, instance)
    assert watch.look("alert_missing_partition", good_log) == "1 alerts"
    assert watch.look("alert_missing_partition", good_log) == "nothing new"
    (title,) = sent(web)
    assert title.endswith(" is not there by 00:00")


def test_a_dead_channel_fails_no_look_and_the_message_comes_later(instance, web, told_settings):
    web.script("/hook", Answer(status=500), Answer())
    watch = Watch(told_settings, instance)
    watch.look("alert_failed_runs")
    run(instance, missing_log)
    assert watch.look("alert_failed_runs") == "1 alerts"
    assert watch.look("alert_failed_runs") == "nothing new"
    assert sent(web) == ["ods_log failed for 2024-08-07"] * 2


def test_sensors_start_switched_on_only_if_there_is_anybody_to_tell(settings, told_settings):
    off = {sensor.default_status for sensor in build_sensors(settings)}
    on = {sensor.default_status for sensor in build_sensors(told_settings)}
    assert off == {dg.DefaultSensorStatus.STOPPED}
    assert on == {dg.DefaultSensorStatus.RUNNING}


def test_without_a_channel_a_sensor_says_so(instance, settings):
    said = Watch(settings, instance).look("alert_failed_runs")
    assert said == "USERPROFILE_ALERT_URLS is not set: nobody can be told"


def test_the_expected_hour_can_be_switched_off(instance, web, told_settings):
    off = told_settings.model_copy(update={"alert_expected_by": "off"})
    assert Watch(off, instance).look("alert_missing_partition", good_log) == "nothing new"
