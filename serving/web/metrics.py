"""What Prometheus reads: counts and times of requests and decisions, in a registry of this application alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The counters of one application."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        words = ("method", "route", "status")
        self._requests = Counter("mscore_http_requests", "Requests answered.", words, registry=self.registry)
        self._seconds = Histogram(
            "mscore_http_request_seconds", "Time to answer.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self._decisions = Counter("mscore_decisions", "Decisions given.", ("outcome",), registry=self.registry)
        self._degraded = Counter(
            "mscore_decisions_degraded",
            "Components that were missing for a decision.",
            ("component",),
            registry=self.registry,
        )

        self._drift = Gauge(
            "mscore_drift", "The last drift check: the value of each sign.", ("sign",), registry=self.registry
        )

    def show_drift(self, drift_check: Mapping[str, Any]) -> None:
        """Show the figures of the newest drift check; what was not measured is left out."""
        self._drift.clear()
        for sign, value in drift_check.items():
            if isinstance(value, int | float):
                self._drift.labels(sign).set(value)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request under the template of its route, so that ids make no new series."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_decision(self, outcome: str, missing: Iterable[str]) -> None:
        """Count one new decision and the components that were missing."""
        self._decisions.labels(outcome).inc()
        for component in missing:
            self._degraded.labels(component).inc()

    def exposition(self) -> bytes:
        """The counters in Prometheus' text format."""
        return generate_latest(self.registry)
