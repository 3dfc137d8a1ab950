"""Webhooks go to what all the world may reach, whatever way an address is written."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from api.webhooks.addresses import AddressError, Rules, look_up

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104 - nothing listens there
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::",
    "2001:0:a00:1::",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "2001:db8::1",
]
PUBLIC = ["8.8.8.8", "203.0.114.1", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_not_all_the_world_can_reach_is_refused(text: str) -> None:
    assert not Rules().allow(ipaddress.ip_address(text))
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(AddressError):
        Rules().require_url(f"https://{host}/hook")


@pytest.mark.parametrize("text", PUBLIC)
def test_what_all_the_world_can_reach_is_allowed(text: str) -> None:
    assert Rules().allow(ipaddress.ip_address(text))


def test_a_network_that_settings_name_is_allowed_and_its_neighbour_is_not() -> None:
    rules = Rules([ipaddress.ip_network("10.1.0.0/16")])
    assert rules.allow(ipaddress.ip_address("10.1.2.3"))
    assert rules.allow(ipaddress.ip_address("::ffff:10.1.2.3"))
    assert not rules.allow(ipaddress.ip_address("10.2.0.1"))


@pytest.mark.parametrize("found", [["8.8.8.8", "10.0.0.1"], ["10.0.0.1"], ["fe80::1%eth0"], []])
def test_a_name_that_means_anything_private_is_refused(found: list[str]) -> None:
    with pytest.raises(AddressError):
        Rules().require(found)


def test_a_name_that_means_public_addresses_alone_is_taken_at_its_word() -> None:
    assert Rules().require(["8.8.8.8", "8.8.4.4", "8.8.8.8"]) == [
        ipaddress.ip_address("8.8.8.8"),
        ipaddress.ip_address("8.8.4.4"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "file:///etc/passwd",
        "https:///hook",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://exämple.com/",
        "https://example.com/a b",
        "https://example.com/\x00",
        "https://example.com/\r\nHost: other",
        "https://localhost/",
        "http://127.0.0.1/",
        "//example.com/",
        "example.com",
        "",
        "https://example.com/" + "a" * 2000,
    ],
)
def test_addresses_that_could_never_be_used_are_refused(url: str) -> None:
    with pytest.raises(AddressError):
        Rules().require_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook?key=1", "https://example.com:8443/", "https://8.8.8.8/hook"],
)
def test_https_to_a_public_host_is_taken(url: str) -> None:
    Rules().require_url(url)


def test_plain_http_is_for_this_machine_alone_and_where_it_is_allowed() -> None:
    rules = Rules([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8")])
    rules.require_url("http://127.0.0.1:8080/hook")
    rules.require_url("http://localhost:8080/hook")
    with pytest.raises(AddressError):
        rules.require_url("http://10.0.0.1/hook")


def test_a_name_that_means_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> list[object]:
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(AddressError, match="cannot be resolved"):
        look_up("nowhere.invalid", 443)
