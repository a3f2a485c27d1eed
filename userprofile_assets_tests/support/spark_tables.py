"""Tables of a scratch `sql/` for a real Spark, and an engine that breaks where a test wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.graph import ObjectSource, build_graph
from userprofile_assets.warehouse.runner import TableRunner
from userprofile_assets_tests.support.sql_tree import write_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from userprofile_assets.warehouse.engine import Engine, Row
    from userprofile_assets.warehouse.graph import Warehouse
    from userprofile_assets.warehouse.graph_rules import LookupColumns

LINES = """\
-- Lines of a log.
CREATE TABLE IF NOT EXISTS lines (col STRING, dt STRING)
USING text OPTIONS (lineSep '\\n') PARTITIONED BY (dt) LOCATION '${spark_uri}/lines';
ALTER TABLE lines ADD IF NOT EXISTS
PARTITION (dt = '${bizdate}') LOCATION '${spark_uri}/lines/${bizdate}';
"""
WORDS = """\
-- Words of the lines.
CREATE TABLE IF NOT EXISTS words (
    word STRING COMMENT 'a word', size INT, dt STRING COMMENT 'day'
) USING parquet PARTITIONED BY (dt) LOCATION '${spark_uri}/words';
INSERT OVERWRITE TABLE words PARTITION (dt = '${bizdate}')
SELECT col AS size, length(col) AS word FROM lines WHERE dt = '${bizdate}';
"""
LONG_WORDS = """\
-- Words of three letters.
CREATE OR REPLACE VIEW long_words (word COMMENT 'it\\'s long', dt COMMENT 'day')
COMMENT 'Long words'
AS
SELECT
    word,  -- as it is
    dt
FROM words WHERE length(word) >= 3 AND word <> 'a;b' ;
"""
MEANINGS = """\
-- What the words mean.
CREATE TABLE IF NOT EXISTS meanings (
    word STRING, meaning STRING, letters BIGINT, dt STRING
) USING parquet PARTITIONED BY (dt) LOCATION '${spark_uri}/meanings'
TBLPROPERTIES ('userprofile.lookup' = 'meaning');
SELECT DISTINCT word FROM words WHERE dt = '${bizdate}' ORDER BY word;
"""
FILES = {
    "ods/lines.sql": LINES,
    "dwd/words.sql": WORDS,
    "dwd/long_words.sql": LONG_WORDS,
    "dim/meanings.sql": MEANINGS,
}
LOOKUPS = {"meaning": (("word", "string"), ("meaning", "string"), ("letters", "bigint"))}


class Scratch:
    """A scratch project: its files, its storage, and its warehouse."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage = root / "storage"
        self.variables = {"spark_uri": f"file://{self.storage}"}

    def warehouse(
        self,
        files: Mapping[str, str] | None = None,
        lookups: Mapping[str, LookupColumns] = LOOKUPS,
    ) -> Warehouse:
        """Write the files, some of them changed, and parse them."""
        write_sql(self.root / "sql", {**FILES, **(files or {})})
        source = ObjectSource(asset="line_object", directory="lines/${bizdate}", columns=("col",))
        return build_graph(self.root / "sql", self.variables, [source], lookups=lookups)

    def runner(
        self,
        engine: Engine,
        table: str,
        *,
        files: Mapping[str, str] | None = None,
        run_id: str = "run",
    ) -> TableRunner:
        """Return the runner of a table, some of the files perhaps changed."""
        definition = self.warehouse(files).table(table)
        executor = Executor(engine, lambda _: None)
        return TableRunner(executor, definition, self.variables, lambda _: None, run_id=run_id)

    def write_lines(self, bizdate: str, *lines: str) -> None:
        """Write the object of a day."""
        directory = self.storage / "lines" / bizdate
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "lines.txt").write_text("".join(f"{line}\n" for line in lines))


class Killed(BaseException):
    """The process ends here, as far as the code under test can know."""


class Watched:
    """An engine that stands before another one, notes statements, and can break."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.address = engine.address
        self.statements: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def execute(self, statement: str) -> list[Row]:
        """Run it, between the two hooks."""
        self.before(statement)
        self.statements.append(" ".join(statement.split()))
        rows = self.engine.execute(statement)
        self.after(statement)
        return rows

    def stream(self, statement: str) -> tuple[list[str], Iterator[Row]]:
        """Pass it on."""
        return self.engine.stream(statement)

    def table_exists(self, table: str) -> bool:
        """Pass it on."""
        return self.engine.table_exists(table)

    def cancel(self) -> None:
        """Pass it on."""
        self.engine.cancel()

    def progress(self) -> str | None:
        """Pass it on."""
        return self.engine.progress()

    def facts(self) -> dict[str, str]:
        """Pass it on."""
        return self.engine.facts()

    def is_alive(self) -> bool:
        """Pass it on."""
        return self.engine.is_alive()

    def reopen(self) -> None:
        """Pass it on."""
        self.engine.reopen()
