"""docker-compose.yml: ours is hardened, and a cluster is there only where it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

COMPOSE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8")
)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CLUSTER = {"scheduler", "worker"}
OURS = sorted(
    name for name, service in SERVICES.items() if service["image"].startswith("vehicle-telemetry")
)


def test_the_cluster_alone_is_started_on_demand() -> None:
    profile = ["cluster"]
    profiles = {
        name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service
    }
    assert profiles == dict.fromkeys(CLUSTER, profile)
    # What is always started must not wait for what is not.
    for name in SERVICES.keys() - CLUSTER:
        assert not CLUSTER & set(SERVICES[name].get("depends_on", ())), name


@pytest.mark.parametrize("name", OURS)
def test_every_container_of_ours_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_is_published_is_reached_from_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")
        # Whoever reaches Dask's own port runs code on the workers.
        assert not port.endswith(":8786")


def test_workers_see_the_exports_that_a_command_writes() -> None:
    mounts = {
        name: [volume for volume in service.get("volumes", ()) if volume.startswith("exports:")]
        for name, service in SERVICES.items()
    }
    assert mounts["worker"] == mounts["migrate"] == ["exports:/exports"]
    assert "exports" in COMPOSE["volumes"]
    # A volume takes its owner from the image: who is not root can write into it.
    dockerfile = (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")
    assert "install -d -o 10001 -g 10001 /var/lib/telemetry /exports\n" in dockerfile
    assert "USER 10001\n" in dockerfile
    # None: as it is set where compose is run, and unset where it is not.
    for name in ("worker", "migrate"):
        assert SERVICES[name]["environment"]["AWS_ACCESS_KEY_ID"] is None


def test_workers_know_the_database_and_the_scheduler_does_not() -> None:
    assert (
        SERVICES["worker"]["environment"] | SERVICES["analyse"]["environment"]
        == (SERVICES["worker"]["environment"])
    )
    assert "environment" not in SERVICES["scheduler"]
    assert SERVICES["worker"]["entrypoint"] == ["dask", "worker", "tcp://scheduler:8786"]
