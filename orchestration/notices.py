"""What the pipeline tells the outside: the heartbeat after a successful run (SPEC O2)."""

import logging
import time

import psycopg
import requests

from ingestion.settings import Settings, redact

log = logging.getLogger(__name__)

ATTEMPTS = 4
TIMEOUT_SECONDS = 10


def post_heartbeat(connection: psycopg.Connection, settings: Settings, job: str) -> bool:
    """Post the heartbeat, retried; True if it was taken, or if none is configured.

    Every attempt and its answer is a row of `raw.heartbeats`. A failure is logged, never raised.
    """
    if not settings.heartbeat_url:
        return True
    for attempt in range(1, ATTEMPTS + 1):
        status, answer = _post(settings, job)
        connection.execute(
            "insert into raw.heartbeats values (clock_timestamp(), %s, %s, %s)",
            (attempt, status, answer),
        )
        if status is not None and status < 400:
            return True
        log.warning("heartbeat attempt %s: %s", attempt, answer)
        if attempt < ATTEMPTS:
            time.sleep(settings.backoff_seconds * 2**attempt)
    log.error("the heartbeat was not taken; check INTERNAL_API_URL and INTERNAL_API_KEY")
    return False


def _post(settings: Settings, job: str) -> tuple[int | None, str]:
    try:
        response = requests.post(
            settings.heartbeat_url.rstrip("/") + "/heartbeat",
            json={"job": job, "at": settings.clock().isoformat() + "Z"},
            headers={"Authorization": f"Bearer {settings.heartbeat_key or ''}"},
            timeout=TIMEOUT_SECONDS,
        )
    # A key with letters that no header can carry is a ValueError.
    except (requests.RequestException, ValueError) as error:
        return None, type(error).__name__
    answer = response.text.replace("\x00", "")
    return response.status_code, redact(answer, settings)[:1000]
