"""The body of a file, which goes on where it broke off.

Belongs here: reading a body under the minimum rate, asking for the rest after a cut, going over to
several ranges at once. Does not belong here: which part fits (`http_parts.py`), the ranges
themselves (`http_ranges.py`), starting from zero (`retry.py`).

This is below hashing and decompressing, so both just go on after a cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.errors import SourceUnavailableError
from userprofile_assets.ingestion.http_body import gather, read_pieces
from userprofile_assets.ingestion.http_errors import SourceChangedError, SourceTooSlowError
from userprofile_assets.ingestion.http_parts import Whole, check_part
from userprofile_assets.ingestion.http_ranges import Gain, read_ranges
from userprofile_assets.ingestion.retry import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import httpx

    from userprofile_assets.ingestion.http_session import HttpSession

# When one stream is left for ranges. Per-connection limits are what ranges help against; a stream
# that is faster than 64 MiB/s is limited by something else, mostly by this side.
RANGES_FROM_BYTES = 64 * 1024**2
JUDGE_AFTER_BYTES = 8 * 1024**2
FAST_ENOUGH = 64 * 1024**2


class Transfer:
    """Reads one file over as many answers as it takes.

    Args:
        session: Sends the requests.
        first: The 200 answer, unread.
        whole: What it says about the file.
        log: Gets a sentence for each cut and for the change to ranges.
    """

    def __init__(
        self,
        session: HttpSession,
        first: httpx.Response,
        *,
        whole: Whole,
        log: Callable[[str], None],
    ) -> None:
        self._session = session
        self._response = first
        self._whole = whole
        self._total = whole.length
        self._log = log
        self._offset = 0
        self._waited = 0.0
        options = session.options
        # A POST has no parts: RFC 9110, 14.2 defines Range for GET only.
        self._may_resume = whole.validator is not None and options.method == "GET"
        self._may_split = (
            self._may_resume
            and whole.etag is not None
            and whole.offers_ranges
            and not whole.coding
            and options.connections > 1
            and (whole.length or 0) >= RANGES_FROM_BYTES
        )

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the whole file in chunks of about 0.3 to 1.3 MiB.

        Raises:
            SourceUnavailableError: It broke off and cannot go on; another try begins from zero.
            GaveUpError: It could go on, but no try brought a byte.
            DeadlineError: The time is over.
        """
        patience = Patience(self._log, deadline=self._session.deadline)
        try:
            while True:
                begun = self._offset
                failure = yield from self._until_cut()
                if failure is None:
                    return
                if isinstance(failure, SourceChangedError) or not self._may_resume:
                    raise failure
                if self._offset == 0:  # nothing is lost by a new start
                    raise failure
                # A drip brings bytes too, so it would never end.
                if self._offset > begun and not isinstance(failure, SourceTooSlowError):
                    patience.progress()
                self._go_on(failure, patience)
        finally:
            self._response.close()

    def _until_cut(self) -> Generator[bytes, None, SourceUnavailableError | None]:
        """Yield chunks to the end of the file (None) or to a failure."""
        try:
            for chunk in gather(self._pieces()):
                self._offset += len(chunk)
                yield chunk
                if self._is_worth_splitting():
                    split = yield from self._split()
                    if split:
                        break
        except SourceUnavailableError as error:
            return error
        if self._total is None or self._offset == self._total:
            return None
        return SourceUnavailableError(
            f"{self._offset:,} bytes came, {self._total:,} had been promised",
            where=self._session.name,
            remedy="wait until the log is complete; the copy goes on by itself",
        )

    def _pieces(self) -> Iterator[bytes]:
        for piece, seconds in read_pieces(self._response, self._session):
            self._waited += seconds
            yield piece

    def _is_worth_splitting(self) -> bool:
        if not self._may_split or self._offset < JUDGE_AFTER_BYTES:
            return False
        self._may_split = False  # judged once
        return self._offset < FAST_ENOUGH * self._waited

    def _split(self) -> Generator[bytes, None, bool]:
        """Read on in ranges; False: the server refused, and the first answer is still open."""
        gain = Gain(single=self._offset / self._waited)
        ranges = read_ranges(
            self._session, self._whole, start=self._offset, log=self._log, gain=gain
        )
        try:
            try:
                first = next(ranges)
            except SourceChangedError:
                raise
            except (StopIteration, SourceUnavailableError):
                return False
            self._response.close()
            self._offset += len(first)
            yield first
            for block in ranges:
                self._offset += len(block)
                yield block
        finally:
            ranges.close()
        if self._total is not None and self._offset < self._total:
            self._ask(self._offset)
            yield from self._rest()
        return True

    def _rest(self) -> Iterator[bytes]:
        for chunk in gather(self._pieces()):
            self._offset += len(chunk)
            yield chunk

    def _go_on(self, failure: SourceUnavailableError, patience: Patience) -> None:
        """Ask for the rest until there is an answer."""
        while True:
            patience.wait(failure, offset=self._offset)
            try:
                self._ask(self._offset)
            except SourceChangedError:
                raise
            except SourceUnavailableError as error:
                failure = error
            else:
                return

    def _ask(self, start: int) -> None:
        """Ask for everything from an offset on."""
        self._response.close()
        self._response = self._session.send(self._whole.range_headers(start))
        total = check_part(self._response, self._whole, name=self._session.name, start=start)
        self._total = self._total if total is None else total
