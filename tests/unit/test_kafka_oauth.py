"""Tokens: asked for once, renewed in time, kept while the provider is away."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ingest.errors import KafkaRefusedError, KafkaUnreachableError
from ingest.kafka import oauth
from ingest.kafka.oauth import Client, TokenProvider
from tests.servers.token_endpoint import CLIENT, SECRET, Endpoint, Signer, endpoint


@pytest.fixture
def provider() -> Iterator[Endpoint]:
    with endpoint(Signer()) as found:
        yield found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved by tests [s]."""
    now = [1000.0]
    monkeypatch.setattr(oauth, "monotonic", lambda: now[0])
    return now


def ours(provider: Endpoint) -> Client:
    return Client(token_url=provider.url, client_id=CLIENT, secret=SECRET)


def test_a_token_is_used_until_most_of_its_life_is_over(
    provider: Endpoint, clock: list[float]
) -> None:
    provider.life_s = 100
    tokens = TokenProvider(ours(provider))
    first = tokens.token()
    clock[0] += 79
    assert tokens.token() == first
    clock[0] += 2
    provider.life_s = 200
    assert tokens.token() != first
    assert len(provider.asked) == 2


def test_a_provider_that_is_away_is_not_missed_before_the_token_runs_out(
    provider: Endpoint, clock: list[float]
) -> None:
    provider.life_s = 100
    tokens = TokenProvider(ours(provider))
    first = tokens.token()
    provider.status, provider.body = 503, b"<html>away</html>"
    clock[0] += 90
    assert tokens.token() == first
    clock[0] += 11
    with pytest.raises(KafkaUnreachableError, match="gives no token now: HTTP 503"):
        tokens.token()


def test_a_wrong_secret_is_refused_with_the_providers_words_and_without_ours(
    provider: Endpoint,
) -> None:
    wrong = replace(ours(provider), secret="not-this-one")
    with pytest.raises(
        KafkaRefusedError, match="HTTP 401 invalid_client unknown client or secret"
    ) as refused:
        TokenProvider(wrong).token()
    assert "not-this-one" not in f"{refused.value} {wrong}"


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"<html>", "did not answer in JSON"), (b"[]", "in JSON"), (b"{}", "without an access_token")],
)
def test_what_is_no_token_endpoint_is_told(provider: Endpoint, body: bytes, said: str) -> None:
    provider.body = body
    with pytest.raises(KafkaRefusedError, match=f"{said}.*TELEMETRY_KAFKA_OAUTH_TOKEN_URL"):
        TokenProvider(ours(provider)).token()


def test_the_secret_does_not_follow_to_another_address(provider: Endpoint) -> None:
    with endpoint(provider.signer) as elsewhere:
        provider.status, provider.body, provider.location = 302, b"", elsewhere.url
        with pytest.raises(KafkaRefusedError, match="HTTP 302"):
            TokenProvider(ours(provider)).token()
        assert elsewhere.asked == []


def test_nobody_at_the_address_is_told(provider: Endpoint) -> None:
    nobody = replace(ours(provider), token_url="http://127.0.0.1:1/token")
    with pytest.raises(KafkaUnreachableError, match=r"OAUTH_TOKEN_URL.* does not answer"):
        TokenProvider(nobody).token()
