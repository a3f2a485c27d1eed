"""Wrong arguments of the command: exit code 2, what is wrong, and nothing is begun."""

import pytest

from userprofile_assets.cli.main import main


@pytest.fixture
def userprofile(tmp_path, monkeypatch, capsys):
    """Run the command; return its exit code and what it says on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USERPROFILE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["userprofile", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rollback", "raw_log_oss", "--dt", "foo"), "--dt: 'foo' is not a day"),
        (("rollback", "bogus", "--dt", "2024-08-07"), "use one of raw_log_oss, user_info_oss"),
        (("demo", "--dt", "foo"), "--dt: 'foo' is not a day"),
        (("demo", "--dt", "0001-01-02"), "--dt: 0001-01-02 is before the first day, 2024-08-01"),
        (("demo", "--dt", "9999-12-31"), "--dt: 9999-12-31 is not over yet"),
        (("check", "--dt", "2024-13-01"), "--dt: '2024-13-01' is not a day"),
        (("gc", "--older-than", "1e9"), "Invalid value for '--older-than'"),
        (("gc", "--older-than", "inf"), "Invalid value for '--older-than'"),
        (
            ("query", "--on", "serving", "SELECT 1", "--seconds", "inf"),
            "Invalid value for '--seconds'",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "says",
)
def test_a_wrong_argument_ends_with_code_2_and_names_it(userprofile, tmp_path, arguments, said):
    code, error = userprofile(*arguments)
    assert code == 2
    assert said in error
    assert not (tmp_path / "home" / "storage").exists()


@pytest.mark.parametrize("where", ["spark", "serving"])
def test_a_statement_that_is_no_utf_8_is_refused(userprofile, where):
    # As Python reads the byte FF of a command line.
    code, error = userprofile("query", "--on", where, "SELECT '\udcff'")
    assert code == 1
    assert error == (
        "error: the statement: it holds a byte that is no UTF-8, at character 9\n"
        "What to do: write it in UTF-8; a single byte is X'FF'\n"
    )
