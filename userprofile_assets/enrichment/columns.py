"""The columns of every lookup, for checking the files of `sql/` without opening any knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.enrichment import address_lookup, agents, line_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from userprofile_assets.enrichment.lookup import LookupColumn

LOOKUP_COLUMNS: Mapping[str, Sequence[LookupColumn]] = {
    "user_agent": agents.COLUMNS,
    "ip_region": address_lookup.COLUMNS,
    "line_number": line_numbers.COLUMNS,
}
"""By the name in TBLPROPERTIES ('userprofile.lookup' = ...)."""
