"""A little client of rFMS 4.0 that knows nothing of this server but the schema and links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parent / "rfms_schema.json").read_text(encoding="utf-8")
)

LISTS = {
    "vehicles": ("vehicleResponse", "vehicles"),
    "vehiclepositions": ("vehiclePositionResponse", "vehiclePositions"),
    "vehiclestatuses": ("vehicleStatusResponse", "vehicleStatuses"),
}

RATE_HEADERS = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")


def validate(name: str, body: object) -> None:
    """Hold a body against the schema of that name."""
    schema = {**SCHEMA, "$ref": f"#/$defs/{name}"}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(body)


class RfmsClient:
    """Asks, checks every answer, and follows links.

    Args:
        http: where the server is.
    """

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.pages = 0
        self.next_start = ""
        """`requestServerDateTime` of the last answer."""

    def ask(self, address: str, params: dict[str, Any] | None = None) -> httpx2.Response:
        """One request; its answer is what rFMS says it should be, a refusal too."""
        resource = address.partition("?")[0].rpartition("/")[2]
        accept = f"application/json; rfms={resource}.v4.0"
        answer = self.http.get(
            address, params=params, headers={"Accept": accept, "X-Correlation-Id": "walk-1"}
        )
        assert answer.headers["X-Correlation-Id"] == "walk-1"
        assert all(answer.headers[name].isdigit() for name in RATE_HEADERS)
        if answer.status_code == 200:
            assert answer.headers["Content-Type"] == accept
            validate(resource, answer.json())
        else:
            assert answer.headers["Content-Type"] == "application/json"
            validate("error", answer.json())
        return answer

    def pages_of(self, resource: str, params: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The pages of a question, by the links."""
        answer = self.ask(f"/rfms/{resource}", params)
        while True:
            assert answer.status_code == 200, answer.text
            body = answer.json()
            self.pages += 1
            self.next_start = body.get("requestServerDateTime", "")
            outer, inner = LISTS[resource]
            yield body[outer][inner]
            if not body["moreDataAvailable"]:
                return
            answer = self.ask(body["moreDataAvailableLink"])

    def walk(self, resource: str, **params: Any) -> list[dict[str, Any]]:
        """All records of a question."""
        return [record for page in self.pages_of(resource, params) for record in page]
