"""Spans as a collector gets them: the correlation id is the trace's id, and a caller's ``traceparent`` is taken up."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from fristwerk_platform.http.request_log import request_observers
from fristwerk_platform.http.tracing import Tracing, trace_id
from fristwerk_platform.settings import Settings, SettingsError
from tests.conftest import OpenServices

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[tuple[str, SimpleQueue[bytes]]]:
    """A collector on this machine: its address and the bodies that it got."""
    pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry is missing; 'make validators' installs it.")
    bodies: SimpleQueue[bytes] = SimpleQueue()

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])) if self.path == "/v1/traces" else b"")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def spans_of(service: str, apps: Iterable[Any], bodies: SimpleQueue[bytes]) -> list[Any]:
    """The spans that the collector got from a service, once all have sent what they had."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    for app in apps:
        tracing_of(app).provider.shutdown()
    found = []
    while not bodies.empty():
        for resource in ExportTraceServiceRequest.FromString(bodies.get()).resource_spans:
            names = [each.value.string_value for each in resource.resource.attributes if each.key == "service.name"]
            found += [span for scope in resource.scope_spans for span in scope.spans] if names == [service] else []
    return found


def tracing_of(app: Any) -> Tracing:
    """The tracing of an application, from its middleware."""
    observers = next(each.kwargs["observers"] for each in app.user_middleware if "observers" in each.kwargs)
    return next(each for each in observers if isinstance(each, Tracing))


async def test_the_correlation_id_is_the_trace_and_the_caller_its_parent(
    collector: tuple[str, SimpleQueue[bytes]], open_services: OpenServices, tmp_path: Path
) -> None:
    address, bodies = collector
    async with open_services(Settings(var=tmp_path, otlp_endpoint=address)) as services:
        client, headers = services.clients["sla"], services.headers("agent", "north")
        alone = await client.get("/v1/timers", headers=headers)
        called = await client.get("/v1/timers", headers={**headers, "traceparent": CALLER})
        named = await client.get("/v1/timers/nothing", headers={**headers, "X-Correlation-Id": "call:7"})
        found = spans_of("sla-service", services.apps.values(), bodies)

    ids = [each.headers["x-correlation-id"] for each in (alone, called, named)]
    assert [each.trace_id.hex() for each in found] == [
        ids[0],
        "0af7651916cd43dd8448eb211c80319c",
        f"{trace_id('call:7'):032x}",
    ]
    assert ids[1:] == ["0af7651916cd43dd8448eb211c80319c", "call:7"]
    assert [each.parent_span_id.hex() for each in found] == ["", "b7ad6b7169203331", ""]
    assert [each.name for each in found][:2] == ["list_timers", "list_timers"]
    values = {each.key: each.value.string_value or each.value.int_value for each in found[0].attributes}
    assert values == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "fristwerk.correlation_id": ids[0],
        "fristwerk.provider": "north",
        "fristwerk.role": "agent",
    }
    assert found[0].end_time_unix_nano > found[0].start_time_unix_nano


@pytest.mark.parametrize(
    "given", ["", "00-0-0-0", CALLER.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), "ff" + CALLER[2:]]
)
async def test_a_traceparent_that_is_none_is_left_alone(
    given: str, open_services: OpenServices, tmp_path: Path
) -> None:
    async with open_services(Settings(var=tmp_path)) as services:
        answer = await services.clients["sla"].get("/health/live", headers={"traceparent": given})

    made = answer.headers["x-correlation-id"]
    assert len(made) == 32
    assert made not in CALLER
    assert int(made, 16)


def test_without_the_extra_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(SettingsError, match=r"pip install 'fristwerk-platform\[otel\]'"):
        request_observers(Settings(otlp_endpoint="http://127.0.0.1:4318"), "any")
