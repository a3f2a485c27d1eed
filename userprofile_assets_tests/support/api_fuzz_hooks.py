"""What schemathesis cannot know of the API: values that are refused, and no schema can say so.

Belongs here: those, each for one reason. Loaded by schemathesis itself (SCHEMATHESIS_HOOKS), not by
pytest. Does not belong here: the run (`faults/test_api_fuzz.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import schemathesis

if TYPE_CHECKING:
    from schemathesis import Case, HookContext, Response
    from schemathesis.core.failures import Failure

# By the beginning of what the problem says: the reason why no schema can say it.
NOT_IN_A_SCHEMA = {
    "dt: write a day": "00000000 has the shape of a day",
    "This is no cursor": "a cursor is opaque",
    "The cursor belongs to": "it is of another question",
    "q: write at least one word": "a text may be blanks",
    "The query must be percent-encoded UTF-8 without NUL": "a text may have NUL in it",
    "The path must be percent-encoded UTF-8 without NUL": "a text may have NUL in it",
    "Path and query together": "the sum of all lengths",
    "A query may have": "the number of all parameters",
}


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Drop a refusal that has such a reason; everything else stays a failure."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    detail = json.loads(response.content).get("detail", "")
    if "by=visits knows" in detail:  # one parameter depends on another
        return False
    return not any(detail.startswith(reason) for reason in NOT_IN_A_SCHEMA)
