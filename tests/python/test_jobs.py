"""Jobs, their schedules and what people are told of them (SPEC O1, O2, O5)."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from socket import gethostname

import pytest

from ingestion.lock import RunLockError, is_held, run_lock
from ingestion.settings import NoticeChannel, Settings
from ingestion.sources.datto_account import Datto
from ingestion.sources.freshservice_account import Freshservice
from ingestion.sources.invoca_account import Invoca
from ingestion.warehouse import connect
from orchestration import pipeline, status
from orchestration.__main__ import EXIT_USAGE, main
from orchestration.dashboard import write_dashboard
from orchestration.dbt import DbtError, read_marts
from orchestration.pipeline import JobSkipped
from orchestration.publish import publish
from orchestration.schedules import SCHEDULES
from tests.python import golden
from tests.python.conftest import book, free_port
from tests.python.webhook import Webhook

NOW = datetime(2025, 2, 10, 0, 5)
FIGURES = "select sum(net) as net, count(*) from analytics.revenue"


@pytest.fixture
def watched(settings: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a webhook for notices; no dbt node is run: what is told does not hang on it."""
    monkeypatch.setattr(pipeline, "run_dbt", lambda *_, **__: [])
    channel = NoticeChannel(webhook.url + "/hook")
    return replace(settings, now=NOW, notices=channel, backoff_seconds=0.01)


def run(settings: Settings, name: str = "nightly") -> None:
    with pipeline.open_job(configured(settings), name) as job:
        pipeline.build_new(job)
        pipeline.beat(job)


def configured(settings: Settings) -> Settings:
    """Settings with a source for every job; nothing is landed from these."""
    vendors = {
        "freshservice": Freshservice("http://127.0.0.1:1", "a-key"),
        "datto": Datto("http://127.0.0.1:1", "a-key", "a-secret"),
    }
    return replace(settings, **vendors)


def fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise DbtError("test assert_money failed")

    monkeypatch.setattr(pipeline, "run_dbt", broken)


def jobs(settings: Settings) -> list[tuple[str, str]]:
    rows = golden.query(settings, "select job, status from marts.rpt_job_runs order by job_run_id")
    return [(row["job"], row["status"]) for row in rows]


def test_a_failure_and_its_recovery_are_told_once_each(
    watched: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(watched)
    assert webhook.posts == []
    with monkeypatch.context() as broken:
        fail(broken)
        with pytest.raises(DbtError):
            run(watched)
    run(watched)
    run(watched)
    assert [(post["job"], post["kind"]) for post in webhook.posts] == [
        ("nightly", "failure"),
        ("nightly", "recovery"),
    ]
    told = f"nightly failed: test assert_money failed\nLog: logs/ledgerhouse.log on {gethostname()}"
    assert webhook.posts[0]["text"] == told
    assert webhook.posts[0]["log"] == "logs/ledgerhouse.log"
    assert [status for _, status in jobs(watched)] == [
        "completed",
        "failed",
        "completed",
        "completed",
    ]


def test_a_source_that_is_down_makes_a_partial_run_and_a_notice(
    watched: Settings, webhook: Webhook
) -> None:
    down = replace(watched, billing_db=replace(watched.billing_db, port=free_port()))
    night = pipeline.run_job(down, "nightly")
    assert night.failed_sources == ["billing_db"]
    assert jobs(watched) == [("nightly", "partial")]
    cause = f"billing_db: billing_db on 127.0.0.1:{down.billing_db.port} cannot be reached"
    assert webhook.posts[0]["text"].startswith(f"nightly failed: {cause}")


def test_every_source_that_failed_is_told_with_its_cause(
    watched: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SPEC O5: also where the build then fails; a name alone sends people to the log."""
    fail(monkeypatch)
    vendor = Invoca(f"http://127.0.0.1:{free_port()}", "1", "a-secret-token")
    down = replace(watched, billing_db=replace(watched.billing_db, port=free_port()), invoca=vendor)
    with pytest.raises(DbtError):
        pipeline.run_job(down, "nightly")
    first, *causes, place = webhook.posts[0]["text"].splitlines()
    assert first == "nightly failed: test assert_money failed"
    assert [cause.partition(":")[0] for cause in causes] == ["billing_db", "invoca"]
    assert all("reached" in cause or "onnection" in cause for cause in causes), causes
    assert place.startswith("Log: logs/ledgerhouse.log on ")
    assert "a-secret-token" not in webhook.posts[0]["text"]


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_job_without_a_configured_source_is_skipped_and_that_is_no_success(
    name: str,
    watched: Settings,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SPEC O2: as a success it would keep the alarm of late jobs asleep for ever."""
    bare = replace(watched, billing_db=None)
    with pytest.raises(JobSkipped, match="none of its sources is configured"):
        pipeline.run_job(bare, name)
    assert jobs(watched) == [(name, "skipped")]
    assert webhook.posts == []
    with connect(watched) as connection:
        connection.execute(
            "update landing.schedules set registered_at = registered_at - interval '27 hours'"
        )
    assert name in pipeline.check(bare)
    text = next(post["text"] for post in webhook.posts if post["job"] == name)
    assert f"{name} is late: no success so far. Its last run ended as skipped" in text
    for variable in [name for name in os.environ if name.startswith("BILLING_DB_")]:
        monkeypatch.delenv(variable)
    assert main(["run", name]) == EXIT_USAGE
    variable = {"tickets": "FRESHSERVICE_BASE_URL", "invoices-and-backup": "BILLINGO_BASE_URL"}
    assert variable.get(name, "BILLING_DB_HOST") in capsys.readouterr().err


def test_a_run_that_finds_another_is_refused_recorded_and_told(
    watched: Settings, webhook: Webhook
) -> None:
    run(watched)
    with run_lock(watched), pytest.raises(RunLockError, match="holds the warehouse"):
        run(watched, "tickets")
    assert jobs(watched)[-1] == ("tickets", "refused")
    assert webhook.posts[0]["kind"] == "failure"


def kill(settings: Settings, name: str) -> None:
    """Run a job in a process of its own and kill it while it holds the warehouse."""
    child = os.fork()
    if not child:
        # Whatever happens, the child does not go on with the tests.
        try:
            with pipeline.open_job(configured(settings), name):
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with connect(settings, autocommit=True) as connection:
        deadline = time.monotonic() + 20
        while is_held(connection) and time.monotonic() < deadline:
            time.sleep(0.05)


def test_a_killed_run_is_told_by_the_next_and_then_its_recovery(
    watched: Settings, webhook: Webhook
) -> None:
    kill(watched, "tickets")
    assert jobs(watched) == [("tickets", "running")]
    run(watched, "nightly")
    assert [(post["job"], post["kind"]) for post in webhook.posts] == [("tickets", "failure")]
    assert "tickets failed: The process was killed" in webhook.posts[0]["text"]
    run(watched, "nightly")
    assert len(webhook.posts) == 1
    run(watched, "tickets")
    assert [(post["job"], post["kind"]) for post in webhook.posts[1:]] == [("tickets", "recovery")]
    assert jobs(watched)[0] == ("tickets", "killed")


def test_a_check_tells_of_a_killed_run_before_the_next_one(
    watched: Settings, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    kill(watched, "nightly")
    status.show(watched)
    assert "nightly was killed: it began" in capsys.readouterr().out
    assert pipeline.check(watched) == ["nightly"]
    assert pipeline.check(watched) == []
    assert [post["kind"] for post in webhook.posts] == ["failure"]


def test_a_check_leaves_a_run_that_goes_on_alone(watched: Settings, webhook: Webhook) -> None:
    with pipeline.open_job(configured(watched), "tickets"):
        assert pipeline.check(watched) == []
        assert jobs(watched) == [("tickets", "running")]
    assert webhook.posts == []


def test_a_missed_job_is_told_once_and_again_after_the_next_miss(
    watched: Settings, webhook: Webhook
) -> None:
    for name in SCHEDULES:
        run(watched, name)
    assert pipeline.check(watched) == []
    with connect(watched) as connection:
        connection.execute(
            "update landing.job_runs set finished_at = finished_at - interval '9 hours'"
        )
    missed = golden.query(watched, "select job from marts.rpt_missed_jobs")
    assert [row["job"] for row in missed] == ["tickets"]
    assert pipeline.check(watched) == ["tickets"]
    assert pipeline.check(watched) == []
    assert "tickets is late: no success since" in webhook.posts[0]["text"]

    run(watched, "tickets")
    assert webhook.posts[-1]["kind"] == "recovery"
    assert golden.query(watched, "select job from marts.rpt_missed_jobs") == []


def test_a_job_that_never_ran_is_late_from_when_its_schedule_was_known(watched: Settings) -> None:
    run(watched)
    assert golden.query(watched, "select job from marts.rpt_missed_jobs") == []
    with connect(watched) as connection:
        connection.execute(
            "update landing.schedules set registered_at = registered_at - interval '27 hours'"
        )
    late = golden.query(watched, "select job from marts.rpt_missed_jobs order by job")
    assert [row["job"] for row in late] == ["invoices-and-backup", "tickets"]


def test_schedules_in_sql_are_those_of_the_file(watched: Settings) -> None:
    with connect(watched) as connection:
        connection.execute("insert into landing.schedules values ('gone', '* * * * *', 1, now())")
    run(watched)
    rows = golden.query(watched, "select job, cron, allowed_hours from landing.schedules")
    assert {(row["job"], row["cron"], int(row["allowed_hours"])) for row in rows} == {
        (plan.job, plan.cron, plan.allowed_hours) for plan in SCHEDULES.values()
    }


def test_a_notice_that_cannot_be_sent_fails_nothing(
    watched: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.refusals = 1
    fail(monkeypatch)
    with pytest.raises(DbtError, match="assert_money"):
        run(watched)
    notice = golden.query(watched, "select kind, error from landing.notices")[0]
    assert notice["kind"] == "failure"
    assert "503" in notice["error"]
    assert webhook.url not in notice["error"]


def test_every_heartbeat_attempt_and_its_answer_is_a_row(
    watched: Settings, webhook: Webhook
) -> None:
    webhook.refusals = 2
    run(replace(watched, heartbeat_url=webhook.url, heartbeat_key="secret-key"))
    rows = golden.query(
        watched, "select attempt, status_code, is_taken from marts.rpt_heartbeats order by attempt"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("1", "503", "False"),
        ("2", "503", "False"),
        ("3", "200", "True"),
    ]
    assert {post["path"] for post in webhook.posts} == {"/heartbeat"}


def test_a_heartbeat_that_nobody_takes_fails_nothing(watched: Settings) -> None:
    run(replace(watched, heartbeat_url=f"http://127.0.0.1:{free_port()}"))
    assert jobs(watched) == [("nightly", "completed")]
    rows = golden.query(watched, "select is_taken from marts.rpt_heartbeats")
    assert [row["is_taken"] for row in rows] == ["False"] * 4


def broken_test(watched: Settings) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fail(patch)
        with pytest.raises(DbtError):
            run(watched)


def source_down(watched: Settings) -> None:
    down = replace(watched, billing_db=replace(watched.billing_db, port=free_port()))
    assert pipeline.run_job(down, "nightly").failed_sources == ["billing_db"]


def overlap(watched: Settings) -> None:
    with run_lock(watched), pytest.raises(RunLockError):
        run(watched)


def killed(watched: Settings) -> None:
    kill(watched, "nightly")
    assert pipeline.check(watched) == ["nightly"]


def missed(watched: Settings) -> None:
    with connect(watched) as connection:
        connection.execute(
            "update landing.job_runs set finished_at = finished_at - interval '27 h'"
        )
    assert pipeline.check(watched) == ["nightly"]


@pytest.mark.parametrize(
    ("trouble", "in_status", "in_notice", "on_page"),
    [
        (broken_test, "left as it was: nightly failed", "assert_money failed", "nightly failed on"),
        (source_down, "billing_db: billing_db on", "billing_db: billing_db on", "partial"),
        (overlap, "refused", "holds the warehouse", "refused"),
        (killed, "left as it was: nightly killed", "was killed", "nightly killed on"),
        (missed, "Late jobs", "nightly is late", "nightly is late"),
    ],
)
def test_a_trouble_is_in_status_notice_and_page_and_moves_no_figure(
    trouble: Callable[[Settings], None],
    in_status: str,
    in_notice: str,
    on_page: str,
    watched: Settings,
    webhook: Webhook,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    book(watched)
    with connect(watched, autocommit=True) as connection:
        run(watched)
        publish(connection, watched, read_marts(watched))
    figures = golden.query(watched, FIGURES)
    assert figures[0]["net"] == "80.00"
    trouble(watched)
    status.show(watched)
    assert in_status in capsys.readouterr().out
    assert in_notice in webhook.posts[-1]["text"]
    assert on_page in write_dashboard(watched, tmp_path / "dashboard.html").read_text()
    assert golden.query(watched, FIGURES) == figures
