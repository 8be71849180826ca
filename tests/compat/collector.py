"""An OpenTelemetry collector over HTTP that keeps what it is sent, and what it says of that."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector(ThreadingHTTPServer):
    """Keeps what comes to its port."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[Any] = []

    @property
    def url(self) -> str:
        """Where exporters are to send."""
        return f"http://127.0.0.1:{self.server_port}"

    def points(self, name: str) -> list[tuple[str, dict[str, str], Any]]:
        """The last points of a metric: instance, attributes and the point, one a series."""
        last = {}
        for instance, metric in self._metrics():
            if metric.name == name:
                data = metric.histogram if metric.HasField("histogram") else metric.gauge
                for point in data.data_points:
                    attributes = _attributes(point)
                    last[instance, str(sorted(attributes.items()))] = (instance, attributes, point)
        return list(last.values())

    def users(self) -> dict[str, int]:
        """The most users of each class that were told at once."""
        most: dict[str, int] = {}
        for _, metric in self._metrics():
            for point in metric.gauge.data_points if metric.name == "locust.users.count" else ():
                name = _attributes(point)["user_class"]
                most[name] = max(most.get(name, 0), point.as_int)
        return most

    def _metrics(self) -> Iterator[tuple[str, Any]]:
        for each in [message for message in self.got if isinstance(message, ExportMetricsServiceRequest)]:
            for resource in each.resource_metrics:
                instance = _attributes(resource.resource).get("service.instance.id", "")
                yield from ((instance, metric) for scope in resource.scope_metrics for metric in scope.metrics)

    def resources(self) -> list[dict[str, str]]:
        """What each message says of its sender."""
        kinds = ("resource_metrics", "resource_spans", "resource_logs")
        return [_attributes(part.resource) for each in self.got for kind in kinds for part in getattr(each, kind, ())]

    def spans(self) -> list[Any]:
        """Every span."""
        traces = [message for message in self.got if isinstance(message, ExportTraceServiceRequest)]
        return [span for each in traces for part in each.resource_spans for s in part.scope_spans for span in s.spans]

    def lines(self) -> list[str]:
        """Every log line."""
        logs = [message for message in self.got if isinstance(message, ExportLogsServiceRequest)]
        parts = [part for each in logs for part in each.resource_logs]
        return [line.body.string_value for part in parts for s in part.scope_logs for line in s.log_records]


def _attributes(thing: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in thing.attributes}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        message = KINDS[self.path]()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        message.ParseFromString(body)
        self.server.got.append(message)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of http.server
        """Say nothing."""


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector for the block."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)
