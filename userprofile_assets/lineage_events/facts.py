"""What a step knows of itself, as values; nothing of OpenLineage's own forms.

Belongs here: the frozen value types that whoever runs a step fills in. Does not belong here: the
event made of them (`events.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class DatasetName:
    """How a dataset is called all over the world; `names.py` makes them."""

    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as its table declares it."""

    name: str
    type: str | None = None
    comment: str | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnSource:
    """A column that another one is made of.

    Attributes:
        dataset: Where it is.
        column: Its name.
        kind: `DIRECT`: its values are in the other one; `INDIRECT`: they decide which are, as in
            WHERE and JOIN; None: not known.
        subtype: What is done to it: `IDENTITY`, `TRANSFORMATION`, `AGGREGATION`, or for an indirect
            one `FILTER`, `JOIN`, `GROUP_BY`, `SORT`, `WINDOW`, `CONDITIONAL`; None: not known.
    """

    dataset: DatasetName
    column: str
    kind: Literal["DIRECT", "INDIRECT"] | None = None
    subtype: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What a quality rule found.

    Attributes:
        name: The rule.
        passed: Whether the data are as it wants.
        strong: Whether it stops what is downstream.
        assertion: Its class: `not_null`, `unique`, `row_count`; the name if None.
        column: The column that it is about; None: the whole table.
        expected: Its threshold.
        actual: What was measured.
        sql: The statement that measured it.
    """

    name: str
    passed: bool
    strong: bool
    assertion: str | None = None
    column: str | None = None
    expected: str | None = None
    actual: str | None = None
    sql: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Something that a step reads or writes.

    Attributes:
        dataset: Its name.
        columns: Its columns in their order.
        also_called: Other names of the same, with their kind: `TABLE`, `VIEW` or `LOCATION`.
        description: What it is.
        owner: Who answers for it.
        lineage: Of an output: column -> the columns that it is made of.
        rows: Rows read or written.
        bytes: Bytes read or written.
        checks: What the quality rules found.
    """

    dataset: DatasetName
    columns: tuple[Column, ...] = ()
    also_called: tuple[tuple[DatasetName, str], ...] = ()
    description: str | None = None
    owner: str | None = None
    lineage: Mapping[str, tuple[ColumnSource, ...]] = field(default_factory=dict)
    rows: int | None = None
    bytes: int | None = None
    checks: tuple[CheckOutcome, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What does the work: `spark` and its version."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class StepFacts:
    """A step of a run, for one day.

    Attributes:
        job: Name of Dagster's job.
        step: Key of the step, which is that of its asset.
        run_id: Identifier of Dagster's run.
        at: When this is true: the start for a START event, else the end.
        bizdate: The day as `20240807`; None: the step has none.
        timezone: Whose days those are.
        inputs: What it reads.
        outputs: What it writes.
        description: What it does.
        owner: Who answers for it.
        sql: The statement that it runs.
        sql_dialect: Whose SQL that is.
        engine: What does the work.
    """

    job: str
    step: str
    run_id: str
    at: datetime
    bizdate: str | None = None
    timezone: str = "UTC"
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()
    description: str | None = None
    owner: str | None = None
    sql: str | None = None
    sql_dialect: str | None = "spark"
    engine: Engine | None = None
