"""Where an export lies: a folder, or a bucket of an object store, and writing there atomically.

A file that has its name is whole: in a folder it is written under a hidden name, brought to disk
and then renamed; an object is put as a whole. Nobody ever reads half of it, whatever is killed.

In a folder whoever holds its lock gives the names; others hand their files over under hidden ones,
so that one that comes too late changes nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyarrow as pa
from pyarrow import fs

from research.errors import ExportError
from research.partitions import checksum

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOTE = ("s3://", "gs://", "abfs://")
"""What the address of an object store begins with; pyarrow.fs knows the way to each."""

UNFINISHED = ".unfinished"
"""What the hidden names of files end with that are being written."""


SECRETS = ("client_secret", "sas_token")
"""What an address could tell in its query and must not."""


@dataclass(slots=True)
class Draft:
    """A file that is being written."""

    place: Place
    path: Path
    is_handed_over: bool = False

    def keep(self, name: str) -> None:
        """It is whole: let it have its name."""
        self.place.keep(self.path, name)

    def hand_over(self, name: str) -> str | None:
        """It is whole: leave it to `Place.take`, under the hidden name that is given back.

        An object has its name at once, and nothing is to be taken: None.
        """
        if self.place.is_remote:
            self.keep(name)
            return None
        to_disk(self.path)
        self.is_handed_over = True
        return str(self.path.relative_to(self.place.root))


class Place:
    """A folder or a bucket's prefix.

    Args:
        where: a path, or the address of an object store with its prefix. Credentials and endpoint
            are those of the store's own environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...).

    Raises:
        ExportError: it is no place, cannot be reached, or its address holds credentials.
    """

    def __init__(self, where: str | Path) -> None:
        self.name = str(where)
        self.is_remote = self.name.startswith(REMOTE)
        _require_a_place(self.name)
        if self.is_remote and _holds_secret(self.name):
            # An address is told in messages, manifests and tasks.
            raise ExportError(
                "The address holds credentials: leave them to the store's own environment "
                "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...)."
            )
        try:
            if self.is_remote:
                self.files, self.root = fs.FileSystem.from_uri(self.name)
            else:
                self.files, self.root = fs.LocalFileSystem(), str(Path(where).absolute())
        except (OSError, pa.ArrowException) as error:
            raise ExportError(f"{where} cannot be reached: {error}") from error
        self.root = self.root.rstrip("/")

    @property
    def whole_name(self) -> str:
        """What names it from anywhere that sees it."""
        return self.name if self.is_remote else self.root

    def address(self, name: str) -> str:
        """A file or folder as other libraries are told of it."""
        bare = self.name.split("?")[0].rstrip("/")
        return f"{bare}/{name}" if self.is_remote else self.path(name)

    def path(self, name: str) -> str:
        """A file's path for `files`."""
        return f"{self.root}/{name}"

    def read(self, name: str) -> bytes | None:
        """A small file; None: there is none."""
        try:
            with self.files.open_input_stream(self.path(name)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    @contextmanager
    def drafted(self, name: str, *, by_many: bool = False) -> Iterator[Draft]:
        """Give a local path to write to, for a file beside which `name` would lie.

        It is kept under the name that is given to `Draft.keep` or `Draft.hand_over`; else nothing
        is left.

        Args:
            name: of the file.
            by_many: several may be writing it, and each needs a path of its own.
        """
        if self.is_remote:
            with tempfile.TemporaryDirectory(prefix="telemetry-export-") as folder:
                yield Draft(self, Path(folder) / "file")
            return
        final = Path(self.path(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        own = f".{uuid4().hex[:12]}" if by_many else ""
        draft = Draft(self, final.with_name(f".{final.name}{own}{UNFINISHED}"))
        try:
            yield draft
        finally:
            if not draft.is_handed_over:
                draft.path.unlink(missing_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        with self.drafted(name) as draft:
            draft.path.write_bytes(content)
            draft.keep(name)

    def keep(self, draft: Path, name: str) -> None:
        """Let a local file have its name here."""
        if self.is_remote:
            self._put(draft, name)
            return
        to_disk(draft)
        draft.replace(self.path(name))

    def take(self, hidden: str, name: str) -> None:
        """Let a file that was handed over have its name."""
        Path(self.path(hidden)).replace(self.path(name))

    def holds(self, name: str, size: int, sha256: str) -> bool:
        """Whether a file is there as it was written: of an object the size tells.

        (A store checks itself what is put there; to read it all again would cost its traffic.)
        """
        found = self.files.get_file_info(self.path(name))
        if not found.is_file or found.size != size:
            return False
        return self.is_remote or checksum(Path(self.path(name))) == sha256

    def is_same(self, name: str, sha256: str) -> bool:
        """Whether a small file is there with this checksum."""
        content = self.read(name)
        return content is not None and hashlib.sha256(content).hexdigest() == sha256

    def _put(self, draft: Path, name: str) -> None:
        size = draft.stat().st_size
        with (
            pa.memory_map(str(draft)) as source,
            self.files.open_output_stream(self.path(name), buffer_size=size + 1) as stream,
        ):
            stream.write(source.read_buffer())

    def delete(self, name: str) -> None:
        """Remove a file, which may have gone already."""
        try:
            self.files.delete_file(self.path(name))
        except FileNotFoundError:
            return

    def sizes(self, folder: str) -> dict[str, int]:
        """The files under a folder and their sizes [bytes], unfinished ones among them."""
        selector: Any = fs.FileSelector(self.path(folder), recursive=True, allow_not_found=True)
        found = self.files.get_file_info(selector)
        begin = len(self.root) + 1
        return {one.path[begin:]: one.size for one in found if one.is_file}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that writes into this folder; an object store has no such lock.

        Raises:
            ExportError: another one is at it.
        """
        if self.is_remote:
            yield
            return
        Path(self.root).mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise ExportError(f"Another export is writing into {self.name}: let it end.") from None
        try:
            yield
        finally:
            os.close(folder)


def to_disk(file: Path) -> None:
    """Bring a file that was written to disk."""
    number = os.open(file, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _require_a_place(name: str) -> None:
    scheme, is_address, rest = name.partition("://")
    if not name.strip():
        raise ExportError("A place without a name: give a folder, or an address like s3://lake/x.")
    if is_address and not name.startswith(REMOTE):
        raise ExportError(
            f"{name}: {scheme} is no store that is known; give a folder, or an address that begins "
            f"with {', '.join(REMOTE)}."
        )
    if (is_address and rest.startswith("/")) or name in REMOTE:
        raise ExportError(f"{name} names no bucket: {scheme}://BUCKET/PREFIX.")


def _holds_secret(address: str) -> bool:
    parts = urlsplit(address)
    return parts.password is not None or any(name in SECRETS for name in parse_qs(parts.query))
