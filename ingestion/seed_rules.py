"""What the rows of a seed may say, as data, and when two of them are one (SPEC R12).

What is here is refused by file, line and column; what is only unclear is a warning.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from ingestion.folding import folded

log = logging.getLogger(__name__)

Row = dict[str, str | None]

# The columns that name a row. A file that is not here is not landed. Statuses come before the map
# that names them.
KEYS: dict[str, tuple[str, ...]] = {
    "billingo_companies": ("company_id",),
    "invoice_accounts": ("company_id", "partner_id"),
    "invoice_types": ("document_type",),
    "lead_types": ("lead_type",),
    "msp_asset_overrides": ("asset_id", "effective_from"),
    "msp_client_overrides": ("account_number", "effective_from"),
    "msp_custom_line_items": ("line_item_id", "effective_from"),
    "msp_device_types": ("device_type", "effective_from"),
    "msp_feature_overrides": ("account_number", "feature_type", "effective_from"),
    "msp_manual_assets": ("manual_asset_id", "effective_from"),
    "msp_manual_users": ("manual_user_id", "effective_from"),
    "msp_user_overrides": ("account_number", "user_id", "effective_from"),
    "deal_types": ("deal_type",),
    "transaction_types": ("transaction_type",),
    "deal_terms": ("partner_id", "filter_set_id", "effective_from"),
    "disposition_statuses": ("status",),
    "disposition_map": ("partner_id", "raw_status", "effective_from"),
    "disposition_columns": ("partner_id", "column_name"),
    "call_campaigns": ("campaign_id", "effective_from"),
    "no_money_reasons": ("reason",),
}
# Columns of a key that may be blank: all filter sets, ever.
BLANK_IN_KEY = ("filter_set_id", "effective_from")
# Columns that a file must have besides its key: without them every row would mean nothing.
NEEDED: dict[str, tuple[str, ...]] = {
    "billingo_companies": ("key_variable", "is_active", "has_payments", "has_spendings"),
    "call_campaigns": ("kind",),
    "deal_terms": ("deal_type",),
    "deal_types": ("business_unit",),
    "disposition_columns": ("field",),
    "disposition_map": ("status",),
    "disposition_statuses": ("is_converted", "is_final"),
    "transaction_types": ("counts_as",),
}

# Where a disposition's column may lead (`ingestion/sources/dispositions.py`).
DISPOSITION_FIELDS = (
    *("lead_id", "call_id", "buyer_lead_ref", "phone", "email", "status", "status_date"),
    *("sale_amount", "returned", "return_reason", "agent_notes"),
)
# What a column may say; a blank says nothing, and is read as the column's default.
ALLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("call_campaigns", "kind"): ("cbm", "lead_call", "transfer"),
    ("call_campaigns", "policy"): ("equal", "first", "last", "most_recent_sale"),
    ("deal_terms", "rate_basis"): ("per_sale", "percent_of_value", "per_transfer"),
    ("deal_types", "business_unit"): ("leads", "calls", "msp"),
    ("deal_types", "paid_on"): ("sale", "conversion"),
    ("disposition_columns", "field"): DISPOSITION_FIELDS,
    ("transaction_types", "counts_as"): ("sale", "refund", "nothing"),
}
# A month that no calendar has would never be billed; a rate beyond these makes no money.
RANGES: dict[tuple[str, str], tuple[int, int]] = {
    ("msp_custom_line_items", "one_off_month"): (1, 12),
    ("msp_custom_line_items", "yearly_bill_month"): (1, 12),
    ("deal_terms", "rate"): (-1_000_000, 1_000_000),
}
# Columns that every row must fill besides its key.
FILLED: dict[str, tuple[str, ...]] = {
    "billingo_companies": NEEDED["billingo_companies"],
    "disposition_columns": NEEDED["disposition_columns"],
    "transaction_types": NEEDED["transaction_types"],
}
# Columns that must be filled where another one is.
TOGETHER = {("msp_custom_line_items", "one_off_year"): "one_off_month"}

# What staging would take for blank if it were written in another way, by the names of columns.
DATES = ("effective_from", "effective_to")
NUMBERS = (
    *("rate", "min_seconds", "expected_conversion_rate", "rank", "custom_cost"),
    *("monthly_fee", "one_off_fee", "one_off_year", "one_off_month", "yearly_fee"),
    *("yearly_bill_month", "per_user_cost", "per_workstation_cost", "per_server_cost"),
    *("per_vm_cost", "per_switch_cost", "per_firewall_cost", "per_hour_ticket_cost"),
    *("backup_base_fee_workstation", "backup_base_fee_server", "backup_included_tb"),
    *("backup_per_tb_fee", "prepaid_hours_monthly", "prepaid_hours_yearly"),
)
TRUTHS = ("is_", "has_", "override_")  # how such names begin
DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[-+]\d\d:\d\d)?)?")
NUMBER = re.compile(r"[-+]?(\d+[.]?\d*|[.]\d+)")

# Deal types that are paid on conversion where `deal_types.paid_on` does not say (SPEC D4a).
PAID_ON_CONVERSION = ("cpa", "cpt", "warm_transfer")


def wrong_value(seed: str, row: Row) -> tuple[str, str] | None:
    """Return the first column of a row that cannot be read, and what it should be; else None."""
    for name, value in row.items():
        if value and (form := _form_missed(seed, name, value)):
            return name, f"{value!r}, not {form}"
    for name in KEYS[seed]:
        if row[name] is None and name not in BLANK_IN_KEY:
            return name, "blank, and names the row"
    for name in FILLED.get(seed, ()):
        if row[name] is None:
            return name, "blank"
    for (owner, name), other in TOGETHER.items():
        if seed == owner and row.get(other) and not row.get(name):
            return name, f"blank, and {other} is not"
    return None


def filled(row: Row, name: str) -> str:
    """Return the value of a column that every row fills; raises KeyError where it is blank."""
    value = row[name]
    if value is None:
        raise KeyError(name)
    return value


def folded_key(seed: str, row: Row) -> tuple[object, ...]:
    """Return a row's key as the models compare it: two rows of one folded key are one."""
    return tuple(_folded(seed, name, row[name]) for name in KEYS[seed])


def overlaps(seed: str, rows: dict[int, Row]) -> Iterator[str]:
    """Yield a warning for any two rows of one key, by line, that are effective at once.

    The one that is effective later rules (SPEC R12).
    """
    of_key: dict[tuple[object, ...], list[tuple[datetime, int]]] = defaultdict(list)
    for line, row in rows.items():
        if "effective_to" in row:
            *key, begins = folded_key(seed, row)
            if isinstance(begins, datetime):
                of_key[tuple(key)].append((begins, line))
    for begins in of_key.values():
        begins.sort()
        for (_, line), (following, next_line) in zip(begins, begins[1:], strict=False):
            ends = rows[line]["effective_to"]
            if not ends or _moment(seed, ends) > following:
                yield (
                    f"{seed}.csv line {line} and line {next_line} are effective at once: line "
                    f"{next_line} rules from {rows[next_line]['effective_from']}. End line {line} "
                    "there to say so."
                )


def idle_bases(terms: dict[int, Row], deal_types: list[Row]) -> Iterator[str]:
    """Yield a warning for a `rate_basis` on a deal type that is not paid on conversion (D4a)."""
    paid_on = {row["deal_type"]: row.get("paid_on") for row in deal_types}
    for line, row in terms.items():
        deal_type = row["deal_type"]
        is_converted = deal_type in PAID_ON_CONVERSION
        if paid_on.get(deal_type):
            is_converted = paid_on[deal_type] == "conversion"
        if row.get("rate_basis") and deal_type in paid_on and not is_converted:
            yield (
                f"deal_terms.csv line {line}: rate_basis {row['rate_basis']} counts for nothing, "
                f"{deal_type} is paid on the sale. Leave it blank."
            )


def _form_missed(seed: str, name: str, value: str) -> str | None:
    """Return what a value should be by its column, and is not; else None."""
    if name in DATES and not _is_date(value):
        return "a date of the calendar like 2026-01-31"
    if name in NUMBERS and not NUMBER.fullmatch(value):
        return "a number like 1250.50"
    if name.startswith(TRUTHS) and value.lower() not in ("true", "false"):
        return "true or false"
    if (allowed := ALLOWED.get((seed, name))) and value not in allowed:
        return f"one of {', '.join(allowed)}"
    if limits := RANGES.get((seed, name)):
        low, high = limits
        if not low <= Decimal(value) <= high:
            return f"from {low} to {high}"
    return None


def _is_date(text: str) -> bool:
    try:
        return bool(DATE.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _folded(seed: str, name: str, value: str | None) -> object:
    if name == "effective_from":
        return _moment(seed, value) if value else datetime.min
    if name in ("raw_status", "transaction_type", "device_type", "column_name"):
        return folded(value or "")
    return value or ""


def _moment(seed: str, text: str) -> datetime:
    """Return a date as staging reads it: the rows of MSP by the day, others by the UTC second."""
    moment = datetime.fromisoformat(text[:10] if seed.startswith("msp_") else text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
