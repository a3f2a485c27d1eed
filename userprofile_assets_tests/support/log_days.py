"""A day of the log in a store of its own, published once already.

Belongs here: what tests of log copies do over and over. Does not belong here: servers (`web.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from userprofile_assets.ingestion.http_options import HttpOptions
from userprofile_assets.ingestion.log_copy import LogOptions, copy_log
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher, Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from userprofile_assets.ingestion.manifest import Manifest

FORMER = b"the former day\n"


def key_of(bizdate: str) -> str:
    """Return the key of a day."""
    return f"ods_raw_log_d/log_{bizdate}/log_{bizdate}.txt"


@dataclass
class LogDay:
    """20240807, with the bytes FORMER, from a file.

    Attributes:
        root: A directory of the test's own.
        lines: What the copies logged.
    """

    root: Path
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = open_store((self.root / "storage").as_uri())
        self.publisher = Publisher(store=store, locks=self.root / "locks")
        former = self.root / "former.txt"
        former.write_bytes(FORMER)
        self.copy(former.as_uri())
        self.lines.clear()

    def copy(
        self,
        url: str,
        *,
        bizdate: str = "20240807",
        options: LogOptions | None = None,
        former: Sequence[str] = (),
        **http: object,
    ) -> Manifest:
        """Copy a log to a day; `http` are fields of HttpOptions."""
        target = Target(
            asset="ods_raw_log_d", key=key_of(bizdate), bizdate=bizdate, run_id=f"run of {bizdate}"
        )
        return copy_log(
            url,
            publisher=self.publisher,
            target=target,
            options=options or LogOptions(),
            http=HttpOptions(**http),  # type: ignore[arg-type] # the tests' own keywords
            former=[key_of(day) for day in former],
            log=self.lines.append,
        )

    def copied(self, url: str, **options: object) -> bytes:
        """Copy a log and return what is published then."""
        self.copy(url, **options)  # type: ignore[arg-type] # as above
        return self.content()

    def content(self, bizdate: str = "20240807") -> bytes:
        """Return the bytes of a day."""
        return b"".join(self.publisher.store.read(key_of(bizdate)))

    def assert_untouched(self) -> None:
        """It has its former bytes and manifest, and nothing else lies beside them."""
        assert self.content() == FORMER
        assert self.publisher.verify(key_of("20240807")).bytes == len(FORMER)
        directory = (self.root / "storage" / key_of("20240807")).parent
        files = {path.name for path in directory.rglob("*") if path.is_file()}
        assert files == {"log_20240807.txt", "_manifest.json"}
