"""Kafka's jars: resolved once, by Maven or the wheel `jgo`, and whole or not there at all.

`kafka-pom.xml` pins what is resolved. The jars are gathered in a folder beside the final one and
renamed into place with a list of what it holds, so a folder with that list is complete; a jar that
went missing or changed its size since makes the folder void and it is resolved anew.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import zipfile
import zlib
from collections import deque
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from servers.errors import MissingProgramError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from threading import Event

    from servers.java import Java

POM = "kafka-pom.xml"
LIST = "jars.json"

_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}
_DOWNLOADED_JAR = re.compile(r"Downloaded from \S+: \S+/([^/\s]+\.jar) ")


def coordinates() -> tuple[str, ...]:
    """What the packaged pom asks for, as `group:artifact:version`; Kafka comes first."""
    project = ET.fromstring(_pom())  # noqa: S314  # our own packaged file
    return tuple(
        ":".join(
            dependency.findtext(f"m:{part}", default="", namespaces=_NAMESPACE)
            for part in ("groupId", "artifactId", "version")
        )
        for dependency in project.iterfind("m:dependencies/m:dependency", _NAMESPACE)
    )


def kafka_version() -> str:
    """The pinned version of Kafka."""
    return coordinates()[0].rpartition(":")[2]


def ready(folder: Path) -> bool:
    """Whether the folder holds exactly the pinned jars, each of the size it had when resolved."""
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
        return listed["coordinates"] == list(coordinates()) and all(
            (folder / name).stat().st_size == size for name, size in listed["bytes"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def resolve(folder: Path, java: Java, tell: Callable[[str], None], cancelled: Event) -> None:
    """Fill the folder with the pinned jars, unless it holds them.

    Args:
        folder: where the jars shall be; replaced whole.
        java: runtime for Maven.
        tell: told what happens, for a person who waits.
        cancelled: set by another thread when nobody waits any more.

    Raises:
        MissingProgramError: neither Maven nor `jgo` is here.
        ServerError: the jars could not be had; ends with what the resolver said.
    """
    if ready(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent, cancelled):
        if not ready(folder):  # somebody else has filled it meanwhile
            _fill(folder, java, tell, cancelled)


@contextmanager
def _alone(place: Path, cancelled: Event) -> Iterator[None]:
    """Be the only one who puts jars there; the kernel lets go for a process that dies."""
    handle = os.open(place, os.O_RDONLY)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if cancelled.wait(0.1):
                    raise ServerError(
                        f"Another process gets Kafka's jars into {place}, and nobody waits for "
                        "them here any more. Run `telemetry up` again."
                    ) from None
        yield
    finally:
        os.close(handle)


def _fill(folder: Path, java: Java, tell: Callable[[str], None], cancelled: Event) -> None:
    tell(f"getting Kafka {kafka_version()} from Maven Central, this once")
    fresh = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        if maven := shutil.which("mvn"):
            _by_maven(maven, fresh, java, tell, cancelled)
        elif importlib.util.find_spec("jgo") is not None:
            _by_jgo(fresh, tell, cancelled)
        else:
            raise MissingProgramError(
                "Kafka's jars are resolved once by Maven, and there is no `mvn` on the PATH. "
                "Install it (`apt install maven`, `brew install maven`), or `pip install jgo` "
                "into this environment, or let TELEMETRY_KAFKA_BOOTSTRAP name a Kafka that runs "
                "elsewhere."
            )
        _seal(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _by_maven(
    maven: str, folder: Path, java: Java, tell: Callable[[str], None], cancelled: Event
) -> None:
    (folder / POM).write_bytes(_pom())
    command = [maven, "--batch-mode", "-Dstyle.color=never", "-f", str(folder / POM)]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    command += [f"-DoutputDirectory={folder}"]
    environment = dict(os.environ) | {"JAVA_HOME": str(java.home)}
    said: deque[str] = deque(maxlen=15)
    fetched = 0
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            said.append(line.rstrip())
            if jar := _DOWNLOADED_JAR.search(line):
                fetched += 1
                tell(f"getting Kafka {kafka_version()}: file {fetched}, {jar.group(1)}")
            if cancelled.is_set():
                process.terminate()
    (folder / POM).unlink()
    if process.returncode != 0:
        why = "\n".join(line for line in said if line.startswith("[ERROR]")) or "\n".join(said)
        raise ServerError(
            f"Maven could not get Kafka's jars (exit code {process.returncode}). Look at the "
            "network and at Maven's own settings, then run `telemetry up` again; nothing half-done "
            f"is kept. Maven said:\n{why}"
        )


def _by_jgo(folder: Path, tell: Callable[[str], None], cancelled: Event) -> None:
    # Optional, and slow to import: a name at run time keeps it out of everybody else's start.
    maven: Any = importlib.import_module("jgo.maven")
    repository = folder / "repository"
    try:
        context = maven.MavenContext(repo_cache=repository)
        # "!": what these name decides their dependencies' versions; without it jgo lets the
        # logging library's own pom decide Kafka's too.
        wanted = [context.create_dependency(f"{each}!") for each in coordinates()]
        named, transitive = context.resolver.resolve(wanted)
        needed = [*named, *(each for each in transitive if each.scope in ("compile", "runtime"))]
        for number, artifact in enumerate((each.artifact for each in needed), start=1):
            if cancelled.is_set():
                break
            tell(f"getting Kafka {kafka_version()}: file {number}, {artifact.filename}")
            shutil.move(artifact.resolve(), folder / artifact.filename)
    except (OSError, RuntimeError, ValueError) as error:
        raise ServerError(
            f"jgo could not get Kafka's jars ({error}). Look at the network, then run `telemetry "
            "up` again; nothing half-done is kept."
        ) from error
    finally:
        shutil.rmtree(repository, ignore_errors=True)


def _seal(folder: Path) -> None:
    """Read every jar once, then list them: what is listed was whole."""
    jars = sorted(folder.glob("*.jar"))
    broken = [jar.name for jar in jars if not _is_whole(jar)]
    if broken:
        raise ServerError(
            f"These jars of Kafka arrived broken: {', '.join(broken)}. Delete them in Maven's "
            "local repository (`~/.m2/repository`), then run `telemetry up` again."
        )
    listed = {
        "coordinates": coordinates(),
        "bytes": {jar.name: jar.stat().st_size for jar in jars},
    }
    (folder / LIST).write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def _is_whole(jar: Path) -> bool:
    try:
        with zipfile.ZipFile(jar) as content:
            return content.testzip() is None
    except (zipfile.BadZipFile, zlib.error):
        return False


def _pom() -> bytes:
    return resources.files("servers").joinpath(POM).read_bytes()
