"""Traces (トレース), if this host has OpenTelemetry's SDK and an exporter is configured; otherwise nothing happens.

Spans name operations only: no body, no id, no person.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec
from typing import Any

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def span(name: str) -> AbstractContextManager[Any]:
    """A span around one operation."""
    tracer = _tracer()
    return tracer.start_as_current_span(name) if tracer is not None else nullcontext()


@cache
def _tracer() -> Any:
    if not os.environ.get(ENDPOINT) or find_spec("opentelemetry.sdk") is None:
        return None
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return trace.get_tracer("utsushi.issuance_api")
