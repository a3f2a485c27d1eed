"""The `userprofile` command: its subcommands."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from userprofile_assets.cli.catalog import catalog_app
from userprofile_assets.cli.exit_codes import exit_on_error
from userprofile_assets.cli.keys import keys_app

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings

app = typer.Typer(
    name="userprofile",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "User profile analysis on Dagster and Spark.\n\n"
        "Settings are `USERPROFILE_*` variables, also read from `.env` in the working directory; "
        "docs/configuration.md lists them. Exit codes: 0 done, 1 it failed, 2 the command or a "
        "setting is wrong."
    ),
)
spark_app = typer.Typer(no_args_is_help=True, help="Local Spark: what makes it start faster.")
app.add_typer(spark_app, name="spark")
alert_app = typer.Typer(no_args_is_help=True, help="Alerts: who is told of failures.")
app.add_typer(alert_app, name="alert")
app.add_typer(catalog_app, name="catalog")
app.add_typer(keys_app, name="keys")


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def demo(
    dt: Annotated[
        str | None,
        typer.Option(
            "--dt",
            metavar="DAY",
            help="The last day: 2024-08-07 or 20240807; yesterday if not given.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=366, help="How many days, the last one included.")
    ] = 8,
    *,
    serve: Annotated[
        bool, typer.Option(help="Start dashboard, API and Dagster UI in the background at the end.")
    ] = True,
    archive: Annotated[
        bool,
        typer.Option(help="Make the class archive that halves Spark's start (once, 230 MB)."),
    ] = True,
) -> None:
    """Make eight days with the embedded sources, and serve them.

    Makes the sources, runs every asset that is not good yet through Dagster on local Spark, prints
    rows, bytes and seconds and the tutorial's two verification queries, starts what
    `userprofile up --detach` starts, and prints where it answers. A second call does only what is
    missing. `userprofile down` (`make stop`) ends what runs in the background.

    Example: `userprofile demo`, or `userprofile demo --dt 2024-08-07 --days 1`.
    """
    from userprofile_assets.cli.demo import run_demo

    settings = _settings()
    raise typer.Exit(run_demo(settings, day=dt, days=days, serve=serve, make_archive=archive))


class Database(StrEnum):
    """Where a statement runs."""

    SPARK = "spark"
    SERVING = "serving"


@app.command()
def query(  # noqa: PLR0917 - typer makes options of them
    sql: Annotated[str, typer.Argument(help="One SQL statement.")],
    on: Annotated[
        Database,
        typer.Option(
            help="`spark`: all tables, anything that Spark takes. `serving`: the database behind "
            "API and dashboard, read only."
        ),
    ] = Database.SPARK,
    output: Annotated[
        Format,
        typer.Option(
            "--format",
            help="`table` shows the first rows; `csv` and `json` are complete, and nothing else "
            "stands on standard output.",
        ),
    ] = Format.TABLE,
    limit: Annotated[
        int, typer.Option(min=1, help="Most rows that `table` shows; more are announced.")
    ] = 50,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=86_400,
            help="Only on `serving`: the statement is cancelled after these seconds; 30 if not "
            "given.",
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Only on `serving`: more rows than these are not read; the result ends there, and "
            "the exit code is 1. 1,000,000 if not given.",
        ),
    ] = None,
) -> None:
    """Run a SQL statement on Spark, or read the serving database.

    On Spark it waits for a Dagster run that has the embedded metastore open, and is cancelled after
    USERPROFILE_SPARK_STATEMENT_SECONDS, the taking of its rows included.

    Example: `userprofile query "SELECT * FROM ods_user_info_d_spark WHERE dt = '20240807'"`, or
    `userprofile query --on serving "SELECT city, SUM(pv) FROM ads_user_info_1d GROUP BY city"`.
    """
    settings = _settings()
    if on is Database.SERVING:
        from userprofile_assets.cli.query_serving import run_serving_query

        raise typer.Exit(
            run_serving_query(
                settings, sql, output=output.value, limit=limit, seconds=seconds, rows=rows
            )
        )
    for option, value in (("--seconds", seconds), ("--rows", rows)):
        if value is not None:
            raise typer.BadParameter(
                "it is for --on serving; Spark's limit is USERPROFILE_SPARK_STATEMENT_SECONDS, and "
                "rows are limited by LIMIT in the statement",
                param_hint=option,
            )
    from userprofile_assets.cli.query import run_query

    run_query(settings, sql, output=output.value, limit=limit)


class CheckFormat(StrEnum):
    """How results of rules are printed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def check(
    dt: Annotated[str, typer.Option("--dt", metavar="DAY", help="Business date.")],
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help="Tables; all that have rules if none is given."),
    ] = None,
    output: Annotated[
        CheckFormat,
        typer.Option("--format", help="With `json` nothing else stands on standard output."),
    ] = CheckFormat.TABLE,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the results as those of a run are kept.")
    ] = False,
) -> None:
    """Try the quality rules on a day, without a run.

    The rules are in `sql/<layer>/<table>.yml` (docs/quality.md). Exit code 1 if a strong rule
    refuses the day. Without `--keep` nothing is written.

    Example: `userprofile check ads_user_info_1d_spark --dt 2024-08-07`
    """
    from userprofile_assets.cli.check import run_check

    code = run_check(_settings(), tables or (), day=dt, output=output.value, keep=keep)
    raise typer.Exit(code)


@app.command()
def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    connect_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the Spark Connect server.")
    ] = 15002,
    api_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Port of the API and the dashboard; USERPROFILE_API_PORT if not given.",
        ),
    ] = None,
    *,
    api: Annotated[bool, typer.Option(help="Whether the API is started too.")] = True,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="In the background: return when all of it answers."),
    ] = False,
) -> None:
    """Run the Dagster UI, the API with its dashboard and a warm Spark until Ctrl-C.

    Starts a local Spark Connect server, `dagster dev` and `userprofile serve`, waits until each
    answers and passes on what they print. Runs launched in the UI share that Spark, and so do
    `userprofile query` and `dagster asset materialize`. All of it ends on Ctrl-C, or when one part
    does (exit code 1).

    With `--detach` it runs in the background, prints into logs/up.log under HOME, and ends by
    `userprofile down`. A second call says that it runs already.

    With `USERPROFILE_SPARK_REMOTE` set, no Spark is started.
    """
    from userprofile_assets.cli.up_ports import UpPorts

    settings = _settings()
    ports = UpPorts(
        ui=port, connect=connect_port, api=(api_port or settings.api_port) if api else None
    )
    if detach:
        from userprofile_assets.cli.up_detached import run_up_detached

        raise typer.Exit(run_up_detached(settings, ports))
    from userprofile_assets.cli.up import run_up

    raise typer.Exit(run_up(settings, ports))


@app.command()
def down() -> None:
    """End the `userprofile up` of this home, in the background or not.

    Runs that go on are terminated first, as the UI does it. Nothing running is no error.
    """
    from userprofile_assets.cli.down import run_down

    raise typer.Exit(run_down(_settings()))


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; USERPROFILE_API_HOST if not given. Another one than "
            "loopback needs a key (`userprofile keys create`)."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port; USERPROFILE_API_PORT if not given."),
    ] = None,
) -> None:
    """Serve the API, the dashboard and the data map over HTTP until Ctrl-C.

    They read the serving database only: neither Spark nor Dagster has to run.
    """
    from userprofile_assets.cli.serve import run_serve

    settings = _settings()
    code = run_serve(settings, host=host or settings.api_host, port=port or settings.api_port)
    raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """Test each setting and connection, one line each: the tutorial's connectivity test.

    Reads from both sources, writes and deletes a probe object, looks for Java, parses the SQL
    files. Prints what to do about each failure; exit code 1 if there is one. No secret is
    printed.
    """
    from userprofile_assets.cli.doctor import run_doctor

    raise typer.Exit(run_doctor())


@app.command()
def rollback(
    asset: Annotated[str, typer.Argument(help="`raw_log_oss` or `user_info_oss`.")],
    dt: Annotated[str, typer.Option("--dt", metavar="DAY", help="Business date.")],
) -> None:
    """Bring the former object of a day back, after a rerun took bad data.

    The object before the last one is kept, with its manifest. A second rollback undoes the first.
    Materialize the tables of that day again afterwards.
    """
    from userprofile_assets.cli.rollback import run_rollback

    run_rollback(_settings(), asset, dt)


@app.command()
def gc(
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Directories that each day keeps, the one it shows included; "
            "USERPROFILE_KEEP_RUNS if not given.",
        ),
    ] = None,
    older_than: Annotated[
        float,
        typer.Option(
            min=0,
            max=1_000_000,
            metavar="HOURS",
            help="A day to which anything was written in these hours is left alone. "
            "0 only when nothing runs and nobody reads.",
        ),
    ] = 24,
    *,
    unshown: Annotated[
        bool,
        typer.Option(
            "--unshown",
            help="Remove the days too that have rows but no partition in the catalogue. Not with a "
            "catalogue that was made anew, nor where another one shows them.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed.")] = False,
) -> None:
    """Remove directories of runs whose rows no table shows any more.

    A run that fills a day again writes beside the former rows, and these stay. This removes those
    beyond the newest, what killed runs left, and the tables that such runs wrote through. Never
    what a table shows, nor a day that was written lately. A day that has rows but no partition is
    named and kept, unless `--unshown` is given.

    Example: `userprofile gc --dry-run`, then `userprofile gc`.
    """
    from userprofile_assets.cli.gc import run_gc

    run_gc(_settings(), keep=keep, older_than=older_than, unshown=unshown, dry_run=dry_run)


@spark_app.command("archive")
def spark_archive() -> None:
    """Make the class archive: local Spark then starts in about half the time.

    Takes a minute or two and 230 MB, once for each version of Java and Spark.
    """
    from userprofile_assets.cli.archive import run_archive

    run_archive(_settings())


class Scheme(StrEnum):
    """A scheme whose client Spark does not bring."""

    S3A = "s3a"
    OSS = "oss"


@spark_app.command("jars")
def spark_jars(
    scheme: Annotated[
        Scheme | None,
        typer.Option(help="Of which scheme; the one of USERPROFILE_SPARK_URI if not given."),
    ] = None,
) -> None:
    """Fetch what Spark needs to read object storage: s3a:// (13 MB) or oss:// (3 MB).

    Once for each home. Each file is checked against a SHA-256 of the project's own list. A driver
    that runs needs them; a Spark server elsewhere has its own.
    """
    from userprofile_assets.cli.spark_jars import run_spark_jars

    run_spark_jars(_settings(), scheme=scheme.value if scheme else None)


def _settings() -> Settings:
    # A quarter of a second, which `userprofile catalog` does without.
    from userprofile_assets.settings import Settings

    return Settings.load()


@alert_app.command("test")
def alert_test() -> None:
    """Send one message to every channel of USERPROFILE_ALERT_URLS, and say which took it.

    Exit code 1 if one did not. Neither quiet hours nor limits hold it back.
    """
    from userprofile_assets.cli.alert import run_alert_test

    raise typer.Exit(run_alert_test(_settings()))


def main() -> None:
    """Run the command; an error of this project is printed without a traceback."""
    with exit_on_error():
        app()


if __name__ == "__main__":
    main()
