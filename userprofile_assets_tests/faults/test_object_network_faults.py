"""A slow drip between the copy and an S3 store: the row "slow drip" of the column "object write".

Bodies drip in a proxy that knows bytes only (`fault_proxy.py`), answers in one that knows requests
(`s3_proxy.py`). That each of these ends at all is held by the time-out of the test run. Faults of
other kinds: test_object_writes.py.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from userprofile_assets.errors import StorageUnavailableError
from userprofile_assets.ingestion import s3_client
from userprofile_assets.ingestion.s3_store import S3Store
from userprofile_assets.ingestion.store import S3Options, get, put
from userprofile_assets_tests.support.s3_proxy import S3Proxy, drip_answer, listening

MIB = 1024 * 1024
PART = 5 * MIB
KEY = "ods/log_20240807/log.txt"
FORMER = b"former"
SMALL = b"small"
LARGE = bytes(range(256)) * (PART // 256) + b"rest"

# Seconds between two bytes of an answer of some 300 bytes: done at once, and never in time.
SLOW, TOO_SLOW = 0.0001, 0.1


@pytest.fixture
def make_store(s3_server, monkeypatch):
    """Make a store behind an address, impatient enough for a test: 2 s for a part of 5 MiB."""
    monkeypatch.setattr(s3_client, "BODY_RATE", PART)

    def make(endpoint, *, seconds=1, **more):
        options = S3Options(
            endpoint=endpoint,
            region=s3_server.region,
            profile="minio",
            access_key_id=s3_server.access_key_id,
            access_key_secret=s3_server.access_key_secret,
            **more,
        )
        return S3Store(s3_server.uri, options, part_bytes=PART, seconds=seconds, attempts=1)

    return make


@pytest.fixture
def direct(s3_server):
    """The store without a proxy, with a day that is there before the fault."""
    store = S3Store(s3_server.uri, s3_server.options)
    put(store, KEY, FORMER)
    return store


@pytest.fixture
def line(s3_server, faults):
    """A proxy that knows bytes only."""
    address = urlsplit(s3_server.endpoint)
    return faults.before(address.hostname, address.port)


@pytest.fixture
def requests(s3_server):
    """A proxy that knows requests."""
    with listening(S3Proxy(s3_server.endpoint)) as proxy:
        yield proxy


def assert_only_whole_objects(s3_server):
    assert s3_server.keys() == [f"warehouse/{KEY}"]
    assert s3_server.open_uploads() == []


def through(line):
    return f"http://{line.host}:{line.port}"


def test_a_body_that_is_taken_ever_more_slowly_is_a_transient_error_and_the_rerun_repairs(
    make_store, line, direct, s3_server
):
    line.drip_after(MIB, direction="up", piece=64 * 1024, pause=0.01, growth=1.5)
    with pytest.raises(StorageUnavailableError, match="did not take or answer it within 2 s") as e:
        put(make_store(through(line)), KEY, LARGE)
    assert line.fired >= 2  # the second try has a connection of its own
    assert KEY in str(e.value)
    assert get(direct, KEY) == FORMER
    assert_only_whole_objects(s3_server)
    line.heal()
    put(make_store(through(line)), KEY, LARGE)
    assert get(direct, KEY) == LARGE
    assert_only_whole_objects(s3_server)


def test_a_body_that_one_connection_takes_ever_more_slowly_is_sent_on_another(
    make_store, line, direct, s3_server
):
    line.drip_after(MIB, direction="up", piece=64 * 1024, pause=0.01, growth=1.5, times=2)
    # The server closes a connection after each answer: the first one began the upload.
    put(make_store(through(line), parts_in_flight=1), KEY, LARGE)
    assert line.fired == 1
    assert get(direct, KEY) == LARGE
    assert_only_whole_objects(s3_server)


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["one request", "in parts"])
def test_a_line_that_carries_little_at_once_costs_no_byte(  # noqa: PLR0917 - fixtures and parameters
    make_store, line, direct, s3_server, direction, data
):
    # The answers a byte at a time, the bodies in pieces that cut heads and checksums anywhere.
    piece = 1 if direction == "down" else 997
    line.slice(piece, direction=direction)
    put(make_store(through(line), seconds=30), KEY, data)
    assert line.fired >= 1
    assert get(direct, KEY) == data
    assert_only_whole_objects(s3_server)


OPERATIONS = {
    "PutObject": SMALL,
    "HeadObject": SMALL,
    "CreateMultipartUpload": LARGE,
    "UploadPart": LARGE,
    "CompleteMultipartUpload": LARGE,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_drips_in_is_waited_for(make_store, requests, direct, s3_server, operation):
    data = OPERATIONS[operation]
    armed = requests.arm(operation, drip_answer(SLOW))
    put(make_store(requests.url, seconds=30), KEY, data)
    assert armed.fired >= 1
    assert get(direct, KEY) == data
    assert_only_whole_objects(s3_server)


@pytest.mark.parametrize(
    ("operation", "visible"),
    # The store has done what it was asked for; only the answer does not come. Either object is
    # whole, and for the copy the day is not done: its manifest is written afterwards.
    [("PutObject", SMALL), ("HeadObject", SMALL), ("UploadPart", FORMER)],
)
def test_an_answer_that_does_not_come_in_time_is_a_transient_error_and_the_rerun_repairs(  # noqa: PLR0917 - fixtures and parameters
    make_store, requests, direct, s3_server, operation, visible
):
    data = OPERATIONS[operation]
    armed = requests.arm(operation, drip_answer(TOO_SLOW))
    with pytest.raises(StorageUnavailableError, match="did not take or answer it within"):
        put(make_store(requests.url), KEY, data)
    assert armed.fired >= 1
    assert get(direct, KEY) == visible
    assert_only_whole_objects(s3_server)
    armed.times = 0
    put(make_store(requests.url), KEY, data)
    assert get(direct, KEY) == data


def test_a_completion_whose_answer_does_not_come_in_time_is_asked_of_the_object(
    make_store, requests, direct, s3_server
):
    armed = requests.arm("CompleteMultipartUpload", drip_answer(TOO_SLOW))
    put(make_store(requests.url), KEY, LARGE)
    assert armed.fired >= 1
    assert get(direct, KEY) == LARGE
    assert_only_whole_objects(s3_server)


def test_an_object_that_drips_in_is_given_up_in_bounded_time(make_store, line, direct):
    put(direct, KEY, LARGE)
    line.drip_after(MIB, piece=1, pause=0.01)  # a byte each 10 ms is never silent
    chunks = make_store(through(line)).read(KEY)
    with pytest.raises(StorageUnavailableError, match="did not send it within 2 s"):
        list(chunks)
    assert line.fired == 1
    line.heal()
    assert get(make_store(through(line)), KEY) == LARGE
