"""The flows on a real Prefect server, started once for the module (SPEC O1)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import run_lock
from orchestration.schedules import SCHEDULES
from orchestration.server import own_server
from tests.python import golden
from tests.python.conftest import free_port

RUN = "from orchestration.flows import run; run('tickets')"
DEPLOY = """
import asyncio
from orchestration import flows
flows.serve = lambda *deployments, limit: [deployment.apply() for deployment in deployments]
flows.serve_schedules()
"""


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_HOME", str(home))
        with own_server(free_port()) as url:
            yield url


def python(settings: Settings, code: str) -> subprocess.CompletedProcess:
    environment = os.environ | {
        "WAREHOUSE_PORT": str(settings.warehouse.port),
        "WAREHOUSE_NAME": settings.warehouse.name,
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def found(url: str, what: str) -> list[dict]:
    answer = requests.post(f"{url}/{what}/filter", json={"sort": None}, timeout=30)
    answer = answer if answer.ok else requests.post(f"{url}/{what}/filter", json={}, timeout=30)
    answer.raise_for_status()
    return answer.json()


def test_a_job_runs_as_a_flow_and_its_nodes_stand_on_the_page(
    settings: Settings, prefect: str
) -> None:
    ended = python(settings, RUN)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert [run["state_type"] for run in found(prefect, "flow_runs")] == ["COMPLETED"]
    (artifact,) = [row for row in found(prefect, "artifacts") if row["key"] == "dbt-nodes"]
    nodes = {row["name"]: row["status"] for row in json.loads(artifact["data"])}
    assert nodes["fct_ledger_entries"] == "success"
    assert golden.query(settings, "select job, status from marts.rpt_job_runs") == [
        {"job": "tickets", "status": "completed"}
    ]


def test_a_flow_that_finds_another_run_fails_and_says_who_holds_it(
    settings: Settings, prefect: str
) -> None:
    with run_lock(settings):
        ended = python(settings, RUN)
    assert ended.returncode != 0
    newest = max(found(prefect, "flow_runs"), key=lambda run: run["created"])
    assert newest["state_type"] == "FAILED"
    assert "holds the warehouse" in newest["state"]["message"]


def test_the_schedules_of_the_file_are_deployments(settings: Settings, prefect: str) -> None:
    ended = python(settings, DEPLOY)
    assert ended.returncode == 0, ended.stderr[-3000:]
    deployed = {
        row["name"]: row["schedules"][0]["schedule"] for row in found(prefect, "deployments")
    }
    assert {name: (plan["cron"], plan["timezone"]) for name, plan in deployed.items()} == {
        plan.job: (plan.cron, "UTC") for plan in SCHEDULES.values()
    }
