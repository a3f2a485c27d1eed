"""Alibaba OSS as its S3 interface differs from Amazon's: moto behind a proxy that refuses.

Belongs here: what OSS refuses, with its error codes, and the signatures it checks. The refusals are
from Alibaba's documentation and from error reports of users; the real OSS was not at hand.

It is reached as the real one is, by its host names over TLS, through an HTTP proxy (CONNECT): so
host names, certificates and signatures are those of a real request, and no name is resolved.
"""

from __future__ import annotations

import hmac
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from userprofile_assets.ingestion.store import S3Options
from userprofile_assets_tests.support.certificates import Authority
from userprofile_assets_tests.support.s3_proxy import Handler, Request, S3Proxy, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from userprofile_assets_tests.support.s3 import S3Server

HOST = "s3.oss-cn-hangzhou.aliyuncs.com"
ENDPOINT = f"https://{HOST}"
REGION = "cn-hangzhou"
DOMAIN = "files.example.com"
"""A custom domain whose CNAME is the bucket."""

ACCESS_KEY_ID = "LTAI5tTestTestTestTest01"
ACCESS_KEY_SECRET = "canary-secret-of-the-oss-dialect"
TOKEN = "canary-token-that-is-valid"
EXPIRED_TOKEN = "canary-token-that-is-expired"


@dataclass
class OssDialect(S3Proxy):
    """The refusing proxy and the bucket behind it."""

    bucket: str = ""
    tls: ssl.SSLContext | None = None
    refused: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/warehouse"

    def options(self, **changes: Any) -> S3Options:
        """Return what a user of OSS sets: endpoint, region and keys."""
        values = {
            "endpoint": ENDPOINT,
            "region": REGION,
            "access_key_id": ACCESS_KEY_ID,
            "access_key_secret": ACCESS_KEY_SECRET,
        }
        return S3Options(**{**values, **changes})

    def judge(self, request: Request) -> tuple[int, str] | None:
        """Refuse what OSS refuses."""
        verdict = self._judge(request)
        if verdict is not None:
            self.refused.append(verdict[1])
        return verdict

    def _judge(self, request: Request) -> tuple[int, str] | None:
        headers = request.headers
        if request.host not in {DOMAIN, f"{self.bucket}.{HOST}"}:
            return 403, "SecondLevelDomainForbidden"
        if headers.get("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
            return 400, "InvalidArgument"
        if request.method == "PUT" and {"if-none-match", "if-match"} & set(headers):
            return 501, "NotImplemented"
        if request.operation == "DeleteObjects" and "content-md5" not in headers:
            return 400, "MissingArgument"
        if request.operation == "ListMultipartUploads":
            return 501, "NotImplemented"
        return self._authenticate(request)

    def _authenticate(self, request: Request) -> tuple[int, str] | None:
        headers = request.headers
        authorization = headers.get("authorization", "")
        if f"Credential={ACCESS_KEY_ID}/" not in authorization:
            return 403, "InvalidAccessKeyId"
        token = headers.get("x-amz-security-token")
        if token == EXPIRED_TOKEN:
            return 403, "SecurityTokenExpired"
        if token not in {None, TOKEN}:
            return 403, "InvalidSecurityToken"
        wanted = authorization.rpartition("Signature=")[2]
        return (
            None
            if hmac.compare_digest(_signature(request), wanted)
            else (
                403,
                "SignatureDoesNotMatch",
            )
        )

    def upstream_path(self, request: Request) -> str:
        """Put the bucket into the path, where moto looks for it on one address."""
        parts = urlsplit(request.url)
        path = f"/{self.bucket}{parts.path if parts.path != '/' else ''}"
        return path + (f"?{parts.query}" if parts.query else "")


class OssHandler(Handler):
    """Speaks TLS after CONNECT."""

    def do_CONNECT(self) -> None:  # noqa: N802 - http.server's names
        assert isinstance(self.proxy, OssDialect)
        assert self.proxy.tls is not None
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connection = self.proxy.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def ask(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Pass on to moto, which looks for a bucket in the host name too."""
        host = {"host": urlsplit(self.proxy.upstream).netloc}
        return super().ask(replace(request, headers={**request.headers, **host}))

    def finish(self) -> None:
        """Close the socket with TLS too; the server closes only the one without."""
        super().finish()
        self.connection.close()


@pytest.fixture
def oss(s3_server: S3Server, tmp_path, monkeypatch) -> Iterator[OssDialect]:
    """The dialect with an empty bucket; this process reaches it by the names of the real OSS."""
    authority = Authority(tmp_path / "oss-authority")
    certificate, key = authority.issue(HOST, f"*.{HOST}", DOMAIN)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with listening(
        OssDialect(upstream=s3_server.endpoint, bucket=s3_server.bucket, tls=tls), OssHandler
    ) as dialect:
        assert isinstance(dialect, OssDialect)
        monkeypatch.setenv("HTTPS_PROXY", dialect.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.ca_path))
        yield dialect


def _signature(request: Request) -> str:
    """Return the signature that a request with these headers has, by the right secret."""
    headers = request.headers
    authorization = headers["authorization"]
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    signed = AWSRequest(
        method=request.method,
        url=f"https://{headers['host']}{request.url}",
        headers={name: headers[name] for name in names},
    )
    signed.context["timestamp"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(ACCESS_KEY_ID, ACCESS_KEY_SECRET), scope[3], scope[2])
    canonical = auth.canonical_request(signed)
    return str(auth.signature(auth.string_to_sign(signed, canonical), signed))
