"""Settings: where they are read, what is refused and in which words, what stays hidden."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dotenv import load_dotenv
from pydantic import ValidationError

from userprofile_assets.errors import SettingsError
from userprofile_assets.settings import PREFIX, Settings
from userprofile_assets.settings.fields import SettingsGroup


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """An environment without settings, in an empty working directory, put back afterwards."""
    for name in [*(PREFIX + field.upper() for field in Settings.model_fields), "EXAMPLE_DIR"]:
        # Set, then deleted: monkeypatch then also takes away what load() sets.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dotenv(clean):
    """Write the .env file of the working directory."""

    def write(text):
        path = clean / ".env"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused() -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    return str(caught.value)


def test_nothing_has_to_be_set(clean):
    settings = Settings.load()
    assert settings.home == clean / ".userprofile"
    assert settings.log_url is None
    assert settings.mysql_url is None
    assert settings.user_columns == ("uid", "gender", "age_range", "zodiac")
    assert settings.demo_lines == 20_000


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("home", "/srv/profile", Path("/srv/profile")),
        ("start_date", "2023-01-31", "2023-01-31"),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("schedule_on", "true", True),
        ("backfill_days_per_run", "7", 7),
        ("backfill_days_per_run", "all", "all"),
        ("log_encoding", "gbk", "gbk"),
        ("log_max_bytes", "1", 1),
        ("user_table", "workshop.ods_user_info_d", "workshop.ods_user_info_d"),
        ("user_columns", "uid, zodiac", ("uid", "zodiac")),
        ("field_delimiter", "\x01", "\x01"),
        ("storage_uri", "s3://bucket/prefix", "s3://bucket/prefix"),
        (
            "oss_endpoint",
            "https://oss-cn-shanghai.aliyuncs.com",
            "https://oss-cn-shanghai.aliyuncs.com",
        ),
        ("spark_lock_seconds", "0.5", 0.5),
    ],
)
def test_a_variable_of_the_process_is_read(monkeypatch, name, text, value):
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert getattr(Settings.load(), name) == value


def test_a_variable_of_the_dotenv_file_is_read_and_put_into_the_environment(dotenv):
    dotenv("USERPROFILE_DEMO_LINES=7\n")
    assert Settings.load().demo_lines == 7
    assert os.environ["USERPROFILE_DEMO_LINES"] == "7"


def test_the_process_wins_over_the_dotenv_file(monkeypatch, dotenv):
    dotenv("USERPROFILE_DEMO_LINES=7\nUSERPROFILE_DEMO_USERS=8\n")
    monkeypatch.setenv("USERPROFILE_DEMO_LINES", "9")
    settings = Settings.load()
    assert (settings.demo_lines, settings.demo_users) == (9, 8)


@pytest.mark.parametrize("quote", ["", "'", '"'], ids=["plain", "single", "double"])
def test_bizdate_in_the_dotenv_file_stays_and_other_names_are_resolved(monkeypatch, dotenv, quote):
    monkeypatch.setenv("EXAMPLE_DIR", "logs")
    dotenv(f"USERPROFILE_LOG_URL={quote}http://h/${{EXAMPLE_DIR}}/a_${{bizdate}}.txt{quote}\n")
    url = Settings.load().log_url
    # python-dotenv resolves names inside single quotes too.
    assert url is not None
    assert url.get_secret_value() == "http://h/logs/a_${bizdate}.txt"


def test_bizdate_survives_a_dagster_that_has_loaded_the_dotenv_file_before(dotenv):
    path = dotenv("USERPROFILE_LOG_URL=http://h/a_${bizdate}.txt\n")
    load_dotenv(path)
    assert os.environ["USERPROFILE_LOG_URL"] == "http://h/a_.txt"
    url = Settings.load().log_url
    assert url is not None
    assert url.get_secret_value() == "http://h/a_${bizdate}.txt"


def test_a_dotenv_file_that_is_not_utf8_is_named(clean):
    (clean / ".env").write_bytes(b"USERPROFILE_HOME=\xff\n")
    assert refused() == (
        f"{clean / '.env'}: the file cannot be read as UTF-8 text\n"
        "What to do: check its permissions and save it as UTF-8"
    )


def test_a_byte_order_mark_does_not_hide_the_first_variable(clean):
    (clean / ".env").write_bytes(b"\xef\xbb\xbfUSERPROFILE_DEMO_LINES=7\n")
    assert Settings.load().demo_lines == 7


UNKNOWN = [
    ("USERPROFILE_LOG_ULR", "USERPROFILE_LOG_URL"),
    ("USERPROFILE_HOM", "USERPROFILE_HOME"),
    ("USERPROFILE_OSS_KEY_ID", "USERPROFILE_OSS_ACCESS_KEY_ID"),
    ("userprofile_timezone", "USERPROFILE_TIMEZONE"),
]


@pytest.mark.parametrize(("name", "near"), UNKNOWN)
def test_an_unknown_variable_is_named_with_the_nearest_that_exists(monkeypatch, name, near):
    monkeypatch.setenv(name, "secret-value")
    assert refused() == (
        f"{name} is not a setting; the nearest one is {near}\n"
        "What to do: correct or unset it; see docs/configuration.md"
    )


def test_an_unknown_variable_of_the_dotenv_file_is_named_and_none_is_set(dotenv):
    dotenv("USERPROFILE_DEMO_LINES=7\nUSERPROFILE_LOG_ULR=http://h/a\n")
    assert refused().startswith("USERPROFILE_LOG_ULR is not a setting; the nearest one is")
    assert "USERPROFILE_DEMO_LINES" not in os.environ


KEYS = (
    "keys belong into USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET, "
    "not into the URI"
)
DELIMITER = "write one ASCII character that is no backslash, digit, N, n, r or line end"
DAYS = "write a number of days from 1 on, or all"
MALFORMED = [
    ("HOME", "~no-such-user/x", "the home directory that ~ stands for is not known"),
    ("START_DATE", "20240807", "write it as 2024-08-07"),
    ("START_DATE", "2024-02-30", "no calendar has this day"),
    ("TIMEZONE", "Asia/Shanghay", "no such time zone; did you mean Asia/Shanghai?"),
    ("TIMEZONE", "%%%", "no such time zone"),
    ("SCHEDULE_ON", "maybe", "Input should be a valid boolean, unable to interpret input"),
    ("BACKFILL_DAYS_PER_RUN", "0", DAYS),
    ("BACKFILL_DAYS_PER_RUN", "-1", DAYS),
    ("BACKFILL_DAYS_PER_RUN", "some", DAYS),
    ("LOG_URL", "ftp://h/a", "write an http://, https:// or file:// URL"),
    ("LOG_URL", "/var/log/a", "write an http://, https:// or file:// URL"),
    ("LOG_URL", "http:///a", "the URL names no host"),
    ("LOG_URL", "http://[h/a", "not a URL that can be parsed"),
    ("LOG_URL", "http://h:99999/a", "the URL's port is no port"),
    ("LOG_URL", "http://logs..example/a", "the URL's host is no name of a host"),
    ("LOG_COMPRESSION", "xz", "Input should be 'none', 'gzip', 'bzip2' or 'zip'"),
    ("LOG_ENCODING", "utf-9", "no such encoding"),
    ("LOG_ENCODING", "hex", "no such encoding"),
    ("LOG_MAX_BYTES", "0", "Input should be greater than 0"),
    ("LOG_MAX_RATIO", "0", "Input should be greater than 0"),
    (
        "LOG_OBJECT",
        "../log_${bizdate}/a.txt",
        "'../log_20240807/a.txt' cannot be the key of an object",
    ),
    (
        "LOG_OBJECT",
        "log/log_${bizdate}.txt",
        "the directory needs ${bizdate}: a Spark partition is a directory of its own",
    ),
    ("USER_TABLE", "a.b.c", "write it as table or schema.table"),
    (
        "USER_TABLE",
        "users; drop",
        "write it as table or schema.table, with ranges such as table_[0-9]",
    ),
    ("USER_TABLE", "users_[9-0]", "[9-0] is no range of at most 10,000 numbers"),
    ("USER_TIMESTAMP_ZONE", "Asia/Shanghai", "write an offset such as +08:00"),
    ("USER_TIMESTAMP_ZONE", "+14:01", "the servers know -13:59 to +14:00"),
    ("USER_TIMESTAMP_ZONE", "-14:00", "the servers know -13:59 to +14:00"),
    ("LOG_HEADERS", "X-Key: secret", "not a JSON object"),
    ("USER_COLUMNS", "uid,", "'' is not a column name"),
    ("USER_COLUMNS", "uid,1 or 1", "'1 or 1' is not a column name"),
    ("USER_COLUMNS", "uid,uid", "a column is named twice"),
    ("USER_SPLIT_KEY", "uid desc", "'uid desc' is not a column name"),
    ("USER_OBJECT", "/u_${bizdate}/a", "'/u_20240807/a' cannot be the key of an object"),
    ("FIELD_DELIMITER", "||", DELIMITER),
    ("FIELD_DELIMITER", "\\", DELIMITER),
    ("FIELD_DELIMITER", "\n", DELIMITER),
    ("FIELD_DELIMITER", "N", DELIMITER),
    ("FIELD_DELIMITER", "·", DELIMITER),
    ("STORAGE_URI", "/srv/storage", "write file:///path or s3://bucket/prefix"),
    ("STORAGE_URI", "file://srv/storage", "write file:///path or s3://bucket/prefix"),
    ("STORAGE_URI", "file:srv", "write file:///path or s3://bucket/prefix"),
    ("STORAGE_URI", "s3:///prefix", "write file:///path or s3://bucket/prefix"),
    ("STORAGE_URI", "oss://bucket", "write file:///path or s3://bucket/prefix"),
    ("STORAGE_URI", "s3://key:word@bucket", KEYS),
    ("SPARK_URI", "s3a://key:word@bucket", KEYS),
    ("SPARK_URI", "bucket/prefix", "write it with its scheme, such as s3a://bucket/prefix"),
    ("OSS_ENDPOINT", "oss-cn-shanghai.aliyuncs.com", "write an http:// or https:// URL"),
    ("OSS_ENDPOINT", "https://key:word@h", KEYS),
    ("OSS_ADDRESSING", "dns", "Input should be 'auto', 'virtual', 'path' or 'cname'"),
    ("SPARK_CONF", "spark.a=b", "not a JSON object"),
    ("SPARK_CONF", '["spark.a"]', "write a JSON object of strings"),
    ("SPARK_CONF", '{"spark.a": 1}', "write a JSON object of strings"),
    ("SPARK_LOCK_SECONDS", "-1", "Input should be greater than or equal to 0"),
    ("DEMO_LINES", "0", "Input should be greater than or equal to 1"),
    ("DEMO_LINES", "100000001", "Input should be less than or equal to 100000000"),
    (
        "DEMO_USERS",
        "many",
        "Input should be a valid integer, unable to parse string as an integer",
    ),
    (
        "DEMO_SEED",
        "1.5",
        "Input should be a valid integer, unable to parse string as an integer",
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "sentence"), MALFORMED, ids=[f"{n}={v!r}" for n, v, _ in MALFORMED]
)
def test_a_malformed_value_is_refused_in_one_sentence(monkeypatch, name, value, sentence):
    monkeypatch.setenv(PREFIX + name, value)
    assert refused() == (f"{PREFIX}{name}: {sentence}\nWhat to do: see docs/configuration.md")


def test_all_malformed_values_are_named_at_once(monkeypatch):
    monkeypatch.setenv("USERPROFILE_DEMO_LINES", "0")
    monkeypatch.setenv("USERPROFILE_TIMEZONE", "Asia/Shanghay")
    assert refused().splitlines()[:2] == [
        "USERPROFILE_TIMEZONE: no such time zone; did you mean Asia/Shanghai?",
        "USERPROFILE_DEMO_LINES: Input should be greater than or equal to 1",
    ]


PAIR = (
    "USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET belong together: "
    "set both or none"
)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"LOG_OBJECT": "a_${bizdate}/l", "USER_OBJECT": "a_${bizdate}/u"},
            "USERPROFILE_LOG_OBJECT and USERPROFILE_USER_OBJECT need directories of their own",
        ),
        ({"OSS_ACCESS_KEY_ID": "id"}, PAIR),
        ({"OSS_ACCESS_KEY_SECRET": "word"}, PAIR),
        (
            {"OSS_SECURITY_TOKEN": "token"},
            "USERPROFILE_OSS_SECURITY_TOKEN needs USERPROFILE_OSS_ACCESS_KEY_ID and "
            "USERPROFILE_OSS_ACCESS_KEY_SECRET",
        ),
    ],
    ids=["one directory", "key without secret", "secret without key", "token alone"],
)
def test_settings_that_contradict_each_other_are_refused(monkeypatch, values, sentence):
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert refused() == f"{sentence}\nWhat to do: see docs/configuration.md"


@pytest.mark.parametrize("name", ["LOG_CA", "MYSQL_CA", "SERVING_CA"])
def test_the_file_of_an_authority_does_not_depend_on_the_working_directory_of_a_run(
    monkeypatch, tmp_path, name
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv(PREFIX + name, "ca.pem")
    assert getattr(Settings.load(), name.lower()) == tmp_path / "ca.pem"
    monkeypatch.setenv(PREFIX + name, "~/ca.pem")
    assert getattr(Settings.load(), name.lower()) == Path("/home/somebody/ca.pem")


SECRETS = {
    "LOG_SHA256": "https://u:geheim@h/a.sha256?Signature=geheim",
    "LOG_URL": "https://u:geheim@h/a?Signature=geheim",
    "MYSQL_URL": "mysql+pymysql://u:geheim@h/db",
    "OSS_ACCESS_KEY_ID": "geheim",
    "OSS_ACCESS_KEY_SECRET": "geheim",
    "OSS_SECURITY_TOKEN": "geheim",
    "SPARK_CONF": '{"spark.password": "geheim"}',
}


def test_secrets_are_not_in_the_repr(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = Settings.load()
    assert "geheim" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.mysql_url is not None
    assert "geheim" in settings.mysql_url.get_secret_value()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_URL", "ftp://u:geheim@h/a"),
        # The standard library quotes the host part of this one, password included.
        ("LOG_URL", "http://u:geheim@h\u2100/a"),
        ("STORAGE_URI", "s3://u:geheim@bucket"),
        ("SPARK_URI", "s3a://u:geheim@bucket"),
        ("OSS_ENDPOINT", "https://u:geheim@h"),
        ("SPARK_CONF", '{"spark.password": "geheim"'),
        ("DEMO_LINES", "geheim"),
        ("TIMEZONE", "geheim"),
    ],
)
def test_a_refused_value_is_not_in_the_error_or_its_causes(monkeypatch, name, value):
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", [n for n in Settings.model_fields if n != "user_split_key"])
def test_an_empty_variable_means_the_default(monkeypatch, name):
    default = Settings()
    monkeypatch.setenv(PREFIX + name.upper(), "")
    assert Settings.load() == default


def test_an_empty_split_key_means_no_order(monkeypatch):
    assert Settings.load().user_split_key == "uid"
    monkeypatch.setenv("USERPROFILE_USER_SPLIT_KEY", "")
    assert Settings.load().user_split_key is None


def test_an_empty_variable_of_the_process_hides_the_one_of_the_dotenv_file(monkeypatch, dotenv):
    dotenv("USERPROFILE_DEMO_LINES=7\n")
    monkeypatch.setenv("USERPROFILE_DEMO_LINES", "")
    assert Settings.load().demo_lines == 20_000


@pytest.mark.parametrize(
    ("storage", "spark", "expected"),
    [
        ("s3://bucket/prefix/", "", ("s3://bucket/prefix", "s3a://bucket/prefix")),
        ("s3://bucket", "", ("s3://bucket", "s3a://bucket")),
        ("file:///srv/data/", "", ("file:///srv/data", "file:///srv/data")),
        (
            "s3://bucket/prefix",
            "oss://bucket/prefix/",
            ("s3://bucket/prefix", "oss://bucket/prefix"),
        ),
    ],
    ids=["s3 with a prefix", "s3", "local", "spark by another name"],
)
def test_spark_names_the_place_that_is_written(monkeypatch, storage, spark, expected):
    monkeypatch.setenv("USERPROFILE_STORAGE_URI", storage)
    monkeypatch.setenv("USERPROFILE_SPARK_URI", spark)
    settings = Settings.load()
    assert (settings.effective_storage_uri, settings.effective_spark_uri) == expected


def test_without_a_storage_uri_objects_lie_under_home(monkeypatch, clean):
    monkeypatch.setenv("USERPROFILE_HOME", "kept here")
    settings = Settings.load()
    assert settings.effective_storage_uri == f"file://{clean}/kept%20here/storage"
    # Spark takes a path, in which %20 would be no blank.
    assert settings.effective_spark_uri == f"file://{clean}/kept here/storage"


@pytest.mark.parametrize(
    ("home", "expected"),
    [("data", "{cwd}/data"), ("./a/b", "{cwd}/a/b"), ("/srv", "/srv"), ("~/up", "{home}/up")],
)
def test_home_is_made_absolute(monkeypatch, clean, home, expected):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE_HOME", home)
    assert str(Settings.load().home) == expected.format(cwd=clean, home="/home/me")


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load().timezone = "UTC"


GROUPS = [group for group in Settings.__bases__ if issubclass(group, SettingsGroup)]


def test_no_group_has_a_field_or_a_check_by_the_name_of_another_groups():
    # pydantic binds a validator to the first class with its name: one would stand for two.
    names = []
    for group in GROUPS:
        checks = group.__pydantic_decorators__
        names += [*group.model_fields, *checks.field_validators, *checks.model_validators]
    assert "home" in names
    assert "_whole_credentials" in names
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_all_fields_of_a_room_are_shown_below_one_heading(group):
    shown = [str(field.json_schema_extra) for field in group.model_fields.values()]
    assert len(shown) > 1
    assert set(shown) == {shown[0]}
