"""Texts as Spark's string literals."""

from __future__ import annotations


def string_literal(text: str) -> str:
    """Write a text as a Spark string literal; Spark reads backslashes inside one."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
