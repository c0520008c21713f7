"""kill -9 at any step of a night, then the night again: the ledger of an undisturbed run (R6)."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import psycopg
import pytest
from dbt.adapters.sql import SQLConnectionManager

from ingestion.loads import Load, LoadFailed
from ingestion.lock import RunLockError
from ingestion.settings import Settings
from ingestion.sources import billing_db
from ingestion.warehouse import connect
from orchestration import pipeline
from tests import databases
from tests.python import golden

FIRST_NIGHT, SECOND_NIGHT = datetime(2026, 7, 15, 0, 5), datetime(2026, 7, 16, 0, 5)
TYPES = {
    "professional": "mortgage_broker_filter_to_mortgage_lead",
    "construction": "construction_loan_lead_filter_to_construction_loan_lead",
    "hard_money": "hard_money_lead_filter_to_hard_money_lead",
    "land": "land_lead_filter_to_land_lead",
}
PLAN = "insert into mortgage_broker_subscription_plan values (%s, %s, 'plan', 'percent', %s, %s)"
LEDGER = """
select entry_id, account_id, occurred_at, recorded_at, quantity, list_amount, discount_amount,
    amount, price_version_id, terms_version_id, reason
from marts.fct_ledger_entries order by entry_id
"""
EXCEPTIONS = "select entry_key, reason, since from marts.ledger_exceptions order by entry_key"
LANDED = """
select 'price' as stream, source_key, loaded_at, is_deleted from landing.billing_db__product_prices
union all
select 'plan', source_key, loaded_at, is_deleted from landing.billing_db__subscription_plans
union all
select 'delivery', source_key, loaded_at, is_deleted
from landing.billing_db__professional_deliveries
order by 1, 2, 3
"""
LEFT_RUNNING = "select source, stream from landing.load_runs where status = 'running'"


@pytest.fixture
def second_night(settings: Settings) -> Iterator[Callable[[], Settings]]:
    """A function that puts the warehouse where the second night begins, and returns its settings.

    The source then has new, changed and deleted deliveries, prices and plans.
    """
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        open_business(source)
        source.commit()
        golden.night(settings, FIRST_NIGHT)
        change_business(source)
    rename(settings, settings.warehouse.name, "after_first_night")

    def begin() -> Settings:
        databases.make(settings, settings.warehouse.name, template="after_first_night")
        return replace(settings, now=SECOND_NIGHT)

    yield begin
    databases.drop(settings, settings.warehouse.name)
    rename(settings, "after_first_night", settings.warehouse.name)


def rename(settings: Settings, old: str, new: str) -> None:
    with connect(settings, database="postgres", autocommit=True) as connection:
        connection.execute(f"alter database {old} rename to {new}")


def open_business(source: psycopg.Connection) -> None:
    for number, (product, table) in enumerate(TYPES.items(), start=1):
        source.execute(
            "insert into product_price values (%s, %s, %s, '2026-01-01')",
            (number, product, 50 + number),
        )
        source.execute(
            f"insert into {table} select id, 1, id, id % 3, timestamp '2026-07-01'"
            " + id * interval '1 hour' from generate_series(1, 20) as id"
        )
    source.execute(PLAN, (1, 1, 12.5, "2026-01-01"))


def change_business(source: psycopg.Connection) -> None:
    source.execute("update product_price set price = 60.01 where product = 'land'")
    source.execute("insert into product_price values (9, 'professional', 70, '2026-07-01 12:00')")
    source.execute("update mortgage_broker_subscription_plan set discount_value = 33")
    source.execute(PLAN, (2, 2, 7.77, "2026-06-01"))
    for table in TYPES.values():
        source.execute(f"delete from {table} where id = 2")
        source.execute(f"update {table} set mortgage_broker_id = 2 where id = 4")
        source.execute(f"update {table} set mortgage_broker_id = null where id = 5")
        source.execute(f"insert into {table} values (21, 1, 21, 1, '2026-07-15 12:00')")


def night(settings: Settings) -> None:
    golden.night(settings, SECOND_NIGHT, sources=["billing_db"])


def outcome(settings: Settings) -> dict[str, list[dict[str, str]]]:
    """Return what must be the same, whatever was killed."""
    return {
        statement: golden.query(settings, statement)
        for statement in (LEDGER, EXCEPTIONS, LANDED, LEFT_RUNNING)
    }


def on_every_step(step: Callable[[], None]) -> None:
    """Call `step` before every statement and every commit, of landing and of dbt."""
    for owner, name in (
        (psycopg.Connection, "execute"),
        (psycopg.Connection, "commit"),
        (SQLConnectionManager, "add_query"),
        (SQLConnectionManager, "add_commit_query"),
    ):
        _before(owner, name, step)


def _before(owner: type, name: str, step: Callable[[], None]) -> None:
    done = getattr(owner, name)

    def stepped(*arguments: Any, **named: Any) -> Any:
        step()
        return done(*arguments, **named)

    setattr(owner, name, stepped)


def in_child(action: Callable[[], None]) -> int:
    """Run `action` in a forked process; return its exit status as waitpid gives it."""
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    try:
        action()
        os._exit(0)
    finally:
        os._exit(1)


def play_counting(settings: Settings) -> int:
    """Play the night in a process of its own; return how many steps it has."""
    reader, writer = os.pipe()

    def play() -> None:
        steps = count()
        on_every_step(lambda: next(steps) and None)
        night(settings)
        os.write(writer, str(next(steps)).encode())

    assert in_child(play) == 0
    return int(os.read(reader, 100))


def die_at(step: int) -> None:
    """Kill this process before its n-th step from now on."""
    steps, lock = count(), threading.Lock()

    def die_in_time() -> None:
        with lock:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

    on_every_step(die_in_time)


def kill(settings: Settings, step: int) -> None:
    """Play the night in a process that is killed before its n-th step."""

    def play() -> None:
        die_at(step)
        night(settings)

    assert os.WIFSIGNALED(in_child(play)), "the night ended before it was to be killed"


def run_again(settings: Settings) -> None:
    """Run the night; the killed one's connections may take a moment to be gone."""
    for _ in range(100):
        try:
            return night(settings)
        except RunLockError:
            time.sleep(0.1)
    raise AssertionError("the killed run still holds the warehouse")


def check_kills(begin: Callable[[], Settings], shares: list[float]) -> None:
    """Kill the night at these shares of its steps, and compare with the undisturbed night."""
    settings = begin()
    steps = play_counting(settings)
    undisturbed = outcome(settings)
    assert len(undisturbed[LEDGER]) > 100
    for share in shares:
        settings = begin()
        kill(settings, int(share * steps))
        run_again(settings)
        assert outcome(settings) == undisturbed, f"killed at {share} of {steps} steps"


def test_a_killed_night_is_finished_by_the_next(second_night: Callable[[], Settings]) -> None:
    check_kills(second_night, [0.3, 0.6, 0.8, 0.95])


@pytest.mark.all
def test_a_night_killed_at_any_step_is_finished_by_the_next(
    second_night: Callable[[], Settings],
) -> None:
    check_kills(second_night, [number / 80 for number in range(80)])


def test_a_landing_that_is_finished_later_at_the_same_clock_gets_its_snapshot(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        open_business(source)
    land_table = billing_db._land_table

    def land_prices_only(*arguments: Any) -> Load:
        if arguments[-1].stream.name == "subscription_plans":
            raise LoadFailed("the network is gone")
        return land_table(*arguments)

    first, second = (replace(settings, now=now) for now in (FIRST_NIGHT, SECOND_NIGHT))
    with monkeypatch.context() as patched:
        patched.setattr(billing_db, "_land_table", land_prices_only)
        assert [result.is_failed for result in pipeline.sync(first, ["billing_db"])] == [True]
    pipeline.sync(first, ["billing_db"])
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        change_business(source)
    pipeline.sync(second, ["billing_db"])
    discounts = golden.query(
        settings,
        "select discount_value, known_from from snapshots.snap_billing_db__subscription_plans"
        " where source_key = '1' order by known_from",
    )
    assert [tuple(row.values()) for row in discounts] == [
        ("12.500000", str(FIRST_NIGHT)),
        ("33.000000", str(SECOND_NIGHT)),
    ]
