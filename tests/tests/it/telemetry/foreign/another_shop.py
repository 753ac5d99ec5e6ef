"""Sends a trace of another shop, with the SDK and an exporter of OpenTelemetry for Python.

    another_shop.py grpc|http URL

Prints the trace's id once the collector has taken it.
"""

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

protocol, url = sys.argv[1:]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=url, insecure=True)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces")

provider = TracerProvider(resource=Resource.create({"service.name": "another-shop", "deployment.environment.name": "test"}))
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("another_shop.py")

with tracer.start_as_current_span("GET /teapots", kind=SpanKind.SERVER) as server:
    with tracer.start_as_current_span("first try") as first:
        pass
    link = Link(first.get_span_context(), {"why": "it is tried again"})
    with tracer.start_as_current_span("second try", kind=SpanKind.CLIENT, links=[link]) as second:
        second.set_attribute("text", "Grüße, 世界")
        second.set_attribute("whole", 42)
        second.set_attribute("half", 0.5)
        second.set_attribute("yes", True)
        second.set_attribute("several", ["a", "b"])
        second.add_event("spilled", {"drops": 7})
        second.set_status(Status(StatusCode.ERROR, "it was hot"))
    trace_id = format(server.get_span_context().trace_id, "032x")

provider.shutdown()
print(trace_id)
