"""The data map by itself: names, search, walks, and how they are written."""

from __future__ import annotations

import pytest

from userprofile_assets.catalog.mermaid import mermaid_lines
from userprofile_assets.catalog.model import Catalog, Column, Dataset, Place
from userprofile_assets.catalog.search import search
from userprofile_assets.catalog.tree import tree_lines
from userprofile_assets.catalog.walk import walk
from userprofile_assets.errors import NotInCatalogError


def dataset(name, group, *columns, reads=(), **more):
    return Dataset(
        name=name, kind="table", group=group, columns=columns, dependencies=reads, **more
    )


@pytest.fixture
def catalog():
    return Catalog(
        [
            dataset(
                "ads_users",
                "ads",
                Column("uid", "string", "Who", sources=(("dwd_log", "uid"), ("ods_users", "uid"))),
                Column("visits", "bigint", "Page views", sources=(("dwd_log", "line"),)),
                reads=("dwd_log", "ods_users"),
                owner="team:web",
                tags=("profile",),
            ),
            dataset(
                "dwd_log",
                "dwd",
                Column("uid", "string", sources=(("ods_log", "line"),)),
                Column("line", "string", "一行日志", sources=(("ods_log", "line"),)),
                reads=("ods_log",),
                description="Lines, each with its user\nRegion and device too",
            ),
            dataset("ods_log", "ods", Column("line", "string")),
            dataset("ods_users", "ods", Column("uid", "string", tags=("key",)), owner="team:crm"),
        ]
    )


def names(hits):
    return [hit.dataset.name for hit in hits]


def test_datasets_come_in_the_order_of_the_layers(catalog):
    assert [d.name for d in catalog.datasets] == ["ods_log", "ods_users", "dwd_log", "ads_users"]


def test_a_layer_that_is_not_known_comes_last():
    catalog = Catalog([dataset("x", "zoo"), dataset("y", "ads")])

    assert [d.name for d in catalog.datasets] == ["y", "x"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("ods_log", Place("ods_log"), id="table"),
        pytest.param("ods_log.line", Place("ods_log", "line"), id="column"),
        pytest.param("ODS_LOG.Line", Place("ods_log", "line"), id="other case"),
    ],
)
def test_a_place_is_a_table_or_a_column(catalog, text, place):
    assert catalog.place(text) == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("odslog", "there is no dataset odslog; near names: ods_log", id="table"),
        pytest.param(
            "ads_users.vists", "there is no column vists; near names: visits", id="column"
        ),
        pytest.param("users", "near names: ods_users, ads_users", id="a part of the name"),
        pytest.param("ods_log.", "there is no column", id="no column behind the dot"),
        pytest.param("", "there is no dataset", id="empty"),
    ],
)
def test_what_is_not_there_is_an_error_with_the_nearest_names(catalog, text, message):
    with pytest.raises(NotInCatalogError, match=message):
        catalog.place(text)


def test_nothing_near_is_said_of_a_name_that_is_like_none(catalog):
    with pytest.raises(NotInCatalogError) as caught:
        catalog.find("zzzzzzzz")

    assert caught.value.what == "there is no dataset zzzzzzzz"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["ods_log"], ["ods_log"], id="name"),
        pytest.param(["log"], ["ods_log", "dwd_log"], id="part of a name"),
        pytest.param(["uid"], ["ods_users", "dwd_log", "ads_users"], id="column"),
        pytest.param(["users"], ["ods_users", "ads_users"], id="name before description"),
        pytest.param(["DEVICE"], ["dwd_log"], id="second line of a description, other case"),
        pytest.param(["日志"], ["dwd_log"], id="comment without blanks"),
        pytest.param(["crm"], ["ods_users"], id="owner"),
        pytest.param(["profile"], ["ads_users"], id="tag"),
        pytest.param(["key"], ["ods_users"], id="tag of a column"),
        pytest.param(["uid", "page"], ["ads_users"], id="all words, in different places"),
        pytest.param(["uid page"], ["ads_users"], id="words in one argument"),
        pytest.param(["uid", "nothing"], [], id="one word is missing"),
        pytest.param([" "], [], id="no word"),
    ],
)
def test_every_word_has_to_be_found(catalog, words, found):
    assert names(search(catalog, words)) == found


def test_the_best_come_first_name_then_column_then_comment():
    catalog = Catalog(
        [
            dataset("a", "ads", Column("x", "string", "the region of a user")),
            dataset("b", "ads", Column("region_name", "string")),
            dataset("c", "ads", Column("region", "string")),
            dataset("d_regional", "ads"),
            dataset("e_region", "ads"),
            dataset("region", "ads"),
        ]
    )

    assert names(search(catalog, ["region"])) == ["region", "e_region", "d_regional", "c", "b", "a"]


def test_a_hit_tells_where_the_words_were_found(catalog):
    (hit,) = search(catalog, ["page", "profile"])

    assert [tuple(match) for match in hit.matches] == [
        ("tag", None, "profile"),
        ("comment", "visits", "Page views"),
    ]


def test_a_table_is_walked_up_to_where_the_data_starts(catalog):
    found = walk(catalog, Place("ads_users"), "up")

    assert {str(place): steps for place, steps in found.distance.items()} == {
        "ads_users": 0,
        "dwd_log": 1,
        "ods_users": 1,
        "ods_log": 2,
    }
    assert [f"{one} > {other}" for one, other in found.edges()] == [
        "dwd_log > ads_users",
        "ods_users > ads_users",
        "ods_log > dwd_log",
    ]


def test_a_column_is_walked_down_to_all_that_is_made_from_it(catalog):
    found = walk(catalog, Place("ods_log", "line"), "down")

    assert sorted(str(place) for place in found.distance) == [
        "ads_users.uid",
        "ads_users.visits",
        "dwd_log.line",
        "dwd_log.uid",
        "ods_log.line",
    ]


def test_a_depth_cuts_and_marks_what_has_more_behind(catalog):
    found = walk(catalog, Place("ads_users"), "up", depth=1)

    assert list(tree_lines(found)) == ["ads_users", "├─ dwd_log ...", "└─ ods_users"]


def test_a_tree_unfolds_a_place_once(catalog):
    found = walk(catalog, Place("ods_log", "line"), "down")

    assert list(tree_lines(found)) == [
        "ods_log.line",
        "├─ dwd_log.uid",
        "│  └─ ads_users.uid",
        "└─ dwd_log.line",
        "   └─ ads_users.visits",
    ]
    diamond = Catalog(
        [
            dataset("a", "ods", reads=("b", "c")),
            dataset("b", "ods", reads=("d",)),
            dataset("c", "ods", reads=("d",)),
            dataset("d", "ods", reads=("e",)),
            dataset("e", "ods"),
        ]
    )
    assert list(tree_lines(walk(diamond, Place("a"), "up"))) == [
        "a",
        "├─ b",
        "│  └─ d",
        "│     └─ e",
        "└─ c",
        "   └─ d (above)",
    ]


def test_a_chain_of_thousands_is_walked():
    chain = [dataset("t0", "ods")]
    chain += [dataset(f"t{i}", "ods", reads=(f"t{i - 1}",)) for i in range(1, 3000)]

    found = walk(Catalog(chain), Place("t2999"), "up")

    assert found.distance[Place("t0")] == 2999
    assert len(list(tree_lines(found))) == 3000


def test_two_columns_that_name_each_other_end():
    # No files of sql/ can do this, but a contribution could.
    circle = Catalog(
        [
            dataset("a", "ods", Column("x", sources=(("b", "x"),)), reads=("b",)),
            dataset("b", "ods", Column("x", sources=(("a", "x"),)), reads=("a",)),
        ]
    )

    assert list(tree_lines(walk(circle, Place("a", "x"), "up"))) == [
        "a.x",
        "└─ b.x",
        "   └─ a.x (above)",
    ]


def test_mermaid_has_a_node_for_each_table_and_the_data_flow_along_the_arrows(catalog):
    assert list(mermaid_lines([walk(catalog, Place("ads_users"), "up", depth=1)])) == [
        "flowchart LR",
        '  t_ads_users["ads_users"]',
        '  t_dwd_log["dwd_log"]',
        '  t_ods_users["ods_users"]',
        "  t_dwd_log --> t_ads_users",
        "  t_ods_users --> t_ads_users",
        "  style t_ads_users stroke-width:3px",
    ]


def test_mermaid_puts_columns_into_their_table(catalog):
    assert list(mermaid_lines([walk(catalog, Place("ods_users", "uid"), "down")])) == [
        "flowchart LR",
        '  subgraph t_ads_users["ads_users"]',
        '    c9_ads_users_uid["uid"]',
        "  end",
        '  subgraph t_ods_users["ods_users"]',
        '    c9_ods_users_uid["uid"]',
        "  end",
        "  c9_ods_users_uid --> c9_ads_users_uid",
        "  style c9_ods_users_uid stroke-width:3px",
    ]


def test_mermaid_escapes_what_means_something_to_it():
    odd = Catalog([dataset("end", "ods", Column('a"] --> x;\n<b>'), Column("a_b"))])

    lines = list(mermaid_lines([walk(odd, Place("end", 'a"] --> x;\n<b>'), "up")]))

    assert lines[1:4] == [
        '  subgraph t_end["end"]',
        "    c3_end_a_u22__u5d__u20__u2d__u2d__u3e__u20_x_u3b__ua__u3c_b_u3e_"
        '["a#34;#93; --#62; x#59;#10;#60;b#62;"]',
        "  end",
    ]


def test_places_that_join_to_one_text_have_identifiers_of_their_own():
    both = Catalog(
        [
            dataset("a_b", "ods", Column("c", sources=(("a", "b_c"),)), reads=("a",)),
            dataset("a", "ods", Column("b_c")),
        ]
    )

    lines = list(mermaid_lines([walk(both, Place("a_b", "c"), "up")]))

    assert "  c1_a_b_c --> c3_a_b_c" in lines
