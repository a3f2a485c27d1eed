"""What differs between two looks at a source, and what that means for a run."""

from __future__ import annotations

import dataclasses

import pytest

from userprofile_assets.records.schema_change import (
    SourceColumn,
    SourceSchema,
    compare,
    schema_from,
)


def schema(**types):
    return SourceSchema(
        columns=tuple(SourceColumn(name=name, type=kind) for name, kind in types.items())
    )


BEFORE = schema(uid="varchar(20)", age="int(11)")


@pytest.mark.parametrize(
    ("now", "said", "blocks", "warns"),
    [
        pytest.param(BEFORE, "nothing changed", False, False, id="same"),
        pytest.param(
            schema(age="int(11)", uid="varchar(20)"), "nothing changed", False, False, id="order"
        ),
        pytest.param(
            schema(UID="VARCHAR(20)", Age="int"), "nothing changed", False, False, id="spelling"
        ),
        pytest.param(
            schema(uid="varchar(20)", age="int", city="text"),
            "added: city", False, True, id="added",
        ),
        pytest.param(schema(uid="varchar(20)"), "missing: age", True, False, id="missing"),
        pytest.param(
            schema(uid="bigint", age="int"),
            "other type: uid (varchar(20) -> bigint)", True, False, id="retyped",
        ),
        pytest.param(
            schema(uid="varchar(30)", age="int"),
            "other type: uid (varchar(20) -> varchar(30))", True, False, id="length",
        ),
        pytest.param(
            schema(uid="varchar(20)", age="int(11) unsigned"),
            "other type: age (int(11) -> int(11) unsigned)", True, False, id="sign",
        ),
        pytest.param(
            schema(uid="varchar(20)", age="int(5) zerofill"),
            "other type: age (int(11) -> int(5) zerofill)", True, False, id="width that is shown",
        ),
        pytest.param(
            schema(uid="varchar(20)", years="int"),
            "missing: age; added: years", True, False, id="renamed",
        ),
    ],
)  # fmt: skip
def test_a_change_is_told_and_blocks_or_warns(now, said, blocks, warns):
    change = compare(BEFORE, now)

    assert (str(change), change.blocks, change.warns) == (said, blocks, warns)
    assert bool(change) is (said != "nothing changed")


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(schema(uid="varchar(20)"), id="missing"),
        pytest.param(schema(uid="varchar(20)", age="text"), id="retyped"),
    ],
)
def test_a_column_that_nobody_reads_warns_only(now):
    change = compare(BEFORE, now, used=["UID"])

    assert (change.blocks, change.warns) == (False, True)
    assert compare(BEFORE, now, used=["uid", "age"]).blocks


def of(identity, **types):
    return dataclasses.replace(schema(**types), identity=identity)


def test_another_source_warns_and_its_columns_are_taken_as_they_are():
    former = of("/demo/users.db, table users", uid="TEXT", age="TEXT", city="TEXT")

    change = compare(former, of("mysql://db/shop, table users", uid="varchar(64)", age="text"))

    assert (bool(change), change.blocks, change.warns) == (True, False, True)
    assert str(change) == (
        "another source than before: its columns are taken as they are "
        "(missing: city; other type: uid (TEXT -> varchar(64)))"
    )


def test_another_source_with_the_same_columns_is_told_too():
    change = compare(of("a, table users", uid="int"), of("a, table people", uid="int"))

    assert (bool(change), change.blocks, change.warns) == (True, False, True)
    assert str(change) == "another source than before: its columns are taken as they are"


@pytest.mark.parametrize(("former", "now"), [("a", "a"), (None, "a"), ("a", None), (None, None)])
def test_without_two_names_that_differ_it_is_the_same_source(former, now):
    assert not compare(of(former, uid="int"), of(now, uid="int"))
    assert compare(of(former, uid="int"), of(now, uid="text")).blocks


def test_a_type_that_the_source_does_not_tell_is_no_change():
    assert not compare(schema(uid="TEXT"), schema(uid="unknown"))


def test_a_comment_neither_warns_nor_blocks():
    column = SourceColumn(name="uid", type="int", comment="who")
    former = SourceSchema(columns=(SourceColumn(name="uid", type="int", comment=""),))

    change = compare(former, SourceSchema(columns=(column,)))

    assert change.commented == {"uid": ("", "who")}
    assert (bool(change), change.blocks, change.warns) == (True, False, False)
    assert str(change) == "other comment: uid"


def test_a_table_is_seen_with_its_keys_and_sizes():
    seen = schema_from(
        {
            "kind": "mysql",
            "name": "shop.users",
            "columns": [
                {"name": "uid", "type": "int", "comment": "who", "nullable": False},
                {"name": "mail", "type": "text", "comment": None, "nullable": True},
                {"name": "city", "type": "text", "comment": None, "nullable": True},
            ],
            "keys": [
                {"kind": "primary", "name": "PRIMARY", "columns": ["uid"]},
                {"kind": "unique", "name": "mail", "columns": ["uid", "mail"]},
                {"kind": "index", "name": "where", "columns": ["city", "mail"]},
            ],
            "row_estimate": 3,
            "byte_estimate": 16384,
        }
    )

    assert seen == SourceSchema(
        columns=(
            SourceColumn(name="uid", type="int", comment="who", nullable=False, key="primary"),
            SourceColumn(name="mail", type="text", key="unique"),
            SourceColumn(name="city", type="text", key="index"),
        ),
        row_estimate=3,
        byte_estimate=16384,
    )


def test_a_log_is_seen_as_one_field_and_its_size():
    assert schema_from({"kind": "http", "bytes": 42}) == SourceSchema(
        columns=(SourceColumn(name="line", type="string"),), byte_estimate=42
    )
