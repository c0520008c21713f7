"""The CSV files of `seeds/`, landed like any source: what the ledger reads has known time (L6a).

A file in the folder `LEDGERHOUSE_SEEDS_DIR` replaces the project's of the same name (O3).
"""

import csv
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ingestion.landing import EVERYTHING, Load, LoadFailed, Stream, open_load
from ingestion.run import Run
from ingestion.settings import PROJECT
from ingestion.warehouse import connect

NAME = "seeds"
REQUIRES = ()

# Reviewed in git and always complete: a file may lose any share of its rows, or all.
WHOLE_FILE = replace(EVERYTHING, may_be_empty=True)

# The columns that name a row. A file that is not here is not landed.
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
    "deal_terms": ("partner_id", "filter_set_id", "effective_from"),
    "disposition_statuses": ("status",),
    "disposition_map": ("partner_id", "raw_status", "effective_from"),
    "disposition_columns": ("partner_id", "column_name"),
    "call_campaigns": ("campaign_id", "effective_from"),
}
STREAMS = [Stream(NAME, name, key=("row_key",), max_deleted_share=1.0) for name in KEYS]

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


def is_configured(run: Run) -> bool:
    """Tell that seeds are always there."""
    return True


def sync(run: Run) -> list[Load]:
    """Land every seed whole; rows that are gone from a file are deleted versions."""
    with connect(run.settings) as warehouse:
        loads = []
        for stream in STREAMS:
            with open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at) as load:
                for row in read_seed(run, stream.name):
                    load.add(row)
                load.complete(scope=WHOLE_FILE)
            loads.append(load)
    return loads


def read_seed(run: Run, name: str) -> list[dict[str, str | None]]:
    """Return a seed's rows, blanks as null, with their `row_key`.

    Raises LoadFailed for a bad header, a twin key, or a value that is not of its column's form.
    """
    return _rows(_path(run, name), KEYS[name])


def _path(run: Run, name: str) -> Path:
    for folder in (run.settings.seeds_directory, PROJECT / "seeds"):
        if folder and (folder / f"{name}.csv").exists():
            return folder / f"{name}.csv"
    raise LoadFailed(f"The seed {name}.csv is neither in LEDGERHOUSE_SEEDS_DIR nor in seeds/.")


def _rows(path: Path, key: tuple[str, ...]) -> list[dict[str, str | None]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in key if name not in (reader.fieldnames or [])]
        if missing:
            raise LoadFailed(f"{path.name} has no column {', '.join(missing)}.")
        rows, seen = [], {}
        for row in reader:
            where = f"{path.name} line {reader.line_num}"
            if None in row or None in row.values():
                raise LoadFailed(f"{where} has another number of fields than the header.")
            values = {name: value.strip() or None for name, value in row.items()}
            _check(values, where)
            identity = tuple(values[name] or "" for name in key)
            if identity in seen:
                raise LoadFailed(
                    f"{where} repeats the key {', '.join(key)} of line {seen[identity]}. "
                    "Give one of them another effective date, or remove it."
                )
            seen[identity] = reader.line_num
            rows.append({"row_key": "|".join(identity)} | values)
        return rows


def _check(values: dict[str, str | None], where: str) -> None:
    for name, value in values.items():
        if value and (form := _form_missed(name, value)):
            raise LoadFailed(f"{where}: {name} is {value!r}, not {form}.")


def _form_missed(name: str, value: str) -> str | None:
    """Return what a value should be by its column's name, and is not; else None."""
    if name in DATES and not _is_date(value):
        return "a date of the calendar like 2026-01-31"
    if name in NUMBERS and not NUMBER.fullmatch(value):
        return "a number like 1250.50"
    if name.startswith(TRUTHS) and value.lower() not in ("true", "false"):
        return "true or false"
    return None


def _is_date(text: str) -> bool:
    try:
        return bool(DATE.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False
