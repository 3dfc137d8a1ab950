from __future__ import annotations

import importlib.util
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import ModuleType, SimpleNamespace

import pytest

from servers import kafka_jars
from servers.errors import MissingProgramError, ServerError
from servers.java import Java

JAVA = Java(executable=Path("/usr/bin/java"), major=17)

SUCCEEDS = """#!/bin/sh
for each in "$@"; do case $each in -DoutputDirectory=*) out=${each#*=};; esac; done
echo '[INFO] Downloaded from central: over/there/kafka_2.13-4.4.0.jar (1 MB at 1 MB/s)'
/bin/cp "$JAR" "$out/one.jar"
"""

FAILS = """#!/bin/sh
echo '[INFO] Scanning for projects...'
echo '[ERROR] Could not transfer artifact: Unknown host'
exit 1
"""


@pytest.fixture
def maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH on which a test may put an `mvn`; $JAR is a whole jar."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    jar = tmp_path / "whole.jar"
    with zipfile.ZipFile(jar, "w") as content:
        content.writestr("Class.class", b"\xca\xfe\xba\xbe" * 100)
    monkeypatch.setenv("JAR", str(jar))
    return folder / "mvn"


def install(maven: Path, script: str) -> None:
    maven.write_text(script)
    maven.chmod(0o755)


def resolve(folder: Path) -> list[str]:
    told: list[str] = []
    kafka_jars.resolve(folder, JAVA, told.append, Event())
    return told


def test_the_pom_pins_kafka_4_first() -> None:
    first, *others = kafka_jars.coordinates()
    assert first == f"org.apache.kafka:kafka_2.13:{kafka_jars.kafka_version()}"
    assert kafka_jars.kafka_version().startswith("4.")
    assert all(each.count(":") == 2 and not each.endswith(":") for each in others)


def test_jars_are_resolved_once(maven: Path, tmp_path: Path) -> None:
    install(maven, SUCCEEDS)
    jars = tmp_path / "kafka" / "jars"
    told = resolve(jars)
    assert any("kafka_2.13-4.4.0.jar" in each for each in told)
    assert kafka_jars.ready(jars)
    assert sorted(each.name for each in jars.iterdir()) == ["jars.json", "one.jar"]
    install(maven, FAILS)
    assert resolve(jars) == []


def test_two_who_want_jars_at_once_resolve_them_once(maven: Path, tmp_path: Path) -> None:
    install(maven, SUCCEEDS.replace("#!/bin/sh\n", "#!/bin/sh\n/bin/sleep 0.3\n"))
    jars = tmp_path / "kafka" / "jars"
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(resolve, [jars, jars]))
    assert kafka_jars.ready(jars)
    assert [] in told
    assert len(told[0] + told[1]) == len(max(told, key=len)) > 0


@pytest.mark.parametrize("damage", [Path.unlink, lambda jar: jar.write_bytes(b"half")])
def test_a_jar_that_went_missing_or_was_cut_is_resolved_anew(
    maven: Path, tmp_path: Path, damage: object
) -> None:
    install(maven, SUCCEEDS)
    jars = tmp_path / "jars"
    resolve(jars)
    assert callable(damage)
    damage(jars / "one.jar")
    assert not kafka_jars.ready(jars)
    resolve(jars)
    assert kafka_jars.ready(jars)


def test_another_pinned_version_makes_the_folder_void(
    maven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(maven, SUCCEEDS)
    jars = tmp_path / "jars"
    resolve(jars)
    monkeypatch.setattr(kafka_jars, "coordinates", lambda: ("org.apache.kafka:kafka_2.13:4.9.9",))
    assert not kafka_jars.ready(jars)


def test_when_maven_fails_its_errors_are_shown_and_nothing_is_left(
    maven: Path, tmp_path: Path
) -> None:
    install(maven, FAILS)
    jars = tmp_path / "kafka" / "jars"
    with pytest.raises(ServerError, match="exit code 1") as caught:
        resolve(jars)
    assert "[ERROR] Could not transfer artifact: Unknown host" in str(caught.value)
    assert "Scanning" not in str(caught.value)
    assert list(jars.parent.iterdir()) == []


def test_a_jar_that_arrives_broken_is_refused(
    maven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(maven, SUCCEEDS)
    broken = tmp_path / "broken.jar"
    broken.write_bytes((tmp_path / "whole.jar").read_bytes()[:60])  # a download cut short
    monkeypatch.setenv("JAR", str(broken))
    with pytest.raises(ServerError, match=r"arrived broken: one\.jar"):
        resolve(tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


class FakeJgo:
    """The part of `jgo.maven` that is used: knows three dependencies, one only for tests."""

    def __init__(self, jar: Path) -> None:
        self.jar = jar
        self.asked: list[str] = []
        self.resolver = SimpleNamespace(resolve=self.resolve)

    def context(self, *, repo_cache: Path) -> FakeJgo:
        self.repository = repo_cache
        return self

    def create_dependency(self, coordinates: str) -> SimpleNamespace:
        self.asked.append(coordinates)
        return self.dependency("kafka.jar", None)

    def dependency(self, filename: str, scope: str | None) -> SimpleNamespace:
        def download() -> Path:
            self.repository.mkdir(exist_ok=True)
            return Path(shutil.copy(self.jar, self.repository / filename))

        return SimpleNamespace(
            scope=scope, artifact=SimpleNamespace(filename=filename, resolve=download)
        )

    def resolve(
        self, wanted: list[SimpleNamespace]
    ) -> tuple[list[SimpleNamespace], list[SimpleNamespace]]:
        others = [self.dependency("clients.jar", "runtime"), self.dependency("junit.jar", "test")]
        return wanted[:1], others


def test_without_maven_jgo_gets_the_same_pinned_jars(
    maven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not maven.exists()
    jgo = FakeJgo(tmp_path / "whole.jar")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    module = ModuleType("jgo.maven")
    module.__dict__["MavenContext"] = jgo.context
    monkeypatch.setitem(sys.modules, "jgo.maven", module)
    jars = tmp_path / "jars"
    told = resolve(jars)
    assert sorted(each.name for each in jars.iterdir()) == [
        "clients.jar",
        "jars.json",
        "kafka.jar",
    ]
    assert jgo.asked == [f"{each}!" for each in kafka_jars.coordinates()]
    assert any("clients.jar" in each for each in told)
    assert kafka_jars.ready(jars)


def test_without_maven_and_jgo_the_error_names_both(
    maven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not maven.exists()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingProgramError, match=r"apt install maven.*pip install jgo"):
        resolve(tmp_path / "jars")
