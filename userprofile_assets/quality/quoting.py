r"""Names and texts as Spark SQL reads them, so that no value ever becomes SQL.

Does not belong here: the `where` and `sql` of a rule, which are SQL by intention.
"""

from __future__ import annotations


def quote_name(name: str) -> str:
    """Write a column or a table: in backquotes, those in it doubled."""
    return f"`{name.replace('`', '``')}`"


def quote_text(text: str) -> str:
    r"""Write a text as a string literal.

    `$` becomes `\u0024`: Spark replaces `${...}` in any statement, from the environment too
    (`spark.sql.variable.substitute`), and before it looks for literals.
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
    return f"'{escaped}'"


def quote_days(bizdates: tuple[str, ...]) -> str:
    """Write the condition on `dt` for some days."""
    days = ", ".join(quote_text(day) for day in bizdates)
    return f"dt = {days}" if len(bizdates) == 1 else f"dt IN ({days})"
