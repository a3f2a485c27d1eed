"""A real S3 server for tests: moto, on a free port of this machine, with an empty bucket each.

moto accepts every key and secret, so what a wrong key does is not tested with it.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets.ingestion.store import S3Options
from userprofile_assets_tests.support.missing import missing_part

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_KEY_ID = "AKIATESTTESTTEST"
ACCESS_KEY_SECRET = "canary-secret-of-the-s3-server"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running server and an empty bucket on it."""

    endpoint: str
    bucket: str
    access_key_id: str = ACCESS_KEY_ID
    access_key_secret: str = ACCESS_KEY_SECRET
    region: str = REGION

    @property
    def uri(self) -> str:
        """A storage URI inside the bucket."""
        return f"s3://{self.bucket}/warehouse"

    @property
    def options(self) -> S3Options:
        return S3Options(
            endpoint=self.endpoint,
            region=self.region,
            addressing="path",
            access_key_id=self.access_key_id,
            access_key_secret=self.access_key_secret,
        )

    def client(self) -> Any:
        """Return a client of another make, to look at the bucket from outside."""
        import boto3  # type: ignore[import-untyped]

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.access_key_secret,
        )

    def keys(self) -> list[str]:
        """Return every key in the bucket, sorted."""
        answer = self.client().list_objects_v2(Bucket=self.bucket)
        return sorted(item["Key"] for item in answer.get("Contents", []))

    def open_uploads(self) -> list[str]:
        """Return the keys of multipart uploads that are neither completed nor aborted."""
        answer = self.client().list_multipart_uploads(Bucket=self.bucket)
        return [item["Key"] for item in answer.get("Uploads", [])]


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of the server that all tests of this process share."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        missing_part("moto", "pip install 'moto[server]'")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line per request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_server(s3_endpoint) -> S3Server:
    """The server, with a new and empty bucket."""
    server = S3Server(endpoint=s3_endpoint, bucket=f"bucket-{secrets.token_hex(4)}")
    server.client().create_bucket(Bucket=server.bucket)
    return server
