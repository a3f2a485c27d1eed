"""The events of a step, checked by schemas made of the client's own classes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from jsonschema import ValidationError
from openlineage.client.serde import Serde  # noqa: TID253 - a test may load it

from userprofile_assets.lineage_events.events import complete_events, fail_event, start_event
from userprofile_assets.lineage_events.facts import (
    CheckOutcome,
    Column,
    ColumnSource,
    Dataset,
    DatasetName,
    Engine,
    StepFacts,
)
from userprofile_assets.lineage_events.names import step_run_id
from userprofile_assets_tests.support.openlineage_schema import validate

RUN = "1c1bba9e-9b44-4ed8-8f11-ac5b9bb4bc2c"
LOG = DatasetName("s3://bucket", "ods_raw_log_d")
TABLE = DatasetName("file", "/srv/warehouse/dwd_log_info_di_spark")

FACTS = StepFacts(
    job="user_profile_analysis_spark",
    step="dwd_log_info_di_spark",
    run_id=RUN,
    at=datetime(2024, 8, 8, 0, 31, tzinfo=UTC),
    bizdate="20240807",
    timezone="Asia/Shanghai",
    description="Page views",
    owner="team:data",
    sql="INSERT OVERWRITE ...",
    engine=Engine(name="spark", version="4.3.0"),
    inputs=(Dataset(dataset=LOG, columns=(Column(name="col"),), rows=100, bytes=9000),),
    outputs=(
        Dataset(
            dataset=TABLE,
            columns=(
                Column(name="uid", type="string", comment="The user"),
                Column(name="pv", type="bigint"),
            ),
            also_called=((DatasetName("file:/srv/warehouse", "default.dwd"), "TABLE"),),
            description="Page views of a day",
            owner="team:data",
            lineage={
                "uid": (
                    ColumnSource(dataset=LOG, column="col", kind="DIRECT", subtype="IDENTITY"),
                ),
                "pv": (ColumnSource(dataset=LOG, column="col"),),
            },
            rows=98,
            bytes=0,
            checks=(
                CheckOutcome(name="row_count > 0", passed=True, strong=True,
                             assertion="row_count", expected="> 0", actual="98"),
                CheckOutcome(name="unique uid", passed=False, strong=False, assertion="unique",
                             column="uid", actual="3", sql="SELECT 1"),
            ),
        ),
    ),
)  # fmt: skip


def plain(event):
    return Serde.to_dict(event)


def complete(facts=FACTS):
    return plain(complete_events(facts, namespace="userprofile")[0])


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(FACTS, id="everything-known"),
        pytest.param(StepFacts(job="j", step="s", run_id=RUN, at=FACTS.at), id="nothing-known"),
    ],
)
def test_every_event_is_as_the_schemas_say(facts):
    events = [
        start_event(facts, namespace="n"),
        *complete_events(facts, namespace="n"),
        fail_event(facts, "no", namespace="n"),
    ]
    for event in events:
        validate(plain(event))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda e: e.pop("eventTime"), id="no-time"),
        pytest.param(lambda e: e.update(eventTime="yesterday"), id="no-moment"),
        pytest.param(lambda e: e["run"].update(runId="1"), id="no-uuid"),
        pytest.param(lambda e: e.update(eventType="DONE"), id="unknown-type"),
        pytest.param(lambda e: e["job"].update(nane="x"), id="unknown-field"),
        pytest.param(
            lambda e: e["outputs"][0]["facets"]["schema"]["fields"][0].pop("name"), id="no-name"
        ),
        pytest.param(
            lambda e: e["outputs"][0]["outputFacets"]["outputStatistics"].update(rowCount="98"),
            id="text-for-a-number",
        ),
        pytest.param(
            lambda e: e["run"]["facets"]["nominalTime"].pop("_producer"), id="no-producer"
        ),
    ],
)
def test_the_schemas_would_notice(spoil):
    event = complete()
    spoil(event)
    with pytest.raises(ValidationError):
        validate(event)


def test_a_step_is_a_job_of_its_own_below_the_run():
    event = complete()
    assert event["eventType"] == "COMPLETE"
    assert event["eventTime"] == "2024-08-08T00:31:00.000000Z"
    assert event["job"]["name"] == "user_profile_analysis_spark.dwd_log_info_di_spark"
    assert event["run"]["runId"] == step_run_id(RUN, "dwd_log_info_di_spark", "20240807")
    parent = event["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == RUN
    assert parent["job"]["name"] == "user_profile_analysis_spark"


def test_the_business_date_is_the_nominal_time():
    nominal = complete()["run"]["facets"]["nominalTime"]
    assert nominal["nominalStartTime"] == "2024-08-07T00:00:00+08:00"
    assert nominal["nominalEndTime"] == "2024-08-08T00:00:00+08:00"


def test_the_output_has_schema_lineage_and_size():
    (output,) = complete()["outputs"]
    facets = output["facets"]
    assert facets["schema"]["fields"][0] == {
        "name": "uid", "type": "string", "description": "The user", "ordinal_position": 1,
        "fields": [],
    }  # fmt: skip
    lineage = facets["columnLineage"]["fields"]
    assert lineage["uid"]["inputFields"][0]["field"] == "col"
    assert lineage["uid"]["inputFields"][0]["transformations"] == [
        {"type": "DIRECT", "subtype": "IDENTITY"}
    ]
    assert lineage["pv"]["inputFields"][0]["transformations"] == []
    assert facets["symlinks"]["identifiers"][0]["name"] == "default.dwd"
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (98, 0)


def test_results_of_rules_are_a_run_that_reads_the_output():
    _, start, done = (plain(e) for e in complete_events(FACTS, namespace="userprofile"))
    assert (start["eventType"], done["eventType"]) == ("START", "COMPLETE")
    assert done["job"]["name"].endswith(".dwd_log_info_di_spark.checks")
    assert done["run"]["runId"] != complete()["run"]["runId"]
    assert done["outputs"] == []
    (read,) = done["inputs"]
    first, second = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (first["assertion"], first["success"], first["severity"]) == ("row_count", True, "error")
    assert (second["column"], second["success"], second["severity"]) == ("uid", False, "warn")
    assert second["contentType"] == "sql"
    assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 98


def test_without_rules_there_is_one_event():
    facts = replace(FACTS, outputs=(Dataset(dataset=TABLE),))
    assert len(complete_events(facts, namespace="n")) == 1


def test_an_error_has_no_value_of_a_row():
    error = "dws_x: [USER_RAISED_EXCEPTION] Ann Smith SQLSTATE: P0001"
    facet = plain(fail_event(FACTS, error, namespace="n"))["run"]["facets"]["errorMessage"]
    assert facet["message"] == (
        "dws_x: [USER_RAISED_EXCEPTION] what Spark says may hold values of rows, so it is not "
        "shown. SQLSTATE: P0001"
    )


def test_an_error_has_no_secret_and_no_colour():
    error = "\x1b[31m404 for https://u:pw@host/a?sig=1\x1b[0m"
    facet = plain(fail_event(FACTS, error, namespace="n"))["run"]["facets"]["errorMessage"]
    assert facet["message"] == "404 for https://***@host/a?..."
    assert facet["programmingLanguage"] == "PYTHON"
