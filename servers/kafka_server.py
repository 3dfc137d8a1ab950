"""Apache Kafka as one KRaft node on loopback."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import uuid
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from servers import java, kafka_jars, ports, processes
from servers.embedded import EmbeddedServer, NotAnsweringError
from servers.errors import ServerError
from servers.state import Entry

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from servers.server import Progress

HEAP_MB = 512
"""Kafka's heap [MB]: one node with a few dozen partitions stays under half of it."""

MESSAGE_MAX_BYTES = 10_485_760
"""Largest message [bytes]: 600 frames as JSON (8 MB) and a quarter more."""

FORMATTING_TAKES_S = 60
"""How long Kafka's storage tool may take to format an empty folder [s]; it takes one."""

ANSWER_TAKES_MS = 5_000
"""How long a broker that accepts connections may take to answer [ms]."""


class KafkaServer(EmbeddedServer):
    """The broker process, its folder and its configuration."""

    name = "kafka"
    title = "Kafka"
    # SIGTERM is Kafka's clean shutdown: it moves nothing (one node) and closes its log segments.
    stopping = ((signal.SIGTERM, 45.0), (signal.SIGKILL, 10.0))

    @property
    def log(self) -> Path:
        """What Kafka says once its logging is up."""
        return self.home.kafka / "kafka.log"

    @property
    def console(self) -> Path:
        """What the Java runtime says, before Kafka's logging is up or when it cannot go on."""
        return self.home.kafka / "console.log"

    @property
    def jars(self) -> Path:
        """Where Kafka's jars are or will be."""
        return self.settings.kafka_jars or self.home.kafka / "jars"

    def url(self) -> str:
        """The bootstrap address."""
        entry = self.state.read(self.name)
        if entry is None:
            raise ServerError("Kafka was not started here yet. Run `telemetry up`.")
        return f"{ports.LOOPBACK}:{entry.port}"

    def launch(self, remembered: Entry | None, progress: Progress, cancelled: Event) -> Entry:
        """Resolve the jars and format the folder where this was not done yet, then start Kafka."""
        port = ports.choose(
            setting="TELEMETRY_KAFKA_PORT",
            wanted=self.settings.kafka_port,
            remembered=remembered.port if remembered else None,
        )
        runtime = java.find()
        with self.home.explained():
            kafka_jars.resolve(
                self.jars, runtime, lambda doing: progress(self.name, doing), cancelled
            )
            configuration = self._configure(port)
            if not (self.home.kafka / "data" / "meta.properties").exists():
                progress(self.name, "formatting an empty log folder")
                self._format(runtime, configuration)
            progress(self.name, f"starting Kafka {kafka_jars.kafka_version()}")
            # The last start's words would be taken for this one's if it fails.
            self.console.write_text("", encoding="utf-8")
            process = processes.spawn(
                [*self._java(runtime), "kafka.Kafka", str(configuration)],
                environment=_environment(),
                log=self.console,
            )
        return Entry(port=port, version=kafka_jars.kafka_version(), process=process)

    def check(self, entry: Entry) -> None:
        """See that the broker takes part in its cluster."""
        # Connect first: the client complains in the log about every port that is still closed.
        if not ports.answers(ports.LOOPBACK, entry.port, ANSWER_TAKES_MS / 1000):
            raise NotAnsweringError(f"nobody listens on port {entry.port}")
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=f"{ports.LOOPBACK}:{entry.port}",
                request_timeout_ms=ANSWER_TAKES_MS,
                bootstrap_timeout_ms=ANSWER_TAKES_MS,
            )
            try:
                brokers = admin.describe_cluster()["brokers"]
            finally:
                admin.close()
        except (KafkaError, OSError) as error:
            raise NotAnsweringError(f"it does not describe its cluster: {error}") from error
        if not any(not broker.get("is_fenced", False) for broker in brokers):
            raise NotAnsweringError("its broker has not joined its cluster yet")

    def prepare(self, entry: Entry) -> str:
        """Nothing is left to do; topics are their users' business."""
        return entry.version

    def said(self, lines: int) -> str:
        """The end of what the Java runtime said, then of Kafka's log."""
        console = processes.last_lines(self.console, lines)
        return f"{console}\n{processes.last_lines(self.log, lines)}".strip()

    def explain(self, lines: str) -> str | None:
        """What is known of Kafka's ways to fail."""
        if "Failed to acquire lock" in lines:
            return (
                f"another Kafka, not started by `telemetry up`, uses {self.home.kafka / 'data'}. "
                "Find it (`ps ax | grep kafka.Kafka`), stop it, and run `telemetry up` again."
            )
        if "BindException" in lines or "Address already in use" in lines:
            return "its port was taken in this moment. Run `telemetry up` again."
        if "NoClassDefFoundError" in lines or "ClassNotFoundException" in lines:
            return (
                f"a jar is missing or broken. Delete {self.jars}, then run `telemetry up` again: "
                "it gets them anew."
            )
        return super().explain(lines)

    def _configure(self, port: int) -> Path:
        configuration = self.home.kafka / "server.properties"
        controller_port = next(each for each in ports.free(2) if each != port)
        for name, path in (
            ("server.properties", configuration),
            ("log4j2.properties", self.home.kafka / "log4j2.properties"),
        ):
            text = resources.files("servers").joinpath(name).read_text(encoding="utf-8")
            if path == configuration:
                text = Template(text).substitute(
                    port=port,
                    controller_port=controller_port,
                    data=_escaped(str(self.home.kafka / "data")),
                    message_max_bytes=MESSAGE_MAX_BYTES,
                )
            path.write_text(text, encoding="ascii")
        return configuration

    def _java(self, runtime: java.Java) -> list[str]:
        return [
            str(runtime.executable),
            f"-Xmx{HEAP_MB}m",
            # Starts as fast as the default collector, which would give every larger batch a
            # region of its own in so small a heap.
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            f"-XX:ErrorFile={self.home.kafka / 'crash-%p.log'}",
            f"-Dlog4j2.configurationFile={self.home.kafka / 'log4j2.properties'}",
            f"-Dtelemetry.kafka.log={self.log}",
            "-cp",
            str(self.jars / "*"),
        ]

    def _format(self, runtime: java.Java, configuration: Path) -> None:
        command = [*self._java(runtime), "kafka.tools.StorageTool", "format"]
        command += ["-t", _new_cluster_id(), "-c", str(configuration)]
        try:
            subprocess.run(
                command,
                env=_environment(),
                check=True,
                capture_output=True,
                text=True,
                timeout=FORMATTING_TAKES_S,
            )
        except subprocess.SubprocessError as error:
            said = getattr(error, "stderr", None) or getattr(error, "stdout", None) or error
            raise ServerError(
                f"Kafka's storage tool could not format {self.home.kafka / 'data'}: {said}"
            ) from error


def _environment() -> dict[str, str]:
    """A path that is not ASCII reaches Java whole only under a UTF-8 locale."""
    return dict(os.environ) | {"LC_ALL": "C.UTF-8"}


def _escaped(value: str) -> str:
    """A value as a Java properties file holds it, which is ASCII with backslash escapes."""
    return "".join(
        each if ord(each) < 128 else f"\\u{ord(each):04x}" for each in value.replace("\\", r"\\")
    )


def _new_cluster_id() -> str:
    """A random id as Kafka writes them; one with a leading dash would be taken for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text
