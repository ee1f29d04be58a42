"""What a process counts and times while it works, for Prometheus. What stands in tables is asked for in `metrics`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

http_requests = Histogram(
    "counterfoil_http_request_seconds",
    "Time until an answer was ready, by the rule of its address",
    ["method", "route", "status"],
    buckets=_SECONDS,
)
gateway_calls = Histogram(
    "counterfoil_gateway_call_seconds",
    "Calls to gateways with their tries, by what was asked and what came of it",
    ["gateway", "operation", "outcome"],
    buckets=_LONG_SECONDS,
)
payments = Counter("counterfoil_payments_total", "Payments by what became of them", ["gateway", "outcome"])
refunds = Counter("counterfoil_refunds_total", "Refunds by what became of them", ["gateway", "outcome"])
webhooks_received = Counter(
    "counterfoil_webhooks_total", "Webhook deliveries by gateway and what became of them", ["gateway", "outcome"]
)
errors = Counter("counterfoil_errors_total", "Errors by what they have to do with", ["category"])
connections_open = Gauge(
    "counterfoil_database_connections_open", "Connections that the pools hold", multiprocess_mode="livesum"
)
connections_in_use = Gauge(
    "counterfoil_database_connections_in_use", "Of those, the ones at work now", multiprocess_mode="livesum"
)


@contextmanager
def gateway_call(gateway: str, operation: str) -> Iterator[None]:
    """Time one exchange; its outcome is `ok`, or the code of the error that ends it."""
    begun, outcome = time.perf_counter(), "ok"
    try:
        yield
    except Exception as error:
        outcome = str(getattr(error, "code", None) or "error")
        raise
    finally:
        gateway_calls.labels(gateway, operation, outcome).observe(time.perf_counter() - begun)
