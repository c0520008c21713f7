"""MSP bills against their oracles: set_a line by line, and the history as known on each day."""

from pathlib import Path

import pytest

from tests.python import golden
from tests.python.completeness import assert_complete
from tests.python.msp import Msp, build, night, serve

SET_A = golden.GOLDEN / "msp/set_a"
HISTORY = golden.GOLDEN / "msp/history"
DAYS = sorted(folder.name for folder in HISTORY.glob("20*"))

MONTH = (
    "cast(extract(year from bill_month) as integer) as year,"
    " cast(extract(month from bill_month) as integer) as month"
)
ENTITIES = ("account_number", "year", "month")
RATES = (
    *("per_user_cost", "per_workstation_cost", "per_server_cost", "per_vm_cost"),
    *("per_switch_cost", "per_firewall_cost", "per_hour_ticket_cost"),
    *("backup_base_fee_workstation", "backup_base_fee_server", "backup_included_tb"),
    "backup_per_tb_fee",
)
BILLS = f"""
select account_number, {MONTH}, status, is_closed,
    to_char(known_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as known_at, is_backfilled, exceptions,
    plan_name, term, support_level, user_charges, asset_charges, ticket_charges, backup_charges,
    line_item_charges, total, hours, prepaid_hours_monthly, prepaid_hours_yearly,
    prepaid_monthly_used, prepaid_yearly_used, prepaid_yearly_left, billable_hours, backup_bytes,
    backed_up_workstations, backed_up_servers, included_tb, overage_tb,
    {", ".join(f"rate_{rate}" for rate in RATES)},
    qty_users, qty_free_users, qty_custom_users, qty_unknown_users, qty_workstation, qty_server,
    qty_vm, qty_switch, qty_firewall, qty_custom, qty_no_charge, qty_unknown_assets,
    contract_ends_on as contract_end_date, is_contract_expired as contract_expired
from marts.rpt_msp_bills
"""
CHARGES = f"""
select account_number, {MONTH}, line_key, kind, source, source_id, name, quantity, rate, amount
from marts.fct_msp_charges
"""
EXCEPTIONS = f"select account_number, {MONTH}, reason, source, source_id, detail" + (
    " from intermediate.int_msp_exceptions"
)
FEATURES = f"select account_number, {MONTH}, feature_type, feature_value, is_overridden" + (
    " from marts.rpt_msp_features"
)
LATE_CHANGES = (
    f"select account_number, {MONTH}, line_key, closed_amount, now_amount, difference"
    + (" from marts.rpt_msp_late_changes")
)


LEDGER = """
select entry_key, entry_kind, split_part(account_id, ':', 2), amount,
    to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as occurred_at,
    to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as recorded_at
from marts.fct_ledger_entries
"""
TOTALS = "select account_number, to_char(bill_month, 'YYYY-MM'), total from marts.rpt_msp_bills"


def rows(vendors: Msp, query: str) -> set[tuple[str, ...]]:
    """Return the rows of a query in the form of the golden files; each is there once."""
    found = [tuple(row.values()) for row in golden.query(vendors.settings, query)]
    assert len(found) == len(set(found))
    return {tuple(_golden_text(value) for value in row) for row in found}


def expected(path: Path, *, day: str | None = None) -> set[tuple[str, ...]]:
    """Return a golden file's rows, or those of its day without the day."""
    read = golden.read_csv(path)
    if day:
        read = [row for row in read if row.pop("as_of_day") == day]
    return {tuple(row.values()) for row in read}


def _golden_text(value: str) -> str:
    return {"True": "true", "False": "false"}.get(value, value)


def test_set_a_is_billed_line_by_line(vendors: Msp) -> None:
    serve(vendors.stores, SET_A)
    night(vendors, "2026-01-10", SET_A / "seeds", "2025-01")
    wanted = {("2025", month) for month in ("1", "2", "3", "6", "12")} | {("", "")}
    for name, query in (
        ("charges", CHARGES),
        ("bills", BILLS),
        ("exceptions", EXCEPTIONS),
        ("features", FEATURES),
    ):
        ours = {row for row in rows(vendors, query) if row[1:3] in wanted}
        assert ours == expected(SET_A / f"expected/{name}.csv"), name
    assert_complete(vendors.settings, msp_first_month="2025-01")


@pytest.mark.all
def test_history_is_billed_as_known_on_each_day(vendors: Msp) -> None:
    booked: set[tuple[str, ...]] = set()
    for day in DAYS:
        serve(vendors.stores, HISTORY / day)
        night(vendors, day, HISTORY / day / "seeds", "2024-12")
        for name, query in (
            ("bills_as_of", BILLS),
            ("late_changes", LATE_CHANGES),
            ("exceptions_as_of", EXCEPTIONS),
        ):
            assert rows(vendors, query) == expected(HISTORY / f"expected/{name}.csv", day=day), day
        before, booked = booked, rows(vendors, LEDGER)
        assert before <= booked, "a booked line was changed"
    assert rows(vendors, CHARGES) == expected(HISTORY / "expected/charges_last_day.csv")
    assert rows(vendors, FEATURES) == expected(HISTORY / "expected/features.csv")
    assert booked == expected(HISTORY / "expected/ledger.csv")
    assert_complete(vendors.settings, msp_first_month="2024-12")
    totals = {row[:2]: row[2] for row in rows(vendors, TOTALS)}
    for bill, total in hand_totals().items():
        assert totals.get(bill, "none") == total, bill

    golden.empty(vendors.settings, "intermediate", "marts")
    vendors.connection.execute(
        "delete from landing.build_watermarks where schema_name <> 'snapshots'"
    )
    build(vendors.settings, "2024-12")
    for name, query in (("bills_as_of", BILLS), ("late_changes", LATE_CHANGES)):
        assert rows(vendors, query) == expected(HISTORY / f"expected/{name}.csv", day=DAYS[-1])
    assert rows(vendors, LEDGER) == booked


def hand_totals() -> dict[tuple[str, str], str]:
    """Return the totals written by hand that hold on the last day; `none` is no bill."""
    return {
        (row["account_number"], row["month"]): row["total"]
        for row in golden.read_csv(HISTORY / "hand.csv")
        if not row["as_of_day"]
    }
