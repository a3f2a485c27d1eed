"""The manifest's JSON: what it holds, what is refused, what a later version may add."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.errors import NotPublishedError
from userprofile_assets.ingestion.manifest import (
    Manifest,
    manifest_key,
    running_versions,
    utc_now,
)

MANIFEST = Manifest(
    asset="ods_raw_log_d",
    bizdate="20240807",
    key="ods_raw_log_d/log_20240807/log_20240807.txt",
    bytes=12,
    rows=2,
    sha256="ab" * 32,
    source={"kind": "http", "name": "https://host/log.txt", "bytes": 12},
    taken_at="2024-08-08T00:30:00Z",
    published_at="2024-08-08T00:30:01Z",
    run_id="run-1",
    copied_from=None,
    versions={"userprofile_assets": "0.1.0", "python": "3.11.7"},
)


def test_a_manifest_is_json_that_people_can_read():
    text = MANIFEST.to_json().decode()
    assert json.loads(text)["source"]["name"] == "https://host/log.txt"
    assert '\n  "rows": 2,\n' in text
    assert text.endswith("}\n")


def test_the_same_manifest_gives_the_same_bytes():
    other = replace(MANIFEST, source=dict(reversed(MANIFEST.source.items())))
    assert other.to_json() == MANIFEST.to_json()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=5,
)


@given(
    source=st.dictionaries(st.text(st.characters(codec="utf-8")), _json),
    copied_from=st.none() | st.just("20240806"),
    rows=st.integers(min_value=0),
)
def test_a_manifest_survives_writing_and_reading(source, copied_from, rows):
    manifest = replace(MANIFEST, source=source, copied_from=copied_from, rows=rows)
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_a_field_of_a_later_version_is_left_out():
    values = json.loads(MANIFEST.to_json()) | {"later": 1}
    assert Manifest.from_json(json.dumps(values).encode()) == MANIFEST


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not JSON"),
        (b'{"asset": "ods', "it is not JSON"),
        (b"\xff\xfe\xfa", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b"{}", "its field 'asset' is missing"),
    ],
    ids=["empty", "cut off", "no UTF-8", "deep", "a list", "no field"],
)
def test_garbage_is_no_manifest(data, why):
    with pytest.raises(NotPublishedError, match=why) as caught:
        Manifest.from_json(data)
    assert "materialize the day again" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("rows", "2", "its field 'rows' is a str"),
        ("rows", True, "its field 'rows' is a bool"),
        ("bytes", 1.5, "its field 'bytes' is a float"),
        ("source", [], "its field 'source' is a list"),
        ("copied_from", 3, "its field 'copied_from' is a int"),
        ("run_id", None, "its field 'run_id' is a NoneType"),
    ],
)
def test_a_field_of_another_type_is_named(field, value, why):
    values = json.loads(MANIFEST.to_json()) | {field: value}
    with pytest.raises(NotPublishedError, match=why):
        Manifest.from_json(json.dumps(values).encode())


@pytest.mark.parametrize(
    ("key", "manifest"),
    [("a/b/c.txt", "a/b/_manifest.json"), ("c.txt", "_manifest.json")],
)
def test_the_manifest_lies_beside_the_object(key, manifest):
    assert manifest_key(key) == manifest


def test_times_are_utc_in_whole_seconds():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc_now())


def test_the_versions_are_those_of_the_project_and_of_python():
    assert set(running_versions()) == {"userprofile_assets", "python"}
