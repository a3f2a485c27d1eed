"""The answers as OpenAPI describes them.

Belongs here: models with examples. Does not belong here: making the answers (`routes/`); nothing is
checked against these models while the API runs, a test does that.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Day = Annotated[str, Field(pattern="^[0-9]{8}$", examples=["20240807"], description="yyyymmdd")]
Date = Annotated[str, Field(examples=["2024-08-07"])]
Time = Annotated[str, Field(examples=["2024-08-08T00:31:07.123456Z"], description="UTC")]
RunUrl = Annotated[str | None, Field(description="Page of the run, if UI_URL is set.")]
Value = Annotated[str | None, Field(description="null: not known")]
State = Literal["passed", "warned", "failed", "unknown"]


class Shape(BaseModel):
    """Base of all models."""

    model_config = ConfigDict(extra="forbid")


class Profile(Shape):
    """One user on one day, with the columns that were asked for and that the key may see."""

    uid: str | None = Field(None, examples=["user00000042"])
    region: Value = Field(None, examples=["Zhejiang"])
    device: Value = Field(None, examples=["mobile"])
    pv: int | None = Field(None, examples=[17])
    gender: Value = Field(None, examples=["female"])
    age_range: Value = Field(None, examples=["30-40"])
    zodiac: Value = Field(None, examples=["Leo"])
    country: Value = Field(None, examples=["China"])
    city: Value = Field(None, examples=["Hangzhou"])
    is_registered: bool | None = Field(None, examples=[True])


class OneProfile(Profile):
    """The profile of one user."""

    dt: Day


class ProfilePage(Shape):
    """A page of profiles."""

    dt: Day
    data: list[Profile]
    next: str | None = Field(description="`cursor` of the next page; null at the end.")


class ServedTable(Shape):
    """A table of a published day."""

    rows: int
    published_at: Time


class DayQuality(Shape):
    """What the rules said of a day."""

    state: State
    counts: dict[str, int]


class Partition(Shape):
    """A published day."""

    dt: Day
    date: Date
    version: str = Field(description="New each time the day is published.")
    published_at: Time
    run_id: str
    run_url: RunUrl
    users: int
    tables: dict[str, ServedTable]
    quality: DayQuality


class Partitions(Shape):
    """Published days, the newest first."""

    data: list[Partition]
    next: str | None


class Totals(Shape):
    """Numbers of a day; those of lines are null while a filter is on."""

    users: int
    registered: int
    pv: int
    lines: int | None
    parsed_lines: int | None
    crawler_lines: int | None
    feed_lines: int | None
    quarantined_lines: int | None
    outside_lines: int | None


class FormerTotals(Totals):
    """Numbers of an earlier day."""

    dt: Day


class Summary(Shape):
    """A day beside the day before and the same day of the week before."""

    dt: Day
    date: Date
    data: Totals
    previous_day: FormerTotals | None
    previous_week: FormerTotals | None


class Region(Shape):
    """A place; parts below the level are left out."""

    country: Value
    region: Value = None
    city: Value = None
    users: int
    pv: int


class Regions(Shape):
    """Where people are, most users first."""

    dt: Day
    level: Literal["country", "region", "city"]
    by: Literal["profiles", "visits"]
    data: list[Region]


class City(Shape):
    """A city in the ranking; equal numbers share a rank."""

    rank: int
    country: Value
    region: Value
    city: str
    registered_users: int


class Cities(Shape):
    """Cities with most registered users."""

    dt: Day
    data: list[City]


class Device(Shape):
    """A device class."""

    device: Value
    users: int
    pv: int


class Devices(Shape):
    """Device classes, most users first."""

    dt: Day
    data: list[Device]


class Demographic(Shape):
    """People who have the same values of `by`; the others are left out."""

    gender: Value = None
    age_range: Value = None
    zodiac: Value = None
    is_registered: bool | None = None
    users: int
    pv: int


class Demographics(Shape):
    """People by what is known of them, most users first."""

    dt: Day
    by: list[str]
    data: list[Demographic]


class TrendDay(Shape):
    """Numbers of one day."""

    dt: Day
    date: Date
    users: int
    registered: int
    pv: int
    lines: int | None
    crawler_lines: int | None
    quarantined_lines: int | None


class Trend(Shape):
    """Published days, the oldest first."""

    dt: Day
    data: list[TrendDay]


class RuleResult(Shape):
    """What one rule said."""

    table: str
    rule: str
    strength: str
    status: State
    value: float | None
    baseline: float | None
    threshold: str | None
    message: str
    run_id: str
    run_url: RunUrl
    checked_at: Time


class Quality(Shape):
    """What the rules said of all tables of a day, each the last time it was asked."""

    dt: Day
    state: State
    data: list[RuleResult]


class DatasetSummary(Shape):
    """A dataset of the data map."""

    name: str
    kind: str
    layer: str
    description: str
    owner: str | None
    tags: list[str]
    file: str | None
    column_count: int
    dependencies: list[str]


class Datasets(Shape):
    """All datasets, by layer."""

    data: list[DatasetSummary]


class DatasetDetails(DatasetSummary):
    """Everything about a dataset."""

    columns: list[dict[str, Any]]
    upstream: list[str]
    downstream: list[str]
    source: dict[str, Any] | None
    partitions: list[dict[str, Any]]
    more_partitions: bool


class Hit(DatasetSummary):
    """A dataset in which every word was found."""

    score: int
    matches: list[dict[str, Any]]


class Hits(Shape):
    """What a search found, the best first."""

    data: list[Hit]


class LineagePlace(Shape):
    """A dataset, or one column of it."""

    dataset: str
    column: str | None


class LineageNode(LineagePlace):
    """A place that was reached."""

    kind: str
    layer: str
    direction: Literal["up", "down"] | None
    distance: int
    more: bool


class LineageEdge(Shape):
    """From what is read to what reads it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    source: LineagePlace = Field(alias="from")
    target: LineagePlace = Field(alias="to")


class Lineage(Shape):
    """Where a place comes from and what is made from it."""

    start: LineagePlace
    nodes: list[LineageNode]
    edges: list[LineageEdge]
