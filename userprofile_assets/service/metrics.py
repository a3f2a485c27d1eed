"""What Prometheus is told of the API: requests, seconds, the age of what is served.

Belongs here: the metrics, in a registry of their own. Does not belong here: when they change
(`observation.py`), their route (`routes/health.py`).

Labels are templates of routes, methods and statuses: never what a caller sent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

# From a cached aggregate to the limit of a query; the objectives of 20, 50 and 300 ms are among
# them.
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class ServiceMetrics:
    """The metrics of one running API."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "userprofile_http_requests_total",
            "Requests that were answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "userprofile_http_request_seconds",
            "Seconds from the head of a request to the last byte of its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "userprofile_http_requests_in_flight",
            "Requests that are being answered.",
            registry=self.registry,
        )
        self.broken = Counter(
            "userprofile_http_broken_connections_total",
            "Connections that were ended: no HTTP, a head too slow or too large, a reader that "
            "stopped.",
            ("reason",),
            registry=self.registry,
        )
        self.newest_day_age = Gauge(
            "userprofile_newest_day_age_seconds",
            "Seconds since the end of the newest day that is served, in USERPROFILE_TIMEZONE; NaN: "
            "there is none, or the database does not answer.",
            registry=self.registry,
        )
        self.newest_day_published = Gauge(
            "userprofile_newest_day_published_timestamp_seconds",
            "When that day was published, in Unix time; NaN as above.",
            registry=self.registry,
        )
        # Finding the child of some labels takes 2 us, ten times as long as counting.
        self._children = lru_cache(maxsize=1024)(self._find_children)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        count, observe = self._children(route, method, status)
        count()
        observe(seconds)

    def text(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        return generate_latest(self.registry)

    def _find_children(
        self, route: str, method: str, status: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        counter = self._requests.labels(route, method, str(status))
        return counter.inc, self._seconds.labels(route).observe
