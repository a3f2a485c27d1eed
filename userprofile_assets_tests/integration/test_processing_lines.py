"""Lines of a log and their fields, each as a literal: parsed, outside, or quarantined and why."""

from __future__ import annotations

import pytest

from userprofile_assets_tests.support.processing import DAY, LINES, QUARANTINE, processing

# The session is that of the fixture `spark`, which cleans up behind each test.
pytestmark = pytest.mark.xdist_group("spark")

FIELDS = ("format", "ip", "uid", "time", "request", "status", "bytes", "referer", "agent")
TIME = "07/Aug/2024:10:00:00 +0800"
GET = "GET /a HTTP/1.1"


def combined(
    *, ip="192.0.2.1", uid="-", time=TIME, request=GET, size="5", referer="-", agent="Mozilla/5.0"
):
    return ("combined", ip, uid, time, request, "200", size, referer, agent)


def common(*, ip="192.0.2.1", uid="-", time=TIME, request=GET, size="5"):
    return ("common", ip, uid, time, request, "200", size, None, None)


def tutorial(*, uid="u1", time=TIME, request=GET, referer="-", agent="Mozilla/5.0"):
    return ("tutorial", "192.0.2.1", uid, time, request, "200", "5", referer, agent)


END = '"GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"'
START = f"192.0.2.1 - - [{TIME}] "

PARSED = {
    # nginx and Apache, combined
    "combined": (START + END, combined()),
    "the overview's own form": (
        f'192.0.2.1 - u1 [{TIME}] "GET /a HTTP/1.1" 200 5"-" "Mozilla/5.0" [unknown_content];',
        combined(uid="u1"),
    ),
    "a semicolon at the end": (START + END + ";", combined()),
    "fields behind the agent": (START + END + ' "10.0.0.1" 0.004', combined()),
    "escaped quotes behind the agent": (START + END + ' "a\\"b" \\" c\\', combined()),
    "CR LF": (START + END + "\r", combined()),
    "IPv6": (f"2001:db8::1 - - [{TIME}] {END}", combined(ip="2001:db8::1")),
    "IPv6 that ends in digits": (f"::1:80 - - [{TIME}] {END}", combined(ip="::1:80")),
    "IPv6 in brackets with a port": (
        f"[2001:db8::1]:443 - - [{TIME}] {END}",
        combined(ip="[2001:db8::1]:443"),
    ),
    "an address with a port": (
        f"192.0.2.1:51234 - - [{TIME}] {END}",
        combined(ip="192.0.2.1:51234"),
    ),
    "an address with a port, a user with a blank": (
        f"192.0.2.1:51234 - John Smith [{TIME}] {END}",
        combined(ip="192.0.2.1:51234", uid="John Smith"),
    ),
    "a virtual host": (f"www.example.com:443 {START}{END}", combined()),
    "a virtual host and IPv6": (
        f"www.example.com:443 2001:db8::1 - u1 [{TIME}] {END}",
        combined(ip="2001:db8::1", uid="u1"),
    ),
    "no address": (f"- - - [{TIME}] {END}", combined(ip="-")),
    "a socket": (f"unix: - - [{TIME}] {END}", combined(ip="unix:")),
    "a user with a blank": (f"192.0.2.1 - John Smith [{TIME}] {END}", combined(uid="John Smith")),
    "a user with a bracket": (f"192.0.2.1 - a [b [{TIME}] {END}", combined(uid="a [b")),
    "a user with an escaped quote": (f'192.0.2.1 - a\\"b [{TIME}] {END}', combined(uid='a\\"b')),
    "a user of a domain": (f"192.0.2.1 - D\\\\u1 [{TIME}] {END}", combined(uid="D\\\\u1")),
    "Apache's empty user": (f'192.0.2.1 - "" [{TIME}] {END}', combined(uid="-")),
    "no user": (f"192.0.2.1 -  [{TIME}] {END}", combined(uid="")),
    "an empty request": (START + '"" 200 5 "-" "Mozilla/5.0"', combined(request="")),
    "a request of a dash": (START + '"-" 200 5 "-" "Mozilla/5.0"', combined(request="-")),
    "a request of bytes": (
        START + '"\\x16\\x03\\x01" 200 5 "-" "Mozilla/5.0"',
        combined(request="\\x16\\x03\\x01"),
    ),
    "escaped quotes in the request": (
        START + '"GET /\\"q\\" HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request='GET /\\"q\\" HTTP/1.1'),
    ),
    "an escaped backslash before the quote": (
        START + '"GET /a HTTP/1.1" 200 5 "-" "a\\\\"',
        combined(agent="a\\\\"),
    ),
    "a percent sign and x": (
        START + '"GET /%22\\x22 HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request="GET /%22\\x22 HTTP/1.1"),
    ),
    "empty referer and agent": (
        START + '"GET /a HTTP/1.1" 200 5 "" ""',
        combined(referer="", agent=""),
    ),
    "bytes of a dash": (START + '"GET /a HTTP/1.1" 200 - "-" "Mozilla/5.0"', combined(size="-")),
    "a separator in the URL": (
        START + '"GET /a##@@b HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request="GET /a##@@b HTTP/1.1"),
    ),
    "seven separators in the URL": (
        START + '"GET /' + "##@@" * 7 + ' HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request="GET /" + "##@@" * 7 + " HTTP/1.1"),
    ),
    "a line of another one in the agent": (
        START + '"GET /a HTTP/1.1" 200 5 "-" "192.0.2.9 - u9 [x] \\"GET /b\\" 500 6"',
        combined(agent='192.0.2.9 - u9 [x] \\"GET /b\\" 500 6'),
    ),
    "NUL": (
        START + '"GET /\0 HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request="GET /\0 HTTP/1.1"),
    ),
    "private characters": (
        START + '"GET /\ue000\ue001\\" HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request='GET /\ue000\ue001\\" HTTP/1.1'),
    ),
    "line ends of Unicode": (
        START + '"GET /\u2028\x85\r HTTP/1.1" 200 5 "-" "Mozilla/5.0"',
        combined(request="GET /\u2028\x85\r HTTP/1.1"),
    ),
    # common
    "common": (START + '"GET /a HTTP/1.1" 200 5', common()),
    "common, a virtual host": (f'a.example:80 {START}"GET /a HTTP/1.1" 200 5', common()),
    "common, Apache's empty user": (f'192.0.2.1 - "" [{TIME}] "GET /a HTTP/1.1" 200 5', common()),
    "common, an empty request": (START + '"" 200 5', common(request="")),
    # the tutorial's
    "tutorial": (
        f"192.0.2.1##@@u1##@@{TIME}##@@GET /a HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0",
        tutorial(),
    ),
    "tutorial, CR LF": (
        f"192.0.2.1##@@u1##@@{TIME}##@@GET /a HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0\r",
        tutorial(),
    ),
    "tutorial, its own time": (
        "192.0.2.1##@@u1##@@2024080710:00:00##@@GET /a HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0",
        tutorial(time="2024080710:00:00"),
    ),
    "tutorial, nothing is escaped": (
        f'192.0.2.1##@@"##@@{TIME}##@@GET /\\"|\x1f HTTP/1.1##@@200##@@5##@@\\##@@#@',
        tutorial(uid='"', request='GET /\\"|\x1f HTTP/1.1', referer="\\", agent="#@"),
    ),
    "tutorial, empty fields": (
        f"192.0.2.1##@@##@@{TIME}##@@##@@200##@@5##@@##@@",
        tutorial(uid="", request="", referer="", agent=""),
    ),
    # times
    "a time of another zone": (
        f"192.0.2.1 - - [06/Aug/2024:19:00:00 -0700] {END}",
        combined(time="06/Aug/2024:19:00:00 -0700"),
    ),
    "the first second": (
        f"192.0.2.1 - - [06/Aug/2024:16:00:00 +0000] {END}",
        combined(time="06/Aug/2024:16:00:00 +0000"),
    ),
    "the last second": (
        f"192.0.2.1 - - [07/Aug/2024:15:59:59 +0000] {END}",
        combined(time="07/Aug/2024:15:59:59 +0000"),
    ),
    "ISO 8601": (
        f"192.0.2.1 - - [2024-08-07T10:00:00+08:00] {END}",
        combined(time="2024-08-07T10:00:00+08:00"),
    ),
    "a time without a zone": (
        f"192.0.2.1 - - [2024-08-07 23:59:59] {END}",
        combined(time="2024-08-07 23:59:59"),
    ),
}

OUTSIDE = {
    "a second too early": f"192.0.2.1 - - [06/Aug/2024:15:59:59 +0000] {END}",
    "a second too late": f"192.0.2.1 - - [07/Aug/2024:16:00:00 +0000] {END}",
    "another year": f"192.0.2.1 - - [07/Aug/2023:10:00:00 +0800] {END}",
    "before there were computers": f"192.0.2.1 - - [07/Aug/0824:10:00:00 +0800] {END}",
    "tutorial, the day after": "192.0.2.1##@@u1##@@2024080810:00:00##@@GET /##@@200##@@5##@@-##@@-",
}

QUARANTINED = {
    "nothing": (b"", "empty"),
    "a CR": (b"\r", "empty"),
    "a byte that is no UTF-8": (f"{START}{END}".encode() + b"\xff", "not UTF-8"),
    "half of a surrogate pair": (b'192.0.2.1 - \xed\xa0\x80 [x] "" 200 5', "not UTF-8"),
    "a cut character": ("192.0.2.1 - 用".encode()[:-1], "not UTF-8"),
    "text": (b"hello", "no known format"),
    "a blank in front": (f" {START}{END}".encode(), "no known format"),
    "no quote at the end": (f"{START}{END[:-1]}".encode(), "no known format"),
    "an escaped quote at the end": (f'{START}{END[:-1]}\\"'.encode(), "no known format"),
    "a quote in the agent": (f'{START}{END[:-1]}a"b"'.encode(), "no known format"),
    "a quote in the user": (f'192.0.2.1 - a"b [{TIME}] {END}'.encode(), "no known format"),
    "a quote too many behind": (f'{START}{END} "'.encode(), "no known format"),
    "text behind the agent": (f"{START}{END}x".encode(), "no known format"),
    "text behind the bytes": (f'{START}"GET /" 200 5 x'.encode(), "no known format"),
    "no agent": (f'{START}"GET /" 200 5 "-"'.encode(), "no known format"),
    "no brackets": (f'192.0.2.1 - - {TIME} "GET /" 200 5'.encode(), "no known format"),
    "no status": (f'{START}"GET /" 5'.encode(), "no known format"),
    "seven fields": (
        b"192.0.2.1##@@u1##@@2024080710:00:00##@@GET /##@@200##@@5##@@-",
        "no known format",
    ),
    "nine fields": (
        b"a##@@u1##@@2024080710:00:00##@@GET /##@@200##@@5##@@-##@@-##@@",
        "no known format",
    ),
    "nine fields, a quote": (
        b'a##@@u1##@@2024080710:00:00##@@GET /##@@200##@@5##@@-##@@-##@@"',
        "no known format",
    ),
    "a unit separator": (f'{START}"GET /\x1f" 200 5'.encode(), "no known format"),
    "tutorial, no address": (
        b"##@@u1##@@2024080710:00:00##@@GET /##@@200##@@5##@@-##@@-",
        "no address",
    ),
    "a status of letters": (f'{START}"GET /" abc 5'.encode(), "status is no number"),
    "a status of two digits": (f'{START}"GET /" 20 5'.encode(), "status is no number"),
    "a status with a line end of Unicode": (
        f'{START}"GET /" 200\u2028 5'.encode(),
        "status is no number",
    ),
    "bytes below zero": (f'{START}"GET /" 200 -5'.encode(), "bytes are no number"),
    "bytes with a line end of Unicode": (
        f'{START}"GET /" 200 5\x85'.encode(),
        "bytes are no number",
    ),
    "tutorial, a ninth field that is empty": (
        f"192.0.2.1##@@u1##@@{TIME}##@@{GET}##@@200##@@5##@@-##@@-##@@".encode(),
        "no known format",
    ),
    "tutorial, seven fields and one unit separator": (
        f"192.0.2.1##@@u1##@@{TIME}##@@{GET}##@@200##@@5\x1f-##@@-".encode(),
        "no known format",
    ),
    "unit separators for fields": (
        "\x1f".join(["192.0.2.1", "u1", TIME, GET, "200", "5", "-", "-", '"']).encode(),
        "no known format",
    ),
    "tutorial, a field shifted": (
        b"192.0.2.1##@@u1##@@2024080710:00:00##@@200##@@5##@@-##@@-##@@-",
        "status is no number",
    ),
    "a time of a dash": (f"192.0.2.1 - - [-] {END}".encode(), "time cannot be read"),
    "a day that is none": (
        f"192.0.2.1 - - [31/Feb/2024:10:00:00 +0800] {END}".encode(),
        "time cannot be read",
    ),
    "a month that is none": (
        f"192.0.2.1 - - [07/Aux/2024:10:00:00 +0800] {END}".encode(),
        "time cannot be read",
    ),
    "a month in capitals": (
        f"192.0.2.1 - - [07/AUG/2024:10:00:00 +0800] {END}".encode(),
        "time cannot be read",
    ),
    "a zone that is none": (
        f"192.0.2.1 - - [07/Aug/2024:10:00:00 +1900] {END}".encode(),
        "time cannot be read",
    ),
    "an hour that is none": (
        f"192.0.2.1 - - [07/Aug/2024:24:00:00 +0800] {END}".encode(),
        "time cannot be read",
    ),
    "a time without its zone": (
        f"192.0.2.1 - - [07/Aug/2024:10:00:00] {END}".encode(),
        "time cannot be read",
    ),
    "a blank for a colon": (
        f"192.0.2.1 - - [07/Aug/2024 10:00:00 +0800] {END}".encode(),
        "time cannot be read",
    ),
    "a time only": (
        f"192.0.2.1 - - [T10:00:00.000000+08:00] {END}".encode(),
        "time cannot be read",
    ),
}


@pytest.fixture(scope="module")
def found(spark_session, tmp_path_factory):
    """What the view makes of the lines: by the line's bytes, its row."""
    lines = [line.encode() for line, _ in PARSED.values()]
    lines += [line.encode() for line in OUTSIDE.values()]
    lines += [line for line, _ in QUARANTINED.values()]
    with processing(spark_session, tmp_path_factory.mktemp("lines")) as made:
        made.run(b"".join(line + b"\n" for line in lines), until=[LINES])
        rows = made.rows(LINES, columns=("CAST(line AS BINARY) AS line", "outcome", *FIELDS))
    assert len(rows) == len(lines)
    return {bytes(row["line"]): row for row in rows}


@pytest.mark.parametrize(("line", "fields"), PARSED.values(), ids=PARSED)
def test_a_line_is_parsed(found, line, fields):
    row = found[line.encode()]
    assert row["outcome"] == "parsed"
    assert tuple(row[name] for name in FIELDS) == fields


@pytest.mark.parametrize("line", OUTSIDE.values(), ids=OUTSIDE)
def test_a_line_is_of_another_day(found, line):
    assert found[line.encode()]["outcome"] == "outside"


@pytest.mark.parametrize(("line", "reason"), QUARANTINED.values(), ids=QUARANTINED)
def test_a_line_is_quarantined(found, line, reason):
    assert found[line]["outcome"] == reason


def test_the_quarantine_names_each_line_with_number_reason_and_text(spark_session, tmp_path):
    content = b"".join(
        [
            b"\xef\xbb\xbfhello\n",
            f"{START}{END}\n".encode(),
            b"\r\n",
            b"a\xffb\n",
            f"192.0.2.1 - - [07/Aug/2023:10:00:00 +0800] {END}\n".encode(),
            b"hello",
        ]
    )
    with processing(spark_session, tmp_path) as made:
        made.run(content, until=[QUARANTINE])
        rows = made.rows(QUARANTINE)
        outcomes = made.outcomes()
    file = f"ods_raw_log_d/log_{DAY}/log_{DAY}.txt"
    assert [tuple(row.values()) for row in rows] == [
        (file, 1, "no known format", "hello"),
        (file, 3, "empty", "\r"),
        (file, 4, "not UTF-8", "a\\xffb"),
        (file, 6, "no known format", "hello"),
    ]
    assert outcomes == {
        "parsed": 1, "outside": 1, "no known format": 2, "empty": 1, "not UTF-8": 1,
    }  # fmt: skip
