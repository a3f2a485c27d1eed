"""The servers that all contenders talk to, each a process of its own on a loopback port.

Belongs here: starting, waiting for the port, the credentials, ending. Does not belong here: the
database (`database.py`), the HTTP server itself (`file_server.py`).

Credentials are made for each server and reach it, and whoever talks to it, by environment.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.project import clean_environment
from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.peers.install import Peer

_START_SECONDS = 30.0
REGION = "us-east-1"
BUCKET = "bench"
OURS_PREFIX = "ours"


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running S3 server with an empty bucket, whose objects are files of a folder.

    Args:
        name: What it is.
        endpoint: Its URL.
        access_key_id: The only account's key.
        access_key_secret: Its secret.
        directory: The bucket's folder.
        rclone: The server's own client, for a server that does not see what is done to its folder.
    """

    name: str
    endpoint: str
    access_key_id: str
    access_key_secret: str
    directory: Path
    rclone: Path | None = None

    def clear(self, prefix: str) -> None:
        """Remove the objects below a prefix.

        rclone remembers sizes for 5 minutes: after files are removed behind its back it cuts the
        next object of that name to the former size. So that server is asked to remove them.
        """
        if self.rclone is None:
            shutil.rmtree(self.directory / prefix, ignore_errors=True)
            return
        subprocess.run(
            [self.rclone, "delete", f"bench:{BUCKET}/{prefix}"],
            env=clean_environment() | self.rclone_env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    @property
    def our_env(self) -> dict[str, str]:
        """What `ours.py` needs."""
        return {
            "BENCH_STORE": f"s3://{BUCKET}/{OURS_PREFIX}",
            "BENCH_S3_ENDPOINT": self.endpoint,
            "BENCH_S3_REGION": REGION,
            **self._keys,
        }

    @property
    def aws_env(self) -> dict[str, str]:
        """What the AWS command line interface and s3fs need."""
        return {
            **self._keys,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def rclone_env(self) -> dict[str, str]:
        """What rclone needs to know the remote `bench:`."""
        remote = {
            "TYPE": "s3",
            "PROVIDER": "Rclone" if self.name.startswith("rclone") else "Other",
            "ENDPOINT": self.endpoint,
            "REGION": REGION,
            "ACCESS_KEY_ID": self.access_key_id,
            "SECRET_ACCESS_KEY": self.access_key_secret,
            "FORCE_PATH_STYLE": "true",
        }
        return {
            "RCLONE_CONFIG": "/dev/null",
            **{f"RCLONE_CONFIG_BENCH_{name}": value for name, value in remote.items()},
        }

    @property
    def _keys(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.access_key_secret,
        }


@contextmanager
def rclone_s3(rclone: Peer, root: Path) -> Iterator[S3Server]:
    """Run `rclone serve s3`, which checks credentials and writes objects to disk."""
    server = _new_server("rclone serve s3", root, rclone=rclone.program)
    keys = f'"{server.access_key_id},{server.access_key_secret}"'
    command: list[str | Path] = [
        rclone.program,
        "serve",
        "s3",
        "--addr",
        _address(server),
        server.directory.parent,
    ]
    env = {"RCLONE_CONFIG": "/dev/null", "RCLONE_AUTH_KEY": keys}
    with _running(command, env=env, port=_port(server), log=root / "rclone.log"):
        _make_bucket(server)
        yield server


@contextmanager
def versitygw_s3(versitygw: Peer, root: Path) -> Iterator[S3Server]:
    """Run versitygw over a folder: checks credentials, completes uploads by linking files."""
    server = _new_server("versitygw", root)
    env = {
        "ROOT_ACCESS_KEY": server.access_key_id,
        "ROOT_SECRET_KEY": server.access_key_secret,
    }
    command: list[str | Path] = [
        *(versitygw.program, "--port", _address(server), "--region", REGION, "--quiet"),
        *("posix", server.directory.parent),
    ]
    with _running(command, env=env, port=_port(server), log=root / "versitygw.log"):
        _make_bucket(server)
        yield server


@contextmanager
def file_server(directory: Path) -> Iterator[str]:
    """Serve a folder over HTTP by sendfile(2); gives the URL."""
    port = free_port()
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "benchmarks.peers.file_server",
        directory,
        str(port),
    ]
    with _running(command, env={}, port=port, log=directory.with_name("file_server.log")):
        yield f"http://127.0.0.1:{port}"


def _new_server(name: str, root: Path, *, rclone: Path | None = None) -> S3Server:
    directory = root / name.replace(" ", "-") / BUCKET
    directory.parent.mkdir(parents=True)
    return S3Server(
        name=name,
        endpoint=f"http://127.0.0.1:{free_port()}",
        access_key_id=f"BENCH{secrets.token_hex(6).upper()}",
        access_key_secret=secrets.token_hex(20),
        directory=directory,
        rclone=rclone,
    )


def _make_bucket(server: S3Server) -> None:
    """Ask the server: a folder made behind versitygw's back has no owner; rclone hangs on it."""
    # Comes with s3fs. Only these measurements need it, and it takes 0.2 s.
    import botocore.session  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415

    client = botocore.session.get_session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.access_key_secret,
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()


def _address(server: S3Server) -> str:
    return server.endpoint.removeprefix("http://")


def _port(server: S3Server) -> int:
    return int(server.endpoint.rpartition(":")[2])


@contextmanager
def _running(
    command: Sequence[str | Path], *, env: Mapping[str, str], port: int, log: Path
) -> Iterator[None]:
    """Run a server until the block ends, however it ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=clean_environment() | dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            _wait_for(process, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace")[-1000:]
                raise MeasurementError(f"the server on port {port} did not start: {said}") from None
            time.sleep(0.05)
        else:
            return
