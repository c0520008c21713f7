"""Runs as people start them: two at once, from a shell, with other vars, by another role (R8, L6a,
L7)."""

import os
import subprocess
import sys
from dataclasses import replace

import psycopg
import pytest

from ingestion.settings import PROJECT, Settings, read_settings
from ingestion.warehouse import connect, run_lock
from orchestration.__main__ import EXIT_LOCKED, EXIT_USAGE, main
from orchestration.dbt import DbtError, run_dbt
from tests.python import golden

SCENARIO = golden.unpacked("lead_ledger/worked") / "14_broker_changed"
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
        "BILLING_DB_PASSWORD": source.password,
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
    assert read_settings() == server
    assert main(["up"]) == 0
    with psycopg.connect() as connection:
        assert connection.info.dbname == server.warehouse.name
