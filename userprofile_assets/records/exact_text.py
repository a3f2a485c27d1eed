"""The type of a text that every database compares byte by byte.

Belongs here: the type. Does not belong here: which column has it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy


def exact_text(length: int) -> sqlalchemy.types.TypeEngine[str]:
    """Return the type of a text that is compared byte by byte, blanks at its end included.

    Args:
        length: Characters at most.
    """
    exact: sqlalchemy.types.TypeEngine[str] = _exact_text_type()(length)
    return exact


@cache
def _exact_text_type() -> Any:
    from sqlalchemy import String
    from sqlalchemy.types import TypeDecorator

    class ExactText(TypeDecorator[str]):
        """VARCHAR with the binary collation that does not pad; MariaDB and MySQL name it apart."""

        impl = String
        cache_ok = True

        def __init__(self, length: int) -> None:
            super().__init__(length)
            self.length = length

        def load_dialect_impl(self, dialect: sqlalchemy.Dialect) -> Any:
            if dialect.name not in {"mysql", "mariadb"}:
                return dialect.type_descriptor(String(self.length))
            from sqlalchemy.dialects.mysql import VARCHAR

            # PyMySQL's dialect is called mysql on a MariaDB too, and knows better once connected.
            mariadb = getattr(dialect, "is_mariadb", False)
            collation = "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
            return dialect.type_descriptor(
                VARCHAR(self.length, charset="utf8mb4", collation=collation)
            )

    return ExactText
