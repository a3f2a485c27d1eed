"""Streams of several threads, joined in a fixed order."""

from __future__ import annotations

import threading

import pytest

from userprofile_assets.ingestion.round_robin import RoundRobin, same_pieces


def nobody_waits():
    """Stand for `wake` where no stream waits for anything."""


def threads_of_slices():
    return [thread for thread in threading.enumerate() if thread.name.startswith("slice-")]


def test_one_piece_of_each_stream_comes_in_turn():
    streams = [iter([b"a1", b"a2", b"a3"]), iter([b"b1"]), iter([]), iter([b"d1", b"d2"])]

    joined = RoundRobin(streams, wake=nobody_waits)

    assert list(joined) == [b"a1", b"b1", b"d1", b"a2", b"d2", b"a3"]
    assert threads_of_slices() == []


def test_the_order_does_not_depend_on_which_thread_is_quicker():
    first_may_go_on = threading.Event()

    def slow():
        first_may_go_on.wait(30)
        yield b"a1"
        yield b"a2"

    def quick():
        yield b"b1"
        first_may_go_on.set()
        yield b"b2"

    assert list(RoundRobin([slow(), quick()], wake=nobody_waits)) == [b"a1", b"b1", b"a2", b"b2"]


def test_a_stream_that_is_ahead_waits():
    made: list[int] = []
    three_made = threading.Event()

    def endless():
        for number in range(1_000_000):
            made.append(number)
            if number == 2:
                three_made.set()
            yield b"x"

    joined = RoundRobin([endless()], wake=nobody_waits)
    pieces = iter(joined)
    next(pieces)
    three_made.wait(30)
    joined.stop()

    # One was taken, two wait, and one is in the making.
    assert len(made) <= 4
    assert threads_of_slices() == []


def test_the_first_error_is_raised_while_another_stream_is_waited_for():
    let_go = threading.Event()

    def waits():
        let_go.wait(30)
        yield b"late"

    def fails():
        yield b"b1"
        raise ValueError("the second stream is broken")

    joined = RoundRobin([waits(), fails()], wake=let_go.set)
    with pytest.raises(ValueError, match="the second stream is broken"):
        list(joined)
    assert not let_go.is_set()

    joined.stop()

    assert let_go.is_set()
    assert threads_of_slices() == []


def test_a_reader_that_gives_up_leaves_no_thread():
    def endless():
        while True:
            yield b"x"

    joined = RoundRobin([endless(), endless()], wake=nobody_waits)
    next(iter(joined))

    joined.stop()
    joined.stop()

    assert threads_of_slices() == []


def test_a_finished_stream_is_not_woken():
    woken: list[bool] = []
    joined = RoundRobin([iter([b"a"])], wake=lambda: woken.append(True))
    list(joined)

    joined.stop()

    assert woken == []


@pytest.mark.parametrize(
    "blocks",
    [
        [b"a\nbb\nccc\ndddddd\ne\n"],
        [b"a\n", b"bb\n", b"ccc\n", b"dddddd\n", b"e\n"],
        [b"a\nbb\nccc\n", b"", b"dddddd\ne\n"],
    ],
    ids=["one block", "a block a line", "others"],
)
def test_pieces_do_not_depend_on_the_blocks(blocks):
    assert list(same_pieces(iter(blocks), 5)) == [b"a\nbb\n", b"ccc\ndddddd\n", b"e\n"]


def test_a_line_that_is_longer_than_a_piece_stays_whole():
    assert list(same_pieces(iter([b"a" * 20 + b"\nb\n"]), 5)) == [b"a" * 20 + b"\n", b"b\n"]


def test_no_lines_are_no_pieces():
    assert list(same_pieces(iter([]), 5)) == []
