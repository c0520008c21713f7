"""Leads and calls against their oracles: every worked scenario and golden_a, entry by entry."""

from collections import Counter
from pathlib import Path

import pytest

from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import DbtError, run_dbt
from tests.python import golden
from tests.python.completeness import assert_complete
from tests.python.deals import SOURCES, nights
from tests.python.together import together

WORKED = sorted((golden.GOLDEN / "deals/worked").iterdir())

SECONDS = """'YYYY-MM-DD"T"HH24:MI:SS"Z"'"""
ENTRIES = f"""
select entry_id, entry_key, entry_kind, deal_type, business_unit, account_id, lead_id, call_id,
    to_char(occurred_at, {SECONDS}) as occurred_at, to_char(recorded_at, {SECONDS}) as recorded_at,
    quantity, amount, currency, reason, linked_entry_key as linked_key, component as what
from marts.fct_ledger_entries
"""
EXCEPTIONS = f"""
select entry_key, deal_type, reason, amount, to_char(since, {SECONDS}) as since
from marts.ledger_exceptions
"""
PARKED = f"""
select event_id, partner_id, reason, to_char(since, {SECONDS}) as since
from marts.rpt_parked_dispositions
"""
UNMAPPED = "select partner_id, raw_status, events from marts.rpt_unmapped_dispositions"
LEAD_PARTNERS = f"""
select lead_id, account_id, currency, sale, refunds, conversions, calls, net_revenue, disposition,
    to_char(disposition_at, {SECONDS}) as disposition_at, lead_age_days
from marts.boberdoo
"""
CALLS = f"""
select call_id, deal_type, account_id, campaign_id, to_char(started_at, {SECONDS}) as started_at,
    connect_seconds, lead_ids, currency, net_revenue, disposition
from marts.invoca_raw
"""
REVENUE = """
select revenue_date as day, business_unit, deal_type, account_id, currency, sum(booked) as booked,
    sum(reversed) as reversed, sum(refunded) as refunded, sum(net) as net
from marts.revenue group by 1, 2, 3, 4, 5
"""
EVERYTHING = "select * from marts.fct_ledger_entries"


def test_golden_a_equals_the_oracle_day_by_day_and_at_once(
    settings: Settings, tmp_path: Path
) -> None:
    scenario = golden.unpacked("deals/golden_a")
    play(scenario, settings, tmp_path)
    assert_views_equal(scenario, settings)
    assert_complete(settings)
    golden.assert_the_same_at_once(settings, golden.LEADS_AND_CALLS)


def test_the_worked_scenarios_equal_their_oracles_side_by_side(
    settings: Settings, tmp_path: Path
) -> None:
    """All in one warehouse, day by day: each comes out as if it were alone."""
    scenario = together(WORKED, tmp_path)
    play(scenario, settings, tmp_path)
    assert_views_equal(scenario, settings)
    assert_complete(settings)
    golden.assert_the_same_at_once(settings, golden.LEADS_AND_CALLS)


@pytest.mark.all
@pytest.mark.parametrize("scenario", WORKED, ids=lambda folder: folder.name)
def test_a_worked_scenario_equals_its_oracle_alone(
    scenario: Path, settings: Settings, tmp_path: Path
) -> None:
    play(scenario, settings, tmp_path)
    assert_views_equal(scenario, settings)
    golden.assert_the_same_at_once(settings, golden.LEADS_AND_CALLS)


def play(scenario: Path, settings: Settings, folder: Path) -> None:
    """Run every night; after each, all that is known is the oracle's, and nothing is rewritten."""
    for tonight in nights(scenario, settings, folder):
        golden.night(tonight, tonight.now, SOURCES, golden.LEADS_AND_CALLS)
        now = f"{tonight.now:%Y-%m-%dT%H:%M:%SZ}"
        ledger = [row for row in expected(scenario, "ledger") if row["recorded_at"] <= now]
        assert golden.by(golden.query(settings, ENTRIES), "entry_id") == golden.by(
            ledger, "entry_id"
        )
        for name, statement in (("exceptions", EXCEPTIONS), ("parked", PARKED)):
            assert as_set(golden.query(settings, statement)) == as_set(open_at(scenario, name, now))
        unmapped = [row for row in expected(scenario, "unmapped") if row.pop("as_of") == now]
        assert as_set(golden.query(settings, UNMAPPED)) == as_set(unmapped)


def expected(scenario: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of one of the oracle's files."""
    return golden.read_csv(scenario / f"expected/{name}.csv")


def open_at(scenario: Path, name: str, now: str) -> list[dict[str, str]]:
    """Return the rows of an oracle's intervals that are open at a known time."""
    return [
        row
        for row in expected(scenario, name)
        if row["since"] <= now and not "" < row.pop("until") <= now
    ]


def as_set(rows: list[dict[str, str]]) -> Counter:
    """Return the rows for comparison without order; two that are the same count twice."""
    return Counter(tuple(sorted(row.items())) for row in rows)


def assert_views_equal(scenario: Path, settings: Settings) -> None:
    """The views by lead, by call and by day hold what the oracle's files do."""
    assert_equal(scenario, settings, "lead_partner", LEAD_PARTNERS)
    assert_equal(scenario, settings, "calls", CALLS)
    assert_equal(scenario, settings, "revenue", REVENUE)


def assert_equal(scenario: Path, settings: Settings, name: str, statement: str) -> None:
    """The view holds exactly the rows of the oracle's file."""
    assert as_set(golden.query(settings, statement)) == as_set(expected(scenario, name))


BREAKS = {
    "assert_parts_of_a_call_are_its_revenue": (
        "29_",
        "update marts.fct_ledger_entries set amount = amount + 0.01"
        " where entry_id = (select max(entry_id) from marts.fct_ledger_entries"
        " where component = 'call')",
    ),
    "assert_revenue_equals_the_ledger": (
        "29_",
        "do $$ begin execute 'create or replace view marts.revenue as select * from ('"
        " || rtrim(pg_get_viewdef('marts.revenue'::regclass), ';')"
        " || ') as whole where account_id is null'; end $$",
    ),
    "assert_refunds_are_never_above_their_sale": (
        "04_",
        "update marts.fct_ledger_entries set amount = amount - 1000 where component = 'refund'",
    ),
    "assert_accrual_holds_every_booked_conversion": (
        "11_",
        "update marts.fct_ledger_entries set linked_entry_key = 'none'"
        " where component = 'conversion'",
    ),
}


@pytest.mark.parametrize("promise", BREAKS)
def test_a_broken_promise_fails_its_ledger_test(
    promise: str, settings: Settings, tmp_path: Path
) -> None:
    name, breaking = BREAKS[promise]
    play(next(path for path in WORKED if path.name.startswith(name)), settings, tmp_path)
    whole_history = {"whole_history": True}
    run_dbt(settings, "test", "--select", promise, variables=whole_history)
    with connect(settings) as connection:
        connection.execute(breaking)
    try:
        with pytest.raises(DbtError, match=promise):
            run_dbt(settings, "test", "--select", promise, variables=whole_history)
    finally:
        run_dbt(settings, "run", "--select", "revenue")


def test_rows_that_are_effective_at_once_are_a_warning_that_names_them(
    settings: Settings, tmp_path: Path
) -> None:
    """SPEC R12, D5: the later one rules, and the night goes on."""
    play(next(path for path in WORKED if path.name.startswith("11_")), settings, tmp_path)
    with connect(settings) as connection:
        connection.execute(
            "update snapshots.snap_seeds__deal_terms set source_key = 'twice', effective_from ="
            " '2026-01-02' where source_key = (select min(source_key) from"
            " snapshots.snap_seeds__deal_terms);"
            " insert into snapshots.snap_seeds__deal_terms select (jsonb_populate_record(terms,"
            ' \'{"source_key": "once", "effective_from": "2026-01-01"}\')).*'
            " from snapshots.snap_seeds__deal_terms as terms"
        )
    results = run_dbt(settings, "test", "--select", "assert_deal_configuration_rows_do_not_overlap")
    assert [result.status for result in results if result.kind == "test"] == ["warn"]


def test_running_again_without_new_input_adds_no_entry(settings: Settings, tmp_path: Path) -> None:
    scenario = next(path for path in WORKED if path.name.startswith("04_"))
    play(scenario, settings, tmp_path)
    entries = golden.query(settings, EVERYTHING)
    golden.build(settings, golden.LEADS_AND_CALLS)
    assert golden.query(settings, EVERYTHING) == entries


@pytest.mark.all
def test_full_refresh_gives_the_same_rows(settings: Settings, tmp_path: Path) -> None:
    scenario = next(path for path in WORKED if path.name.startswith("39_"))
    play(scenario, settings, tmp_path)
    entries = golden.by(golden.query(settings, EVERYTHING), "entry_id")
    pipeline.build(settings, full_refresh=True)
    assert golden.by(golden.query(settings, EVERYTHING), "entry_id") == entries
