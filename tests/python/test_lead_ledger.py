"""The mortgage ledger against its oracles: every worked scenario and golden_a, entry by entry."""

from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from tests.python import golden
from tests.python.completeness import assert_complete

WORKED = sorted((golden.GOLDEN / "lead_ledger/worked").iterdir())
SETS = [*WORKED, golden.unpacked("lead_ledger/golden_a")]

ENTRIES = """
select entry_id, entry_key, entry_kind, deal_type, business_unit, account_id, lead_id,
    occurred_at, recorded_at, quantity, list_amount, discount_amount, amount,
    split_part(price_version_id, ':', 2) as price_row_id,
    split_part(terms_version_id, ':', 2) as plan_row_id, price_version_id, terms_version_id
from marts.fct_ledger_entries
"""
EXCEPTIONS = "select entry_key, deal_type, reason, since from marts.ledger_exceptions"
EVERYTHING = "select * from marts.fct_ledger_entries"
VERSIONS = """
select 'price' as table_name, source_key, known_from, known_to, is_deleted, price as figure
from snapshots.snap_billing_db__product_prices
union all
select 'plan', source_key, known_from, known_to, is_deleted, discount_value
from snapshots.snap_billing_db__subscription_plans
"""
LOST_VERSIONS = """
select source_key, loaded_at from landing.billing_db__product_prices
except
select source_key, known_from from snapshots.snap_billing_db__product_prices
"""


@pytest.mark.parametrize("scenario", SETS, ids=lambda folder: folder.name)
def test_ledger_equals_the_oracle_day_by_day(scenario: Path, settings: Settings) -> None:
    play(scenario, settings)

    assert golden.by(golden.query(settings, ENTRIES), "entry_id") == golden.by(
        golden.read_csv(scenario / "expected/ledger_entries.csv"), "entry_id"
    )
    assert_sales_ledger(scenario, settings)
    assert_as_billed_on_each_day(scenario, settings)
    if scenario.name == "golden_a":
        assert_complete(settings)
        golden.assert_the_same_at_once(settings)


@pytest.mark.all
@pytest.mark.parametrize("scenario", WORKED, ids=lambda folder: folder.name)
def test_a_worked_scenario_is_the_same_at_once(scenario: Path, settings: Settings) -> None:
    play(scenario, settings)
    golden.assert_the_same_at_once(settings)


def play(scenario: Path, settings: Settings) -> None:
    """Run every night; after each, exceptions and totals are the oracle's, nothing is rewritten."""
    exceptions = golden.read_csv(scenario / "expected/exceptions_by_day.csv")
    totals = golden.by(golden.read_csv(scenario / "expected/ledger_by_day.csv"), "day")
    before: dict[tuple[str, ...], dict[str, str]] = {}
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        for day, now in golden.days(scenario):
            golden.load_day(source, day)
            golden.night(settings, now)
            date = day.name[4:]
            open_now = [
                {name: row[name] for name in ("entry_key", "deal_type", "reason", "since")}
                for row in exceptions
                if row["day"] == date
            ]
            assert golden.by(golden.query(settings, EXCEPTIONS), "entry_key") == golden.by(
                open_now, "entry_key"
            )
            entries = golden.by(golden.query(settings, EVERYTHING), "entry_id")
            assert before.items() <= entries.items(), "a booked row was changed"
            before = entries
            total = sum((Decimal(row["amount"]) for row in entries.values()), Decimal("0.00"))
            assert str(total) == totals[(date,)]["cumulative_net"]


def assert_sales_ledger(scenario: Path, settings: Settings) -> None:
    """L15: one row per delivery billed now, as the oracle has it."""
    expected = golden.read_csv(scenario / "expected/lead_sales_ledger.csv")
    ours = golden.query(
        settings,
        "select entry_key, lead_type, delivery_id, lead_id, mortgage_broker_id, delivered_at,"
        " list_price, discount, billed_amount,"
        " split_part(price_version_id, ':', 2) as price_row_id,"
        " split_part(terms_version_id, ':', 2) as plan_row_id, price_version_id,"
        " terms_version_id, first_recorded_at, times_corrected from marts.lead_sales_ledger",
    )
    assert golden.by(ours, "entry_key") == golden.by(expected, "entry_key")


def assert_as_billed_on_each_day(scenario: Path, settings: Settings) -> None:
    """L6: `recorded_at <= X` is what was billed on day X, also long after."""
    for row in golden.read_csv(scenario / "expected/ledger_by_day.csv"):
        found = golden.query(
            settings,
            "select coalesce(sum(amount), 0.00) as net from marts.fct_ledger_entries"
            " where recorded_at <= %s",
            row["recorded_at"],
        )
        assert found[0]["net"] == row["cumulative_net"]


def test_running_again_without_new_input_adds_no_row_anywhere(settings: Settings) -> None:
    scenario = golden.GOLDEN / "lead_ledger/worked/19_a_b_a"
    play(scenario, settings)
    rows = "select count(*) as rows from {}"
    tables = [
        f"{row['schemaname']}.{row['relname']}"
        for row in golden.query(
            settings,
            "select schemaname, relname from pg_stat_user_tables where relname not in"
            " ('load_runs', 'job_runs', 'build_watermarks') order by 1, 2",
        )
    ]
    before = {table: golden.query(settings, rows.format(table)) for table in tables}
    for _ in range(2):
        golden.night(settings, golden.days(scenario)[-1][1])
    assert {table: golden.query(settings, rows.format(table)) for table in tables} == before


@pytest.mark.all
def test_dropping_everything_but_raw_and_snapshots_gives_the_same_rows(
    settings: Settings,
) -> None:
    play(golden.GOLDEN / "lead_ledger/worked/18_equal_states_merge", settings)
    entries = golden.by(golden.query(settings, EVERYTHING), "entry_id")
    with connect(settings) as connection:
        for schema in ("marts", "intermediate", "staging"):
            connection.execute(f"drop schema {schema} cascade")
    pipeline.build(settings)
    assert golden.by(golden.query(settings, EVERYTHING), "entry_id") == entries


@pytest.mark.all
def test_full_refresh_gives_the_same_rows(settings: Settings) -> None:
    play(golden.GOLDEN / "lead_ledger/worked/13_delivery_deleted", settings)
    entries = golden.by(golden.query(settings, EVERYTHING), "entry_id")
    pipeline.build(settings, full_refresh=True)
    assert golden.by(golden.query(settings, EVERYTHING), "entry_id") == entries


def test_replayed_snapshots_equal_the_original_and_the_intervals_that_raw_implies(
    settings: Settings,
) -> None:
    play(golden.GOLDEN / "lead_ledger/worked/18_equal_states_merge", settings)
    versions = golden.by(golden.query(settings, VERSIONS), "source_key", "known_from", "table_name")
    assert len(versions) > 5
    pipeline.replay_snapshots(settings)
    again = golden.by(golden.query(settings, VERSIONS), "source_key", "known_from", "table_name")
    assert again == versions
    assert not golden.query(settings, LOST_VERSIONS)
