"""What the pipeline tells the outside: heartbeats (SPEC O2), and notices by one channel (O5)."""

import logging
import smtplib
import socket
import ssl
import time
from email.message import EmailMessage
from urllib.parse import urlsplit

import psycopg
import requests

from ingestion.settings import NoticeChannel, Settings, redact
from ingestion.warehouse import first_line
from orchestration import logs

log = logging.getLogger(__name__)

ATTEMPTS = 4
TIMEOUT_SECONDS = 10

TROUBLES = """
with last_runs as (
    select status, row_number() over (order by job_run_id desc) as recency from landing.job_runs
    where job = %(job)s and finished_at is not null
)
select
    exists (
        select 1 from last_runs
        where recency = 2 and status in ('failed', 'held', 'partial', 'refused', 'killed')
    ) or coalesce((
        select kind = 'missed' from landing.notices
        where job = %(job)s order by sent_at desc limit 1
    ), false)
"""
UNTOLD_KILLS = """
select job, error from landing.job_runs as job_runs
where status = 'killed'
    and not exists (
        select 1 from landing.job_runs as later
        where later.job = job_runs.job and later.job_run_id > job_runs.job_run_id
            and later.finished_at is not null
    )
    and not exists (
        select 1 from landing.notices as notices
        where notices.job = job_runs.job and notices.kind = 'failure' and notices.error is null
            and notices.sent_at >= job_runs.finished_at
    )
"""
UNTOLD_MISSES = """
select missed.job, missed.last_success_at, last_run.status, last_run.error
from marts.rpt_missed_jobs as missed
left join lateral (
    select status, split_part(error, E'\n', 1) as error from landing.job_runs
    where job = missed.job and finished_at is not null order by job_run_id desc limit 1
) as last_run on true
where not exists (
    select 1 from landing.notices as notices
    where notices.job = missed.job and notices.kind = 'missed' and notices.error is null
        and notices.sent_at >= missed.due_by
)
"""


def tell_failure(connection: psycopg.Connection, settings: Settings, job: str, error: str) -> None:
    """Send a notice that the job failed, wholly or in part, with the log's place (SPEC O5)."""
    message = f"{job} failed: {error}\nLog: {logs.PLACE} on {socket.gethostname()}"
    _send(connection, settings, job, "failure", message)


def tell_recovery(connection: psycopg.Connection, settings: Settings, job: str) -> None:
    """Send a notice if the job that has just succeeded had failed or was missed before."""
    row = connection.execute(TROUBLES, {"job": job}).fetchone()
    if row and row[0]:
        _send(connection, settings, job, "recovery", f"{job} has recovered.")


def tell_killed(connection: psycopg.Connection, settings: Settings) -> list[str]:
    """Send a notice for every job whose last run was killed, told to nobody yet; returns them."""
    killed = connection.execute(UNTOLD_KILLS).fetchall()
    for job, error in killed:
        message = f"{error} Its next run goes on where it stood."
        tell_failure(connection, settings, job, message)
    return [job for job, _ in killed]


def tell_missed(connection: psycopg.Connection, settings: Settings) -> list[str]:
    """Send a notice for every missed job that nobody was told of yet; returns these jobs."""
    built = connection.execute("select to_regclass('marts.rpt_missed_jobs')").fetchone()
    missed = connection.execute(UNTOLD_MISSES).fetchall() if built and built[0] else []
    for job, last_success_at, status, error in missed:
        since = f"since {last_success_at} UTC" if last_success_at else "so far"
        last = f" Its last run ended as {status}: {error}" if error else ""
        _send(connection, settings, job, "missed", f"{job} is late: no success {since}.{last}")
    return [job for job, *_ in missed]


def post_heartbeat(connection: psycopg.Connection, settings: Settings, job: str) -> bool:
    """Post the heartbeat, retried; True if it was taken, or if none is configured.

    Every attempt and its answer is a row of `landing.heartbeats`; a failure is logged, not raised.
    """
    if not settings.heartbeat_url:
        return True
    for attempt in range(1, ATTEMPTS + 1):
        status, answer = _post_heartbeat(settings, job)
        connection.execute(
            "insert into landing.heartbeats values (clock_timestamp(), %s, %s, %s)",
            (attempt, status, answer),
        )
        if status is not None and status < 400:
            return True
        log.warning("heartbeat attempt %s: %s", attempt, answer)
        if attempt < ATTEMPTS:
            time.sleep(settings.backoff_seconds * 2**attempt)
    log.error("the heartbeat was not taken; check INTERNAL_API_URL and INTERNAL_API_KEY")
    return False


def _post_heartbeat(settings: Settings, job: str) -> tuple[int | None, str]:
    try:
        response = requests.post(
            (settings.heartbeat_url or "").rstrip("/") + "/heartbeat",
            json={"job": job, "at": settings.clock().isoformat() + "Z"},
            headers={"Authorization": f"Bearer {settings.heartbeat_key or ''}"},
            timeout=TIMEOUT_SECONDS,
        )
    # A key with letters that no header can carry is a ValueError.
    except (requests.RequestException, ValueError) as error:
        return None, type(error).__name__
    answer = response.text.replace("\x00", "")
    return response.status_code, redact(answer, settings)[:1000]


def _send(
    connection: psycopg.Connection, settings: Settings, job: str, kind: str, message: str
) -> None:
    """Send one notice and write it down; that it could not be sent is logged, never raised."""
    channel = settings.notices
    if not channel:
        return
    message, failure = redact(message, settings), None
    scheme = urlsplit(channel.url).scheme
    try:
        if scheme.startswith("http"):
            _post(channel, job, kind, message)
        else:
            _mail(channel, job, kind, message)
    except (requests.RequestException, smtplib.SMTPException, OSError) as error:
        failure = redact(first_line(error), settings)[:1000]
        log.error("the notice of %s was not sent: %s; check NOTICE_URL", job, failure)
    connection.execute(
        "insert into landing.notices values (clock_timestamp(), %s, %s, %s, %s, %s)",
        (job, kind, message, scheme, failure),
    )


def _post(channel: NoticeChannel, job: str, kind: str, message: str) -> None:
    """Post to a webhook; `text` is what chat programs show."""
    notice = {"text": message, "kind": kind, "job": job, "log": logs.PLACE}
    requests.post(channel.url, json=notice, timeout=TIMEOUT_SECONDS).raise_for_status()


def _mail(channel: NoticeChannel, job: str, kind: str, message: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = f"ledgerhouse {job}: {kind}"
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.recipients)
    mail.set_content(f"{message}\n")
    address = urlsplit(channel.url)
    is_implicit_tls = address.scheme == "smtps"
    verified = ssl.create_default_context()
    place = (address.hostname or "", address.port or 0)
    with (
        smtplib.SMTP_SSL(*place, timeout=TIMEOUT_SECONDS, context=verified)
        if is_implicit_tls
        else smtplib.SMTP(*place, timeout=TIMEOUT_SECONDS)
    ) as server:
        server.ehlo()
        if not is_implicit_tls:
            # Raises where the server has no TLS: nothing is said in the open, the password least.
            server.starttls(context=verified)
            server.ehlo()
        if channel.user:
            server.login(channel.user, channel.password or "")
        server.send_message(mail)
