"""versitygw: a real S3 server for tests that checks signatures and takes all that Spark writes.

Belongs here: getting it (from PATH, else built by go, once), starting, killing and starting it
again, a bucket per test. moto (`s3.py`) accepts every key; rclone (`rclone.py`) makes files of the
directory markers that S3A writes, and answers 500 from then on.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.locks import exclusive_lock
from userprofile_assets_tests.support.cache import cache
from userprofile_assets_tests.support.missing import missing_part
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import wait_until
from userprofile_assets_tests.support.s3 import REGION, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "1.8.0"
_MODULE = f"github.com/versity/versitygw/cmd/versitygw@v{VERSION}"
_BUILD_SECONDS = 900  # 100 s on two cores with nothing downloaded


def versitygw_program() -> Path:
    """Return the program, building it at the first time."""
    found = shutil.which("versitygw")
    if found:
        return Path(found)
    program = cache() / f"versitygw-{VERSION}" / "versitygw"
    lock = cache() / "versitygw.lock"
    with exclusive_lock(lock, purpose="building versitygw", timeout=_BUILD_SECONDS + 60):
        if not program.is_file():
            _build(program)
    return program


def _build(program: Path) -> None:
    go = shutil.which("go")
    if go is None:
        missing_part("versitygw", f"go install {_MODULE}, or install go, which builds it here")
    work = Path(tempfile.mkdtemp(dir=program.parent.parent))
    try:
        done = subprocess.run(
            [go, "install", _MODULE],
            env={**os.environ, "GOBIN": str(work)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        if done.returncode:
            missing_part("versitygw", f"go install {_MODULE}; it said: {done.stderr[-2000:]}")
        program.parent.mkdir(exist_ok=True)
        (work / program.name).replace(program)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@dataclass
class VersityServer:
    """A server whose buckets are directories; the only account may do everything.

    Args:
        program: versitygw.
        root: An empty directory; its buckets are below `root/buckets`.
    """

    program: Path
    root: Path
    port: int = field(default_factory=free_port)
    access_key_id: str = field(default_factory=lambda: f"VERSITY{secrets.token_hex(6).upper()}")
    access_key_secret: str = field(
        default_factory=lambda: f"canary-secret-{secrets.token_hex(12)}", repr=False
    )
    region: str = REGION
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def log_file(self) -> Path:
        """What the server prints, a line for each request."""
        return self.root / "versitygw.log"

    def bucket(self, name: str | None = None) -> S3Server:
        """Make an empty bucket; give the server as `s3.py` gives its own, with that bucket."""
        made = S3Server(
            endpoint=self.endpoint,
            bucket=name or f"bucket-{secrets.token_hex(4)}",
            access_key_id=self.access_key_id,
            access_key_secret=self.access_key_secret,
            region=self.region,
        )
        made.client().create_bucket(Bucket=made.bucket)
        return made

    def start(self) -> None:
        """Start it, on the port it had before, and wait until it listens."""
        buckets = self.root / "buckets"
        buckets.mkdir(exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self.program, "--port", f"{self.host}:{self.port}"),
                    *("--region", self.region, "--keep-alive"),
                    *("posix", buckets),
                ],
                # Not on the command line, which everybody on the machine can read.
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith(("VGW_", "ROOT_"))},
                    "ROOT_ACCESS_KEY": self.access_key_id,
                    "ROOT_SECRET_KEY": self.access_key_secret,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._listens, "versitygw")

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            said = self.log_file.read_text(errors="replace")[-2000:]
            pytest.fail(f"versitygw ended with {self._process.returncode}: {said}")
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """Kill it by SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersityServer]:
    """The server that all tests of this process share; `versitygw.bucket()` makes a bucket.

    A test that kills it starts it again before it ends.
    """
    server = VersityServer(versitygw_program(), tmp_path_factory.mktemp("versitygw"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def versity_bucket(versitygw: VersityServer) -> S3Server:
    """The server, with a new and empty bucket."""
    return versitygw.bucket()
