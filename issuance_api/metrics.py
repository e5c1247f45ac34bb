"""Figures for the monitoring (計測値) in OpenMetrics: how much, how long, with what result. Never about a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
CONTENT_TYPE = CONTENT_TYPE_LATEST

registry = CollectorRegistry()
requests = Counter(
    "utsushi_requests", "Requests by result code", ["municipality", "operation", "outcome"], registry=registry
)
seconds = Histogram("utsushi_request_seconds", "Time of a request", ["operation"], buckets=BUCKETS, registry=registry)
renderers_replaced = Counter(
    "utsushi_renderers_replaced", "Renderers that gave no whole answer and were ended", registry=registry
)
in_progress = Gauge("utsushi_requests_in_progress", "Requests being worked on", registry=registry)


def exposition() -> bytes:
    """All figures of this process."""
    return bytes(generate_latest(registry))  # type: ignore[no-untyped-call]
