"""`ledgerhouse serve`, as a person uses it: its server, schedules, page and runs (SPEC O1)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ingestion.lock import run_lock
from ingestion.registry import SOURCES
from ingestion.sandbox import freshservice
from ingestion.sandbox.msp_story import MspStores
from ingestion.sandbox.server import Sandbox
from ingestion.settings import PROJECT, Settings
from orchestration import prefect_page
from orchestration.schedules import SCHEDULES, UPKEEP
from tests.python import golden
from tests.python.browser import browser_page, needs_chromium
from tests.python.conftest import book, free_port

STEPS = ("sync freshservice", "snapshot, build and test", "publish", "heartbeat")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Served:
    """A running `ledgerhouse serve`, and what a person does on its page."""

    def __init__(self, url: str, process: subprocess.Popen, home: Path) -> None:
        self.url, self.process, self.home = url, process, home
        self.session = requests.Session()
        self.session.auth = (prefect_page.USER, prefect_page.keep_secret(home))
        # Prefect's SQLite answers 503 while another of its writers is busy.
        busy = Retry(total=6, backoff_factor=0.2, status_forcelist=[503], allowed_methods=None)
        self.session.mount("http://", HTTPAdapter(max_retries=busy))

    def post(self, what: str, body: dict[str, Any]) -> Any:
        answer = self.session.post(f"{self.url}/api/{what}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, dict]:
        return {row["name"]: row for row in self.post("deployments/filter", {})}

    def stop_the_clock(self) -> None:
        """Let nothing start by itself: a test that is under way at three o'clock is alone."""
        for row in self.deployments().values():
            for schedule in row["schedules"]:
                place = f"{self.url}/api/deployments/{row['id']}/schedules/{schedule['id']}"
                self.session.patch(place, json={"active": False}, timeout=30).raise_for_status()

    def start(self, deployment: str) -> str:
        """Press "Quick run"; returns the run's id."""
        identity = self.deployments()[deployment]["id"]
        return self.post(
            f"deployments/{identity}/create_flow_run", {"state": {"type": "SCHEDULED"}}
        )["id"]

    def read(self, run_id: str) -> dict:
        return self.session.get(f"{self.url}/api/flow_runs/{run_id}", timeout=30).json()

    def end_of(self, run_id: str) -> dict:
        return until(lambda: (run := self.read(run_id))["state_type"] in ENDED and run)

    def run(self, deployment: str) -> dict:
        return self.end_of(self.start(deployment))

    def log_of(self, run_id: str) -> list[str]:
        mine = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200}
        pages = [self.post("logs/filter", mine | {"offset": offset}) for offset in (0, 200, 400)]
        return [row["message"] for page in pages for row in page]

    def tasks_of(self, run_id: str) -> dict[str, str]:
        mine = {"flow_runs": {"id": {"any_": [run_id]}}}
        return {row["name"]: row["state_type"] for row in self.post("task_runs/filter", mine)}

    def states_of(self, run_id: str) -> dict[str, str]:
        mine = {"flow_runs": {"id": {"any_": [run_id]}}}
        return {row["name"]: row["state_name"] for row in self.post("task_runs/filter", mine)}

    def table_of(self, run_id: str, key: str) -> list[dict[str, Any]]:
        mine = {"artifacts": {"flow_run_id": {"any_": [run_id]}, "key": {"any_": [key]}}}
        (artifact,) = self.post("artifacts/filter", mine)
        return json.loads(artifact["data"])

    def nodes_of(self, run_id: str) -> dict[str, str]:
        return {row["name"]: row["status"] for row in self.table_of(run_id, "dbt-nodes")}


def until(answer: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := answer():
            return found
        time.sleep(0.3)
    raise AssertionError(f"it did not come within {seconds} s")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The simulated Freshservice, without a ticket."""
    with Sandbox(MspStores().vendors()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def served(
    built: Settings, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home: Path = tmp_path_factory.mktemp("prefect")
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"
    } | {
        "WAREHOUSE_PORT": str(built.warehouse.port),
        "PREFECT_HOME": str(home),
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "LEDGERHOUSE_RETRY_SECONDS": "0",
        "LEDGERHOUSE_BACKOFF_SECONDS": "0",
        "DATTO_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "DATTO_API_KEY": "nobody",
        "DATTO_API_SECRET": "listens",
        "FRESHSERVICE_BASE_URL": sandbox.url("freshservice"),
        "FRESHSERVICE_API_KEY": freshservice.API_KEY,
    }
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration", "serve", "--port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        page = Served(f"http://127.0.0.1:{port}", process, home)
        try:
            expected = len(SCHEDULES) + len(UPKEEP) + len(SOURCES)
            until(lambda: process.poll() is not None or is_up(page, expected))
            assert process.poll() is None, (home / "log").read_text()[-3000:]
            page.stop_the_clock()
            yield page
        finally:
            process.terminate()
            process.wait(timeout=60)


def is_up(page: Served, deployments: int) -> bool:
    try:
        return len(page.deployments()) == deployments
    except requests.RequestException:
        return False


def test_the_schedules_of_the_file_are_on_the_page_and_can_be_paused(served: Served) -> None:
    deployed = served.deployments()
    schedules = {
        name: (row["schedules"][0]["schedule"]["cron"], row["schedules"][0]["schedule"]["timezone"])
        for name, row in deployed.items()
        if row["schedules"]
    }
    expected = {plan.job: plan.cron for plan in SCHEDULES.values()} | UPKEEP
    assert schedules == {name: (cron, "UTC") for name, cron in expected.items()}
    assert set(deployed) == set(expected) | set(SOURCES)

    identity = deployed["tickets"]["id"]
    served.post(f"deployments/{identity}/pause_deployment", {})
    assert served.deployments()["tickets"]["paused"]
    served.post(f"deployments/{identity}/resume_deployment", {})
    assert not served.deployments()["tickets"]["paused"]


def test_a_job_shows_its_steps_its_log_and_its_nodes(settings: Settings, served: Served) -> None:
    run = served.run("tickets")
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert served.tasks_of(run["id"]) == dict.fromkeys(STEPS, "COMPLETED")
    assert served.nodes_of(run["id"])["fct_ledger_entries"] == "success"
    until(lambda: "model fct_ledger_entries: success" in served.log_of(run["id"]), 20)
    assert golden.query(settings, "select job, status from marts.rpt_job_runs") == [
        {"job": "tickets", "status": "completed"}
    ]


@pytest.mark.all
def test_a_source_that_is_down_is_tried_again_by_itself_and_the_rest_is_published(
    settings: Settings, served: Served
) -> None:
    run = served.run("invoices-and-backup")
    assert run["state_type"] == "FAILED"
    assert "SourceFailed: datto: " in run["state"]["message"]
    down = dict.fromkeys(("sync billingo", *STEPS[1:]), "COMPLETED") | {"sync datto": "FAILED"}
    assert served.tasks_of(run["id"]) == down
    tried = [line for line in served.log_of(run["id"]) if line.startswith("datto failed:")]
    assert len(tried) == 3
    (ended,) = golden.query(settings, "select job, status, error from marts.rpt_job_runs")
    assert (ended["job"], ended["status"]) == ("invoices-and-backup", "partial")
    assert ended["error"].startswith("datto: ")
    assert served.states_of(run["id"])["sync billingo"] == "Skipped"


@needs_chromium
def test_the_page_shows_schedules_and_a_run_with_its_log(
    settings: Settings, served: Served
) -> None:
    run = served.run("seeds")
    with browser_page() as page:
        page.goto((served.home / "link").read_text().strip())
        page.get_by_text("Deployments", exact=True).first.wait_for()
        page.goto(f"{served.url}/deployments")
        for name in (*SCHEDULES, *UPKEEP):
            page.get_by_placeholder("Search deployments").fill(name)
            page.get_by_role("link", name=name, exact=True).first.wait_for()
        page.goto(f"{served.url}/runs/flow-run/{run['id']}")
        page.get_by_text(re.compile(r"seeds\.\w+ completed")).first.wait_for()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic bGVkZ2VyaG91c2U6Z3Vlc3NlZA=="},
        {"Host": "evil.example:4200"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_nobody_else_runs_code_by_the_page(served: Served, headers: dict[str, str]) -> None:
    """Without the secret, by another name, or from a page of another site."""
    sent = dict(headers)
    if "Host" in sent or "Origin" in sent:
        sent["Authorization"] = _credentials(served.home)
    deployment = served.deployments()["tickets"]
    for method, path in (
        ("POST", "deployments/filter"),
        ("PATCH", f"deployments/{deployment['id']}"),
        ("POST", f"deployments/{deployment['id']}/create_flow_run"),
    ):
        body = {"entrypoint": "evil.py:flow", "path": "/tmp"} if method == "PATCH" else {}
        url = f"{served.url}/api/{path}"
        answer = requests.request(method, url, json=body, headers=sent, timeout=30)
        assert answer.status_code in (401, 403), answer.text
        assert "access-control-allow-origin" not in answer.headers
    assert served.deployments()["tickets"]["entrypoint"] == deployment["entrypoint"]


def test_the_secret_of_the_page_is_its_users_alone(served: Served) -> None:
    for name in ("secret", "link"):
        assert (served.home / name).stat().st_mode & 0o077 == 0
    secret = (served.home / "secret").read_text()
    assert secret not in (served.home / "log").read_text()


def _credentials(home: Path) -> str:
    pair = f"{prefect_page.USER}:{prefect_page.keep_secret(home)}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def test_a_failing_test_fails_the_run_and_is_first_in_its_table(
    settings: Settings, served: Served
) -> None:
    book(settings, list_amount="80", amount="81")
    run = served.run("tickets")
    assert run["state_type"] == "FAILED"
    assert "assert_amount_is_list_price_less_discount" in run["state"]["message"]
    nodes = served.nodes_of(run["id"])
    failed = [name for name, status in nodes.items() if status == "fail"]
    assert "assert_amount_is_list_price_less_discount" in failed
    assert list(nodes)[: len(failed)] == failed
    assert len(nodes) > 100


def test_a_held_publication_is_not_green_and_its_page_shows_what_would_move(
    settings: Settings, served: Served
) -> None:
    """SPEC L19: all that is published of a month is taken back."""
    book(settings, list_amount="9000", amount="9000")
    golden.publish(settings)
    book(settings, list_amount="9000", amount="9000", reversed_at="2025-03-10 00:05")
    run = served.run("tickets")
    assert run["state_type"] == "FAILED"
    assert "mortgage_lead moves by 9,000.00 of 9,000.00 USD" in run["state"]["message"]
    assert served.tasks_of(run["id"])["publish"] == "FAILED"
    assert "heartbeat" not in served.tasks_of(run["id"])
    (row,) = served.table_of(run["id"], "publication-moves")
    assert (row["deal type"], row["month"], row["moved by"]) == (
        *("mortgage_lead", "2025-02", "9,000.00"),
    )
    assert golden.query(settings, "select job, status from marts.rpt_job_runs") == [
        {"job": "tickets", "status": "held"}
    ]


@pytest.mark.all
def test_a_page_shows_what_would_change_of_the_published_past(
    settings: Settings, served: Served
) -> None:
    """SPEC L18: what is published is gone from the ledger that is built."""
    book(settings, list_amount="9000", amount="9000")
    golden.publish(settings)
    golden.empty(settings, "marts")
    run = served.run("tickets")
    assert run["state_type"] == "FAILED"
    assert "mortgage_lead 2025-02: 9,000.00 becomes 0.00 USD" in run["state"]["message"]
    assert served.tasks_of(run["id"])["publish"] == "FAILED"
    (row,) = served.table_of(run["id"], "past-changes")
    assert (row["deal type"], row["month"], row["published"], row["built"]) == (
        *("mortgage_lead", "2025-02", "9,000.00", "0.00"),
    )


def test_a_run_that_finds_another_fails_and_says_who_holds_it(
    settings: Settings, served: Served
) -> None:
    with run_lock(settings):
        run = served.run("tickets")
    assert run["state_type"] == "FAILED"
    assert "Another pipeline run holds the warehouse" in run["state"]["message"]
    assert golden.query(settings, "select job, status from marts.rpt_job_runs") == [
        {"job": "tickets", "status": "refused"}
    ]


def test_a_source_runs_alone_from_the_page(settings: Settings, served: Served) -> None:
    run = served.run("seeds")
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert (
        int(golden.query(settings, "select sum(created) as n from landing.load_runs")[0]["n"]) > 0
    )
    run = served.run("invoca")
    assert run["state_type"] == "FAILED"
    assert "not configured: set INVOCA_BASE_URL" in run["state"]["message"]


def test_a_run_that_is_killed_is_crashed_on_the_page_and_told(
    settings: Settings, served: Served
) -> None:
    run_id = served.start("tickets")
    begun = "select 1 from marts.rpt_job_runs where job = 'tickets' and status = 'running'"
    until(lambda: golden.query(settings, begun))
    os.kill(lock_holder(settings), signal.SIGKILL)
    assert served.end_of(run_id)["state_type"] == "CRASHED"
    killed = "select 1 from marts.rpt_job_runs where job = 'tickets' and status = 'killed'"
    assert until(lambda: golden.query(settings, killed))


def lock_holder(settings: Settings) -> int:
    """Return the process that runs a job now."""
    with psycopg.connect(**settings.warehouse.parameters()) as connection:
        row = connection.execute(
            "select split_part(activity.application_name, ' ', 3) from pg_locks as locks"
            " inner join pg_stat_activity as activity on locks.pid = activity.pid"
            " where locks.relation = to_regclass('landing.run_lock') and locks.granted"
            " and locks.mode = 'ShareUpdateExclusiveLock'"
        ).fetchone()
    return int(row[0])
