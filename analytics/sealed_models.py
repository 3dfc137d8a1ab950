"""A model as bytes, and back: nothing in them is run, and nothing changed is loaded.

Two lines of text, then JSON, then trees:

    a line that says what it is: "telemetry fuel model 1"
    SHA-256 of all that follows this line, bytes of JSON
    JSON
    what scikit-learn made, as skops writes it

skops builds objects from a description and runs no code of the file, which a pickle does. Whoever
opens one says which types it may ask for; a file that asks for another is refused unread.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GREATEST_BYTES = 200_000_000  # of the file, and of what it unpacks to; ours are about one MB

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""What skops does not trust by itself and a booster is made of: arrays of nodes."""


class ModelFileError(TelemetryError):
    """Bytes that are no model, not the model they were, or not one this version can use."""


def seal(magic: bytes, told: dict[str, Any], trees: Any) -> bytes:  # Any: of scikit-learn
    """A model as bytes; the same model gives the same JSON.

    Args:
        magic: says what it is.
        told: numbers and text.
        trees: what scikit-learn made, in lists and dicts.
    """
    import skops.io  # noqa: PLC0415  # brings scikit-learn, which takes a second

    text = json.dumps(told, sort_keys=True, allow_nan=False).encode()
    body = text + skops.io.dumps(trees, compression=zipfile.ZIP_DEFLATED)
    digest = hashlib.sha256(body).hexdigest().encode()
    return b"%s\n%s %d\n%s" % (magic, digest, len(text), body)


def opened(
    magic: bytes,
    kept: bytes,
    *,
    what: str,
    checksum: str | None = None,
    allowed: Callable[[dict[str, Any]], None] = lambda _told: None,
    known_types: frozenset[str] | None = None,
) -> tuple[dict[str, Any], Any]:
    """What `seal` was given.

    Args:
        magic: what it must say it is.
        kept: what `seal` gave.
        what: how it is called in messages: fuel model.
        checksum: SHA-256 of `kept` in hexadecimal, where it is known from elsewhere.
        allowed: looks at the JSON and raises where it does not fit, before trees are read.
        known_types: every type it may hold; None: those skops trusts, and TRUSTED.

    Raises:
        ModelFileError: the bytes are no model, were changed, hold what no model holds, or are of
            another version.
    """
    own = hashlib.sha256(kept).hexdigest()
    if checksum is not None and own != checksum:
        raise ModelFileError(
            f"the {what} is not the one that was stored: its checksum is {own[:12]}…, not"
            f" {checksum[:12]}…; roll back to an older model or train a new one"
        )
    told, trees = _read(magic, kept, what)
    allowed(told)
    return told, _objects(trees, what, known_types)


def versions() -> dict[str, str]:
    """Of the code that makes a model."""
    return {
        "code_version": version("vehicle-telemetry"),
        "scikit_learn": version("scikit-learn"),
    }


def _read(magic: bytes, kept: bytes, what: str) -> tuple[dict[str, Any], bytes]:
    """The JSON and the trees, once the checksum is right."""
    if len(kept) > GREATEST_BYTES:
        raise ModelFileError(f"a {what} of {len(kept):,} bytes is none; train a new one")
    found, _, rest = kept.partition(b"\n")
    line, _, body = rest.partition(b"\n")
    digest, _, length = line.partition(b" ")
    if found != magic or not length.isdigit():
        raise ModelFileError(
            f"these bytes are no {what}: they begin with {kept[:24]!r}, not {magic!r}"
        )
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ModelFileError(
            f"the {what} was changed or cut short: its SHA-256 is not the one it carries; take"
            " it from the database again or train a new one"
        )
    told = json.loads(body[: int(length)])
    return told, body[int(length) :]


def require_same_scikit_learn(its: str, what: str) -> None:
    """Refuse what another scikit-learn has made.

    Raises:
        ModelFileError: it has.
    """
    own = version("scikit-learn")
    if own.split(".")[:2] != its.split(".")[:2]:
        raise ModelFileError(
            f"the {what} was made with scikit-learn {its}, this is {own}, which need not read"
            " it as it was meant; train a new one"
        )


def _objects(trees: bytes, what: str, known_types: frozenset[str] | None) -> Any:
    import skops.io  # noqa: PLC0415  # as above

    try:
        archive = zipfile.ZipFile(io.BytesIO(trees))
        if sum(entry.file_size for entry in archive.infolist()) > GREATEST_BYTES:
            raise ModelFileError(f"the {what} unpacks to more than a model can be")
        schema = json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelFileError(f"the {what}'s trees cannot be read: {error}") from error
    if known_types is None:
        strange = sorted(set(skops.io.get_untrusted_types(data=trees)) - set(TRUSTED))
    else:
        strange = sorted(set(_types(schema)) - known_types)
    if strange:
        raise ModelFileError(
            f"the {what} holds {', '.join(strange)}, which no model of ours does; it was not"
            " loaded: find out who stored it"
        )
    return skops.io.loads(trees, trusted=list(TRUSTED))


def _types(node: Any) -> Iterator[str]:  # Any: JSON
    """Every type that a skops schema names."""
    if isinstance(node, dict):
        if "__class__" in node:
            yield f"{node.get('__module__')}.{node['__class__']}"
        for value in node.values():
            yield from _types(value)
    elif isinstance(node, list):
        for value in node:
            yield from _types(value)
