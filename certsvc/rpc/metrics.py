"""What is counted of calls. Labels are method names and codes only: never who called, or for whom."""

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from certsvc.domain.verdict import Verdict

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RPCMetrics:
    """Counters of one worker, in the registry that /metrics shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter("certsvc_rpc_calls", "Calls that ended, by code.", ("method", "code"), registry=registry)
        self._seconds = Histogram(
            "certsvc_rpc_seconds", "Time to the end.", ("method",), buckets=_SECONDS, registry=registry
        )
        self._running = Gauge("certsvc_rpc_running", "Calls that run now.", ("method",), registry=registry)

    def began(self, method: str) -> None:
        """A call reached the guard."""
        self._running.labels(method).inc()

    def ended(self, method: str, code: grpc.StatusCode, *, seconds: float) -> None:
        """The same call is over."""
        self._running.labels(method).dec()
        self._ended.labels(method, code.name).inc()
        self._seconds.labels(method).observe(seconds)


class VerdictMetrics:
    """Counts verdicts: a rise of NOT_REGISTERED is how a stolen signing key shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter("certsvc_verdicts", "Verdicts over credentials.", ("verdict",), registry=registry)

    def found(self, verdict: Verdict) -> None:
        """One more."""
        self._verdicts.labels(verdict.value).inc()
