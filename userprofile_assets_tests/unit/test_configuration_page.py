"""docs/configuration.md and .env.example say what the settings say."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from userprofile_assets.settings import PREFIX, Settings
from userprofile_assets.settings_page import main, render, render_env

ROOT = Path(__file__).resolve().parents[2]
NAMES = [PREFIX + name.upper() for name in Settings.model_fields]
SECRETS = {
    "USERPROFILE_ALERT_URLS",
    "USERPROFILE_OPENLINEAGE_API_KEY",
    "USERPROFILE_OPENLINEAGE_URL",
    "USERPROFILE_ANONYMOUS_KEY",
    "USERPROFILE_LOG_HEADERS",
    "USERPROFILE_LOG_PARAMETERS",
    "USERPROFILE_LOG_PROXY",
    "USERPROFILE_LOG_SHA256",
    "USERPROFILE_LOG_TOKEN",
    "USERPROFILE_LOG_URL",
    "USERPROFILE_MYSQL_URL",
    "USERPROFILE_OSS_ACCESS_KEY_ID",
    "USERPROFILE_OSS_ACCESS_KEY_SECRET",
    "USERPROFILE_OSS_SECURITY_TOKEN",
    "USERPROFILE_SERVING_URL",
    "USERPROFILE_SPARK_CONF",
    "USERPROFILE_SPARK_REMOTE",
}


def lines_of_example() -> list[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return [line[1:] for line in text.splitlines() if line.startswith("#USERPROFILE_")]


@pytest.fixture
def clean(monkeypatch, tmp_path):
    """An environment without settings, in an empty working directory."""
    for name in NAMES:
        # Set, then deleted: monkeypatch then also takes away what load() sets.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "page", "options"),
    [("docs/configuration.md", render, ""), (".env.example", render_env, "--env ")],
    ids=["configuration.md", "env.example"],
)
def test_the_written_page_is_current(path, page, options):
    assert (ROOT / path).read_text(encoding="utf-8") == page(), (
        f"{path} is out of date; run: "
        f"python -m userprofile_assets.settings_page {options}--write {path}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_has_one_row(name):
    rows = [line for line in render().splitlines() if line.startswith(f"| `{name}`")]
    assert len(rows) == 1
    assert len(re.split(r"(?<!\\)\|", rows[0])) == 5


def test_secrets_are_marked_and_nothing_else_is():
    marked = set(re.findall(r"\| `(\w+)` \*\(secret\)\* \|", render()))
    assert marked == SECRETS


def test_the_example_lists_every_variable_once_in_order():
    assert [line.partition("=")[0] for line in lines_of_example()] == NAMES


def test_every_line_of_the_example_is_a_comment_or_empty():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("line", lines_of_example(), ids=lambda line: line.partition("=")[0])
def test_every_line_of_the_example_loads_and_changes_nothing(clean, line):
    before = Settings()
    (clean / ".env").write_text(line, encoding="utf-8")
    assert Settings.load() == before


def test_all_lines_of_the_example_together_give_the_defaults(clean):
    before = Settings()
    (clean / ".env").write_text("\n".join(lines_of_example()), encoding="utf-8")
    assert Settings.load() == before


def test_quotes_in_the_example_are_there_for_the_shell_and_read_back():
    values = dotenv_values(stream=StringIO("\n".join(lines_of_example())), interpolate=False)
    assert values["USERPROFILE_FIELD_DELIMITER"] == "|"
    assert values["USERPROFILE_SPARK_MASTER"] == "local[*]"
    assert values["USERPROFILE_LOG_OBJECT"] == "ods_raw_log_d/log_${bizdate}/log_${bizdate}.txt"


@pytest.mark.parametrize(("options", "page"), [([], render), (["--env"], render_env)])
def test_the_command_prints_or_writes_the_page(options, page, tmp_path, capsys):
    main(options)
    assert capsys.readouterr().out == page()
    main([*options, "--write", str(tmp_path / "page")])
    assert (tmp_path / "page").read_text(encoding="utf-8") == page()
