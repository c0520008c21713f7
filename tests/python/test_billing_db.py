"""The billing_db loader: bad sources, bad rows, changes anywhere, and how much memory it takes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ingestion.loads import Load, LoadFailed
from ingestion.registry import sync_source
from ingestion.run import Run
from ingestion.settings import PROJECT, Settings
from ingestion.sources import billing_db
from ingestion.warehouse import connect, ensure_database
from tests.python import golden
from tests.python.conftest import free_port
from tests.python.vendors import NOW, last_error, live, quarantined, quick, sync, versions

DELIVERIES = "mortgage_broker_filter_to_mortgage_lead"
LANDED = "billing_db__professional_deliveries"
SCHEMA = Path(__file__).parent.parent / "golden/lead_ledger/schema.sql"
BLOCK = 1 << billing_db.BLOCK_BITS  # ids
WRONG_PASSWORD = "not-the-password-4711"


@pytest.fixture
def account(server: Settings) -> Settings:
    """Settings of an empty landing and of a billing_db with 1,000 professional deliveries."""
    with connect(server, database="postgres", autocommit=True) as connection:
        ensure_database(connection, "billing_db")
    account = quick(server, billing_db=replace(server.warehouse, name="billing_db"))
    with psycopg.connect(**account.billing_db.parameters()) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
        connection.execute(SCHEMA.read_text())
        deliver(connection, 1, 1000)
    return account


@pytest.fixture
def source(account: Settings) -> Iterator[psycopg.Connection]:
    """A connection to the source, committing each statement."""
    with psycopg.connect(**account.billing_db.parameters(), autocommit=True) as connection:
        yield connection


def deliver(source: psycopg.Connection, first_id: int, last_id: int) -> None:
    source.execute(
        f"insert into {DELIVERIES} select id, 10, id, 7, timestamp '2026-07-01'"
        " + id %% 1000 * interval '1 second' from generate_series(%s::bigint, %s::bigint) as id",
        (first_id, last_id),
    )


def deliveries(loads: list[Load]) -> Load:
    """Return the load of the professional deliveries."""
    return next(load for load in loads if load.stream.name == "professional_deliveries")


def failure(settings: Settings) -> str:
    """Return why the source failed, as the command shows it."""
    outcome = sync_source("billing_db", Run(settings, NOW))
    assert outcome.is_failed
    return outcome.error or ""


# A source that cannot be read


def test_an_unreachable_database_is_named_with_the_settings_to_check(account: Settings) -> None:
    nowhere = replace(account.billing_db, port=free_port(), password=WRONG_PASSWORD)
    message = failure(replace(account, billing_db=nowhere))
    assert f"billing_db on 127.0.0.1:{nowhere.port} cannot be reached" in message
    assert "Check BILLING_DB_HOST, BILLING_DB_PORT" in message
    assert WRONG_PASSWORD not in message


def test_a_wrong_password_is_said_but_not_shown(
    account: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    message = failure(
        replace(account, billing_db=replace(account.billing_db, password=WRONG_PASSWORD))
    )
    assert "password authentication failed" in message
    assert "BILLING_DB_PASSWORD" in message
    assert WRONG_PASSWORD not in message + caplog.text


def test_an_unknown_database_is_named(account: Settings) -> None:
    other = replace(account.billing_db, name="billing_db_2")
    assert 'database "billing_db_2" does not exist' in failure(replace(account, billing_db=other))


UNREADABLE = {
    f"drop table {DELIVERIES}": f"billing_db has no table {DELIVERIES} that its user may see",
    f"alter table {DELIVERIES} drop column mortgage_broker_id, drop column lead_id": (
        "has no column lead_id, mortgage_broker_id. The loader needs id, filter_id, lead_id,"
    ),
    f"alter table {DELIVERIES} alter column mortgage_broker_id type text": (
        "mortgage_broker_id is text; it must be bigint"
    ),
    f"alter table {DELIVERIES} alter column lead_id type numeric": (
        "lead_id is numeric; it must be bigint"
    ),
    f"alter table {DELIVERIES} alter column delivered_at type text": (
        "delivered_at is text; it must be timestamp with time zone"
    ),
    f"alter table {DELIVERIES} alter column filter_id type json using to_json(filter_id)": (
        "cannot be read: could not identify an extended hash function for type json"
    ),
}


@pytest.mark.parametrize("damage", UNREADABLE)
def test_a_table_that_does_not_fit_fails_and_moves_nothing(
    damage: str, account: Settings, source: psycopg.Connection
) -> None:
    sync(billing_db, account)
    source.execute(damage)
    assert UNREADABLE[damage] in failure(account)
    assert UNREADABLE[damage] in last_error(account)
    assert versions(account, LANDED) == 1000


def test_a_source_that_may_not_be_read_says_so(
    account: Settings, source: psycopg.Connection
) -> None:
    source.execute("drop role if exists visitor")
    source.execute("create role visitor login password 'visitor-password'")
    visitor = replace(account.billing_db, user="visitor", password="visitor-password")
    assert "what BILLING_DB_USER may read" in failure(replace(account, billing_db=visitor))
    source.execute("grant usage on schema public to visitor")
    assert "permission denied for table product_price" in failure(
        replace(account, billing_db=visitor)
    )
    source.execute("revoke usage on schema public from visitor")
    source.execute("drop role visitor")


# Rows


def test_a_null_key_is_quarantined_once_and_the_rest_lands(
    account: Settings, source: psycopg.Connection
) -> None:
    source.execute(f"alter table {DELIVERIES} drop constraint {DELIVERIES}_pkey")
    source.execute(f"alter table {DELIVERIES} alter column id drop not null")
    source.execute(f"insert into {DELIVERIES} values (null, 1, 2, 3, '2026-07-01')")
    load = deliveries(sync(billing_db, account))
    assert (load.status, load.counts.created, load.counts.quarantined) == ("partial", 1000, 1)
    source.execute(f"insert into {DELIVERIES} values (null, 1, 2, 4, '2026-07-01')")
    sync(billing_db, account, 1)
    assert quarantined(account) == ["the key is null or blank"] * 2


@pytest.mark.parametrize(
    "number", [-1, -BLOCK, -BLOCK - 1, 0, BLOCK - 1, BLOCK, -(2**63), 2**63 - 1]
)
def test_every_whole_number_is_an_id(
    number: int, account: Settings, source: psycopg.Connection
) -> None:
    sync(billing_db, account)
    deliver(source, number, number)
    assert deliveries(sync(billing_db, account, 1)).counts.created == 1
    assert live(account, LANDED)[str(number)]["id"] == number
    source.execute(f"update {DELIVERIES} set mortgage_broker_id = 8 where id = %s", (number,))
    assert deliveries(sync(billing_db, account, 2)).counts.updated == 1
    source.execute(f"delete from {DELIVERIES} where id = %s", (number,))
    assert deliveries(sync(billing_db, account, 3)).counts.deleted == 1
    assert str(number) not in live(account, LANDED)


def test_an_id_need_not_be_a_number(account: Settings, source: psycopg.Connection) -> None:
    sync(billing_db, account)
    source.execute(f"alter table {DELIVERIES} alter column id type text")
    source.execute(f"insert into {DELIVERIES} values ('A-1', 1, 2, 3, '2026-07-01')")
    assert deliveries(sync(billing_db, account, 1)).counts.created == 1
    source.execute(f"delete from {DELIVERIES} where id = '500'")
    load = deliveries(sync(billing_db, account, 2))
    assert (load.counts.received, load.counts.deleted) == (1000, 1)
    assert "500" not in live(account, LANDED)


def test_any_row_that_changed_is_seen_and_no_other_block_is_read(
    account: Settings, source: psycopg.Connection
) -> None:
    deliver(source, 1001, 30_000)
    sync(billing_db, account)
    source.execute(f"update {DELIVERIES} set delivered_at = null where id = 3")
    source.execute(f"delete from {DELIVERIES} where id = 4")
    deliver(source, 30_001, 30_002)
    counts = deliveries(sync(billing_db, account, 1)).counts
    assert (counts.created, counts.updated, counts.deleted) == (2, 1, 1)
    assert counts.received < 2 * BLOCK
    assert live(account, LANDED)["3"]["delivered_at"] is None
    again = deliveries(sync(billing_db, account, 2)).counts
    assert (again.received, again.deleted) == (0, 0)


def test_a_source_that_lost_a_fifth_is_refused_with_the_cure_named(
    account: Settings, source: psycopg.Connection
) -> None:
    sync(billing_db, account)
    source.execute(f"delete from {DELIVERIES} where id <= 201")
    with pytest.raises(LoadFailed, match="201 of 1000 .* LEDGERHOUSE_MAX_DELETED_SHARE=1"):
        sync(billing_db, account, 1)
    assert len(live(account, LANDED)) == 1000
    source.execute(f"truncate {DELIVERIES}")
    with pytest.raises(LoadFailed, match="the answer is empty, 1000 rows were expected"):
        sync(billing_db, account, 1)
    assert len(live(account, LANDED)) == 1000
    deliver(source, 202, 1000)
    allowed = replace(account, max_deleted_share=1.0)
    assert deliveries(sync(billing_db, allowed, 1)).counts.deleted == 201


def test_all_tables_are_read_as_of_one_moment(
    account: Settings, source: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_table = billing_db._land_table

    def land_and_change(run: Run, *connections: Any) -> Load:
        load = land_table(run, *connections)
        if load.stream.name == "product_prices":
            source.execute("insert into product_price values (1, 'land', 10, '2026-01-01')")
            deliver(source, 1001, 1001)
        return load

    monkeypatch.setattr(billing_db, "_land_table", land_and_change)
    counts = [load.counts.created for load in sync(billing_db, account)]
    assert counts == [0, 0, 1000, 0, 0, 0]
    monkeypatch.undo()
    counts = [load.counts.created for load in sync(billing_db, account, 1)]
    assert counts == [1, 0, 1, 0, 0, 0]


def test_the_source_is_only_read(account: Settings, source: psycopg.Connection) -> None:
    source.execute("alter database billing_db set default_transaction_read_only = on")
    try:
        assert deliveries(sync(billing_db, account)).counts.created == 1000
    finally:
        source.execute("alter database billing_db reset default_transaction_read_only")


# What bad rows come to in the ledger

PRICES = [
    ("2026-01-01", "100.00"),
    ("2026-01-02", "one hundred"),
    ("2026-01-03", "NaN"),
    ("2026-01-04", "-0.01"),
    ("2026-01-05", None),
    ("2026-01-06", "99999999999999999999"),
    ("2026-01-07", " 7.005 "),
    ("2026-01-08", "0"),
]
PLANS = [
    (21, "percent", "ten"),
    (22, "percent", None),
    (23, "gift", "10"),
    (24, None, "10"),
    (25, "percent", "NaN"),
    (26, "percent", "12.5"),
    (27, "amount", "1000"),
    (28, "amount", "-5"),
]
BILLED = {"1": "100.00", "7": "7.01", "8": "0.00", "26": "87.50", "27": "0.00", "28": "100.00"}
EXCEPTIONS = {
    **dict.fromkeys(("2", "3", "4", "5", "6"), "bad_price"),
    **dict.fromkeys(("21", "22", "23", "24", "25"), "bad_terms"),
    **{"30": "no_price", "31": "no_account", "32": "no_delivered_at"},
}


def test_bad_rows_are_exceptions_and_no_cent_is_lost(settings: Settings) -> None:
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        source.execute("alter table product_price alter column price type text")
        source.execute(
            "alter table mortgage_broker_subscription_plan alter column discount_value type text"
        )
        price = "insert into product_price values (%s, %s, %s, %s)"
        for number, (day, amount) in enumerate(PRICES, start=1):
            source.execute(price, (number, "professional", amount, day))
            deliver_one(source, number, 7, f"{day} 12:00")
        source.execute(price, (90, "castle", "5", "2025-01-01"))
        source.execute(price, (91, None, "5", "2025-01-01"))
        source.execute(price, (92, "professional", "5", None))
        source.execute(price, (93, "professional", "5", "infinity"))
        for broker, kind, discount in PLANS:
            source.execute(
                "insert into mortgage_broker_subscription_plan values"
                " (%s, %s, 'plan', %s, %s, '2025-01-01', null)",
                (broker, broker, kind, discount),
            )
            deliver_one(source, broker, broker, "2026-01-01 12:00")
        deliver_one(source, 30, 7, "2025-12-31 12:00")
        deliver_one(source, 31, None, "2026-01-01 12:00")
        deliver_one(source, 32, 7, None)
        deliver_one(source, 33, 7, "0044-03-15 BC")
    golden.night(settings, NOW)
    assert by_delivery(settings, "select entry_key, amount from marts.fct_ledger_entries") == BILLED
    assert (
        by_delivery(settings, "select entry_key, reason from marts.ledger_exceptions") == EXCEPTIONS
    )
    # what is repaired at the source enters the ledger by itself (L8)
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        source.execute("update product_price set price = '12.34' where id between 2 and 6")
        source.execute(
            "update mortgage_broker_subscription_plan set discount_type = 'amount',"
            " discount_value = '0.01' where id between 21 and 25"
        )
    golden.night(settings, NOW + timedelta(days=1))
    assert by_delivery(settings, "select entry_key, amount from marts.fct_ledger_entries") == {
        **BILLED,
        **dict.fromkeys(("2", "3", "4", "5", "6"), "12.34"),
        **dict.fromkeys(("21", "22", "23", "24", "25"), "99.99"),
    }


def deliver_one(
    source: psycopg.Connection, number: int, broker: int | None, day: str | None
) -> None:
    source.execute(
        sql.SQL("insert into {} values (%s, 1, 2, %s, %s)").format(sql.Identifier(DELIVERIES)),
        (number, broker, day),
    )


def by_delivery(settings: Settings, statement: str) -> dict[str, str]:
    """Return a query's (entry key, value) by the delivery's id."""
    rows = [tuple(row.values()) for row in golden.query(settings, statement)]
    found = {key.removeprefix("mortgage:professional:"): value for key, value in rows}
    assert len(found) == len(rows)
    return found


# Memory

LAND_AND_MEASURE = """
import re, resource
from datetime import datetime
from pathlib import Path
import psycopg
from ingestion.run import Run
from ingestion.settings import read_settings
from ingestion.sources import billing_db

def peak_megabytes():
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20

settings = read_settings()
billing_db.sync(Run(settings, datetime(2026, 7, 15)))
before = peak_megabytes()
with psycopg.connect(**settings.billing_db.parameters()) as source:
    source.execute(
        "insert into mortgage_broker_filter_to_mortgage_lead select id, 1, id, 7, '2026-07-01'"
        " from generate_series(1001, 301000) as id"
    )
loads = billing_db.sync(Run(settings, datetime(2026, 7, 16)))
print(sum(load.counts.created for load in loads), before, peak_megabytes())
"""


def test_landing_streams_its_rows_in_little_memory(account: Settings) -> None:
    warehouse, source = account.warehouse, account.billing_db
    environment = {
        "WAREHOUSE_HOST": warehouse.host,
        "WAREHOUSE_PORT": str(warehouse.port),
        "BILLING_DB_HOST": source.host,
        "BILLING_DB_PORT": str(source.port),
        "BILLING_DB_USER": source.user,
        "BILLING_DB_PASSWORD": source.secret(),
        "BILLING_DB_NAME": source.name,
    }
    measured = subprocess.run(
        [sys.executable, "-c", LAND_AND_MEASURE],
        cwd=PROJECT,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    created, before, peak = map(int, measured.stdout.split())
    assert created == 300_000
    assert peak < 200
    assert peak - before < 10, "rows are kept in memory"
