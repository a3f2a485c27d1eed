"""The cache of agents is found again, stays small, and never fails a run."""

import sqlite3
import subprocess
import sys

import pytest

from userprofile_assets.enrichment.agent_cache import AgentCache
from userprofile_assets.enrichment.agent_parser import AgentFacts
from userprofile_assets.enrichment.agents import UserAgentLookup

FACTS = AgentFacts("android", "user", "Chrome Mobile", "Android", "126.0")
OTHER = AgentFacts("unknown", "crawler", "unknown", "unknown", None)


@pytest.fixture
def said():
    return []


@pytest.fixture
def cache(tmp_path, said):
    return AgentCache(tmp_path, version="1", log=said.append)


def file_of(directory):
    return directory / "agents.sqlite3"


def test_what_was_kept_is_found_by_another_process_later(tmp_path, cache, said):
    cache.keep({"a": FACTS, "b": OTHER})

    later = AgentCache(tmp_path, version="1", log=said.append)

    assert later.find(["b", "c", "a"]) == {"a": FACTS, "b": OTHER}
    assert said == []


def test_another_version_of_the_rules_finds_nothing(tmp_path, cache, said):
    cache.keep({"a": FACTS})

    assert AgentCache(tmp_path, version="2", log=said.append).find(["a"]) == {}


def test_agents_that_differ_only_at_the_end_of_five_megabytes_are_two(cache):
    long = "x" * 5_000_000
    cache.keep({long + "1": FACTS})

    assert cache.find([long + "1", long + "2"]) == {long + "1": FACTS}


def test_more_agents_than_one_select_takes_are_found(cache):
    known = {f"agent {number}": FACTS for number in range(1_203)}
    cache.keep(known)

    assert cache.find(list(known)) == known


def test_the_rows_written_first_go_when_there_are_too_many(tmp_path, said):
    cache = AgentCache(tmp_path, version="1", log=said.append, max_rows=3)
    for name in "abcde":
        cache.keep({name: FACTS})

    assert sorted(cache.find(list("abcde"))) == ["c", "d", "e"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no database at all" * 1000, id="garbage"),
        pytest.param(b"SQLite format 3\x00" + b"\xff" * 8000, id="a broken header"),
        pytest.param(b"\x00" * 4096, id="zeros"),
    ],
)
def test_a_broken_file_is_thrown_away_and_a_new_one_is_made(tmp_path, cache, said, content):
    file_of(tmp_path).write_bytes(content)

    assert cache.find(["a"]) == {}
    assert len(said) == 1
    assert "thrown away" in said[0]
    cache.keep({"a": FACTS})
    assert cache.find(["a"]) == {"a": FACTS}


def test_a_file_whose_pages_are_damaged_is_thrown_away(tmp_path, cache, said):
    known = {f"agent {number}": FACTS for number in range(3_000)}
    cache.keep(known)
    content = bytearray(file_of(tmp_path).read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file_of(tmp_path).write_bytes(content)

    assert cache.find(list(known)) == {}
    assert "thrown away" in said[0]
    assert not file_of(tmp_path).exists()


def test_a_database_of_another_schema_is_thrown_away(tmp_path, cache, said):
    connection = sqlite3.connect(file_of(tmp_path))
    connection.execute("CREATE TABLE agents (something_else TEXT)")
    connection.execute("PRAGMA user_version = 7")
    connection.commit()
    connection.close()

    assert cache.find(["a"]) == {}
    assert "schema 7 instead of 1" in said[0]
    cache.keep({"a": FACTS})
    assert cache.find(["a"]) == {"a": FACTS}


def test_a_file_that_another_process_keeps_locked_is_left_alone(tmp_path, cache, said, monkeypatch):
    monkeypatch.setattr("userprofile_assets.enrichment.agent_cache._WAIT_SECONDS", 0.05)
    cache.keep({"a": FACTS})
    holder = sqlite3.connect(file_of(tmp_path))
    holder.execute("BEGIN EXCLUSIVE")

    cache.keep({"b": FACTS})
    assert cache.find(["a"]) == {}
    holder.rollback()
    holder.close()

    assert ["not used" in sentence for sentence in said] == [True, True]
    assert cache.find(["a", "b"]) == {"a": FACTS}


def test_a_directory_that_cannot_be_made_is_said_and_no_more(tmp_path, said):
    (tmp_path / "file").write_text("")
    cache = AgentCache(tmp_path / "file" / "below", version="1", log=said.append)

    cache.keep({"a": FACTS})

    assert cache.find(["a"]) == {}
    assert ["not used" in sentence for sentence in said] == [True, True]


def test_several_processes_fill_one_new_file_together(tmp_path, said):
    program = """
import sys
from pathlib import Path
from userprofile_assets.enrichment.agent_cache import AgentCache
from userprofile_assets.enrichment.agent_parser import AgentFacts
cache = AgentCache(Path(sys.argv[1]), version="1", log=sys.exit)
for number in range(20):
    cache.keep({f"{sys.argv[2]} {number}": AgentFacts("tv", "user", "b", "o", None)})
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "abc"
    ]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    names = [f"{name} {number}" for name in "abc" for number in range(20)]
    assert len(AgentCache(tmp_path, version="1", log=said.append).find(names)) == 60


def test_agents_seen_before_are_not_looked_at_again(tmp_path, said, monkeypatch):
    keys = [("curl/8.9.1",), ("Opera/9.80",), ("curl/8.9.1",)]
    first = list(UserAgentLookup(tmp_path, log=said.append).rows(keys))
    monkeypatch.setattr("userprofile_assets.enrichment.agent_parser.AgentParser.facts", None)

    assert list(UserAgentLookup(tmp_path, log=said.append).rows(keys)) == first


def test_a_broken_cache_changes_no_row(tmp_path, said):
    keys = [("curl/8.9.1",), ("Opera/9.80",)]
    without = list(UserAgentLookup(None, log=said.append).rows(keys))
    file_of(tmp_path).write_bytes(b"garbage" * 1000)

    assert list(UserAgentLookup(tmp_path, log=said.append).rows(keys)) == without
