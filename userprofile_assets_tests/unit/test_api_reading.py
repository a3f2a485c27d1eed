"""What the API makes of a request's words: cursors, filters, tags, cells of CSV, prefixes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.service import etags, paging
from userprofile_assets.service.answer_cache import Answer, AnswerCache
from userprofile_assets.service.filters import Query
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.streams import csv_line
from userprofile_assets.serving.read_filters import Filters, upper_bound
from userprofile_assets.serving.read_users import Key, UserQuery

CODE_POINTS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(CODE_POINTS)


@pytest.fixture
def seal(tmp_path):
    return paging.Seal(tmp_path / "key", tmp_path / "locks")


def query(text, *known):
    request: Any = SimpleNamespace(scope={"query_string": text.encode()})
    return Query(request, known)


@given(prefix=st.text(CODE_POINTS, min_size=1), rest=TEXTS, other=TEXTS)
def test_a_range_holds_all_texts_with_a_prefix_and_no_other(prefix, rest, other):
    def is_in_range(text):
        # Python compares code points, as the binary collations do.
        return prefix <= text and (end is None or text < end)

    end = upper_bound(prefix)
    assert is_in_range(prefix + rest)
    assert is_in_range(other) == other.startswith(prefix)


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        ("a", "b"),
        ("a%_\\", "a%_]"),
        ("\ud7ff", "\ue000"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
    ],
    ids=["letter", "characters of LIKE", "before the surrogates", "last", "only the last"],
)
def test_the_end_of_a_range_is_the_next_text_without_the_prefix(prefix, end):
    assert upper_bound(prefix) == end


@given(uid=TEXTS, pv=st.none() | st.integers(-(2**63), 2**63 - 1), is_sealed=st.booleans())
def test_a_cursor_gives_back_what_was_put_in(tmp_path_factory, uid, pv, is_sealed):
    home = tmp_path_factory.getbasetemp()
    seal = paging.Seal(home / "key", home / "locks")
    asked = UserQuery(sort="pv")
    text = paging.encode(
        paging.Cursor("20240807", "v", Key(uid, pv)), asked, seal if is_sealed else None
    )
    found = paging.decode(text, asked, seal, sealed_only=is_sealed)
    assert (found.dt, found.version, found.key) == ("20240807", "v", Key(uid, pv))


def test_a_cursor_that_is_not_sealed_is_refused_for_a_caller_who_may_not_see_a_uid(seal):
    text = paging.encode(paging.Cursor("20240807", "v", Key("anna", 1)), UserQuery(), None)
    with pytest.raises(ProblemError, match="no cursor of this API"):
        paging.decode(text, UserQuery(), seal, sealed_only=True)


def test_a_sealed_cursor_does_not_show_the_uid_and_cannot_be_moved(seal):
    asked = UserQuery()
    text = paging.encode(paging.Cursor("20240807", "v", Key("anna", 1)), asked, seal)
    raw = paging._decode(text)
    assert b"anna" not in raw
    moved = paging._encode(raw.replace(b"20240807", b"20240808"))
    with pytest.raises(ProblemError, match="no cursor of this API"):
        paging.decode(moved, asked, seal, sealed_only=False)


def test_the_key_that_seals_cursors_is_for_its_owner_only(seal, tmp_path):
    seal.close(b"", b"")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "key").read_bytes()) == 32


@pytest.mark.parametrize(
    "other",
    [
        UserQuery(sort="-uid"),
        UserQuery(uid_prefix="a"),
        UserQuery(pv_min=0),
        UserQuery(filters=Filters((("city", (None,)),))),
    ],
    ids=["sort", "prefix", "range", "filter"],
)
def test_a_cursor_of_another_list_is_refused(seal, other):
    text = paging.encode(paging.Cursor("20240807", "v", Key("a", 1)), UserQuery(), None)
    with pytest.raises(ProblemError, match="another list"):
        paging.decode(text, other, seal, sealed_only=False)


@given(text=st.text() | st.binary().map(paging._encode))
def test_what_is_no_cursor_is_a_problem_and_no_failure(tmp_path_factory, text):
    home = tmp_path_factory.getbasetemp()
    seal = paging.Seal(home / "key", home / "locks")
    with pytest.raises(ProblemError):
        paging.decode(text, UserQuery(), seal, sealed_only=False)
    with pytest.raises(ProblemError):
        paging.decode_day(text)


@pytest.mark.parametrize(
    "content",
    [
        b'{"dt":"20240807","v":"v","q":"Q","k":["a",true]}',
        b'{"dt":"20240807","v":"v","q":"Q","k":["a",1.5]}',
        b'{"dt":"20240807","v":"v","q":"Q","k":[null,1]}',
        b'{"dt":"20240807","v":"v","q":"Q","k":["a",99999999999999999999]}',
        b'{"dt":20240807,"v":"v","q":"Q","k":["a",1]}',
        b'{"dt":"20241399","v":"v","q":"Q","k":["a",1]}',
        b'{"dt":"00000000","v":"v","q":"Q","k":["a",1]}',
        b'{"dt":"20240807","v":["v"],"q":"Q","k":["a",1]}',
        b'{"dt":"20240807","v":"v","q":"Q","s":7}',
        b'["dt"]',
    ],
)
def test_a_cursor_with_other_values_is_refused(seal, content):
    content = content.replace(b'"Q"', f'"{paging.digest(UserQuery())}"'.encode())
    with pytest.raises(ProblemError):
        paging.decode(paging._encode(content), UserQuery(), seal, sealed_only=False)


def test_filters_are_sorted_and_an_empty_value_is_not_known():
    asked = query("gender=m&city=b&city=&city=a&city=b&is_registered=TRUE", *_NAMES)
    assert asked.filters().values == (
        ("city", (None, "a", "b")),
        ("gender", ("m",)),
        ("is_registered", (True,)),
    )


def test_an_empty_text_is_two_quotes_and_quotes_themselves_have_two_more():
    asked = query('city=""&city=&city="&city=""""&city="""&city=a""', *_NAMES)
    assert asked.filters().values == (("city", (None, '"', "", '"""', '""', 'a""')),)


_NAMES = ("country", "region", "city", "device", "gender", "age_range", "zodiac", "is_registered")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contry=x", "did you mean country"),
        ("zzz=1", "no such parameter"),
        ("%20city=1", "did you mean city"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_name(text, said):
    with pytest.raises(ProblemError, match=said):
        query(text, *_NAMES)


def test_a_question_ends_the_sentence_of_a_refused_word():
    with pytest.raises(ProblemError, match=r"city; did you mean country\?$"):
        query("level=countri", "level").choice("level", ("country", "region", "city"), "city")


def test_words_keep_the_order_asked_for_and_come_once():
    asked = query("fields=pv,uid&fields=city,pv", "fields")
    assert asked.words("fields", ("uid", "pv", "city")) == ["pv", "uid", "city"]


@pytest.mark.parametrize(
    "text",
    [
        *("page_size=0", "page_size=1001", "page_size=1e2", "page_size=", "page_size=%D9%A1"),
        *("page_size=1&page_size=1", "page_size=99999999999999999999", "page_size=+1"),
    ],
)
def test_a_number_that_is_none_or_too_large_is_refused(text):
    with pytest.raises(ProblemError, match="page_size"):
        query(text, "page_size").integer("page_size", 100, 1, 1000)


def test_too_many_values_of_a_filter_are_refused():
    with pytest.raises(ProblemError, match="100 values"):
        query("&".join(f"city={n}" for n in range(101)), *_NAMES).filters()


@pytest.mark.parametrize(
    ("sent", "is_known"),
    [
        ([], False),
        (['"other"'], False),
        (['"tag"'], True),
        (['W/"tag"'], True),
        (['"a", W/"b", "tag"'], True),
        (['"a"', '"tag"'], True),
        (["*"], True),
        (["tag"], False),
        (['"a,b", "tag"'], True),
    ],
)
def test_an_answer_is_known_by_its_tag(sent, is_known):
    request: Any = SimpleNamespace(headers=SimpleNamespace(getlist=lambda _: sent))
    assert etags.is_known(request, '"tag"') is is_known


def test_a_tag_follows_versions_and_question_and_not_the_order_of_tables():
    one = etags.tag_of("summary", {"a": "1", "b": "2"}, [1])
    assert one == etags.tag_of("summary", {"b": "2", "a": "1"}, [1])
    assert one != etags.tag_of("summary", {"a": "1", "b": "3"}, [1])
    assert one != etags.tag_of("summary", {"a": "1", "b": "2"}, [2])


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["a", 1, True, None, ""], 'a,1,true,,""'),
        (['say "x"', "a,b", "a\nb", " a"], '"say ""x""","a,b","a\nb"," a"'),
        (["=1+1", "+1", "-1", "@x", "\tx", "'=1"], "'=1+1,'+1,'-1,'@x,'\tx,''=1"),
        ([-5], "-5"),
    ],
    ids=["kinds", "quotes", "formulas", "a number is none"],
)
def test_a_line_of_csv_is_safe_in_a_spreadsheet(values, line):
    assert csv_line(values) == line + "\r\n"


def test_an_answer_that_many_ask_for_is_made_once():
    made = []

    async def make():
        made.append(1)
        await asyncio.sleep(0)
        return Answer("t", b"body")

    async def ask():
        cache = AnswerCache()
        return await asyncio.gather(*(cache.get_or_make("t", make) for _ in range(10)))

    assert asyncio.run(ask()) == [Answer("t", b"body")] * 10
    assert len(made) == 1


def test_an_answer_that_fails_is_made_again():
    async def fail():
        raise KeyError("made badly")

    async def make():
        return Answer("t", b"body")

    async def ask():
        cache = AnswerCache()
        with pytest.raises(KeyError, match="made badly"):
            await cache.get_or_make("t", fail)
        return await cache.get_or_make("t", make)

    assert asyncio.run(ask()).body == b"body"


def test_kept_answers_are_bounded_and_the_ones_asked_for_last_stay():
    async def fill():
        cache = AnswerCache(most_bytes=80)
        for number in range(20):

            async def make(number=number):
                return Answer(f"t{number}", b"x" * 10)

            await cache.get_or_make(f"t{number}", make)
            cache.get("t0")
        return [number for number in range(20) if cache.get(f"t{number}")]

    assert asyncio.run(fill()) == [0, 13, 14, 15, 16, 17, 18, 19]
