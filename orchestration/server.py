"""Prefect's server, its page and the schedules, together on one machine (SPEC O1)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from ingestion.environment import SettingsError
from ingestion.settings import PROJECT
from orchestration import prefect_page, report

HOST = "127.0.0.1"
START_SECONDS = 180


def serve(port: int) -> None:
    """Serve the schedules until stopped: with `PREFECT_API_URL` there, else with an own server.

    The server's page is on 127.0.0.1 and opens by the link that is printed, or by the one that a
    service finds in `.prefect/link`; its data is in `.prefect/`, which is the owner's alone.
    """
    if os.environ.get("PREFECT_API_URL"):
        _serve_schedules()
        return
    with own_server(port) as url:
        close_abandoned_runs(url)
        _show_link(port)
        _serve_schedules()


@contextmanager
def own_server(port: int) -> Iterator[str]:
    """Run a Prefect server while the block runs; yields the address of its API."""
    url = f"http://{HOST}:{port}/api"
    os.environ.setdefault("PREFECT_HOME", str(PROJECT / ".prefect"))
    os.environ.update(
        PREFECT_API_URL=url, PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1"
    )
    os.environ.update(prefect_page.environment(_secret(), HOST, port))
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "orchestration.prefect_page:application",
    ]
    server = subprocess.Popen(
        [*command, "--app-dir", str(PROJECT), "--host", HOST, "--port", str(port)]
        + ["--log-level", "warning"],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(server, url)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
        del os.environ["PREFECT_API_URL"]


def close_abandoned_runs(url: str) -> None:
    """Mark the runs that a killed server left running as crashed; nothing else does."""
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "CANCELLING"]}}}}
    for run in _post(f"{url}/flow_runs/filter", running):
        crashed = {"type": "CRASHED", "message": "The machine or the server was stopped."}
        _post(f"{url}/flow_runs/{run['id']}/set_state", {"state": crashed, "force": True})


def _secret() -> str:
    return prefect_page.keep_secret(Path(os.environ["PREFECT_HOME"]))


def _show_link(port: int) -> None:
    """Print the link for who sits there; a service's log is read by others, so it gets a file."""
    link = prefect_page.link(_secret(), HOST, port)
    place = Path(os.environ["PREFECT_HOME"]) / "link"
    place.touch(mode=0o600)
    place.write_text(f"{link}\n")
    shown = link if sys.stdout.isatty() else f"http://{HOST}:{port}, opened by the link in {place}"
    report.say(f"The page of the schedules: {shown}")


def _post(url: str, body: dict[str, Any]) -> Any:
    response = requests.post(url, json=body, auth=(prefect_page.USER, _secret()), timeout=30)
    response.raise_for_status()
    return response.json()


def _wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise SettingsError(f"Prefect's server does not start at {url}. Is the port taken?")


def _serve_schedules() -> None:
    # Prefect reads its settings when it is imported.
    from orchestration.flows import serve_schedules

    serve_schedules()
