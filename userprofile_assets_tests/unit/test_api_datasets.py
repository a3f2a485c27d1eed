"""The data map knows the fields of the API as the API describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from userprofile_assets.catalog.api_datasets import ENDPOINTS, api_datasets
from userprofile_assets.catalog.contributions import CONTRIBUTORS
from userprofile_assets.catalog.open_catalog import open_catalog
from userprofile_assets.service.app import create_app

if TYPE_CHECKING:
    from userprofile_assets.catalog.model import Catalog

# Of the answer, or of a row's day.
LEFT_OUT = {"dt", "date"}


@pytest.fixture
def catalog(settings) -> Catalog:
    variables = {"USERPROFILE_HOME": str(settings.home)}
    return open_catalog(variables, lambda: settings, print)


def test_every_field_of_an_answer_is_in_the_map(settings):
    schema = create_app(settings).openapi()
    models = schema["components"]["schemas"]

    def fields(path):
        answer = schema["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]
        model = models[answer["content"]["application/json"]["schema"]["$ref"].split("/")[-1]]
        data = model["properties"]["data"]
        row = data["items"]["$ref"] if data.get("type") == "array" else data["$ref"]
        return set(models[row.split("/")[-1]]["properties"]) - LEFT_OUT

    for endpoint in ENDPOINTS.values():
        assert fields(endpoint.path) == set(endpoint.fields), endpoint.path


def test_every_field_comes_from_a_column_of_the_serving_database(catalog):
    datasets = [dataset for dataset in catalog.datasets if dataset.kind == "api"]
    assert {dataset.name for dataset in datasets} == {*ENDPOINTS, "api_v1_users"}
    for dataset in datasets:
        for column in dataset.columns:
            assert column.sources, f"{dataset.name}.{column.name}"
            for table, name in column.sources:
                assert catalog.find(table).column(name).name == name


def test_a_uid_is_personal_data_in_the_answer_too_and_a_count_of_them_is_not(catalog):
    assert catalog.find("api_v1_users").column("uid").pii
    assert not catalog.find("api_v1_devices").column("users").pii


def test_the_last_consumer_of_a_users_birth_year_is_the_api(catalog):
    from userprofile_assets.catalog.walk import walk

    reached = walk(catalog, catalog.place("ods_user_info_d_spark.age_range"), "down")
    assert "api_v1_demographics.age_range" in {str(place) for place in reached.distance}


def test_without_tables_there_are_no_endpoints():
    assert api_datasets([]) == []


def test_the_api_is_among_the_contributors():
    assert [contribute.__name__ for contribute in CONTRIBUTORS][-1] == "api"
