"""Invoices of a closed month as CSV files in the columns that QuickBooks imports."""

import csv
import io
import re
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from psycopg import Connection
from psycopg.rows import dict_row

from ingestion.settings import Settings
from ingestion.warehouse import connect, one_row
from orchestration.publish import read_published

COLUMNS = {
    "InvoiceNo": "invoice_number",
    "Customer": "customer",
    "InvoiceDate": "invoice_date",
    "DueDate": "due_date",
    "Item": "item",
    "Description": "description",
    "Qty": "quantity",
    "Rate": "rate",
    "Amount": "amount",
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class InvoiceError(Exception):
    """No invoice can be written; the message says why."""


def write_invoices(
    settings: Settings, month: str, folder: Path, account: str | None = None
) -> list[Path]:
    """Write one file per client with something to pay in `month` (yyyymm); returns their paths.

    From what is published, so that every test has passed (SPEC O4). Written again, the files are
    the same: closed months do not change. Raises InvoiceError for a month that is no month, is not
    closed, or has no bill.
    """
    if not re.fullmatch(r"\d{4}(0[1-9]|1[0-2])", month):
        raise InvoiceError(f"{month!r} is no month. Write it as 202601.")
    first_day = date(int(month[:4]), int(month[4:]), 1)
    with connect(settings) as connection:
        read_published(connection, settings)
        _refuse_unless_closed(connection, first_day, account)
        lines = connection.cursor(row_factory=dict_row).execute(
            "select * from rpt_msp_invoice_lines where bill_month = %(month)s"
            " and (%(account)s::text is null or account_number = %(account)s)"
            " order by account_number, item, line_key",
            {"month": first_day, "account": account},
        )
        written = []
        for number, invoice in groupby(lines, key=lambda line: line["invoice_number"]):
            path = folder / month / f"{_file_name(number)}.csv"
            _replace(path, _as_csv(list(invoice)))
            written.append(path)
    return written


def _refuse_unless_closed(connection: Connection, month: date, account: str | None) -> None:
    found = connection.execute(
        "select bool_and(is_closed) from rpt_msp_bills where bill_month = %(month)s"
        " and (%(account)s::text is null or account_number = %(account)s)",
        {"month": month, "account": account},
    )
    (is_closed,) = one_row(found)
    if is_closed is None:
        raise InvoiceError(f"There is no bill of {account or 'anybody'} for {month:%Y-%m}.")
    if not is_closed:
        raise InvoiceError(f"{month:%Y-%m} is not closed: its bills may still change.")


def _as_csv(lines: list[dict[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([_plain(line[name]) for name in COLUMNS.values()])
    return text.getvalue()


def _file_name(number: str) -> str:
    """Return the number of an invoice as the name of a file: no vendor's text leaves the folder.

    Whatever is no letter, digit, dot, dash or underline is written as its code, so that two numbers
    never share a file.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", lambda found: f"%{ord(found[0]):02X}", number)
    return re.sub(r"^\.", "%2E", name)[:200]


def _plain(value: object) -> object:
    """Return a number with at least two decimals and no needless zeros, and text as text.

    Spreadsheets run a text that begins like a formula; a quote before it says that it is none.
    """
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    if not isinstance(value, Decimal):
        return value
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(path)
