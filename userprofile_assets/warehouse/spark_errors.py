"""What pyspark raises, in one place, and what it says in one line.

pyspark turns known Java exceptions into its own and passes all others on as py4j's, whose text
begins with the name of an internal call.
"""

from __future__ import annotations


def spark_exceptions() -> tuple[type[Exception], ...]:
    """Return everything that a statement can raise: pyspark's own exceptions and py4j's."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return PySparkException, Py4JError


def first_line(error: BaseException) -> str:
    """Return the first line of what went wrong, from Java's exception where there is one."""
    java = getattr(error, "java_exception", None)
    text = java.getMessage() if java is not None else str(error)
    return (
        next((line.strip() for line in (text or "").splitlines() if line.strip()), "")
        or type(error).__name__
    )
