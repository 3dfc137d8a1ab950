"""How every client of ours is made: where Kafka is, TLS and login, and why it does not let us in.

kafka-python 3.0.12 tries again until its time is up where a broker refuses a login or shows a wrong
certificate, and then only says that it could not connect. So a client with any of these is made
after one connection of our own, whose failure is known: what is refused is told at once.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import kafka
from kafka import errors as kafka_errors
from kafka.cluster import get_ip_port_afi
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from ingest.errors import KafkaRefusedError, KafkaUnreachableError
from ingest.kafka.oauth import token_provider
from ingest.kafka_settings import SaslMechanism, SecurityProtocol
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from ingest.kafka_settings import KafkaSettings

ANSWER_S = 10.0
"""How long we wait for the first answer of a broker [s]."""

RECONNECT_S = 2.0
"""Longest wait before another try to connect to a broker [s]; the library's 30 s are long."""

LISTENS_S = 1.0
"""How long we look whether anybody listens at all [s]."""

REFUSALS = (
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.IllegalSaslStateError,
    kafka_errors.AuthorizationError,
)
"""What stays so until a person changes a setting here or a right at the broker."""

CONNECTION_LOGGERS = ("kafka.net.connection", "kafka.net.manager", "kafka.net.transport")
"""The library's loggers that tell how connections fare."""

BYTES_LOGGERS = ("kafka.net.connection", "kafka.protocol.parser")
"""The library's loggers that at level DEBUG write every request whole, logins too."""

logger = logging.getLogger(__name__)


class _Hidden(str):
    """A secret as the library takes it; its DEBUG lines show the configuration by repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


def client_arguments(settings: KafkaSettings, bootstrap: str) -> dict[str, Any]:
    """Arguments that kafka-python's consumer, producer and admin client share.

    Raises:
        SettingsError: a certificate or key cannot be read.
    """
    protocol, mechanism = settings.kafka_security_protocol, settings.kafka_sasl_mechanism
    arguments: dict[str, Any] = {
        "bootstrap_servers": bootstrap.split(","),
        "bootstrap_timeout_ms": int(ANSWER_S * 1000),
        "reconnect_backoff_max_ms": int(RECONNECT_S * 1000),
        "security_protocol": protocol.value,
    }
    if protocol.encrypted:
        arguments["ssl_context"] = tls_context(settings)
    if protocol.login and mechanism is not None:
        for name in BYTES_LOGGERS:
            logging.getLogger(name).addFilter(_no_bytes)
        arguments["sasl_mechanism"] = mechanism.value
        if mechanism is SaslMechanism.OAUTHBEARER:
            arguments["sasl_oauth_token_provider"] = token_provider(settings)
        else:
            arguments["sasl_plain_username"] = settings.kafka_sasl_username
            arguments["sasl_plain_password"] = _Hidden(_text(settings.kafka_sasl_password))
        if mechanism.shows_secret and not protocol.encrypted:
            _warn_in_clear(mechanism)
    return arguments


def tls_context(settings: KafkaSettings) -> ssl.SSLContext:
    """Whom we trust and how we prove who we are.

    Raises:
        SettingsError: a file cannot be read as what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = settings.kafka_ssl_check_hostname
    authority, certificate = settings.kafka_ssl_ca_file, settings.kafka_ssl_cert_file
    try:
        if authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(authority)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            f"TELEMETRY_KAFKA_SSL_CA_FILE: {authority} holds no certificates as PEM: {error}."
        ) from error
    if certificate is None:
        return context
    try:
        # Without a password the library underneath would ask for one on the terminal.
        context.load_cert_chain(
            certificate, settings.kafka_ssl_key_file, _text(settings.kafka_ssl_key_password)
        )
    except (ssl.SSLError, OSError) as error:
        key = settings.kafka_ssl_key_file or certificate
        raise SettingsError(
            f"Certificate {certificate} (TELEMETRY_KAFKA_SSL_CERT_FILE) and key {key} "
            f"(TELEMETRY_KAFKA_SSL_KEY_FILE) cannot be used: {error}. Both are PEM, belong "
            "together, and an encrypted key needs TELEMETRY_KAFKA_SSL_KEY_PASSWORD."
        ) from error
    return context


def greet(settings: KafkaSettings, bootstrap: str) -> None:
    """Connect once through TLS and login, to learn why where that fails; nothing in clear.

    Raises:
        KafkaRefusedError: the broker refuses, or is not the one we trust.
        KafkaUnreachableError: no broker answers.
    """
    if settings.kafka_security_protocol is SecurityProtocol.PLAINTEXT:
        return
    arguments = client_arguments(settings, bootstrap)
    provider = arguments.get("sasl_oauth_token_provider")
    if provider is not None:
        provider.token()
    failure: Exception | None = None
    for address in bootstrap.split(","):
        try:
            _shake_hands(address, arguments.get("ssl_context"))
            _log_in(arguments | {"bootstrap_servers": [address]})
        except (kafka_errors.KafkaError, OSError, ValueError) as error:
            if refuses(error):
                raise refused(settings, address, error) from error
            failure = error
        else:
            return
    assert failure is not None  # noqa: S101 - a list of addresses is never empty
    raise unreachable(settings, bootstrap, failure) from failure


def open_admin(settings: KafkaSettings, bootstrap: str) -> Any:
    """kafka-python's client for administration; the caller closes it.

    Raises:
        KafkaRefusedError: the broker refuses us.
        KafkaUnreachableError: no broker answers.
    """
    greet(settings, bootstrap)
    try:
        return kafka.KafkaAdminClient(**client_arguments(settings, bootstrap))
    except kafka_errors.KafkaError as error:
        raise unreachable(settings, bootstrap, error) from error


def unreachable(
    settings: KafkaSettings, bootstrap: str, error: Exception
) -> KafkaUnreachableError | KafkaRefusedError:
    """The error that says what to do where no broker answers, or where it answers with a no."""
    if refuses(error):
        return refused(settings, bootstrap, error)
    advice = (
        f"Something listens there: does it speak {settings.kafka_security_protocol} "
        "(TELEMETRY_KAFKA_SECURITY_PROTOCOL)?"
        if any(map(_listens, bootstrap.split(",")))
        else "Is it running? `telemetry up` starts an embedded one; TELEMETRY_KAFKA_BOOTSTRAP "
        "names another."
    )
    return KafkaUnreachableError(f"Kafka at {bootstrap} does not answer: {error}. {advice}")


def refuses(error: BaseException) -> bool:
    """Whether trying again would not help."""
    return isinstance(error, REFUSALS) or _tls_error(error) is not None


def refused(settings: KafkaSettings, where: str, error: BaseException) -> KafkaRefusedError:
    """The error that says which setting to look at."""
    tls = _tls_error(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        why = tls.verify_message.rstrip(".")
        return KafkaRefusedError(
            f"The certificate that Kafka at {where} shows is not trusted: {why}. "
            "TELEMETRY_KAFKA_SSL_CA_FILE names who signed it, and TELEMETRY_KAFKA_BOOTSTRAP must "
            "use a name that stands in it."
        )
    if tls is not None:
        return KafkaRefusedError(
            f"Kafka at {where} refuses the encrypted connection: {tls.reason or tls}. Does it want "
            "a certificate of us (TELEMETRY_KAFKA_SSL_CERT_FILE, _KEY_FILE), and does it speak "
            f"{settings.kafka_security_protocol} there?"
        )
    if isinstance(error, kafka_errors.AuthorizationError):
        return KafkaRefusedError(
            f"Kafka at {where} does not let {_who(settings)} do this: {error}. docs/operations.md "
            "lists the rights a client needs."
        )
    names = (
        "TELEMETRY_KAFKA_OAUTH_CLIENT_ID, _CLIENT_SECRET and _SCOPE"
        if settings.kafka_sasl_mechanism is SaslMechanism.OAUTHBEARER
        else "TELEMETRY_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD"
    )
    return KafkaRefusedError(
        f"Kafka at {where} refuses the login of {_who(settings)} by "
        f"{settings.kafka_sasl_mechanism}: {_words(error)}. Look at {names}."
    )


def _words(error: BaseException) -> str:
    """What the broker said, without the names and numbers the library puts before it."""
    return str(error).rsplit("Error: ", maxsplit=1)[-1]


def _who(settings: KafkaSettings) -> str:
    name = settings.kafka_sasl_username or settings.kafka_oauth_client_id
    return f"user {name}" if name else "this client"


def _shake_hands(address: str, context: ssl.SSLContext | None) -> None:
    """TCP and TLS by ourselves: the library leaves the socket of a failed handshake open."""
    host, port = _host_and_port(address)
    with socket.create_connection((host, port), ANSWER_S) as connection:
        if context is not None:
            context.wrap_socket(connection, server_hostname=host).close()


def _log_in(arguments: dict[str, Any]) -> None:
    """One connection of the library's through all it has to go through, closed again."""
    network = NetworkSelector()
    manager = _Connections(network, **arguments)
    node = manager.cluster.bootstrap_brokers()[0].node_id

    async def connect() -> None:
        await manager.get_connection(
            node, timeout_ms=ANSWER_S * 1000, refresh_metadata_on_err=False
        )

    try:
        with _unheard():
            network.run(connect)
    finally:
        manager.close()
        network.drain()
        network.close()


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep the library's complaints out of the log: what went wrong is raised and told once."""
    ours = threading.get_ident()

    def not_ours(record: logging.LogRecord) -> bool:
        return record.thread != ours

    loggers = [logging.getLogger(name) for name in CONNECTION_LOGGERS]
    for each in loggers:
        each.addFilter(not_ours)
    try:
        yield
    finally:
        for each in loggers:
            each.removeFilter(not_ours)


class _Connections(KafkaConnectionManager):  # type: ignore[misc]  # kafka-python has no types
    """Hears a broker out: kafka-python 3.0.12 drops the last words of one that hangs up at once."""

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        receive = transport._sock_recv  # noqa: SLF001 - it offers no other way

        def receive_all() -> tuple[bytes, Exception | None]:
            data, error = receive()
            # The end of a connection is there to be read again.
            return data, None if data else error

        transport._sock_recv = receive_all  # noqa: SLF001 - likewise
        return transport


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The refusal of a handshake within what the library made of it.

    A connection that only ended is none: a broker that is stopping does that.
    """
    for found in _within(error):
        if isinstance(found, ssl.SSLError):
            ended = isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError)
            return None if ended else found
    return None


def _within(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            waiting += [found.__context__, found.__cause__, *found.args]
            yield found


def _listens(address: str) -> bool:
    try:
        with socket.create_connection(_host_and_port(address), LISTENS_S):
            return True
    except (OSError, ValueError):
        return False


def _host_and_port(address: str) -> tuple[str, int]:
    """As kafka-python reads it: the port may be missing, IPv6 stands in brackets."""
    host, port, _ = get_ip_port_afi(address)
    return host, int(port)


def _no_bytes(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


@cache
def _warn_in_clear(mechanism: SaslMechanism) -> None:
    """Once a process."""
    logger.warning(
        "Login by %s over SASL_PLAINTEXT sends our secret in clear: whoever reads the network has "
        "it. Use TELEMETRY_KAFKA_SECURITY_PROTOCOL=SASL_SSL.",
        mechanism,
    )


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""
