"""Runs as people start them: two at once, from a shell, with other vars, by another role (R8, L6a,
L7)."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ingestion.lock import run_lock
from ingestion.settings import PROJECT, Settings, read_settings
from ingestion.variables import VARIABLES
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.__main__ import EXIT_INTERRUPTED, EXIT_LOCKED, EXIT_USAGE, main
from orchestration.dbt import DbtError, run_dbt
from tests.python import golden

SCENARIO = golden.GOLDEN / "lead_ledger/worked/14_broker_changed"
ENTRIES = "select * from marts.fct_ledger_entries order by entry_id"


@pytest.fixture
def first_night(settings: Settings) -> Settings:
    """Settings of a warehouse whose first night is over."""
    day, now = golden.days(SCENARIO)[0]
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        golden.load_day(source, day)
    golden.night(settings, now)
    return replace(settings, now=now)


def cli(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """Start the real command line against the test's databases."""
    source = settings.billing_db
    environment = os.environ | {
        "LEDGERHOUSE_NOW": "2025-03-01T00:05:00Z",
        "WAREHOUSE_HOST": settings.warehouse.host,
        "BILLING_DB_HOST": source.host,
        "BILLING_DB_PORT": str(source.port),
        "BILLING_DB_USER": source.user,
        "BILLING_DB_PASSWORD": source.secret(),
        "BILLING_DB_NAME": source.name,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_of_two_nights_started_together_one_works_and_the_other_says_who_does(
    settings: Settings,
) -> None:
    day, now = golden.days(SCENARIO)[0]
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        golden.load_day(source, day)
    nights = [cli(settings, "nightly"), cli(settings, "nightly")]
    outputs = [night.communicate(timeout=600)[0] for night in nights]
    assert sorted(night.returncode for night in nights) == [0, EXIT_LOCKED], outputs
    refused = outputs[[night.returncode for night in nights].index(EXIT_LOCKED)]
    assert "Another pipeline run holds the warehouse: ledgerhouse pid" in refused
    entries = golden.query(settings, ENTRIES)
    assert entries
    golden.night(settings, now)
    assert golden.query(settings, ENTRIES) == entries


def test_a_dbt_build_from_a_shell_stops_while_a_run_holds_the_warehouse(
    built: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dbt(built, "compile", "--select", "revenue")
    with run_lock(built):
        environment = {name: value for name, value in os.environ.items()}
        environment.pop("LEDGERHOUSE_RUN", None)
        shell = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "build", "--select", "revenue"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert shell.returncode != 0
    assert "A pipeline run holds the warehouse" in shell.stdout


def test_a_build_refuses_to_append_with_other_vars(first_night: Settings) -> None:
    with pytest.raises(DbtError, match="The ledger was built with .*Set the vars back"):
        run_dbt(
            first_night,
            *("build", "--exclude-resource-type", "test", "unit_test"),
            *("--select", "fct_ledger_entries"),
            variables={"ledger_max_age_days": 30},
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.fct_ledger_entries set amount = 0",
        "delete from marts.fct_ledger_entries",
        "truncate marts.fct_ledger_entries",
    ],
)
def test_nobody_but_the_owner_may_change_the_ledger(first_night: Settings, statement: str) -> None:
    with connect(first_night) as connection:
        connection.execute("create role somebody")
        connection.execute("grant somebody to current_user")
        connection.execute("grant usage on schema marts to somebody")
        connection.execute("grant select on all tables in schema marts to somebody")
        connection.execute("set role somebody")
        assert connection.execute(ENTRIES).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
        connection.rollback()


def test_a_bad_setting_is_named_with_its_cure(
    server: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGERHOUSE_NOW", "yesterday")
    assert main(["status"]) == EXIT_USAGE
    assert "LEDGERHOUSE_NOW is 'yesterday'. It must be ISO 8601" in capsys.readouterr().err


def test_a_clock_far_ahead_is_refused_unless_it_is_meant(
    server: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One night of 2062 would refuse every later one."""
    monkeypatch.setenv("LEDGERHOUSE_NOW", "2062-01-01T00:05:00Z")
    assert main(["status"]) == EXIT_USAGE
    assert "more than a day ahead of this machine's clock" in capsys.readouterr().err
    monkeypatch.setenv("LEDGERHOUSE_ALLOW_FUTURE", "1")
    assert read_settings().now == datetime(2062, 1, 1, 0, 5)
    monkeypatch.delenv("LEDGERHOUSE_ALLOW_FUTURE")
    tonight = datetime.now(UTC) + timedelta(hours=20)
    monkeypatch.setenv("LEDGERHOUSE_NOW", tonight.isoformat())
    assert read_settings().now == tonight.replace(tzinfo=None, microsecond=0)


def test_a_variable_with_a_typo_is_named_with_the_one_that_is_meant(
    server: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Silently, the source would only be "not configured"."""
    for name in ("BOBERDOO_BASE_ULR", "BOBERDO_KEY", "WAREHOUSE_SHEMA", "DATTO_SECRET_OF_MINE"):
        monkeypatch.setenv(name, "a-secret-value")
    # Other programs' names, and Billingo's keys, which are named by a seed.
    for name in ("CORE_PATTERN", "PGPASSFILE", "HOSTNAME", "BILLINGO_KEY_OF_ACME"):
        monkeypatch.setenv(name, "x")
    with caplog.at_level("WARNING", logger="ingestion"):
        read_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "BOBERDOO_BASE_ULR is set, and is no setting. Is BOBERDOO_BASE_URL meant?",
        "BOBERDO_KEY is set, and is no setting. Is BOBERDOO_KEY meant?",
        "DATTO_SECRET_OF_MINE is set, and is no setting. Is DATTO_API_SECRET meant?",
        "WAREHOUSE_SHEMA is set, and is no setting. Is WAREHOUSE_SCHEMA meant?",
    ]


def test_every_variable_that_is_read_is_known() -> None:
    reads = (
        r"""(?:environ(?:ment)?\.get\(|environ\[|(?:required|_\w+)\()\s*["']([A-Z]+_[A-Z_]+)["']"""
    )
    code = [
        path.read_text()
        for top in ("ingestion", "orchestration")
        for path in (PROJECT / top).rglob("*.py")
    ]
    read = {name for text in code for name in re.findall(reads, text)}
    read |= set(re.findall(r"env_var\('([A-Z_]+)'", (PROJECT / "profiles.example.yml").read_text()))
    assert len(read) > 50
    others = ("PREFECT_", "DBT_")
    assert {name for name in read if not name.startswith(others)} <= set(VARIABLES)


@contextmanager
def silent_vendor() -> Iterator[str]:
    """Serve an address that takes every request and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("step", ["landing", "dbt"])
def test_the_first_ctrl_c_ends_a_run_and_lets_the_warehouse_go(
    settings: Settings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was swallowed while a vendor was slow, and in a build said "dbt build failed: "."""
    with silent_vendor() as address:
        if step == "landing":
            monkeypatch.setenv("INVOCA_BASE_URL", address)
            monkeypatch.setenv("INVOCA_TOKEN", "token")
            monkeypatch.setenv("INVOCA_NETWORK_ID", "1")
        run = cli(settings, *(["nightly"] if step == "landing" else ["build", "--verbose"]))
        running = {
            "landing": "select 1 from landing.load_runs where source = 'invoca'",
            "dbt": "select 1 from pg_stat_activity where application_name = 'dbt'"
            " and query ~ 'model_name|create|insert' and state <> 'idle'",
        }[step]
        deadline = time.monotonic() + 120
        while not golden.query(settings, running) and time.monotonic() < deadline:
            assert run.poll() is None, run.communicate()[0]
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        started = time.monotonic()
        output = run.communicate(timeout=60)[0]
    assert time.monotonic() - started < 15
    assert run.returncode == EXIT_INTERRUPTED, output
    assert "Interrupted. What was not finished is finished by the next run." in output
    assert "dbt build failed" not in output
    assert golden.query(settings, "select status, error from landing.job_runs") == [
        {"status": "failed", "error": "It was interrupted."}
    ]
    with run_lock(settings) as connection:
        left = connection.execute(
            "select count(*) from pg_stat_activity where application_name like %s",
            (f"ledgerhouse pid {run.pid} %",),
        ).fetchone()
    assert left == (0,)


def test_what_a_clock_far_ahead_has_landed_can_be_taken_back(first_night: Settings) -> None:
    """The recipe of docs/operations.md: afterwards it is as if that night had never been."""
    golden.publish(first_night)
    days = golden.days(SCENARIO)
    with psycopg.connect(**first_night.billing_db.parameters()) as source:
        golden.load_day(source, days[1][0])
    golden.night(first_night, datetime(2062, 1, 1, 0, 5))
    golden.publish(first_night)
    with psycopg.connect(**first_night.billing_db.parameters()) as source:
        golden.load_day(source, days[0][0])
        with pytest.raises(AssertionError, match="already landed"):
            golden.night(first_night, days[1][1])
        golden.load_day(source, days[1][0])
    with connect(first_night, autocommit=True) as connection:
        connection.execute(f"set ledgerhouse.good_until = '{first_night.now}'")
        recipe = (PROJECT / "docs/clock_went_ahead.sql").read_text()
        connection.execute(recipe)
    night = pipeline.nightly(replace(first_night, now=days[1][1]))
    assert not night.failed_sources
    assert not golden.query(
        first_night, "select 1 from landing.load_runs where loaded_at > %s", days[1][1]
    )
    recorded = golden.query(
        first_night, "select distinct recorded_at from analytics.fct_ledger_entries order by 1"
    )
    assert [row["recorded_at"] for row in recorded] == [str(now) for _, now in days[:2]]


@pytest.mark.parametrize(
    "command",
    [
        *(["status"], ["explain", "mortgage:land:1"], ["demo"], ["dashboard"]),
        *(["msp-invoices", "202601"], ["erase", "--phone", "5552000100"]),
    ],
)
def test_a_command_that_works_on_postgres_says_so_where_the_target_is_redshift(
    server: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    monkeypatch.setenv("WAREHOUSE_TARGET", "redshift")
    assert main(command) == EXIT_USAGE
    assert "The target is redshift" in capsys.readouterr().err


def test_an_unreachable_warehouse_is_named_without_its_password(
    server: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAREHOUSE_HOST", "127.0.0.1")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "not-the-password")
    assert main(["nightly"]) == EXIT_USAGE
    message = capsys.readouterr().err
    assert "cannot be reached" in message
    assert "WAREHOUSE_PASSWORD" in message
    assert "not-the-password" not in message


def test_a_shell_that_took_the_environment_has_the_same_warehouse(
    server: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WAREHOUSE_HOST", raising=False)  # dbt in this process has set it
    assert main(["env"]) == 0
    for line in capsys.readouterr().out.splitlines():
        name, value = line.removeprefix("export ").split("=", 1)
        monkeypatch.setenv(name, value)
    again = read_settings()
    assert again.warehouse.parameters() == server.warehouse.parameters()
    assert replace(again, warehouse=server.warehouse) == server
    assert main(["up"]) == 0
    with psycopg.connect() as connection:
        assert connection.info.dbname == server.warehouse.name
