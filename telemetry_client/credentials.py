"""Who asks: nobody, a key, or a machine that gets tokens by its secret (OAuth 2, RFC 6749, 4.4).

A token is renewed before it expires. Secrets are shown by no `repr` and written to no log.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode

from telemetry_client.errors import UnexpectedAnswerError
from telemetry_client.messages import JSON, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_client.messages import Answer

TOKEN_ADDRESS = "/oauth/token"  # noqa: S105 - an address

EARLY_S = 30.0
"""A token is renewed so long before it expires, or in the last tenth of a short life."""


UNTOLD_LIFETIME_S = 60.0
"""How long a token is used whose giver does not say for how long it holds."""


class Credential(Protocol):
    """What says who asks."""

    def headers(self) -> Mapping[str, str]:
        """What each request carries."""
        ...

    def renewal(self, now: float) -> Request | None:
        """What to ask before the next request; None: what there is holds.

        Args:
            now: seconds of a clock that never goes back.
        """
        ...

    def take(self, answer: Answer, now: float) -> None:
        """Take the answer to that; `now` is when it was asked."""
        ...

    def refused(self, headers: Mapping[str, str]) -> bool:
        """The API did not take `headers`; whether others may be had."""
        ...


class Fixed:
    """What stays as it is: an API key, a token somebody else renews, or nothing.

    Args:
        headers: what each request carries.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def headers(self) -> Mapping[str, str]:
        """What each request carries."""
        return self._headers

    def renewal(self, now: float) -> None:  # noqa: ARG002
        """There is none."""
        return

    def take(self, answer: Answer, now: float) -> None:
        """Nothing was asked."""

    def refused(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002
        """There are no others."""
        return False


class ClientCredentials:
    """A machine's name and secret, and the token they got.

    Args:
        client_id: the name.
        secret: the secret.
        scope: what for, with spaces between; None: all there is.
        token_url: where tokens are given out; the API itself does at /oauth/token.
    """

    def __init__(
        self, client_id: str, secret: str, scope: str | None = None, token_url: str = TOKEN_ADDRESS
    ) -> None:
        pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
        self._basic = "Basic " + base64.b64encode(pair.encode()).decode()
        self._scope, self._url = scope, token_url
        self._headers: Mapping[str, str] = {}
        self._renew_at = 0.0

    def headers(self) -> Mapping[str, str]:
        """The token."""
        return self._headers

    def renewal(self, now: float) -> Request | None:
        """The question for a token, where there is none or it is about to expire."""
        if self._headers and now < self._renew_at:
            return None
        form = {"grant_type": "client_credentials"}
        if self._scope is not None:
            form["scope"] = self._scope
        return Request(
            method="POST",
            address=TOKEN_ADDRESS,
            url=self._url,
            headers={
                "accept": JSON,
                "authorization": self._basic,
                "content-type": "application/x-www-form-urlencoded",
            },
            content=urlencode(form).encode(),
        )

    def take(self, answer: Answer, now: float) -> None:
        """Take the token.

        Raises:
            UnexpectedAnswerError: there is none in the answer.
        """
        try:
            told = json.loads(answer.content)
            token, lifetime_s = (
                str(told["access_token"]),
                float(told.get("expires_in", UNTOLD_LIFETIME_S)),
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            # From None: the error's own text may quote the answer.
            raise UnexpectedAnswerError("There is no token in what gives out tokens.") from None
        self._headers = {"authorization": f"Bearer {token}"}
        self._renew_at = now + lifetime_s - min(EARLY_S, lifetime_s / 10)

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Get another token, unless that has happened already."""
        if headers == self._headers:
            self._headers = {}
        return True
