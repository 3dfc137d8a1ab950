"""`telemetry simulate --mixed`: severities and, where asked, what each cause costs, as files."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.app import app
from simulator.mixed import CAUSES

DAY = ("simulate", "--vehicles", "2", "--days", "0.05", "--start", "2026-03-02T08:00:00+08:00")


def test_a_mixed_fleet_is_written_with_its_severities_and_causes(tmp_path: Path) -> None:
    frames, truth = tmp_path / "frames", tmp_path / "truth"
    options = ("--mixed", "--counterfactual", "--parquet", str(frames), "--truth", str(truth))
    done = CliRunner().invoke(app, [*DAY, *options])
    assert done.exit_code == 0, done.output
    vehicles = pd.read_parquet(truth / "vehicles.parquet")
    assert len(vehicles) == 2
    assert {f"severity_{cause}" for cause in CAUSES} <= set(vehicles.columns)
    assert set(vehicles["profile"]) == {"mixed"}
    causes = pd.read_parquet(truth / "causes.parquet")
    assert set(causes["cause"]) <= {*CAUSES, "all"}
    assert (truth / "legs.parquet").exists()
    assert (truth / "tank.parquet").exists()
    assert len(pd.read_parquet(frames)) > 1_000


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--counterfactual",), "add --mixed"),
        (("--mixed", "--counterfactual", "--live"), "--live never ends"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...], hint: str) -> None:
    done = CliRunner().invoke(app, [*DAY, *options])
    assert done.exit_code != 0
    assert hint in (str(done.exception) + done.output)
