"""Where messages may go: to addresses that all the world may reach, and nowhere within our network.

Whoever may make a webhook could otherwise have us knock at doors that only we can reach. What an
address says is checked when it is given; what its name means is looked up anew for every
connection, all that it means is checked, and the connection goes to what was checked: a name that
means something else a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from api.webhooks.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL = 2000

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_NOT_GLOBAL = (
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("fec0::/10"),
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2002::/16"),
    ipaddress.ip_network("2001::/32"),
)
"""Refused whatever Python's version says of them: protocols' own (RFC 6890), site-local, and those
that stand for an IPv4 address: NAT64 (RFC 6052, 8215), 6to4, Teredo."""


class AddressError(TelemetryError):
    """A webhook's address cannot be used; the text says why, for whoever made it."""


class Rules:
    """Which addresses may be reached.

    Args:
        private_networks: networks that may be, though not all the world can reach them.
    """

    def __init__(self, private_networks: Collection[Network] = ()) -> None:
        self._private = tuple(private_networks)

    def allow(self, address: Address) -> bool:
        """Whether a connection may go there."""
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self._private):
            return True
        return (
            address.is_global
            and not address.is_multicast
            and not address.is_reserved
            and not any(address in network for network in _NOT_GLOBAL)
        )

    def require_url(self, url: str) -> None:
        """Refuse an address that could never be used.

        Raises:
            AddressError: it is not https (or http to this machine, where that is allowed), names
                no host, carries a password or a fragment, or an address that is refused.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise AddressError("This is no address of a web server.") from None
        if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise AddressError(
                f"An address has at most {MAX_URL} printable ASCII characters without spaces; "
                "write names of other letters in their xn-- form, the rest percent-encoded."
            )
        if not host or port == 0 or parts.username is not None or parts.fragment:
            raise AddressError(
                "The address names no host, or carries a user, a password or a fragment."
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK_NAMES):
            raise AddressError("The address does not begin with https://.")
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            return  # a name: what it means is looked up when something is sent
        if not self.allow(address):
            raise _refused()

    def require(self, found: Iterable[str]) -> list[Address]:
        """The addresses a name means, if a connection may go to any of them.

        Raises:
            AddressError: one of them is refused, or there is none.
        """
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
        if not addresses:
            raise AddressError("The host's name means no address.")
        if not all(map(self.allow, addresses)):
            raise _refused()
        return list(dict.fromkeys(addresses))


def _refused() -> AddressError:
    return AddressError(
        "The host is within a private, loopback or link-local network: webhooks go to public "
        "addresses."
    )


def look_up(host: str, port: int) -> list[str]:
    """What addresses a host's name means now; blocks.

    Raises:
        AddressError: it means none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressError("The host's name cannot be resolved.") from None
    return [str(address[0]) for *_, address in found]
