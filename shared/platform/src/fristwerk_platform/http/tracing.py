"""A span for each request, sent to a collector by OpenTelemetry's protocol over HTTP; off unless an
address for it is set.

The trace's id is the correlation id: what a log line, an event and an answer carry is what the
tracing system is asked for. Spans say no more than the log does: the operation and how it ended,
never a path, a query or a body.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.types import Scope

from fristwerk_platform.http.traceparent import parent_span
from fristwerk_platform.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

FAILED: Final = 500
SEND_SECONDS: Final = 3
"""How long a batch is tried, at the end of the process as well: a collector that is away holds up
no stop for longer.
"""
NANOSECONDS: Final = 1_000_000_000
EXTRA_MISSING: Final = (
    "FRISTWERK_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install 'fristwerk-platform[otel]'."
)
_TRACE_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Tracing:
    """Makes the spans.

    They are handed to a thread that sends them in batches, so no request waits for the collector.
    """

    def __init__(self, endpoint: str, service: str) -> None:
        """``endpoint`` is a collector's address, without ``/v1/traces``.

        Raises SettingsError where the extra is missing.
        """
        try:
            from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise SettingsError(EXTRA_MISSING) from error
        self._ids = _Ids()
        self.provider = _provider(endpoint, service, self._ids)
        self._tracer = self.provider.get_tracer("fristwerk", version("fristwerk-platform"))
        self._kind, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)

    def note(self, scope: Scope, correlation_id: str, status: int | None, seconds: float) -> None:
        """Make the span of a request that ended just now."""
        ends_at = time.time_ns()
        operation = getattr(scope.get("route"), "name", None)
        self._ids.trace = trace_id(correlation_id)
        span = self._tracer.start_span(
            operation or scope["method"],
            context=self._parent(scope, correlation_id),
            kind=self._kind,
            start_time=ends_at - int(seconds * NANOSECONDS),
            attributes=_attributes(scope, correlation_id, status),
        )
        if status is not None and status >= FAILED:
            span.set_status(self._failed)
        span.end(ends_at)

    def _parent(self, scope: Scope, correlation_id: str) -> Any:
        """The context of the span that asked us, as its ``traceparent`` says; None where our span
        is the first.
        """
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        asking = parent_span(scope, correlation_id)
        if asking is None:
            return None
        context = trace.SpanContext(self._ids.trace, asking, is_remote=True, trace_flags=trace.TraceFlags(1))
        return trace.set_span_in_context(trace.NonRecordingSpan(context))


def trace_id(correlation_id: str) -> int:
    """The correlation id itself where it has a trace id's form, as those that we make have; else a
    digest of it.
    """
    if _TRACE_ID.fullmatch(correlation_id):
        return int(correlation_id, 16)
    return int.from_bytes(hashlib.sha256(correlation_id.encode()).digest()[:16])


class _Ids:
    """OpenTelemetry's source of ids, with the trace's one given by us.

    Only the event loop's thread makes spans.
    """

    def __init__(self) -> None:
        self.trace = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return random.getrandbits(64) or 1

    def is_trace_id_random(self) -> bool:
        return False


def _provider(endpoint: str, service: str, ids: _Ids) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": service, "service.version": version("fristwerk-platform")})
    provider = TracerProvider(resource=resource, id_generator=cast("Any", ids))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS))
    )
    return provider


def _attributes(scope: Scope, correlation_id: str, status: int | None) -> dict[str, str | int]:
    """OpenTelemetry's names where it has one."""
    state: dict[str, Any] = scope["state"]
    principal = state.get("principal")
    given = {
        "http.request.method": scope["method"],
        "http.response.status_code": status,
        "error.type": state.get("problem"),
        "fristwerk.correlation_id": correlation_id,
        "fristwerk.provider": None if principal is None else principal.provider,
        "fristwerk.role": None if principal is None else principal.role,
    }
    return {name: value for name, value in given.items() if value is not None}
