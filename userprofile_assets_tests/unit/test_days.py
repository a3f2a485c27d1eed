"""What Dagster records of the days of a run, whatever ends it."""

from functools import partial

import dagster as dg
import pytest

from userprofile_assets.assets.days import Days
from userprofile_assets.errors import SparkError, SparkTimeoutError, SparkUnavailableError

DAYS = ("2024-08-05", "2024-08-06", "2024-08-07")


def materialize(work, measure=lambda: None, retries=0):
    """Run a step of three days; return its result, its instance and what the records were told."""
    ended = []

    @dg.asset(
        partitions_def=dg.DailyPartitionsDefinition("2024-08-01"),
        retry_policy=dg.RetryPolicy(max_retries=retries),
    )
    def table(context: dg.AssetExecutionContext):
        days = Days()
        with days.recorded_on_error(context, lambda days: ended.append(list(days.good))):
            for key in context.partition_keys:
                days.run(key, partial(work, key))
            with days.unmeasured_on_error():
                measure()
        yield from days.report(context)

    instance = dg.DagsterInstance.ephemeral()
    tags = {
        "dagster/asset_partition_range_start": DAYS[0],
        "dagster/asset_partition_range_end": DAYS[-1],
    }
    result = dg.materialize([table], instance=instance, tags=tags, raise_on_error=False)
    return result, instance.get_materialized_partitions(dg.AssetKey("table")), ended


def failure(result):
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.user_failure_data.description


def raises(error):
    def run(*_):
        raise error

    return run


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt()], ids=["bug", "ended"])
def test_days_before_an_error_that_nobody_foresaw_are_recorded(error):
    def work(key):
        if key == DAYS[1]:
            raise error
        return {"rows": 1}

    result, recorded, ended = materialize(work)
    assert not result.success
    assert recorded == {DAYS[0]}
    assert ended == [[DAYS[0]]]


@pytest.mark.parametrize(
    ("error", "is_retried"),
    [(SparkTimeoutError("over"), False), (SparkUnavailableError("away"), True)],
    ids=["timeout", "outage"],
)
def test_days_that_could_not_be_measured_are_recorded_and_named_beside_the_bad_one(
    error, is_retried
):
    def work(key):
        if key == DAYS[1]:
            raise SparkError("lines are missing")
        return {"rows": 1}

    result, recorded, _ = materialize(work, raises(error), retries=1)
    assert failure(result).splitlines() == [
        "3 of 3 days failed; the others are published and recorded.",
        "2024-08-06: lines are missing",
        f"2024-08-05: published, but its rules were not measured: {error}",
        f"2024-08-07: published, but its rules were not measured: {error}",
        "Materialize the missing days again.",
    ]
    assert any(event.is_step_up_for_retry for event in result.all_events) is is_retried
    assert recorded == {DAYS[0], DAYS[2]}
