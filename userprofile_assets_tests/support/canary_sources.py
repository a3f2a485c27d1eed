"""Sources and a store that demand a canary secret each, and those that fail while they repeat it.

Belongs here: a MariaDB account, an HTTP server behind a proxy, an S3 server, and the settings with
which a project passes all of them. Does not belong here: running the project, the search
(`canaries.py`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from userprofile_assets_tests.support.canaries import Canary
from userprofile_assets_tests.support.rclone import RcloneServer, rclone_program
from userprofile_assets_tests.support.s3_proxy import Handler, S3Proxy, listening
from userprofile_assets_tests.support.s3_proxy import Request as S3Request
from userprofile_assets_tests.support.web import Answer, Request, Web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from userprofile_assets_tests.support.mariadb import MariaDB

# With characters that a URL has to quote, where the secret may have them.
MYSQL = Canary("MYSQL_URL password", "/@:%+ &")
WRONG_MYSQL = Canary("wrong password of MYSQL_URL", "/@:%+ &")
URL_PASSWORD = Canary("LOG_URL password", "/@:%+ &")
URL_TOKEN = Canary("LOG_URL query", "/@:%+ &")
SUM_PASSWORD = Canary("LOG_SHA256 password", "/@:%+ &")
SUM_TOKEN = Canary("LOG_SHA256 query", "/@:%+ &")
PARAMETERS = Canary("LOG_PARAMETERS", "/@:%+ &")
HEADERS = Canary("LOG_HEADERS", ' "\\ &')
TOKEN = Canary("LOG_TOKEN", "-._~+/==")
PROXY = Canary("LOG_PROXY password", "/@:%+ &")
KEY_ID = Canary("OSS_ACCESS_KEY_ID")
SECRET = Canary("OSS_ACCESS_KEY_SECRET", "/+")
WRONG_SECRET = Canary("wrong OSS_ACCESS_KEY_SECRET", "/+")
STS = Canary("OSS_SECURITY_TOKEN", "/+==")
ANONYMOUS_KEY = Canary("ANONYMOUS_KEY", " '${}")
SERVING = Canary("SERVING_URL password", "/@:%+ &")
LINEAGE_PASSWORD = Canary("OPENLINEAGE_URL password", "/@:%+ &")
LINEAGE_KEY = Canary("OPENLINEAGE_API_KEY", "-._~+/==")
ALERTS = Canary("ALERT_URLS password")
CANARIES = (
    MYSQL, WRONG_MYSQL, URL_PASSWORD, URL_TOKEN, SUM_PASSWORD, SUM_TOKEN, PARAMETERS, HEADERS,
    TOKEN, PROXY, KEY_ID, SECRET, WRONG_SECRET, STS, ANONYMOUS_KEY, SERVING, LINEAGE_PASSWORD,
    LINEAGE_KEY, ALERTS,
)  # fmt: skip

USER = "canary-reader"  # no secret, so it may be shown
RECORDER = "canary-recorder"
HOST = "logs.example"
ROWS = (("u1", "f", "20-30", "leo"), ("u2", "m", "30-40", "aries"))
# All but the first line are of a visitor without login, whose name is made with ANONYMOUS_KEY.
LOG = b"a line of the log\n" + 9 * (
    b'192.0.2.7 - - [18/May/2015:10:00:00 +0800] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11)"\n'
)
BUCKET = "canary-bucket"


@dataclass
class Sources:
    """Running servers.

    Attributes:
        mariadb: The SQL server.
        database: A database with the users' table, which `USER` may read.
        records: A database for the records, which `RECORDER` may write.
        web: The log's server, and a proxy before it.
        s3: The store.
        s3_echo: A proxy before it that answers everything by 403 and what it was sent.
    """

    mariadb: MariaDB
    database: str
    records: str
    web: Web
    s3: RcloneServer
    s3_echo: S3Proxy

    def mysql(self, password: Canary = MYSQL, *, port: int | None = None) -> dict[str, object]:
        """Return the settings of the users' table."""
        return {
            "MYSQL_URL": self.mariadb.url(
                self.database, user=USER, password=password.value, port=port
            )
        }

    def log(self, path: str = "/basic", *, port: int | None = None) -> dict[str, object]:
        """Return the settings of the log: user, query, header, parameters, all by the proxy.

        And of the file with its digest, which has a user and a query of its own.
        """
        web = f"127.0.0.1:{port or self.web.port}"
        user = f"{USER}:{quote(URL_PASSWORD.value, safe='')}"
        return {
            "LOG_URL": f"http://{user}@{HOST}{path}?sig={quote(URL_TOKEN.value, safe='')}",
            "LOG_SHA256": f"http://{USER}:{quote(SUM_PASSWORD.value, safe='')}@{HOST}/sum"
            f"?sig={quote(SUM_TOKEN.value, safe='')}",
            "LOG_HEADERS": json.dumps({"X-Api-Key": HEADERS.value}),
            "LOG_PARAMETERS": f"key={quote(PARAMETERS.value, safe='')}",
            "LOG_PROXY": f"http://{USER}:{quote(PROXY.value, safe='')}@{web}",
            "LOG_TOKEN": None,
            "LOG_METHOD": None,
        }

    def log_by_token(self) -> dict[str, object]:
        """Return the settings of a log for a bearer token, by POST and without the proxy."""
        settings = {**self.log(), "LOG_SHA256": None, "LOG_PROXY": None, "LOG_METHOD": "POST"}
        return {**settings, "LOG_URL": self.web.url("/token"), "LOG_TOKEN": TOKEN.value}

    def beside(self, *, port: int | None = None) -> dict[str, object]:
        """Return the settings of what stands beside the work: records, events, alerts."""
        web = f"127.0.0.1:{port or self.web.port}"
        user = f"{USER}:{quote(LINEAGE_PASSWORD.value, safe='')}"
        return {
            "SERVING_URL": self.mariadb.url(
                self.records, user=RECORDER, password=SERVING.value, port=port
            ),
            "OPENLINEAGE": "http",
            "OPENLINEAGE_URL": f"http://{user}@{web}/lineage",
            "OPENLINEAGE_API_KEY": LINEAGE_KEY.value,
            "ALERT_URLS": f"json://{USER}:{ALERTS.value}@{web}/alert",
        }

    def store(self, secret: Canary = SECRET, *, endpoint: str | None = None) -> dict[str, object]:
        """Return the settings of the store."""
        return {
            "STORAGE_URI": f"s3://{BUCKET}/warehouse",
            "OSS_ENDPOINT": endpoint or self.s3.endpoint,
            "OSS_REGION": "us-east-1",
            "OSS_ACCESS_KEY_ID": KEY_ID.value,
            "OSS_ACCESS_KEY_SECRET": secret.value,
            "OSS_SECURITY_TOKEN": STS.value,
        }


@contextmanager
def canary_sources(mariadb: MariaDB, root: Path) -> Iterator[Sources]:
    """Run the servers; the objects of the store are files below `root`."""
    database = mariadb.fresh_database()
    mariadb.execute(f"CREATE USER '{USER}'@'%%' IDENTIFIED BY %s", (MYSQL.value,))
    records = mariadb.fresh_database()
    mariadb.execute(f"CREATE USER '{RECORDER}'@'%%' IDENTIFIED BY %s", (SERVING.value,))
    mariadb.execute(f"GRANT ALL ON {records}.* TO '{RECORDER}'@'%'")
    mariadb.execute(f"GRANT SELECT ON {database}.* TO '{USER}'@'%'")
    mariadb.execute(
        "CREATE TABLE ods_user_info_d (uid VARCHAR(9) PRIMARY KEY, gender VARCHAR(9), "
        "age_range VARCHAR(9), zodiac VARCHAR(9))",
        database=database,
    )
    for row in ROWS:
        mariadb.execute(
            "INSERT INTO ods_user_info_d VALUES (%s, %s, %s, %s)", row, database=database
        )
    s3 = RcloneServer(rclone_program(), root, key_id=KEY_ID.value, secret=SECRET.value)
    web = Web()
    web.script(f"http://{HOST}/basic", _basic)
    web.script(f"http://{HOST}/sum", _sum)
    web.script("/token", _token)
    web.script("/lineage", _lineage)
    web.script("/alert", Answer(status=200))
    for status in (403, 500):
        web.script(f"http://{HOST}/{status}", lambda request, s=status: _echo(request, s))
    s3.start()
    try:
        s3.bucket(BUCKET)
        with listening(S3Proxy(s3.endpoint)) as s3_echo:
            for operation in ("HeadObject", "GetObject", "PutObject", "ListObjectsV2"):
                s3_echo.arm(operation, _s3_echo)
            yield Sources(mariadb, database, records, web, s3, s3_echo)
    finally:
        web.close()
        s3.kill()
        mariadb.execute(f"DROP USER '{USER}'@'%', '{RECORDER}'@'%'")


def _pair(password: Canary) -> str:
    return f"Basic {base64.b64encode(f'{USER}:{password.value}'.encode()).decode()}"


def _basic(request: Request) -> Answer:
    query = request.target.partition("?")[2]
    headers = request.headers
    given = (
        headers["Authorization"] == _pair(URL_PASSWORD)
        and headers["Proxy-Authorization"] == _pair(PROXY)
        and headers["X-Api-Key"] == HEADERS.value
        and query == f"sig={quote(URL_TOKEN.value, safe='')}&key={quote(PARAMETERS.value, safe='')}"
    )
    return Answer(body=LOG) if given else Answer(status=401)


def _sum(request: Request) -> Answer:
    given = (
        request.headers["Authorization"] == _pair(SUM_PASSWORD)
        and request.target.partition("?")[2] == f"sig={quote(SUM_TOKEN.value, safe='')}"
    )
    return Answer(body=hashlib.sha256(LOG).hexdigest().encode()) if given else Answer(status=401)


def _token(request: Request) -> Answer:
    given = (
        request.headers["Authorization"] == f"Bearer {TOKEN.value}"
        and request.headers["X-Api-Key"] == HEADERS.value
        and request.body == f"key={quote(PARAMETERS.value, safe='')}".encode()
    )
    return Answer(body=LOG) if given else Answer(status=401)


def _lineage(request: Request) -> Answer:
    # Both are set, which is one too many: whichever is sent opens the door.
    doors = {f"Bearer {LINEAGE_KEY.value}", _pair(LINEAGE_PASSWORD)}
    return Answer(status=201) if request.headers["Authorization"] in doors else _echo(request, 401)


def _echo(request: Request, status: int) -> Answer:
    """Answer with everything that came, as servers do that were left in their debug mode."""
    return Answer(
        status=status,
        body=f"{request.method} {request.target}\n{request.headers}\n{_pair(PROXY)}".encode(),
        headers={"Content-Type": "text/plain", "X-Echo": request.headers["Authorization"] or ""},
    )


def _s3_echo(handler: Handler, request: S3Request) -> bool:
    handler.take_body(request)
    message = f"{SECRET.value} {STS.value} {KEY_ID.value} {request.url} {request.headers}"
    body = f"<Error><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
    handler.give(403, {"content-type": "application/xml"}, body.encode())
    return True
