"""OpenTelemetry (`--otel`): what Locust sends, from each process that has it.

| what | name | from |
|---|---|---|
| histogram, s | `locust.client.duration` by `name` (the first 20), `error.type` | generators, one record a request |
| gauge | `locust.users.count` by `user_class` | the master's hook host, which alone knows all workers |
| span | `METHOD name` | generators, one a request; those of requests' own instrumentation where that is installed |
| logs | the process's log lines | both |

Where to, OpenTelemetry's own variables say: OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER are
`otlp` (the default), `console` or `none`, or several with commas; OTEL_EXPORTER_OTLP_[TRACES_|METRICS_|LOGS_]PROTOCOL
is `http/protobuf` or `grpc`, by default grpc where its exporter is installed, as Locust has it. The one home of
opentelemetry.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tidal import __version__
from tidal.generator.runners import MasterRunner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES_MAX = 20
"""Distinct request names that become attributes: each is a time series at whoever stores them."""
OTHERS = "Too many unique request names"
LAST_S = 3.0
"""How long the last records of a process may take to leave: a collector that is not there must not hold a run."""
PACKAGES = "--otel needs OpenTelemetry's packages: pip install 'tidal[otel]'"
SIGNALS = {
    "TRACES": ("trace_exporter", "OTLPSpanExporter", "trace", "ConsoleSpanExporter"),
    "METRICS": ("metric_exporter", "OTLPMetricExporter", "metrics", "ConsoleMetricExporter"),
    "LOGS": ("_log_exporter", "OTLPLogExporter", "_logs", "ConsoleLogRecordExporter"),
}
"""Where the exporters of each are: module and class of OTLP's, module and class of the console's."""
PROTOCOLS = {"grpc": "grpc", "http/protobuf": "http", "http": "http"}


def refusal(environ: Mapping[str, str] = os.environ) -> str | None:
    """Why `--otel` cannot be done here, in one line; None when it can."""
    if not _has("opentelemetry.sdk.trace"):
        return PACKAGES
    for signal in SIGNALS:
        for exporter in _exporters(signal, environ):
            if exporter not in ("otlp", "console", "none"):
                return f"OTEL_{signal}_EXPORTER={exporter}: tidal has otlp, console and none"
        if "otlp" in _exporters(signal, environ) and (why := _protocol_refusal(signal, environ)):
            return why
    return None


def _protocol_refusal(signal: str, environ: Mapping[str, str]) -> str | None:
    protocol = _protocol(signal, environ)
    if protocol not in PROTOCOLS:
        return f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: tidal has http/protobuf and grpc"
    if _has(_exporter_module(signal, protocol)):
        return None
    package = f"opentelemetry-exporter-otlp-proto-{PROTOCOLS[protocol]}"
    return f"--otel with {protocol} needs a package more: pip install {package}"


def _has(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def _exporters(signal: str, environ: Mapping[str, str]) -> list[str]:
    said = environ.get(f"OTEL_{signal}_EXPORTER", "otlp").lower().split(",")
    return [name for each in said if (name := each.strip())]


def _protocol(signal: str, environ: Mapping[str, str]) -> str:
    said = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if said:
        return said.strip().lower()
    return "grpc" if _has(_exporter_module(signal, "grpc")) else "http/protobuf"


def _exporter_module(signal: str, protocol: str) -> str:
    return f"opentelemetry.exporter.otlp.proto.{PROTOCOLS[protocol]}.{SIGNALS[signal][0]}"


def _exporter_class(signal: str, exporter: str, environ: Mapping[str, str]) -> Any:
    _, otlp_class, console_module, console_class = SIGNALS[signal]
    if exporter == "otlp":
        return getattr(import_module(_exporter_module(signal, _protocol(signal, environ))), otlp_class)
    return getattr(import_module(f"opentelemetry.sdk.{console_module}.export"), console_class)


def set_up(environment: Any) -> Telemetry | None:
    """Tell OpenTelemetry what this process does from now on; None when it is to be told nothing."""
    exporters = {
        signal: [
            _exporter_class(signal, name, os.environ)() for name in _exporters(signal, os.environ) if name != "none"
        ]
        for signal in SIGNALS
    }
    return Telemetry(environment, exporters) if any(exporters.values()) else None


class Telemetry:
    """The providers of a process, and its listeners.

    Args:
        environment: whose hooks are listened to.
        exporters: of TRACES, METRICS and LOGS; of what has none, nothing is made.
    """

    def __init__(self, environment: Any, exporters: Mapping[str, list[Any]]) -> None:
        self._environment = environment
        self._names: set[str] = set()
        self._has_other_spans = False
        self._providers: list[Any] = []
        resource = _resource(environment)
        is_master = isinstance(environment.runner, MasterRunner)
        if metrics := exporters["METRICS"]:
            self._measure(metrics, resource, is_master=is_master)
        if (spans := exporters["TRACES"]) and not is_master:
            self._trace(spans, resource)
        if logs := exporters["LOGS"]:
            self._log(logs, resource)
        environment.events.quit.add_listener(self._leave)

    # ------------------------------------------------------------------ metrics

    def _measure(self, exporters: list[Any], resource: Any, *, is_master: bool) -> None:
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415 - an extra

        provider = MeterProvider([PeriodicExportingMetricReader(each) for each in exporters], resource)
        self._providers.append(provider)
        meter = provider.get_meter("locust")
        if is_master:
            told = "Number of currently running Locust users"
            meter.create_observable_gauge("locust.users.count", [self._users], "{user}", told)
        else:
            self._durations = meter.create_histogram("locust.client.duration", "s", "Time to last byte for requests")
            self._environment.events.request.add_listener(self._record)

    def _record(self, name: str, response_time: float | None, exception: Any = None, **_: Any) -> None:
        if response_time is None:
            return  # it has no duration
        attributes = {"name": self._known(name)}
        if exception:
            attributes["error.type"] = type(exception).__name__
        self._durations.record(response_time / 1000, attributes)

    def _known(self, name: str) -> str:
        if name not in self._names and len(self._names) >= NAMES_MAX:
            return OTHERS
        self._names.add(name)
        return name

    def _users(self, _: Any) -> Iterator[Any]:
        from opentelemetry.metrics import Observation  # noqa: PLC0415 - an extra

        for name, count in self._environment.runner.user_classes_count.items():
            yield Observation(count, {"user_class": name})

    # ------------------------------------------------------------------ spans

    def _trace(self, exporters: list[Any], resource: Any) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra

        provider = TracerProvider(resource=resource)
        for each in exporters:
            provider.add_span_processor(BatchSpanProcessor(each))
        self._providers.append(provider)
        trace.set_tracer_provider(provider)
        self._tracer = provider.get_tracer("locust")
        self._has_other_spans = _instrument()
        self._environment.events.request.add_listener(self._span)

    def _span(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float | None,
        response: Any = None,
        exception: Any = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        if response_time is None or (self._has_other_spans and _is_of_requests(response)):
            return
        began_s = time.time() - response_time / 1000 if start_time is None else start_time
        began_ns = int(began_s * 1e9)
        span = self._tracer.start_span(f"{request_type} {name}", start_time=began_ns)
        if exception:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

            span.set_status(Status(StatusCode.ERROR, str(exception)[:500]))
            span.set_attribute("error.type", type(exception).__name__)
        span.end(began_ns + int(response_time * 1e6))

    # ------------------------------------------------------------------ logs

    def _log(self, exporters: list[Any], resource: Any) -> None:
        from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler  # noqa: PLC0415 - an extra
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415 - an extra

        provider = LoggerProvider(resource=resource)
        for each in exporters:
            provider.add_log_record_processor(BatchLogRecordProcessor(each))
        self._providers.append(provider)
        with warnings.catch_warnings():  # its successor is in another package, which is a beta
            warnings.simplefilter("ignore", DeprecationWarning)
            logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))

    # ------------------------------------------------------------------ the end

    def _leave(self, **_: Any) -> None:
        """Send what is left, for no longer than it is worth."""
        last = threading.Thread(target=self._shut_down, daemon=True)
        last.start()
        last.join(LAST_S)

    def _shut_down(self) -> None:
        for provider in self._providers:
            provider.shutdown()
        self._providers.clear()


def _resource(environment: Any) -> Any:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra

    return Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "locust"),  # what dashboards made for Locust look for
            "service.version": __version__,
            "service.instance.id": environment.runner.client_id,
            "host.name": socket.gethostname(),
            "filename": str(environment.locustfile or ""),
            "profile": environment.profile or "",
        }
    )


def _instrument() -> bool:
    """Let requests and urllib3 make spans of their own, where the packages for that are; whether requests does."""
    if _has("opentelemetry.instrumentation.urllib3"):
        import_module("opentelemetry.instrumentation.urllib3").URLLib3Instrumentor().instrument()
    if not _has("opentelemetry.instrumentation.requests"):
        return False
    instrumentor = import_module("opentelemetry.instrumentation.requests").RequestsInstrumentor()
    instrumentor.instrument(request_hook=_name_span)
    return True


def _name_span(span: Any, request: Any) -> None:
    """Name a span of requests' as the sample will be."""
    name = getattr(request, "_explicit_name", None) or request.path_url
    span.update_name(f"{request.method} {name}")


def _is_of_requests(response: Any) -> bool:
    return any(cls.__module__.partition(".")[0] == "requests" for cls in type(response).__mro__)
