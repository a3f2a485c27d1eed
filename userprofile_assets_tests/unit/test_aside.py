"""Calls on a thread of their own: what they return and raise, and what an interrupt does."""

import gc
import signal
import sys
import threading

import pytest

from userprofile_assets.warehouse.aside import Aside


class Terminated(BaseException):
    """As Dagster's: no KeyboardInterrupt."""


@pytest.fixture
def interrupt():
    """What interrupts the main thread with `Terminated`."""

    def raises(*_):
        raise Terminated

    main = threading.get_ident()
    former = signal.signal(signal.SIGTERM, raises)
    yield lambda: signal.pthread_kill(main, signal.SIGTERM)
    signal.signal(signal.SIGTERM, former)


def test_a_call_returns_and_raises_what_the_function_does_always_on_the_same_thread():
    aside = Aside()
    here, there, again = threading.get_ident(), *(aside.call(threading.get_ident) for _ in range(2))
    assert there == again != here
    with pytest.raises(ZeroDivisionError):
        aside.call(lambda: 1 // 0)
    assert aside.call(lambda: "still there") == "still there"


def test_an_interrupt_leaves_a_call_that_does_not_end_and_the_next_one_is_made(interrupt):
    aside = Aside()
    released = threading.Event()
    ended = threading.Event()
    main = threading.get_ident()

    def call():
        while sys._current_frames()[main].f_code.co_name != "wait":
            pass
        interrupt()
        released.wait()
        ended.set()

    with pytest.raises(Terminated):
        aside.call(call)
    assert aside.call(lambda: "the next one") == "the next one"
    assert not ended.is_set()
    released.set()
    assert ended.wait(60)


def test_an_interrupt_that_does_not_end_the_wait_itself_is_seen_before_the_call_ends(interrupt):
    released = threading.Event()

    def call():
        # As when it comes just before the wait: Python knows of it, the wait goes on.
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        released.wait()

    with pytest.raises(Terminated):
        Aside().call(call)
    released.set()


def test_its_thread_ends_when_nobody_has_it_any_more():
    aside = Aside()
    thread = aside.call(threading.current_thread)
    del aside
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()
