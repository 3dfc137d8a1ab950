"""Files of ours are kept by browsers for ever, and pages come compressed."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from pydantic import SecretStr

from api import assets
from api.app import create_app
from api.settings import ApiSettings
from tests.asking.api_fixture import UNREACHABLE
from tests.unit.test_api_guard import get

APP = create_app(ApiSettings(), SecretStr(UNREACHABLE))
GZIP = {"accept-encoding": "gzip"}


def test_a_file_that_is_asked_for_by_its_content_is_kept_for_ever() -> None:
    answer = get(APP, assets.address("page.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("version", ["", "?v=", "?v=0123456789abcdef", "?v=x&v=y"])
def test_a_file_that_is_asked_for_otherwise_is_asked_for_again(version: str) -> None:
    assert get(APP, f"/static/page.css{version}").headers["cache-control"] == "no-cache"


def test_another_content_has_another_address() -> None:
    addresses = {assets.address(name) for name in ("page.css", "times.js", "icon.svg")}
    hashes = {address.split("?v=")[1] for address in addresses}
    assert len(hashes) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in hashes)


def test_files_come_compressed_to_who_takes_it() -> None:
    packed = get(APP, "/static/page.css", **GZIP)
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    plain = get(APP, "/static/page.css", **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_what_others_made_lies_beside_its_licence() -> None:
    vendored = list((files("api") / "static" / "vendor").iterdir())
    assert {folder.name for folder in vendored} == {"openlayers", "uplot"}
    for folder in vendored:
        assert "copyright" in (folder / "LICENSE").read_text(encoding="utf-8").lower()


def test_the_size_of_a_refusal_tells_nothing() -> None:
    answer = get(APP, "/nothing", **GZIP, accept="text/html")
    assert answer.status_code == 404
    assert len(answer.content) > 1000
    assert "content-encoding" not in answer.headers


def test_answers_of_programs_are_as_they_are() -> None:
    # (More than is compressed elsewhere, so that it would be.)
    answer = get(APP, "/v1/catalogue", **GZIP)
    assert len(answer.content) > 10_000
    assert "content-encoding" not in answer.headers
