"""Simulated towns in which anything may happen, and what must hold all the same (SPEC L3-L6, L16).

Each runs in a process of its own: its steps are forked, killed and run side by side.
"""

import subprocess
import sys

import pytest

from ingestion.settings import PROJECT


def simulate(*options: str) -> None:
    """Play towns; the failure says which seeds, and how to play them again."""
    played = subprocess.run(
        [sys.executable, "-m", *options], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, f"{played.stdout[-6000:]}\n{played.stderr[-2000:]}"


def test_a_town_of_worlds_holds_whatever_happens() -> None:
    simulate(
        *("tests.simulation", "--seeds", "1-40", "--nights", "3", "--troubles", "1"),
        "--without-replay",
    )


@pytest.mark.all
@pytest.mark.timeout(7200)
def test_towns_hold_for_a_long_time() -> None:
    simulate("tests.simulation", "--towns", "4", "--size", "50", "--first", "1000")


@pytest.mark.all
@pytest.mark.timeout(7200)
def test_a_night_ended_at_any_moment_is_finished_by_the_next() -> None:
    simulate("tests.simulation.kills", "--kills", "40")
