"""Messages go where all the world may go, and nowhere else, whatever a name or a receiver says."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.webhooks.addresses import Rules
from api.webhooks.line import Line, Outcome
from api.webhooks.settings import WebhookSettings
from api.webhooks.signing import new_secret, signature
from tests.servers.certificates import Authority
from tests.worlds.webhook_world import LOCAL, Receiver, World, webhook_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.database_fixture import Migrated

HERE = WebhookSettings.model_validate(LOCAL).private_networks
DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    with webhook_world(migrated) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def post(
    url: str,
    rules: Rules,
    *,
    resolve: Callable[[str, int], list[str]] | None = None,
    context: ssl.SSLContext | None = None,
    timeout_s: float = 10.0,
    times: int = 1,
) -> Outcome:
    """The outcome of the last of some posts."""

    async def run() -> Outcome:
        with ThreadPoolExecutor(1) as threads:
            more = {} if resolve is None else {"resolve": resolve}
            line = Line(
                rules,
                context or ssl.create_default_context(),
                timeout_s=timeout_s,
                threads=threads,
                **more,
            )
            async with line:
                for _ in range(times):
                    outcome = await line.post(url, {"x": "y"}, b"{}")
                return outcome

    return asyncio.run(run())


def test_this_machine_is_refused_unless_settings_name_it(receiver: Receiver) -> None:
    refused = post(receiver.url, Rules())
    assert (refused.result, refused.left) == ("refused", False)
    assert receiver.got == []
    assert post(receiver.url, Rules(HERE)).ok


@pytest.mark.parametrize("host", ["127.1", "0x7f.0.0.1", "2130706433", "localhost"])
def test_other_ways_to_write_this_machine_are_refused(receiver: Receiver, host: str) -> None:
    assert post(f"http://{host}:{receiver.port}/", Rules()).result == "refused"
    assert receiver.got == []


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["10.0.0.1"], ["::ffff:127.0.0.1"]]
)
def test_a_name_that_means_something_private_is_refused(
    receiver: Receiver, found: list[str]
) -> None:
    url = f"http://hooks.example.com:{receiver.port}/"
    assert post(url, Rules(), resolve=lambda *_: found).result == "refused"
    assert receiver.got == []


def test_a_name_is_looked_up_once_and_what_was_checked_is_what_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    looked_up: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", _only_numbers(socket.getaddrinfo, looked_up))
    url = f"http://hooks.example.com:{receiver.port}/hook"
    assert post(url, Rules(HERE), resolve=rebinding, times=2).ok
    assert asked == [f"hooks.example.com:{receiver.port}"]
    assert "hooks.example.com" not in looked_up
    assert receiver.got[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def _only_numbers(real: Callable[..., Any], seen: list[Any]) -> Callable[..., Any]:
    def look_up(host: Any, *more: Any, **others: Any) -> Any:
        seen.append(host)
        return real(host, *more, **others)

    return look_up


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            receiver.answers = [(status, {"location": elsewhere.url})]
            outcome = post(receiver.url, Rules(HERE))
            assert (outcome.result, outcome.status) == ("answered", status)
        assert elsewhere.got == []


def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert post(receiver.url, Rules(HERE)).ok
        assert proxy.got == []
        assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("status", "ok"), [(200, True), (204, True), (299, True), (300, False), (404, False)]
)
def test_only_2xx_is_success(receiver: Receiver, status: int, ok: bool) -> None:
    receiver.answers = [status]
    assert post(receiver.url, Rules(HERE)).ok is ok


def test_retry_after_is_heard_in_seconds_and_bounded(receiver: Receiver) -> None:
    for said, heard in (("120", 120.0), ("999999999999", 3600.0), ("tomorrow", None)):
        receiver.answers = [(503, {"retry-after": said})]
        assert post(receiver.url, Rules(HERE)).retry_after_s == heard


def test_nobody_who_listens_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = post(f"http://127.0.0.1:{port}/", Rules(HERE))
    assert (outcome.result, outcome.left) == ("unreachable", False)


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000, "delivered"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "delivered"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200_000, "broken"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, "broken"),
        (b"SSH-2.0-OpenSSH\r\n", "broken"),
        (b"", "broken"),
    ],
)
def test_however_much_and_whatever_comes_back_it_is_an_outcome(said: bytes, result: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                try:
                    connection.sendall(said)
                except OSError:
                    return  # whoever asked has had enough

        thread = threading.Thread(target=answer)
        thread.start()
        outcome = post(f"http://127.0.0.1:{listening.getsockname()[1]}/", Rules(HERE))
        thread.join()
    assert outcome.result == result


def test_an_https_receiver_proves_who_it_is(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate = authority.issue("receiver", "hooks.example.com")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate.file, certificate.key)
    trusting = ssl.create_default_context(cafile=str(authority.file))
    with Receiver(serving) as receiver:

        def to(host: str, context: ssl.SSLContext | None) -> Outcome:
            return post(
                f"https://{host}:{receiver.port}/hook",
                Rules(HERE),
                resolve=lambda *_: ["127.0.0.1"],
                context=context,
            )

        assert to("hooks.example.com", trusting).ok
        for host, context in (("hooks.example.com", None), ("other.example.com", trusting)):
            outcome = to(host, context)
            assert (outcome.result, outcome.left) == ("unreachable", False)
            assert "certificate" in str(outcome.error)
        assert len(receiver.got) == 1


def test_a_refused_address_is_told_to_whose_webhook_it_is(world: World, receiver: Receiver) -> None:
    hook = world.make(receiver.url)
    world.event()
    world.send(webhook_private_networks="")
    assert receiver.got == []
    (waiting,) = world.deliveries(hook)
    assert "private, loopback or link-local" in waiting["last_error"]
    assert world.execute("SELECT 1 FROM access_log WHERE subject LIKE 'webhook:%%'") == []
    world.clear()


def test_the_example_of_the_documentation_tells_ours_from_others(
    world: World, receiver: Receiver
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    written: dict[str, Any] = {}
    exec(example, written)  # noqa: S102 - it is ours
    is_genuine = written["is_genuine"]
    hook = world.make(receiver.url)
    world.clients["Owner"].post(f"/v1/webhooks/{hook['webhook_id']}/secret", json={})
    world.event()
    world.send()
    (posted,) = receiver.got
    assert is_genuine(hook["secret"], posted.headers, posted.body)
    assert not is_genuine(new_secret(), posted.headers, posted.body)
    assert not is_genuine(hook["secret"], posted.headers, posted.body + b" ")
    assert not is_genuine(hook["secret"], {**posted.headers, "webhook-id": "msg_1"}, posted.body)
    old = {**posted.headers, "webhook-timestamp": "1614265330"}
    old["webhook-signature"] = signature([hook["secret"]], posted.id, 1614265330, posted.body)
    assert not is_genuine(hook["secret"], old, posted.body)
    world.clear()
