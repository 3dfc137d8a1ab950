"""What a sender tells about itself: figures for Prometheus, in which nobody is named."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)


class Metrics:
    """Of one sender, in a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library lacks its type
        self.registry = CollectorRegistry()
        ProcessCollector(namespace="telemetry_webhooks", registry=self.registry)
        self.attempts = Counter(
            "telemetry_webhooks_attempts",
            "Messages that were taken from the outbox, by what they are of and how it ended.",
            ["source", "result"],
            registry=self.registry,
        )
        self.took = Histogram(
            "telemetry_webhooks_answer_seconds",
            "How long receivers took to answer [s].",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60),
            registry=self.registry,
        )
        self.disabled = Counter(
            "telemetry_webhooks_disabled",
            "Webhooks that were disabled, by why.",
            ["reason"],
            registry=self.registry,
        )
        self.given_up = Counter(
            "telemetry_webhooks_given_up",
            "Messages that were given up after days.",
            registry=self.registry,
        )
        self.due = Gauge("telemetry_webhooks_due", "Messages that are due.", registry=self.registry)
        self.oldest = Gauge(
            "telemetry_webhooks_oldest_due_seconds",
            "For how long the first of them is due [s].",
            registry=self.registry,
        )
        for reason in ("gone", "failing"):
            self.disabled.labels(reason)
