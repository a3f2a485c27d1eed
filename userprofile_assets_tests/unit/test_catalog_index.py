"""The index of the data map: when it is read, when it is made anew, and how much of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from userprofile_assets.catalog.environment import home_of, set_variables
from userprofile_assets.catalog.freshness import UNSURE, digest_of, state_of, without_young
from userprofile_assets.catalog.model import Column, Place
from userprofile_assets.catalog.open_catalog import index_path, open_catalog
from userprofile_assets.catalog.source_files import directory_of, keep_source
from userprofile_assets.errors import QualityFileError, SettingsError, SqlFileError
from userprofile_assets.records.schema_change import SourceColumn, SourceSchema
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse import known_tables
from userprofile_assets_tests.support.sql_tree import table_of, write_sql

RAW = """\
-- Lines of the log.
CREATE TABLE IF NOT EXISTS raw (col STRING COMMENT 'a line', dt STRING)
USING text OPTIONS (lineSep '\\n') PARTITIONED BY (dt) LOCATION '${spark_uri}/raw';
ALTER TABLE raw ADD IF NOT EXISTS
PARTITION (dt = '${bizdate}') LOCATION '${spark_uri}/${log_directory}';
"""
FILES = {
    "ods/raw.sql": RAW,
    "dwd/cut.sql": table_of("cut", "ip STRING COMMENT 'Address'", "SELECT left(col, 9) FROM raw"),
    "ads/hits.sql": table_of("hits", "ip STRING, hits BIGINT", "SELECT ip, 1 FROM cut"),
}
OLD_SECONDS = 10


class Project:
    """A `sql/` and a home of a test, and what opening the data map took."""

    def __init__(self, root, monkeypatch):
        self.sql = root / "sql"
        self.home = root / "home"
        self.loads = 0
        self.said = []
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("USERPROFILE_HOME", str(self.home))
        self.write(FILES)

    def write(self, files):
        """Write files that look as if they had lain there for a while."""
        write_sql(self.sql, files)
        for name in files:
            path = self.sql / name
            old = path.stat().st_mtime - OLD_SECONDS
            os.utime(path, (old, old))

    def open(self):
        """Open it, and note how often the settings had to be read."""

        def load():
            self.loads += 1
            return Settings.load()

        return open_catalog(set_variables(), load, self.said.append, directory=self.sql)

    def parsed(self):
        """Open it, and return the tables whose files sqlglot parsed for that."""
        seen = []
        find = known_tables.KnownTables.find

        def spy(known, file):
            found = find(known, file)
            if found is None:
                seen.append(file.table)
            return found

        with self._monkeypatch.context() as patched:
            patched.setattr(known_tables.KnownTables, "find", spy)
            self.open()
        return seen


@pytest.fixture
def place(tmp_path, monkeypatch):
    return Project(tmp_path, monkeypatch)


def test_the_map_goes_from_the_source_to_the_last_table(place):
    catalog = place.open()

    assert [(d.name, d.kind, d.group) for d in catalog.datasets] == [
        ("ods_user_info_d_mysql", "source", "sources"),
        ("user_log_httpfile", "source", "sources"),
        ("raw_log_oss", "object", "ingest"),
        ("user_info_oss", "object", "ingest"),
        ("raw", "table", "ods"),
        ("cut", "table", "dwd"),
        ("hits", "table", "ads"),
    ]
    assert catalog.find("cut").columns == (
        Column("ip", "string", "Address", sources=(("raw", "col"),)),
        Column("dt", "string", partition=True),
    )
    assert catalog.upstream(Place("raw", "col")) == [Place("raw_log_oss", "col")]
    assert catalog.upstream(Place("raw_log_oss", "col")) == [Place("user_log_httpfile", "line")]
    assert catalog.upstream(Place("user_info_oss", "uid")) == [
        Place("ods_user_info_d_mysql", "uid")
    ]


def test_what_a_file_beside_the_table_says_wins(place):
    place.write(
        {
            "dwd/cut.yml": "description: Cut lines\nowner: team:x\ntags: [lines]\n"
            "columns:\n  ip: {comment: Who asked, pii: true, tags: [key]}\n"
        }
    )

    cut = place.open().find("cut")

    assert (cut.description, cut.owner, cut.tags) == ("Cut lines", "team:x", ("lines",))
    assert cut.columns[0] == Column(
        "ip", "string", "Who asked", pii=True, tags=("key",), sources=(("raw", "col"),)
    )


def test_a_fresh_index_is_the_same_map_without_reading_settings_or_files(place):
    first = place.open()

    again = place.open()

    assert place.loads == 1
    assert again.datasets == first.datasets


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda p: p.write({"dwd/new.sql": FILES["dwd/cut.sql"].replace("cut", "new")}),
                     id="new table"),
        pytest.param(lambda p: (p.sql / "ads/hits.sql").unlink(), id="table removed"),
        pytest.param(lambda p: p.write({"dwd/cut.sql": FILES["dwd/cut.sql"] + "\n"}), id="text"),
        pytest.param(lambda p: p.write({"dwd/cut.yml": "owner: x\n"}), id="file about a table"),
        pytest.param(lambda p: keep_source(p.home, "user_log_httpfile", SourceSchema(columns=())),
                     id="source seen"),
    ],
)  # fmt: skip
def test_what_changes_on_the_disk_makes_the_index_anew(place, change):
    place.open()

    change(place)
    place.open()

    assert place.loads == 2


def test_a_changed_setting_makes_the_index_anew(place, monkeypatch):
    place.open()

    monkeypatch.setenv("USERPROFILE_USER_COLUMNS", "uid,name")
    catalog = place.open()

    assert [column.name for column in catalog.find("user_info_oss").columns] == ["uid", "name"]


def test_an_unknown_variable_is_an_error_although_the_index_is_fresh(place, monkeypatch):
    place.open()

    monkeypatch.setenv("USERPROFILE_USER_COLUMN", "uid")
    with pytest.raises(SettingsError, match="USERPROFILE_USER_COLUMN is not a setting"):
        place.open()


def test_a_secret_neither_counts_nor_is_kept(place, monkeypatch):
    monkeypatch.setenv("USERPROFILE_MYSQL_URL", "mysql+pymysql://u:s3cret@h/d")
    place.open()
    stamp = json.loads(index_path(place.home).read_bytes())["stamp"]

    monkeypatch.setenv("USERPROFILE_MYSQL_URL", "mysql+pymysql://u:other@h/d")
    place.open()

    assert place.loads == 1
    assert "USERPROFILE_MYSQL_URL" not in stamp["counted"]
    assert "USERPROFILE_USER_COLUMNS" in stamp["counted"]
    kept = b"".join(p.read_bytes() for p in place.home.rglob("*") if p.is_file())
    assert b"s3cret" not in kept


def test_variables_of_a_dotenv_file_count_as_well(place, tmp_path):
    place.open()

    (tmp_path / ".env").write_text("USERPROFILE_USER_COLUMNS=uid,name\n")
    catalog = place.open()

    assert len(catalog.find("user_info_oss").columns) == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00", id="not UTF-8"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"format": 1}', id="half"),
        pytest.param(b'{"format": 0, "stamp": {}, "datasets": []}', id="another format"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_broken_index_is_made_anew(place, content):
    place.open()
    for path in (place.home / "catalog").glob("*.json"):
        path.write_bytes(content)

    catalog = place.open()

    assert catalog.find("hits").columns[0].sources == (("cut", "ip"),)
    place.open()
    assert place.loads == 2


def test_an_index_with_one_dataset_cut_short_is_made_anew(place):
    place.open()
    path = index_path(place.home)
    content = json.loads(path.read_bytes())
    content["datasets"][0].pop()
    path.write_text(json.dumps(content))

    assert len(place.open().datasets) == 7


def test_only_files_that_have_changed_are_parsed_again(place):
    assert place.parsed() == ["hits", "cut", "raw"]

    place.write({"ads/hits.sql": FILES["ads/hits.sql"].replace("SELECT ip, 1", "SELECT ip, 2")})

    assert place.parsed() == ["hits"]


def test_a_table_below_one_whose_columns_changed_is_followed_anew(place):
    place.open()
    cut = table_of("cut", "ip STRING, host STRING", "SELECT left(col, 9), col FROM raw")
    place.write({"dwd/cut.sql": cut})
    assert place.open().find("hits").columns[0].sources == (("cut", "ip"),)

    # The text of `hits` is the same, and its column is gone.
    place.write({"dwd/cut.sql": cut.replace("ip STRING", "address STRING")})

    with pytest.raises(SqlFileError, match=r"ads/hits\.sql:4"):
        place.open()


def test_a_map_made_in_steps_is_the_one_made_at_once(place):
    place.open()
    place.write({"dwd/cut.sql": FILES["dwd/cut.sql"].replace("left(col, 9)", "right(col, 9)")})
    place.write({"dwd/cut.yml": "columns:\n  ip: From where\n"})
    in_steps = place.open().datasets
    for path in (place.home / "catalog").glob("*.json"):
        path.unlink()

    assert place.open().datasets == in_steps


def test_a_file_that_was_written_just_now_is_looked_into_once_more(place):
    write_sql(place.sql, {"dwd/cut.sql": FILES["dwd/cut.sql"]})
    place.open()
    stamp = json.loads(index_path(place.home).read_bytes())["stamp"]

    assert stamp["files"]["dwd/cut.sql"][0] == UNSURE
    assert stamp["files"]["ods/raw.sql"][0] > 0
    assert place.parsed() == []
    assert place.loads == 2


def test_a_state_keeps_the_times_of_files_that_are_old_enough():
    state = {"old": [1_000_000_000, 5], "young": [3_500_000_000, 6]}

    assert without_young(state, now_ns=4_000_000_000) == {
        "old": [1_000_000_000, 5],
        "young": [UNSURE, 6],
    }


def test_hidden_files_and_other_endings_are_no_part_of_a_state(tmp_path):
    write_sql(tmp_path, {"a/x.sql": "1", "a/.x.sql": "1", ".b/x.sql": "1", "a/x.sql~": "1"})
    (tmp_path / "a" / "gone.sql").symlink_to(tmp_path / "nowhere")

    assert [(name, entry[1]) for name, entry in state_of(tmp_path, (".sql",)).items()] == [
        ("a/x.sql", 1)
    ]
    assert state_of(tmp_path / "nothing", (".sql",)) == {}


def test_a_digest_tells_an_unset_variable_from_others():
    assert (
        len({digest_of({}, ["A"]), digest_of({"A": "x"}, ["A"]), digest_of({"A": "y"}, ["A"])}) == 3
    )
    assert digest_of({"A": "x", "B": "y"}, ["A"]) == digest_of({"A": "x"}, ["A"])


def test_an_index_that_cannot_be_kept_is_told_and_does_no_harm(place):
    place.home.mkdir()
    (place.home / "catalog").write_text("a file where the directory should be")

    catalog = place.open()

    assert len(catalog.datasets) == 7
    (said,) = place.said
    assert "cannot be kept" in said


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        pytest.param({"dwd/cut.sql": "-- x\nDROP TABLE cut;\n"}, SqlFileError, "dwd/cut.sql:2",
                     id="SQL"),
        pytest.param({"dwd/cut.yml": "ownr: x\n"}, QualityFileError, "dwd/cut.yml:1", id="YAML"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_an_error_and_the_next_index_is_right(
    place, files, error, message
):
    place.open()
    place.write(files)
    for _ in range(2):
        with pytest.raises(error, match=message):
            place.open()

    place.write({"dwd/cut.sql": FILES["dwd/cut.sql"], "dwd/cut.yml": "owner: x\n"})

    assert place.open().find("cut").owner == "x"


def test_columns_that_a_run_saw_at_a_source_are_part_of_the_map(place):
    schema = SourceSchema(
        columns=(
            SourceColumn(name="UID", type="varchar(20)", comment="会员", nullable=False),
            SourceColumn(name="phone", type="varchar(11)"),
        )
    )
    place.open()
    keep_source(place.home, "ods_user_info_d_mysql", schema)

    catalog = place.open()

    source = catalog.find("ods_user_info_d_mysql")
    assert [(c.name, c.type, c.comment) for c in source.columns] == [
        ("UID", "varchar(20)", "会员"),
        ("phone", "varchar(11)", None),
        ("gender", "", None),
        ("age_range", "", None),
        ("zodiac", "", None),
    ]
    assert catalog.downstream(Place("ods_user_info_d_mysql", "UID")) == [
        Place("user_info_oss", "uid")
    ]


def test_a_source_that_looks_as_before_leaves_the_index_fresh(place):
    schema = SourceSchema(columns=(SourceColumn(name="uid", type="int"),))
    keep_source(place.home, "ods_user_info_d_mysql", schema)
    path = directory_of(place.home) / "ods_user_info_d_mysql.json"
    os.utime(path, (1_700_000_000, 1_700_000_000))
    place.open()

    keep_source(place.home, "ods_user_info_d_mysql", schema)
    place.open()

    assert place.loads == 1


def test_what_killed_writers_left_is_removed_after_an_hour(place):
    directory = place.home / "catalog"
    directory.mkdir(parents=True)
    for name, age in (("_tmp.1.1.index.json", 7200), ("_tmp.2.2.index.json", 60)):
        (directory / name).write_bytes(b"half")
        then = directory.stat().st_mtime - age
        os.utime(directory / name, (then, then))

    place.open()

    assert sorted(path.name for path in directory.iterdir()) == [
        "_tmp.2.2.index.json", "index.json", "tables.json",
    ]  # fmt: skip


@pytest.mark.parametrize("home", ["~/x", "relative", "/absolute"])
def test_home_is_that_of_the_settings(monkeypatch, home):
    monkeypatch.setenv("USERPROFILE_HOME", home)

    assert home_of(set_variables()) == Settings.load().home


def test_without_a_variable_home_is_that_of_the_settings(monkeypatch):
    monkeypatch.setenv("USERPROFILE_HOME", "")

    assert home_of(set_variables()) == Settings.load().home


def test_two_processes_that_make_the_index_at_once_both_have_it(place):
    program = (
        "import sys; from pathlib import Path\n"
        "from userprofile_assets.catalog.environment import set_variables\n"
        "from userprofile_assets.catalog.open_catalog import open_catalog\n"
        "from userprofile_assets.settings import Settings\n"
        "sys.stdin.readline()\n"
        "catalog = open_catalog(set_variables(), Settings.load, print,\n"
        f"    directory=Path({str(place.sql)!r}))\n"
        "print(len(catalog.datasets))\n"
    )
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in pair:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    assert [process.communicate()[0] for process in pair] == ["7\n", "7\n"]
    assert len(place.open().datasets) == 7
    assert place.loads == 0
