"""What Spark's errors mean: permanent or transient, and what they say in one line.

Belongs here: pyspark's exceptions of both kinds of session, py4j's, and the texts of Java
exceptions that arrive inside of them. Does not belong here: a Thrift server's errors (`thrift.py`).

pyspark turns known Java exceptions into its own and passes all others on as py4j's, whose text
begins with the name of an internal call.
"""

from __future__ import annotations

import re

from userprofile_assets.errors import SparkError, SparkUnavailableError, UserProfileError
from userprofile_assets.warehouse.store_errors import storage_remedy

# Java's names for what may go away by itself: a network, a store that is busy, an executor that
# went away, a metastore that another process has open. S3A has retried for a while before.
_TRANSIENT = re.compile(
    r"ConnectException|SocketTimeoutException|SocketException|NoRouteToHostException"
    r"|UnknownHostException|ConnectTimeoutException|HttpHostConnectException|ConnectionPoolTimeout"
    r"|ApiCallTimeoutException|ApiCallAttemptTimeoutException|AWSServiceThrottledException"
    r"|AWSStatus500Exception|AWSServiceIOException|Unable to execute HTTP request|SlowDown"
    r"|Status Code: 50[0-9]|ExecutorLostFailure|Remote RPC client disassociated"
    r"|Connection reset|Broken pipe|XSDB6|Another instance of Derby"
    r"|Unable to instantiate \S*SessionHiveMetaStoreClient"
)

# Conditions of Spark Connect that mean: the server that answers is not the one that had this
# session or this statement. It was restarted, or gave the session up.
_LOST_SESSION = re.compile(
    r"INVALID_HANDLE\.(SESSION|OPERATION)_(NOT_FOUND|CLOSED|CHANGED|ABANDONED)"
    r"|INVALID_CURSOR|SESSION_CHANGED|OPERATION_NOT_FOUND|SESSION_NOT_FOUND|RETRIES_EXCEEDED"
    # pyspark's client closes itself when it notices one of these, and says only this from then on.
    r"|NO_ACTIVE_SESSION"
)
# A driver that was told to end, or whose Spark was stopped: nothing is wrong with the statement.
_STOPPED = re.compile(
    r"SparkContext was shut ?down|SparkContext has been shut ?down|on a stopped SparkContext"
    r"|\bShutdown in progress"
)
# gRPC's own text has its sentence in the third line.
_GRPC_DETAILS = re.compile(r'^\s*details = "(.+)"$', re.MULTILINE)
_SQLSTATE = re.compile(r"SQLSTATE: [0-9A-Z]{5}")
_UNAVAILABLE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"})
_REFUSED = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})


def spark_exceptions() -> tuple[type[Exception], ...]:
    """Return what a statement can raise: exceptions of pyspark, py4j, gRPC and of sockets."""
    import grpc
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return PySparkException, Py4JError, grpc.RpcError, OSError, EOFError


def first_line(error: BaseException) -> str:
    """Return the first line of what went wrong, from Java's exception where there is one."""
    java = getattr(error, "java_exception", None)
    text = _java_text(java) if java is not None else str(error)
    details = _GRPC_DETAILS.search(text or "")
    if details:
        return details[1]
    return (
        next((line.strip() for line in (text or "").splitlines() if line.strip()), "")
        or type(error).__name__
    )


def is_stopped(text: str) -> bool:
    """Tell whether Spark says that it is ending, and not what is wrong with a statement."""
    return _STOPPED.search(text) is not None


def typed_error(error: Exception, *, address: str) -> UserProfileError:
    """Return the error of this project that one of `spark_exceptions` stands for.

    Args:
        error: The exception.
        address: Where Spark is, without secrets.
    """
    text = _whole_text(error)
    line = _with_state(first_line(error), text)
    status = _grpc_status(error)
    if status in _REFUSED:
        return SparkError(
            f"Spark refused the connection ({status})",
            where=address,
            remedy="check the token in USERPROFILE_SPARK_REMOTE; one that was right may have "
            "expired, or the server was started with another",
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return SparkError(
            f"the server's certificate is not trusted: {line[:300]}",
            where=address,
            remedy="name its authority in GRPC_DEFAULT_SSL_ROOTS_FILE_PATH; the host has to be one "
            "that the certificate names",
        )
    if (
        status in _UNAVAILABLE
        or isinstance(error, (OSError, EOFError))
        or _LOST_SESSION.search(text)
        or is_stopped(text)
    ):
        return SparkUnavailableError(
            f"Spark does not answer, or was restarted: {line[:300]}",
            where=address,
            remedy="look whether the server runs, and into its log",
        )
    if "OutOfMemoryError" in text:
        return SparkError(
            f"Spark ran out of memory: {line[:300]}",
            where=address,
            remedy="raise spark.driver.memory (on a cluster spark.executor.memory) in "
            "USERPROFILE_SPARK_CONF, or take fewer days at a time",
        )
    if _TRANSIENT.search(text):
        return SparkUnavailableError(line, where=address)
    return SparkError(line, where=address, remedy=storage_remedy(text))


def _with_state(line: str, text: str) -> str:
    """Return the first line of a text with the SQLSTATE that another of its lines has."""
    states = _SQLSTATE.findall(text)
    if not states or _SQLSTATE.findall(line)[-1:] == states[-1:]:
        return line
    return f"{line} {states[-1]}"


def _whole_text(error: BaseException) -> str:
    """Return all that an exception and its causes say, of Java's also the classes."""
    java = getattr(error, "java_exception", None)
    parts = [str(error), getattr(error, "_stacktrace", None) or "", _java_text(java)]
    condition = getattr(error, "getCondition", None)
    if callable(condition):
        parts.append(condition() or "")
    if error.__cause__ is not None:
        parts.append(_whole_text(error.__cause__))
    return "\n".join(parts)


def _java_text(java: object) -> str:
    """Return the text of a Java exception; none when its JVM is gone."""
    if java is None:
        return ""
    from py4j.protocol import Py4JError

    try:
        return str(java.getMessage() or java.toString())  # type: ignore[attr-defined] # py4j's proxy
    except (Py4JError, OSError):
        return ""


def _grpc_status(error: BaseException) -> str:
    """Return the name of the gRPC status behind an exception, or nothing."""
    getter = getattr(error, "getGrpcStatusCode", None) or getattr(error, "code", None)
    if callable(getter):
        status = getter()
        name = getattr(status, "name", "")
        if name and name not in {"UNKNOWN", "INTERNAL", "OK"}:
            return str(name)
    return "" if error.__cause__ is None else _grpc_status(error.__cause__)
